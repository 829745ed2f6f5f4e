import type { ServerStatus } from '../server/index.ts'

/**
 * The number of znodes as Apache ZooKeeper shows it. It keeps the root under two names, the empty path and `/`, and
 * counts both (`DataTree.getNodeCount`): an empty server has 5.
 */
export function shownZnodeCount(status: ServerStatus): number {
  return status.tree.znodeCount + 1
}
