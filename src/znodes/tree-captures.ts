import type { AclTable } from './acl.ts'
import { TreeCapture } from './tree-capture.ts'
import type { Znode } from './znode.ts'

/** The running captures of a tree, and the slots in which they keep what they know of each znode. */
export class TreeCaptures {
  /** Slots below `#slotsEnd` that no znode has: taken again first, so that slots stay dense. */
  #freeSlots: number[] = []
  #slotsEnd = 0
  #running: TreeCapture[] | null = null

  begin(
    tree: ConstructorParameters<typeof TreeCapture>[0],
    root: Znode,
    acls: AclTable,
  ): TreeCapture {
    const capture = new TreeCapture(tree, root, acls, this.#slotsEnd, (ended) => {
      const others = this.#running!.filter((other) => other !== ended)
      this.#running = others.length === 0 ? null : others
    })
    this.#running = [...(this.#running ?? []), capture]
    return capture
  }

  /** The tree is another one from now on. */
  endAll(): void {
    for (const capture of this.#running ?? []) capture.end()
  }

  /** Gives a znode its slot: to be called when it enters the tree. */
  link(znode: Znode): void {
    const free = this.#freeSlots.pop()
    if (free === undefined) this.#slotsEnd += 1
    znode.slot = free ?? this.#slotsEnd - 1
  }

  unlink(znode: Znode): void {
    this.#freeSlots.push(znode.slot)
  }

  /** A new znode is in the tree. */
  created(znode: Znode): void {
    if (this.#running === null) return
    for (const capture of this.#running) capture.created(znode)
  }

  willChange(znode: Znode): void {
    if (this.#running === null) return
    for (const capture of this.#running) capture.willChange(znode)
  }

  willDelete(znode: Znode): void {
    if (this.#running === null) return
    for (const capture of this.#running) capture.willDelete(znode)
  }
}
