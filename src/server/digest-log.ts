import type { Zxid } from '../base/index.ts'

/** The tree digest after a transaction. */
export interface ZxidDigest {
  readonly zxid: Zxid
  /** 64 bits, signed. */
  readonly digest: bigint
}

/** Upstream notes every 128th transaction, and keeps 1024 (`DataTree.DIGEST_LOG_INTERVAL`, `DIGEST_LOG_LIMIT`). */
const INTERVAL_BITS = 7
const DIGESTS_MAX = 1024

/** Tree digests at round zxids, oldest first: two servers with the same history show the same ones (`hash`). */
export class DigestLog {
  #digests: ZxidDigest[] = []

  get digests(): readonly ZxidDigest[] {
    return this.#digests
  }

  /** Called after every transaction; `tree` is asked for its digest only at a round zxid. */
  onApplied(zxid: Zxid, tree: { digest(): bigint }): void {
    if (BigInt.asUintN(INTERVAL_BITS, zxid) !== 0n) return
    this.#digests.push({ zxid, digest: tree.digest() })
    if (this.#digests.length > DIGESTS_MAX) this.#digests.shift()
  }

  clear(): void {
    this.#digests = []
  }
}
