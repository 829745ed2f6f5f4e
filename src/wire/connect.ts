import type { SessionId, Zxid } from '../base/index.ts'
import type { InputReader } from './input-reader.ts'
import type { OutputBuffer } from './output-buffer.ts'
import type { ByteString, ConnectRequest, ConnectResponse } from './records.ts'

/* The handshake: the first frame in each direction, without request or reply header. */

const NO_PASSWD = '\0'.repeat(16) as ByteString

// ConnectRequest: int protocolVersion, long lastZxidSeen, int timeOut, long sessionId, buffer passwd
//                 [, boolean readOnly]   44 bytes without, 45 with the last field; bytes after it are ignored
export function decodeConnectRequest(reader: InputReader): ConnectRequest {
  const protocolVersion = reader.int32()
  const lastZxidSeen = reader.int64() as Zxid
  const timeOut = reader.int32()
  const sessionId = reader.int64() as SessionId
  const passwd = reader.byteString()
  const hasReadOnly = reader.remaining > 0
  const readOnly = hasReadOnly && reader.bool()
  return { protocolVersion, lastZxidSeen, timeOut, sessionId, passwd, readOnly, hasReadOnly }
}

export function writeConnectRequest(out: OutputBuffer, request: ConnectRequest): void {
  out.int32(request.protocolVersion)
  out.int64(request.lastZxidSeen)
  out.int32(request.timeOut)
  out.int64(request.sessionId)
  out.byteString(request.passwd)
  if (request.hasReadOnly) out.bool(request.readOnly)
}

// ConnectResponse: int protocolVersion, int timeOut, long sessionId, buffer passwd (always 16 bytes)
//                  [, boolean readOnly]   37 bytes with, 36 without the last field
export function writeConnectResponse(out: OutputBuffer, response: ConnectResponse): void {
  out.int32(response.protocolVersion)
  out.int32(response.timeOut)
  out.int64(response.sessionId)
  out.byteString(response.passwd)
  if (response.hasReadOnly) out.bool(response.readOnly)
}

/**
 * The answer to an expired session or a wrong password. Clients test different fields (timeOut, sessionId),
 * so all of them are zero; the connection is closed after it.
 */
export function writeInvalidSessionResponse(out: OutputBuffer, hasReadOnly: boolean): void {
  out.int32(0)
  out.int32(0)
  out.int64(0n)
  out.byteString(NO_PASSWD)
  if (hasReadOnly) out.bool(false)
}

export function decodeConnectResponse(reader: InputReader): ConnectResponse {
  const protocolVersion = reader.int32()
  const timeOut = reader.int32()
  const sessionId = reader.int64() as SessionId
  const passwd = reader.byteString()
  const hasReadOnly = reader.remaining > 0
  const readOnly = hasReadOnly && reader.bool()
  return { protocolVersion, timeOut, sessionId, passwd, readOnly, hasReadOnly }
}
