import type { Data } from '../../src/client/index.ts'

/** How values stand in znodes. */
export interface Codec<T> {
  /** For messages. */
  readonly title: string
  /** @throws RangeError when the value does not fit */
  encode(value: T): Data
  /** @throws any error when the data are something else */
  decode(data: Uint8Array): T
}

/** The data as they are: Curator's SharedValue and DistributedAtomicValue. */
export const BYTES: Codec<Uint8Array> = {
  title: 'bytes',
  encode: (value) => value,
  decode: (data) => data,
}

/** UTF-8. */
export const TEXT: Codec<string> = {
  title: 'UTF-8 text',
  encode: (value) => value,
  decode: (data) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data),
}

/** 8 bytes, big endian: Curator's DistributedAtomicLong. */
export const INT64: Codec<bigint> = fixedSize(64)

/** 4 bytes, big endian: Curator's SharedCount and DistributedAtomicInteger, kazoo's Counter with `support_curator`. */
export const INT32: Codec<bigint> = fixedSize(32)

/** Decimal digits: kazoo's Counter. */
export const DECIMAL: Codec<bigint> = {
  title: 'decimal digits',
  encode: (value) => value.toString(),
  decode: (data) => {
    const text = TEXT.decode(data).trim()
    // BigInt takes more, e.g. hexadecimal digits and nothing at all.
    if (!/^[+-]?\d+$/.test(text)) throw new RangeError(`${JSON.stringify(text)} is no integer`)
    return text.startsWith('+') ? BigInt(text.slice(1)) : BigInt(text)
  },
}

function fixedSize(bits: 32 | 64): Codec<bigint> {
  const bytes = bits / 8
  return {
    title: `${bytes} bytes, big endian`,
    encode: (value) => {
      if (BigInt.asIntN(bits, value) !== value) {
        throw new RangeError(`${value} has no place in ${bytes} bytes`)
      }
      const data = new Uint8Array(bytes)
      const view = new DataView(data.buffer)
      if (bits === 64) view.setBigInt64(0, value)
      else view.setInt32(0, Number(value))
      return data
    },
    decode: (data) => {
      if (data.length !== bytes) throw new RangeError(`${data.length} bytes, not ${bytes}`)
      const view = new DataView(data.buffer, data.byteOffset)
      return bits === 64 ? view.getBigInt64(0) : BigInt(view.getInt32(0))
    },
  }
}
