export {
  type AdminAnswer,
  type AdminCommand,
  type AdminContext,
  type AdminControl,
  NOT_SERVING,
  renderAnswer,
  renderFailure,
  type StartFacts,
} from './admin-document.ts'
export { ADMIN_COMMANDS, findAdminCommand } from './commands.ts'
export { type JsonValue, jsonObject, RawNumber, renderJson } from './json.ts'
