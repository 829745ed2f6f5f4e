export { AclTable, allows, fixupAcl, maskDigests, OPEN_ACL, READ_ONLY_ACL } from './acl.ts'
export { type AuthOptions, type AuthProvider, AuthProviders, digestId } from './auth-providers.ts'
export { catchUpWatches } from './catch-up-watches.ts'
export { hostAddress } from './ip-address.ts'
export {
  hasPathShape,
  nameOf,
  parentPath,
  pathError,
  SYSTEM_PATHS,
  sequentialPath,
} from './paths.ts'
export {
  isWatcherType,
  type WatchedNode,
  type Watcher,
  WatchKind,
  type WatchSummary,
  WatchTable,
} from './watch-table.ts'
