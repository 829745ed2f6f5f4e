declare const brand: unique symbol

/**
 * Transaction id: epoch in the high 32 bits, counter in the low 32 bits.
 * Signed like on the wire, so epochs from 2^31 on are negative; compare by {@link compareZxid}
 * only where such epochs are possible.
 */
export type Zxid = bigint & { readonly [brand]: 'Zxid' }

/** 64-bit session id, signed like on the wire (server ids from 128 on make it negative). */
export type SessionId = bigint & { readonly [brand]: 'SessionId' }

/** `myid` of a server; 1 for a standalone server. */
export type ServerId = number & { readonly [brand]: 'ServerId' }

export const NO_ZXID: Zxid = 0n as Zxid
export const NO_SESSION: SessionId = 0n as SessionId

const COUNTER_MASK = 0xffff_ffffn

/** Builds a zxid from its epoch and counter, both taken as unsigned 32-bit numbers. */
export function makeZxid(epoch: number, counter: number): Zxid {
  return BigInt.asIntN(64, (BigInt(epoch >>> 0) << 32n) | BigInt(counter >>> 0)) as Zxid
}

export function epochOf(zxid: Zxid): number {
  return Number(BigInt.asUintN(32, zxid >> 32n))
}

export function counterOf(zxid: Zxid): number {
  return Number(zxid & COUNTER_MASK)
}

/** `0x` and lower-case hex without leading zeros, as Apache ZooKeeper prints zxids and session ids. */
export function formatHex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`
}
