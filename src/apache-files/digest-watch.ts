import { formatHex, type Zxid } from '../base/index.ts'
import type { SnapshotDigest } from '../wire/index.ts'

/** The version of digest that can be compared. */
const DIGEST_VERSION = 2

/**
 * Judges whether the state becomes what the server had. A snapshot that was taken while transactions went on holds
 * effects of some that come after its zxid: until those are applied again, the tree is none that ever was, and its digest
 * says nothing. From the first equal digest after that on, every one has to be equal.
 *
 * Upstream reads the digest after the znodes, while the next transaction is being applied: the znodes may hold its effects
 * and the digest not yet. (Seen with 3.8.0; its own check at a start counts that as a mismatch, once.) So after the zxid of
 * the digest the state is exact, or after the transaction that comes next.
 */
export class DigestWatch {
  /** The state is exact from here on, or from the next transaction; null when the snapshot does not say. */
  readonly exactFrom: Zxid | null
  readonly #snapshotDigest: bigint | null
  #compared = 0
  #isVerified = false
  #mismatch: string | null = null
  /** Of the last digest that differed while that was to be expected. */
  #inexact: string | null = null

  /** `digest`: what the snapshot of `zxid` ends in. */
  constructor(zxid: Zxid, digest: SnapshotDigest | null) {
    const isKnown = digest !== null && digest.zxid >= zxid
    this.exactFrom = isKnown ? digest.zxid : null
    this.#snapshotDigest = isKnown ? digest.treeDigest : null
  }

  /** Digests that were equal. */
  get compared(): number {
    return this.#compared
  }

  /** The last digest differed, which was to be expected; the next one tells. */
  get isInexact(): boolean {
    return this.#inexact !== null
  }

  /** What differed, in words; null when nothing did. */
  get mismatch(): string | null {
    return this.#mismatch
  }

  /** The tree has `treeDigest` after `zxid`; `stated` is what the transaction says. */
  onApplied(
    zxid: Zxid,
    treeDigest: bigint,
    stated: { readonly version: number; readonly treeDigest: bigint } | null,
  ): void {
    if (zxid === this.exactFrom && this.#snapshotDigest !== null) {
      this.#compare(zxid, treeDigest, this.#snapshotDigest)
    }
    if (stated !== null && stated.version === DIGEST_VERSION) {
      this.#compare(zxid, treeDigest, stated.treeDigest)
    }
  }

  /** Nothing follows. */
  end(): void {
    this.#mismatch ??= this.#inexact
  }

  #compare(zxid: Zxid, found: bigint, stated: bigint): void {
    if (found === stated) {
      this.#compared++
      this.#isVerified = true
      this.#inexact = null
      return
    }
    const text = `tree digest after ${formatHex(zxid)} is ${formatHex(found)}, not ${formatHex(stated)}`
    const mayDiffer = this.exactFrom === null ? !this.#isVerified : zxid <= this.exactFrom
    if (mayDiffer) this.#inexact = text
    else this.#mismatch ??= text
  }
}
