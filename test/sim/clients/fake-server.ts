import type { SessionId, Zxid } from '../../../src/base/index.ts'
import type { Connection, ConnectionHandler, Network } from '../../../src/env/index.ts'
import {
  type ByteString,
  type ConnectRequest,
  decodeConnectRequest,
  FrameReader,
  InputReader,
  OutputBuffer,
  type RequestHeader,
  readRequestHeader,
  writeConnectResponse,
  writeReplyHeader,
} from '../../../src/wire/index.ts'

export interface FakeReply {
  readonly xid?: number
  readonly zxid: bigint
  readonly err?: number
}

/** A server that says whatever a test wants. It grants every session, also those that are over. */
export class FakeServer {
  readonly connects: ConnectRequest[] = []
  /** Types of the requests of all connections. */
  readonly requests: number[] = []
  timeoutMs = 3000
  /** The answer to a request; null for none. */
  reply: (header: RequestHeader) => FakeReply | null = () => ({ zxid: 5n })
  #connection: Connection | null = null

  constructor(network: Network, port: number) {
    network.listen(
      { host: '', port },
      {},
      {
        onListening: () => {},
        onConnection: (connection) => this.#accept(connection),
        onError: (error) => {
          throw error
        },
      },
    )
  }

  get connection(): Connection {
    return this.#connection!
  }

  #accept(connection: Connection): ConnectionHandler {
    const frames = new FrameReader(1 << 20)
    const reader = new InputReader()
    let isConnected = false
    this.#connection = connection
    const onFrame = (bytes: Uint8Array, start: number, end: number): boolean => {
      reader.reset(bytes, start, end)
      const out = new OutputBuffer()
      const mark = out.beginFrame()
      if (!isConnected) {
        isConnected = true
        const request = decodeConnectRequest(reader)
        this.connects.push(request)
        writeConnectResponse(out, {
          protocolVersion: 0,
          timeOut: this.timeoutMs,
          sessionId: (request.sessionId === 0n ? 77n : request.sessionId) as SessionId,
          passwd: '0123456789abcdef' as ByteString,
          readOnly: false,
          hasReadOnly: true,
        })
      } else {
        const header: RequestHeader = { xid: 0, type: 0 }
        readRequestHeader(reader, header)
        this.requests.push(header.type)
        const reply = this.reply(header)
        if (reply === null) return true
        writeReplyHeader(out, reply.xid ?? header.xid, reply.zxid as Zxid, reply.err ?? 0)
      }
      out.endFrame(mark)
      connection.write(out.take())
      return true
    }
    return {
      onBytes: (chunk) => frames.push(chunk, { onFrame, onBadLength: () => connection.destroy() }),
      onDrain: () => {},
      onEnd: () => connection.destroy(),
      onClose: () => {},
    }
  }
}
