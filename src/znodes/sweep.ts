import { OwnerKind, ttlOf } from './owner-kind.ts'
import type { Znode } from './znode.ts'
import { ZnodeSet } from './znode-set.ts'

export interface SweepOptions {
  /**
   * A container that never had a child goes when it was made, or its data set, longer ago than this, ms; 0 = never
   * (`znode.container.maxNeverUsedIntervalMs`).
   */
  readonly neverUsedMaxMs: number
  /** Most paths to return. */
  readonly max: number
  /** Most znodes to look at in one call; the next call goes on where this one stopped. */
  readonly examineMax: number
}

/** The znodes that may go by themselves, so that a sweep need not walk the tree. */
export class Sweepables {
  readonly #containers = new ZnodeSet<Znode>()
  readonly #ttlZnodes = new ZnodeSet<Znode>()
  #cursor: Iterator<Znode> | null = null

  get containerCount(): number {
    return this.#containers.size
  }

  get ttlCount(): number {
    return this.#ttlZnodes.size
  }

  add(znode: Znode): void {
    if (znode.ownerKind === OwnerKind.container) this.#containers.add(znode)
    else if (znode.ownerKind === OwnerKind.ttl) this.#ttlZnodes.add(znode)
  }

  delete(znode: Znode): void {
    if (znode.ownerKind === OwnerKind.container) this.#containers.delete(znode)
    else if (znode.ownerKind === OwnerKind.ttl) this.#ttlZnodes.delete(znode)
  }

  /** @see sweepCandidates */
  candidates(nowMs: number, options: SweepOptions): string[] {
    const paths: string[] = []
    this.#cursor ??= this.#all()
    for (
      let examined = 0;
      examined < options.examineMax && paths.length < options.max;
      examined++
    ) {
      const next = this.#cursor.next()
      if (next.done === true) {
        this.#cursor = null
        break
      }
      if (isOutlived(next.value, nowMs, options)) paths.push(next.value.path)
    }
    return paths
  }

  *#all(): IterableIterator<Znode> {
    yield* this.#containers
    yield* this.#ttlZnodes
  }
}

/**
 * Paths of empty containers that were used once (or never for long), and of TTL nodes without children whose data is
 * older than their TTL (`ContainerManager`). Each is to be deleted by a deleteContainer request, which checks again
 * that it is empty. Calls go round all such znodes; a round ends with a call that looks at fewer than `examineMax`.
 */
export function sweepCandidates(
  tree: { readonly sweepables: Sweepables },
  nowMs: number,
  options: SweepOptions,
): string[] {
  return tree.sweepables.candidates(nowMs, options)
}

function isOutlived(znode: Znode, nowMs: number, { neverUsedMaxMs }: SweepOptions): boolean {
  if (znode.numChildren > 0) return false
  const ageMs = nowMs - znode.mtime
  if (znode.ownerKind === OwnerKind.ttl) return ageMs > ttlOf(znode.storedOwner)
  return znode.storedCversion > 0 || (neverUsedMaxMs > 0 && ageMs > neverUsedMaxMs)
}
