export { assert, InvariantError, unreachable } from './assert.ts'
export type { ServerId, SessionId, Zxid } from './ids.ts'
export { counterOf, epochOf, formatHex, makeZxid, NO_SESSION, NO_ZXID } from './ids.ts'
