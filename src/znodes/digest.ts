import { CRC32_START, crc32Latin1, crc32Utf8, crc32View, type Zxid } from '../base/index.ts'
import type { ByteString } from '../wire/records.ts'

/** Version of the digest in transactions: a sum over the znodes (`DigestCalculator.DIGEST_VERSION`). */
export const DIGEST_VERSION = 2

/** What the digest of a znode covers; its ACL is not part of it. */
export interface DigestedZnode {
  readonly path: string
  readonly data: ByteString | null
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  readonly storedCversion: number
  readonly aversion: number
  /** Session id, or the bit pattern of a container or TTL node. */
  readonly storedOwner: bigint
}

const STAT_BYTES = 60
const stat = new DataView(new ArrayBuffer(STAT_BYTES))

/**
 * Digest of one znode as an int32: CRC-32 of path (empty for the root), data and 60 bytes of stat. Each znode keeps
 * it, so that a change costs one computation: the old value is subtracted from the sum, the new one added.
 */
export function znodeDigest(znode: DigestedZnode): number {
  stat.setBigInt64(0, znode.czxid)
  stat.setBigInt64(8, znode.mzxid)
  stat.setBigInt64(16, znode.pzxid)
  setInt64(24, znode.ctime)
  setInt64(32, znode.mtime)
  stat.setInt32(40, znode.version)
  stat.setInt32(44, znode.storedCversion)
  stat.setInt32(48, znode.aversion)
  stat.setBigInt64(52, znode.storedOwner)
  const path = znode.path
  let crc = path === '/' ? CRC32_START : crc32Utf8(CRC32_START, path)
  if (znode.data !== null) crc = crc32Latin1(crc, znode.data)
  return ~crc32View(crc, stat, STAT_BYTES)
}

/** Znodes below `/zookeeper/` are left out of the tree digest: the servers may differ there. */
export function isBelowSystemRoot(path: string): boolean {
  return path.startsWith('/zookeeper/')
}

function setInt64(offset: number, value: number): void {
  stat.setInt32(offset, Math.floor(value / 0x1_0000_0000))
  stat.setInt32(offset + 4, value >>> 0)
}

/** A sum of znode digests with int64 wrap-around, as two halves: bigint arithmetic would cost ten times as much. */
export class DigestSum {
  /** 0 to 2^32 − 1. */
  #low = 0
  /** int32. */
  #high = 0

  /** Adds an int32 taken as unsigned. */
  add(digest: number): void {
    const sum = this.#low + (digest >>> 0)
    if (sum < 0x1_0000_0000) {
      this.#low = sum
    } else {
      this.#low = sum - 0x1_0000_0000
      this.#high = (this.#high + 1) | 0
    }
  }

  subtract(digest: number): void {
    const difference = this.#low - (digest >>> 0)
    if (difference >= 0) {
      this.#low = difference
    } else {
      this.#low = difference + 0x1_0000_0000
      this.#high = (this.#high - 1) | 0
    }
  }

  copyFrom(other: DigestSum): void {
    this.#low = other.#low
    this.#high = other.#high
  }

  equals(sum: bigint): boolean {
    stat.setBigInt64(0, sum)
    return stat.getInt32(0) === this.#high && stat.getUint32(4) === this.#low
  }

  /** The sum as on the wire, int64. */
  toBigInt(): bigint {
    stat.setInt32(0, this.#high)
    stat.setInt32(4, this.#low)
    return stat.getBigInt64(0)
  }
}
