export { AclTable, allows, fixupAcl, maskDigests, OPEN_ACL, READ_ONLY_ACL } from './acl.ts'
export type { ApplyResult } from './apply.ts'
export { type AuthOptions, type AuthProvider, AuthProviders, digestId } from './auth-providers.ts'
export { type ChangeLookup, catchUpWatches } from './catch-up-watches.ts'
export { ChangeTracker, type ZnodeChange } from './change-tracker.ts'
export { type ChangeEvents, DataTree, type DataTreeOptions } from './data-tree.ts'
export { DIGEST_VERSION } from './digest.ts'
export { hostAddress } from './ip-address.ts'
export { OwnerKind, ownerKind, ttlOf } from './owner-kind.ts'
export {
  hasPathShape,
  nameOf,
  parentPath,
  pathError,
  SYSTEM_PATHS,
  sequentialPath,
} from './paths.ts'
export { PendingChanges } from './pending-changes.ts'
export { type PreparedTxn, type PrepareOptions, WritePreparer } from './prepare.ts'
export type { WriteOrigin } from './prepare-context.ts'
export { wantsEphemeral } from './prepare-create.ts'
export { type NamespaceQuota, quotasByNamespace } from './quota-usage.ts'
export { type SweepOptions, sweepCandidates } from './sweep.ts'
export { type CapturedAcl, TreeCapture } from './tree-capture.ts'
export {
  isWatcherType,
  type WatchedNode,
  type Watcher,
  WatchKind,
  type WatchObserver,
  type WatchSummary,
  WatchTable,
} from './watch-table.ts'
export { Znode, type ZnodeRow } from './znode.ts'
