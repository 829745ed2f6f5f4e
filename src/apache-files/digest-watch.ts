import { formatHex, type Zxid } from '../base/index.ts'
import type { SnapshotDigest } from '../wire/index.ts'

/** The version of digest that can be compared. */
const DIGEST_VERSION = 2

/**
 * Judges whether the state becomes what the server had. A snapshot that was taken while transactions went on holds
 * effects of some that come after its zxid: until those are applied again, the tree is none that ever was, and its digest
 * says nothing. From the first equal digest on, every one has to be equal.
 */
export class DigestWatch {
  /** The state is exact from here on; null when the snapshot does not say. */
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
    if (!this.#isVerified) this.#mismatch ??= this.#inexact
  }

  #compare(zxid: Zxid, found: bigint, stated: bigint): void {
    if (found === stated) {
      this.#compared++
      this.#isVerified = true
      return
    }
    const text = `tree digest after ${formatHex(zxid)} is ${formatHex(found)}, not ${formatHex(stated)}`
    const mayDiffer = this.exactFrom === null ? !this.#isVerified : zxid < this.exactFrom
    if (mayDiffer) this.#inexact = text
    else this.#mismatch ??= text
  }
}
