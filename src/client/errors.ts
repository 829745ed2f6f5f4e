import { ErrorCode, errorCodeName } from '../wire/index.ts'

/** What is known about the effect of a call that failed. A read has no effect: it is never `applied` or `unknown`. */
export type Outcome = 'applied' | 'not-applied' | 'unknown'

/** Stable names of failures: `error.code`. */
export type ZkErrorCode =
  | 'ABORTED'
  | 'AUTH_FAILED'
  | 'BAD_ARGUMENTS'
  | 'BAD_VERSION'
  | 'CLOSED'
  | 'CONNECTION_LOSS'
  | 'CONNECT_FAILED'
  | 'EPHEMERAL_ON_LOCAL_SESSION'
  | 'INVALID_ACL'
  | 'INVALID_ARGUMENT'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'NOT_READ_ONLY'
  | 'NO_AUTH'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NO_NODE'
  | 'NO_WATCHER'
  | 'PROTOCOL'
  | 'QUOTA_EXCEEDED'
  | 'RECONFIG'
  | 'SERVER_FAILURE'
  | 'SESSION_LOST'
  | 'TIMEOUT'
  | 'TOO_MANY_REQUESTS'
  | 'TRANSACTION_FAILED'
  | 'UNIMPLEMENTED'

/** Where a failure belongs and what it means for the caller. */
export interface ErrorDetails {
  readonly op?: string | null
  readonly path?: string | null
  readonly outcome?: Outcome
  readonly retryable?: boolean
  /** Of the reply that carried the error. */
  readonly zxid?: bigint | null
  readonly cause?: unknown
}

/** Every error of this client. `outcome` says whether the call may have had its effect all the same. */
export class ZkError extends Error {
  override readonly name: string = 'ZkError'
  readonly code: ZkErrorCode
  /** The method that failed, e.g. `create`. */
  readonly op: string | null
  readonly path: string | null
  /** The same call may succeed later. When `outcome` is `unknown`, it may then have its effect twice. */
  readonly retryable: boolean
  readonly outcome: Outcome
  readonly zxid: bigint | null

  /** For the client. */
  constructor(code: ZkErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.op = details.op ?? null
    this.path = details.path ?? null
    this.retryable = details.retryable ?? false
    this.outcome = details.outcome ?? 'not-applied'
    this.zxid = details.zxid ?? null
  }
}

/** Codes of answers that have no class of their own. */
export type ServerErrorCode =
  | 'BAD_ARGUMENTS'
  | 'EPHEMERAL_ON_LOCAL_SESSION'
  | 'INVALID_ACL'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NO_WATCHER'
  | 'QUOTA_EXCEEDED'
  | 'RECONFIG'
  | 'SERVER_FAILURE'
  | 'TOO_MANY_REQUESTS'
  | 'UNIMPLEMENTED'

/* ------------------------------------------------------------------ answers of a server */

export class NoNodeError extends ZkError {
  override readonly name: string = 'NoNodeError'
  declare readonly code: 'NO_NODE'
}
export class NodeExistsError extends ZkError {
  override readonly name: string = 'NodeExistsError'
  declare readonly code: 'NODE_EXISTS'
}
export class BadVersionError extends ZkError {
  override readonly name: string = 'BadVersionError'
  declare readonly code: 'BAD_VERSION'
}
export class NotEmptyError extends ZkError {
  override readonly name: string = 'NotEmptyError'
  declare readonly code: 'NOT_EMPTY'
}
export class NoAuthError extends ZkError {
  override readonly name: string = 'NoAuthError'
  declare readonly code: 'NO_AUTH'
}
export class AuthFailedError extends ZkError {
  override readonly name: string = 'AuthFailedError'
  declare readonly code: 'AUTH_FAILED'
}
/** The server that answered cannot reach a quorum and takes no writes. */
export class NotReadOnlyError extends ZkError {
  override readonly name: string = 'NotReadOnlyError'
  declare readonly code: 'NOT_READ_ONLY'
}
/** Any other answer of a server that is an error. */
export class ServerError extends ZkError {
  override readonly name: string = 'ServerError'
  declare readonly code: ServerErrorCode
  /** `KeeperException.Code`, e.g. -125. */
  readonly serverCode: number

  /** For the client. */
  constructor(code: ZkErrorCode, message: string, serverCode: number, details: ErrorDetails) {
    super(code, message, details)
    this.serverCode = serverCode
  }
}
/** One operation of a transaction was refused, so none was applied. */
export class TransactionError extends ZkError {
  override readonly name: string = 'TransactionError'
  declare readonly code: 'TRANSACTION_FAILED'
  /** Which operation, counted from 0. */
  readonly index: number
  /** Why that operation was refused. */
  override readonly cause: ZkError

  /** For the client. */
  constructor(index: number, cause: ZkError, details: ErrorDetails) {
    super('TRANSACTION_FAILED', `operation ${index} of a transaction: ${cause.message}`, details)
    this.index = index
    this.cause = cause
  }
}

/* ------------------------------------------------------------------ failures of the way to a server */

/** No server could be reached in time. */
export class ConnectError extends ZkError {
  override readonly name: string = 'ConnectError'
  declare readonly code: 'CONNECT_FAILED'
}
/** The connection broke before the answer came. */
export class ConnectionLossError extends ZkError {
  override readonly name: string = 'ConnectionLossError'
  declare readonly code: 'CONNECTION_LOSS'
}
/** The session is over, or may be: its ephemeral znodes are gone or will be. */
export class SessionLostError extends ZkError {
  override readonly name: string = 'SessionLostError'
  declare readonly code: 'SESSION_LOST'
}
/** No answer within the time the caller allowed. */
export class TimeoutError extends ZkError {
  override readonly name: string = 'TimeoutError'
  declare readonly code: 'TIMEOUT'
}
/** The caller's signal was aborted; `cause` is its reason. */
export class AbortedError extends ZkError {
  override readonly name: string = 'AbortError'
  declare readonly code: 'ABORTED'
}
/** The client was closed. */
export class ClosedError extends ZkError {
  override readonly name: string = 'ClosedError'
  declare readonly code: 'CLOSED'
}
/** More calls wait than `queuedCallsMax` allows. */
export class TooManyRequestsError extends ZkError {
  override readonly name: string = 'TooManyRequestsError'
  declare readonly code: 'TOO_MANY_REQUESTS'
}
/** A server sent what the protocol does not know. */
export class ProtocolError extends ZkError {
  override readonly name: string = 'ProtocolError'
  declare readonly code: 'PROTOCOL'
}
/** The caller's mistake: a bad path, option, value. Nothing was sent. */
export class InvalidArgumentError extends ZkError {
  override readonly name: string = 'InvalidArgumentError'
  declare readonly code: 'INVALID_ARGUMENT'
}

/** Every error of this client, told apart by its code: `if (error.code === 'TRANSACTION_FAILED') error.index`. */
export type AnyZkError =
  | AbortedError
  | AuthFailedError
  | BadVersionError
  | ClosedError
  | ConnectError
  | ConnectionLossError
  | InvalidArgumentError
  | NoAuthError
  | NodeExistsError
  | NoNodeError
  | NotEmptyError
  | NotReadOnlyError
  | ProtocolError
  | ServerError
  | SessionLostError
  | TimeoutError
  | TooManyRequestsError
  | TransactionError

/** Whether something that was thrown is an error of this client. */
export function isZkError(error: unknown): error is AnyZkError {
  return error instanceof ZkError
}

type Kind = readonly [
  code: ZkErrorCode,
  message: string,
  make?: new (code: ZkErrorCode, message: string, details: ErrorDetails) => ZkError,
]

const KINDS: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [ErrorCode.noNode, ['NO_NODE', 'no such znode', NoNodeError]],
  [ErrorCode.nodeExists, ['NODE_EXISTS', 'the znode exists', NodeExistsError]],
  [ErrorCode.badVersion, ['BAD_VERSION', 'the version is another one', BadVersionError]],
  [ErrorCode.notEmpty, ['NOT_EMPTY', 'the znode has children', NotEmptyError]],
  [ErrorCode.noAuth, ['NO_AUTH', 'the ACL does not allow it', NoAuthError]],
  [
    ErrorCode.sessionClosedRequireSaslAuth,
    ['AUTH_FAILED', 'the server serves only those who authenticate first', AuthFailedError],
  ],
  [ErrorCode.authFailed, ['AUTH_FAILED', 'the server refused the credentials', AuthFailedError]],
  [ErrorCode.notReadOnly, ['NOT_READ_ONLY', 'the server is read-only now', NotReadOnlyError]],
  [ErrorCode.sessionExpired, ['SESSION_LOST', 'the session has expired', SessionLostError]],
  [ErrorCode.noChildrenForEphemerals, ['NO_CHILDREN_FOR_EPHEMERALS', 'the parent is ephemeral']],
  [
    ErrorCode.ephemeralOnLocalSession,
    ['EPHEMERAL_ON_LOCAL_SESSION', 'the session is local to its server and has no ephemerals'],
  ],
  [ErrorCode.invalidACL, ['INVALID_ACL', 'the server does not accept the ACL']],
  [ErrorCode.badArguments, ['BAD_ARGUMENTS', 'the server does not accept the arguments']],
  [ErrorCode.marshallingError, ['BAD_ARGUMENTS', 'the server cannot read the request']],
  [ErrorCode.unimplemented, ['UNIMPLEMENTED', 'the server does not offer this operation']],
  [ErrorCode.noWatcher, ['NO_WATCHER', 'there is no such watch']],
  [ErrorCode.quotaExceeded, ['QUOTA_EXCEEDED', 'the quota is used up']],
  [ErrorCode.throttledOp, ['TOO_MANY_REQUESTS', 'the server is overloaded']],
  [ErrorCode.newConfigNoQuorum, ['RECONFIG', 'the new ensemble would have no quorum']],
  [ErrorCode.reconfigInProgress, ['RECONFIG', 'another reconfiguration is under way']],
  [ErrorCode.reconfigDisabled, ['RECONFIG', 'reconfiguration is switched off']],
])

const RETRYABLE: ReadonlySet<number> = new Set([
  ErrorCode.notReadOnly,
  ErrorCode.throttledOp,
  ErrorCode.newConfigNoQuorum,
  ErrorCode.reconfigInProgress,
])

/** The error for a code that a server answered. */
export function serverError(serverCode: number, details: ErrorDetails): ZkError {
  const kind = KINDS.get(serverCode)
  const [code, reason, make] = kind ?? ['SERVER_FAILURE', `error ${errorCodeName(serverCode)}`]
  const message = describe(reason, details)
  // A server that failed inside may have done the work before.
  const outcome: Outcome = kind === undefined ? (details.outcome ?? 'unknown') : 'not-applied'
  const all: ErrorDetails = { ...details, outcome, retryable: RETRYABLE.has(serverCode) }
  if (make !== undefined) return new make(code, message, all)
  return new ServerError(code, message, serverCode, all)
}

/** `create /a: no such znode`. */
export function describe(reason: string, { op, path }: ErrorDetails): string {
  const where = [op, path].filter((part) => part !== undefined && part !== null).join(' ')
  return where === '' ? reason : `${where}: ${reason}`
}
