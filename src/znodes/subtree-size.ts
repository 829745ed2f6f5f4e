import type { SubtreeSize } from './quota.ts'
import type { Znode } from './znode.ts'

/** Walks the subtree without recursion: a path may have thousands of components. */
export function subtreeSize(top: Znode): SubtreeSize {
  let count = 0
  let bytes = 0
  const stack: Znode[] = [top]
  for (let znode = stack.pop(); znode !== undefined; znode = stack.pop()) {
    count += 1
    bytes += znode.dataLength
    for (let child = znode.firstChild; child !== null; child = child.nextSibling) stack.push(child)
  }
  return { count, bytes }
}
