import { isZkError, ServerError } from '../client-node/index.ts'
import { ErrorCode } from '../wire/codes.ts'

/** How a command failed, in the words of zkCli. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  /** Stable name, for `--json`. */
  readonly code: string
  readonly path: string | null
  readonly exitCode: number
  /** Lines for the terminal; several in few cases. */
  readonly lines: readonly string[]

  constructor(
    code: string,
    message: string,
    details: {
      readonly path?: string | null
      readonly exitCode?: number
      readonly lines?: readonly string[]
      readonly cause?: unknown
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.path = details.path ?? null
    this.exitCode = details.exitCode ?? 1
    this.lines = details.lines ?? [message]
  }
}

/** The words of the command are wrong; nothing was sent. */
export function usageError(message: string, line: string = message): CommandError {
  return new CommandError('USAGE', message, { lines: [line] })
}

/** The exit code for a command that does not exist, as of shells. */
export const EXIT_COMMAND_NOT_FOUND = 127

type Describe = (path: string) => string

/** Errors that zkCli has a sentence for. */
const SENTENCES: ReadonlyMap<string, Describe> = new Map<string, Describe>([
  ['NO_NODE', (path) => `Node does not exist: ${path}`],
  ['NO_CHILDREN_FOR_EPHEMERALS', (path) => `Ephemerals cannot have children: ${path}`],
  ['NODE_EXISTS', (path) => `Node already exists: ${path}`],
  ['NOT_EMPTY', (path) => `Node not empty: ${path}`],
  ['NOT_READ_ONLY', (path) => `Not a read-only call: ${path}`],
  ['INVALID_ACL', (path) => `Acl is not valid : ${path}`],
  ['NO_AUTH', (path) => `Insufficient permission : ${path}`],
  ['BAD_ARGUMENTS', (path) => `Arguments are not valid : ${path}`],
  ['BAD_VERSION', (path) => `version No is not valid : ${path}`],
  ['QUOTA_EXCEEDED', (path) => `Quota has exceeded : ${path}`],
])

const RECONFIG_IN_PROGRESS =
  'Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)'
const NEW_CONFIG_NO_QUORUM =
  'No quorum of new config is connected and up-to-date with the leader of last committed config - ' +
  'try invoking reconfiguration after new servers are connected and synced'

/** What `KeeperException.getMessage` calls the other ones, by `code`. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['AUTH_FAILED', 'AuthFailed'],
  ['CLOSED', 'Session expired'],
  ['CONNECTION_LOSS', 'ConnectionLoss'],
  ['CONNECT_FAILED', 'ConnectionLoss'],
  ['NO_WATCHER', 'No such watcher'],
  ['SESSION_LOST', 'Session expired'],
  ['TIMEOUT', 'ConnectionLoss'],
  ['UNIMPLEMENTED', 'Unimplemented'],
])

/** And by number, where the client has no code of its own. */
const NAMES_BY_NUMBER: ReadonlyMap<number, string> = new Map<number, string>([
  [ErrorCode.reconfigDisabled, 'Reconfig is disabled'],
  [ErrorCode.throttledOp, 'Op throttled due to high load'],
  [ErrorCode.ephemeralOnLocalSession, 'Ephemeral node on local session'],
  [ErrorCode.sessionMoved, 'Session moved'],
  [ErrorCode.systemError, 'SystemError'],
])

/** The same failure in the words of zkCli. `path` stands in where the error names none. */
export function toCommandError(error: unknown, path: string | null = null): CommandError {
  if (error instanceof CommandError) return error
  if (!isZkError(error)) throw error
  const where = error.path ?? path
  const details = { path: where, cause: error }
  if (error.code === 'ABORTED' && error.cause instanceof CommandError) {
    return connectionLoss(where, error.cause.message)
  }
  if (error.code === 'INVALID_ARGUMENT') return new CommandError(error.code, error.message, details)
  const sentence = SENTENCES.get(error.code)?.(where ?? '')
  if (sentence !== undefined) return new CommandError(error.code, sentence, details)
  const name = NAMES.get(error.code)
  if (name === 'ConnectionLoss') return connectionLoss(where, reasonOf(error.message), error)
  if (name !== undefined) return new CommandError(error.code, keeperError(name, where), details)
  if (!(error instanceof ServerError)) return new CommandError(error.code, error.message, details)
  const { serverCode } = error
  if (serverCode === ErrorCode.reconfigInProgress) {
    return new CommandError(error.code, RECONFIG_IN_PROGRESS, details)
  }
  if (serverCode === ErrorCode.newConfigNoQuorum) {
    return new CommandError(error.code, NEW_CONFIG_NO_QUORUM, details)
  }
  const known = NAMES_BY_NUMBER.get(serverCode) ?? `Unknown error ${serverCode}`
  return new CommandError(error.code, keeperError(known, where), details)
}

/** `KeeperErrorCode = NoAuth for /a`, the text of `KeeperException`. */
export function keeperError(name: string, path: string | null): string {
  return `KeeperErrorCode = ${name}${path === null || path === '' ? '' : ` for ${path}`}`
}

/** No server answers; `reason` says why, and stands behind the text that zkCli has. */
export function connectionLoss(path: string | null, reason: string, cause?: unknown): CommandError {
  const message = `${keeperError('ConnectionLoss', path)} (${reason})`
  return new CommandError('CONNECTION_LOSS', message, { path, cause })
}

/** Without the operation and path that stand in front. */
function reasonOf(message: string): string {
  const colon = message.indexOf(': ')
  return colon === -1 ? message : message.slice(colon + 2)
}
