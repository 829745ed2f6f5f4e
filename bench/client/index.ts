export type { AclEntry, MultiOp, Stat } from './jute.ts'
export {
  aclList,
  bool,
  buffer,
  CreateFlag,
  connectRequest,
  createBody,
  createTtlBody,
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
  setAclBody,
  setBody,
} from './jute.ts'
export type { Reply, WireOptions } from './wire-client.ts'
export { ConnectionLost, WireClient } from './wire-client.ts'
