import type { ByteString } from './records.ts'

/**
 * Node's Buffer with the encoding-specific methods its type declarations leave out. They skip the argument
 * checks and encoding lookup of `toString` and `write`, which cost more than the copy for a short string.
 */
export interface ByteBuffer extends Buffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  latin1Write(text: string, offset: number, length: number): number
  utf8Write(text: string, offset: number, length: number): number
}

export const NO_BYTES: ByteBuffer = Buffer.alloc(0) as ByteBuffer

/** The same memory as a Buffer; free when it is one already. */
export function asByteBuffer(bytes: Uint8Array): ByteBuffer {
  return (
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  ) as ByteBuffer
}

/** Uninitialised memory of its own, never a slice of Node's shared pool. */
export function allocateBytes(size: number): ByteBuffer {
  return Buffer.allocUnsafeSlow(size) as ByteBuffer
}

/** Big-endian int; four times as fast as `Buffer.readInt32BE`, for offsets known to be inside. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** Copies bytes into the form retained data has. */
export function toByteString(bytes: Uint8Array): ByteString {
  return asByteBuffer(bytes).latin1Slice(0, bytes.length) as ByteString
}

export function fromByteString(text: ByteString): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** The UTF-8 encoding of a text; a lone surrogate becomes U+FFFD. */
export function utf8ToByteString(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1') as ByteString
}

/** Reads bytes as UTF-8; malformed sequences become U+FFFD. */
export function byteStringToUtf8(text: ByteString): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
