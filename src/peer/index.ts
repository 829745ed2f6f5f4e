export type { ForwardedRequest, Revalidation, RevalidationAnswer, Touches } from './bodies.ts'
export {
  DEFAULT_ELECTION_PORT_LIMITS,
  type ElectionHandler,
  ElectionPortError,
  type ElectionPortLimits,
  type ElectionPortOptions,
} from './election-options.ts'
export { ElectionPort } from './election-port.ts'
export type { LinkStatus } from './learner-link.ts'
export {
  DEFAULT_LEARNER_PORT_LIMITS,
  type LearnerPortHandler,
  type LearnerPortLimits,
  type LearnerPortOptions,
} from './learner-options.ts'
export { LearnerPort } from './learner-port.ts'
export type { PeerEnvironment } from './peer-environment.ts'
export type { SnapshotSink, SnapshotStream } from './snapshot.ts'
