import type { ServerId } from '../base/index.ts'
import type { Address } from '../env/index.ts'
import { DecodeError, InputReader, OutputBuffer } from '../wire/index.ts'

/** With one address; what upstream sends unless `multiAddress.enabled` is set. */
const VERSION_ONE_ADDRESS = -65536
/** With several addresses. */
const VERSION_ADDRESSES = -65535
/** long version, long sid, int length of the addresses. */
const HEAD_BYTES = 20
const ADDRESS_BYTES_MAX = 2048

/**
 * First bytes on an election connection, from the server that opened it; there is no answer. To be sent in one write:
 * upstream reads the addresses with a single `read`. Only the first is sent unless `isMultiAddress`.
 */
export function encodeInitialMessage(
  sid: ServerId,
  addresses: readonly Address[],
  isMultiAddress: boolean,
): Uint8Array {
  const out = new OutputBuffer()
  const told = isMultiAddress ? addresses : addresses.slice(0, 1)
  out.int64Number(isMultiAddress ? VERSION_ADDRESSES : VERSION_ONE_ADDRESS)
  out.int64Number(sid)
  out.string(told.map(addressText).join('|'))
  return out.take()
}

/** As {@link Introduction.addresses} has it. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** What has been read of an initial message. */
export interface Introduction {
  readonly sid: ServerId
  /** Length of the message; what follows are frames. */
  readonly length: number
  /** Where its sender says that it is found, `host:port` each. */
  readonly addresses: readonly string[]
}

/**
 * Reads the message at the start of bytes[0, end); null while it is not whole. Upstream connects back to the addresses in
 * it, this server only to those of its own configuration.
 *
 * @throws DecodeError
 */
export function readInitialMessage(bytes: Uint8Array, end: number): Introduction | null {
  if (end < 8) return null
  const reader = new InputReader()
  reader.reset(bytes, 0, end)
  const version = reader.int64Number()
  // Before 3.4.6 the id came first, and alone.
  if (version >= 0) return { sid: version as ServerId, length: 8, addresses: [] }
  if (version !== VERSION_ONE_ADDRESS && version !== VERSION_ADDRESSES) {
    throw new DecodeError(`election protocol version ${version}`)
  }
  if (end < HEAD_BYTES) return null
  const sid = reader.int64Number() as ServerId
  const length = reader.int32()
  if (length <= 0 || length > ADDRESS_BYTES_MAX) {
    throw new DecodeError(`address of ${length} bytes`)
  }
  if (end < HEAD_BYTES + length) return null
  const at = reader.skip(length)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('utf8')
  return { sid, length: HEAD_BYTES + length, addresses: text.split('|') }
}

/** More is never held of a connection that has not introduced itself. */
export const INITIAL_MESSAGE_BYTES_MAX: number = HEAD_BYTES + ADDRESS_BYTES_MAX
