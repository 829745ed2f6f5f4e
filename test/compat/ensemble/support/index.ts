export { expectEqualTrees, expectNoMismatches } from './equal-trees.ts'
export { KazooCrowd } from './kazoo-crowd.ts'
export { killInTurn } from './kills.ts'
export { Load } from './load.ts'
export { NamespacedNetwork } from './namespaces.ts'
export { exerciseAll } from './operations.ts'
export { ownMismatches } from './own-mismatches.ts'
export { skipWithoutServers } from './peers.ts'
export { Register, RegisterReader, RegisterWriter } from './registers.ts'
export { RoamingClient } from './roaming-client.ts'
export { SessionOwner } from './session-owner.ts'
export { SlowDisk } from './slow-disk.ts'
export { quantile } from './statistics.ts'
export {
  type SyncKind,
  synchronizations,
  writeUncommitted,
  writeZnodes,
} from './synchronization.ts'
export { withEnsemble } from './test-ensemble.ts'
export { differencesBetween, dumpTree } from './tree-dump.ts'
