export {
  type Acl,
  CREATOR_ALL_ACL,
  digestAcl,
  digestId,
  OPEN_ACL,
  PERMS,
  READ_ACL,
} from './acl.ts'
export type { CallOptions, RemovedKind, WatchedCall } from './client.ts'
export { ZooKeeper } from './client.ts'
export { connectIn } from './connect.ts'
export { type ConnectionTarget, parseConnectionString } from './connection-string.ts'
export type { Credentials } from './credentials.ts'
export type { ClientState, ConnectionEnd, StateChange } from './effects.ts'
export { type ClientEnvironment, type ClientNetwork, SILENT_LOGGER } from './environment.ts'
export {
  AbortedError,
  type AnyZkError,
  AuthFailedError,
  BadVersionError,
  ClosedError,
  ConnectError,
  ConnectionLossError,
  InvalidArgumentError,
  isZkError,
  NoAuthError,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  NotReadOnlyError,
  type Outcome,
  ProtocolError,
  ServerError,
  type ServerErrorCode,
  SessionLostError,
  TimeoutError,
  TooManyRequestsError,
  TransactionError,
  ZkError,
  type ZkErrorCode,
} from './errors.ts'
export type { MultiRead, ReadResult } from './multi-read.ts'
export type { ClientObserver, ObservedRequest } from './observer.ts'
export type { ClientOptions } from './options.ts'
export { DEFAULTS } from './options.ts'
export { join, nameOf, parentOf } from './paths.ts'
export type { Reconfiguration } from './reconfig.ts'
export type { Data, ReadData, Stat } from './records.ts'
export type { SaslAnswer, SaslExchange, SaslMechanism } from './sasl.ts'
export type { SrvRecord } from './server-list.ts'
export type { Session } from './session.ts'
export type { CreatedInTransaction, Transaction } from './transaction.ts'
export { OneShotWatch, PersistentWatch } from './watch.ts'
export type { WatchEvent, WatchEventType } from './watch-table.ts'
export type { CreateMode, CreateOptions } from './write-ops.ts'
