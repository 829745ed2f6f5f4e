import {
  type ByteString,
  fromByteString,
  toByteString,
  utf8ToByteString,
  type Stat as WireStat,
} from '../wire/index.ts'

/** What the server knows about a znode. 64-bit values are bigints; times are Unix milliseconds. */
export interface Stat {
  /** Transactions that created it, changed its data, changed its children. */
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly pzxid: bigint
  readonly ctime: bigint
  readonly mtime: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  /** The session that owns it; 0n unless it is ephemeral. */
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
}

export function toStat(stat: WireStat): Stat {
  return { ...stat, ctime: BigInt(stat.ctime), mtime: BigInt(stat.mtime) }
}

/** Text stands for its UTF-8 bytes. */
export type Data = Uint8Array | string

export function toBytes(data: Data): ByteString {
  return typeof data === 'string' ? utf8ToByteString(data) : toByteString(data)
}

/** The server tells null from no bytes; callers need not. */
export function fromBytes(data: ByteString | null): Uint8Array {
  return fromByteString(data ?? ('' as ByteString))
}

/** What was read of a znode. */
export interface ReadData {
  readonly data: Uint8Array
  readonly stat: Stat
  /** Present when the znode was created with null in place of data; `data` is empty then. */
  readonly isNull?: true
}

export function toReadData(data: ByteString | null, stat: WireStat): ReadData {
  const found = { data: fromBytes(data), stat: toStat(stat) }
  return data === null ? { ...found, isNull: true } : found
}
