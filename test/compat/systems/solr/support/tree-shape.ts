import { readTree } from '../../support/index.ts'

/** A path without what is of this run alone: ports, sessions, and which of two replicas was quicker. */
export function nameOf(path: string): string {
  return path
    .replaceAll(/127\.0\.0\.1:\d+_solr/g, 'NODE')
    .replaceAll(/\/\d{15,20}-/g, '/SESSION-')
    .replaceAll(/-core_node\d+-/g, '-CORE-')
}

/**
 * What of each znode does not depend on which node was quicker: its name, whether it is ephemeral or has data, its ACL and
 * how many children it has.
 */
export async function treeShape(servers: string, root: string): Promise<readonly string[]> {
  return [...(await readTree(servers, root)).values()]
    .map(({ path, data, acl, stat }) => {
      const kind = stat.ephemeralOwner === 0n ? 'persistent' : 'ephemeral'
      const content = data.length > 0 ? 'data' : 'empty'
      return `${nameOf(path)} ${kind} ${acl} ${content} children ${stat.numChildren}`
    })
    .toSorted()
}
