import { readTree } from '../../support/index.ts'

/** `host,port,start time` of a server, and the same in the name of a file. */
const SERVER = /localhost(?:,|%2C)\d+(?:,|%2C)\d+/g

/** Names of files end with a time. */
const FILE_TIME = /\.\d{13}/g

/** A path without what is of this run alone. */
export function nameOf(path: string): string {
  return path.replaceAll(SERVER, 'SERVER').replaceAll(FILE_TIME, '.TIME')
}

/** What is HBase's own and not of a moment in each znode: all but zxids, times and the bytes of its data. */
export async function treeShape(servers: string, znode: string): Promise<readonly string[]> {
  const shape: string[] = []
  for (const { path, data, acl, stat } of (await readTree(servers, znode)).values()) {
    const name = nameOf(path)
    const kind = stat.ephemeralOwner === 0n ? 'persistent' : 'ephemeral'
    shape.push(
      `${name} ${kind} ${acl} ${data.length > 0 ? `${stat.dataLength} bytes` : 'empty'} ` +
        `version ${stat.version} cversion ${stat.cversion} children ${stat.numChildren}`,
    )
  }
  return shape.toSorted()
}
