import { OpCode } from '../wire/index.ts'
import type { Request } from './call.ts'

/** Stands for connecting, which is no request of the protocol. */
export const START: Request<void> = {
  op: 'connect',
  path: null,
  type: 0,
  isWrite: false,
  write: () => {},
  read: () => {},
}

/** Ends the session. */
export const CLOSE: Request<void> = { ...START, op: 'close', type: OpCode.closeSession }

/** Shows both sides that the other one is there. */
export const PING: Request<void> = { ...START, op: 'ping', type: OpCode.ping }
