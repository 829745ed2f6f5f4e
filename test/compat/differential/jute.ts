/**
 * A jute encoder and decoder of the test's own: an error in `src/wire` must not be able to hide itself by being made
 * on both sides. Strings and buffers are bytes here, so malformed UTF-8 can be sent and is seen as it came.
 */

/** Bytes of a ustring or buffer; null is length −1 on the wire. */
export type Bytes = Buffer | null

/** A vector: its elements, null (count −1), or any other count followed by no elements. */
export type List<T> = readonly T[] | null | { readonly count: number }

export class Encoder {
  private readonly parts: Buffer[] = []

  int(value: number): this {
    const part = Buffer.alloc(4)
    part.writeInt32BE(value | 0)
    return this.raw(part)
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8)
    part.writeBigInt64BE(BigInt.asIntN(64, value))
    return this.raw(part)
  }

  byte(value: number): this {
    return this.raw(Buffer.from([value & 0xff]))
  }

  bool(value: boolean): this {
    return this.byte(value ? 1 : 0)
  }

  bytes(value: Bytes): this {
    if (value === null) return this.int(-1)
    return this.int(value.length).raw(value)
  }

  list<T>(value: List<T>, element: (item: T) => void): this {
    if (value === null) return this.int(-1)
    if ('count' in value) return this.int(value.count)
    this.int(value.length)
    for (const item of value) element(item)
    return this
  }

  raw(part: Buffer): this {
    this.parts.push(part)
    return this
  }

  take(): Buffer {
    return Buffer.concat(this.parts)
  }
}

/** Thrown when a server's message does not decode: itself a finding, shown with the raw bytes. */
export class ShortMessage extends Error {}

export class Decoder {
  private readonly source: Buffer
  private at = 0

  constructor(source: Buffer) {
    this.source = source
  }

  get remaining(): number {
    return this.source.length - this.at
  }

  int(): number {
    return this.source.readInt32BE(this.advance(4))
  }

  long(): bigint {
    return this.source.readBigInt64BE(this.advance(8))
  }

  bool(): boolean {
    return this.source.readInt8(this.advance(1)) !== 0
  }

  bytes(): Bytes {
    const length = this.int()
    if (length === -1) return null
    const start = this.advance(length)
    return this.source.subarray(start, start + length)
  }

  /** A ustring or buffer as readable text; see {@link showBytes}. */
  text(): string | null {
    const bytes = this.bytes()
    return bytes === null ? null : showBytes(bytes)
  }

  list<T>(element: () => T): T[] | null {
    const count = this.int()
    if (count < 0) return null
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(element())
    return items
  }

  rest(): Buffer {
    return this.source.subarray(this.advance(this.remaining))
  }

  private advance(length: number): number {
    if (length < 0 || length > this.remaining) {
      throw new ShortMessage(`${length} bytes wanted at ${this.at} of ${this.source.length}`)
    }
    const start = this.at
    this.at += length
    return start
  }
}

/** Bytes as text where that loses nothing and shows well, otherwise `hex:…`; long values are cut but keep a length. */
export function showBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  const readable = !/[\p{Cc}\ufffd]/u.test(text) && Buffer.from(text).equals(bytes)
  const shown = readable && !text.startsWith('hex:') ? text : `hex:${bytes.toString('hex')}`
  return shown.length <= 400 ? shown : `${shown.slice(0, 400)}…(${bytes.length} bytes)`
}
