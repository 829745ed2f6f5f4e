/** Opcodes of requests and types of transactions (`ZooDefs.OpCode`). */
export const OpCode = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const
export type OpCode = (typeof OpCode)[keyof typeof OpCode]

/** Error codes of replies (`KeeperException.Code`). Only codes a server may send. */
export const ErrorCode = {
  ok: 0,
  systemError: -1,
  runtimeInconsistency: -2,
  marshallingError: -5,
  unimplemented: -6,
  badArguments: -8,
  unknownSession: -12,
  newConfigNoQuorum: -13,
  reconfigInProgress: -14,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidACL: -114,
  authFailed: -115,
  sessionMoved: -118,
  notReadOnly: -119,
  ephemeralOnLocalSession: -120,
  noWatcher: -121,
  reconfigDisabled: -123,
  sessionClosedRequireSaslAuth: -124,
  quotaExceeded: -125,
  throttledOp: -127,
} as const
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]

/** The `flags` of a create request (`CreateMode`). */
export const CreateMode = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTTL: 5,
  persistentSequentialWithTTL: 6,
} as const
export type CreateMode = (typeof CreateMode)[keyof typeof CreateMode]

/** What happened to a znode (`Watcher.Event.EventType`); only the values a server sends. */
export const EventType = {
  nodeCreated: 1,
  nodeDeleted: 2,
  nodeDataChanged: 3,
  nodeChildrenChanged: 4,
} as const
export type EventType = (typeof EventType)[keyof typeof EventType]

/** `KeeperState` of every event a server sends. */
export const SYNC_CONNECTED = 3

/** What checkWatches and removeWatches look for (`Watcher.WatcherType`). */
export const WatcherType = {
  children: 1,
  data: 2,
  any: 3,
  persistent: 4,
  persistentRecursive: 5,
} as const
export type WatcherType = (typeof WatcherType)[keyof typeof WatcherType]

/** Modes of addWatch (`AddWatchMode`). */
export const AddWatchMode = { persistent: 0, persistentRecursive: 1 } as const
export type AddWatchMode = (typeof AddWatchMode)[keyof typeof AddWatchMode]

/** Permission bits of an ACL entry (`ZooDefs.Perms`). */
export const Perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** xids with a meaning of their own. */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const

const OP_CODE_NAMES = namesOf(OpCode)
const ERROR_CODE_NAMES = namesOf(ErrorCode)

/** The name of an opcode or transaction type, e.g. `getData`; `unknown 42` for others. */
export function opCodeName(code: number): string {
  return OP_CODE_NAMES.get(code) ?? `unknown ${code}`
}

/** The name of an error code, e.g. `noNode`; `unknown -99` for others. */
export function errorCodeName(code: number): string {
  return ERROR_CODE_NAMES.get(code) ?? `unknown ${code}`
}

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name]))
}
