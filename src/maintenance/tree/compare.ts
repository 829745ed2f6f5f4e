import type { SnapshotZnode } from '../../wire/index.ts'

/** How a znode differs between two states. */
export interface Difference {
  readonly path: string
  /** `stat`: only times, zxids or versions. */
  readonly kind: 'acl' | 'data' | 'left only' | 'owner' | 'right only' | 'stat'
  readonly leftBytes: number | null
  readonly rightBytes: number | null
}

/** What differs between two states; `left` is read once, `right` once, both in any order. */
export function compareTrees(
  left: Iterable<SnapshotZnode>,
  right: Iterable<SnapshotZnode>,
): Difference[] {
  const others = new Map<string, SnapshotZnode>()
  for (const znode of right) others.set(znode.path, znode)
  const differences: Difference[] = []
  for (const znode of left) {
    const other = others.get(znode.path)
    others.delete(znode.path)
    const kind = other === undefined ? 'left only' : kindOf(znode, other)
    if (kind === null) continue
    differences.push({ path: znode.path, kind, leftBytes: size(znode), rightBytes: size(other) })
  }
  for (const znode of others.values()) {
    const { path } = znode
    differences.push({ path, kind: 'right only', leftBytes: null, rightBytes: size(znode) })
  }
  return differences.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function kindOf(a: SnapshotZnode, b: SnapshotZnode): Difference['kind'] | null {
  if ((a.data ?? '') !== (b.data ?? '')) return 'data'
  if (JSON.stringify(a.acl) !== JSON.stringify(b.acl)) return 'acl'
  if (a.storedOwner !== b.storedOwner) return 'owner'
  const isSame =
    a.czxid === b.czxid &&
    a.mzxid === b.mzxid &&
    a.pzxid === b.pzxid &&
    a.ctime === b.ctime &&
    a.mtime === b.mtime &&
    a.version === b.version &&
    a.storedCversion === b.storedCversion &&
    a.aversion === b.aversion
  return isSame ? null : 'stat'
}

function size(znode: SnapshotZnode | undefined): number | null {
  return znode === undefined ? null : (znode.data?.length ?? 0)
}
