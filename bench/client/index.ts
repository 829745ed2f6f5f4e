export type { MultiOp, Stat } from './jute.ts'
export {
  bool,
  buffer,
  CreateFlag,
  connectRequest,
  createBody,
  frame,
  int,
  long,
  multiBody,
  multiSucceeded,
  Op,
  pathVersionBody,
  readBody,
  readData,
  readNames,
  readPath,
  readStat,
  setBody,
} from './jute.ts'
export type { Reply, WireOptions } from './wire-client.ts'
export { ConnectionLost, WireClient } from './wire-client.ts'
