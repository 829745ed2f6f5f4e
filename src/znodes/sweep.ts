import { OwnerKind, ttlOf } from './owner-kind.ts'
import { PathTable, SEGMENTS } from './path-table.ts'
import type { Znode } from './znode.ts'

export interface SweepOptions {
  /**
   * A container that never had a child goes when it was made, or its data set, longer ago than this, ms; 0 = never
   * (`znode.container.maxNeverUsedIntervalMs`).
   */
  readonly neverUsedMaxMs: number
  /** Most paths to return. */
  readonly max: number
  /** About how many znodes to look at in one call; the next call goes on where this one stopped. */
  readonly examineMax: number
}

/** The znodes that may go by themselves, so that a sweep need not walk the tree. */
export class Sweepables {
  readonly #znodes: PathTable<Znode>
  #containerCount = 0
  /** Segment of the table where the next call goes on. */
  #segment = 0

  constructor(hashSeed: number) {
    this.#znodes = new PathTable(hashSeed)
  }

  get containerCount(): number {
    return this.#containerCount
  }

  get ttlCount(): number {
    return this.#znodes.size - this.#containerCount
  }

  /** Whether all such znodes were looked at since the round began; the next call begins a new one. */
  get isRoundOver(): boolean {
    return this.#segment === 0
  }

  /** A container or TTL node. */
  add(znode: Znode): void {
    this.#znodes.add(znode)
    if (znode.ownerKind === OwnerKind.container) this.#containerCount += 1
  }

  delete(znode: Znode): void {
    this.#znodes.delete(znode.path)
    if (znode.ownerKind === OwnerKind.container) this.#containerCount -= 1
  }

  /** @see sweepCandidates */
  candidates(nowMs: number, options: SweepOptions): string[] {
    const paths: string[] = []
    let examined = 0
    do {
      const znodes = this.#znodes.segment(this.#segment)
      examined += znodes.length
      for (const znode of znodes) {
        if (paths.length === options.max) break
        if (isOutlived(znode, nowMs, options)) paths.push(znode.path)
      }
      this.#segment = (this.#segment + 1) % SEGMENTS
    } while (this.#segment !== 0 && examined < options.examineMax && paths.length < options.max)
    return paths
  }
}

/**
 * Paths of empty containers that were used once (or never for long), and of TTL nodes without children whose data is
 * older than their TTL (`ContainerManager`). Each is to be deleted by a deleteContainer request, which checks again
 * that it is empty. Calls go round all such znodes; {@link Sweepables.isRoundOver}
 * tells the end of a round.
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
