export { type AskOptions, askServers } from './ask-servers.ts'
export { answerDocument, renderAnswer } from './render.ts'
export {
  type Evidence,
  type MissingServer,
  type PlacedEvent,
  readReport,
  type ServerReport,
} from './report.ts'
export { type LeaderAnswer, type LeaderVerdict, whyLeader } from './why-leader.ts'
export { type SessionAnswer, type SessionVerdict, whySession } from './why-session.ts'
