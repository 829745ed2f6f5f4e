import {
  type ConnectResponse,
  DecodeError,
  decodeConnectResponse,
  errorCodeName,
  type InputReader,
  readReplyHeader,
} from '../wire/index.ts'

const REPLY_HEADER_BYTES = 16

/**
 * The server's answer to the handshake. A read-only server of Apache ZooKeeper 3.8 without local sessions answers with
 * the header of a reply: it makes no sessions.
 * @throws DecodeError
 */
export function readGreeting(reader: InputReader): ConnectResponse {
  if (reader.remaining !== REPLY_HEADER_BYTES) return decodeConnectResponse(reader)
  const { err } = readReplyHeader(reader)
  throw new DecodeError(`error ${errorCodeName(err)} in place of a session`)
}
