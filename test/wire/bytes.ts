import { type ByteString, InputReader, OutputBuffer, toByteString } from '../../src/wire/index.ts'

/** Bytes from hexadecimal text; blanks are ignored. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s+/g, ''), 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function bytesOf(text: string): ByteString {
  return toByteString(hex(text))
}

/** What `write` leaves in an empty buffer. */
export function encoded(write: (out: OutputBuffer) => void): Uint8Array {
  const out = new OutputBuffer()
  write(out)
  return out.take()
}

/** A reader over the bytes, placed behind a few others so that offsets matter. */
export function readerOf(bytes: Uint8Array): InputReader {
  const padded = new Uint8Array(bytes.length + 5)
  padded.fill(0x5a)
  padded.set(bytes, 3)
  const reader = new InputReader()
  reader.reset(padded, 3, 3 + bytes.length)
  return reader
}
