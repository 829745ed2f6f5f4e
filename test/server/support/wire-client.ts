import { NO_SESSION, NO_ZXID, type SessionId, type Zxid } from '../../../src/base/index.ts'
import type {
  ConnectHandler,
  Connection,
  ConnectionHandler,
  IoError,
  Network,
} from '../../../src/env/index.ts'
import {
  type ByteString,
  type ConnectResponse,
  decodeConnectResponse,
  FrameReader,
  type FrameSink,
  InputReader,
  OutputBuffer,
  readReplyHeader,
  readWatcherEvent,
  writeConnectRequest,
  writeRequestHeader,
  Xid,
} from '../../../src/wire/index.ts'
import type { Request } from './requests.ts'

export interface Reply {
  readonly kind: 'reply'
  readonly xid: number
  readonly zxid: Zxid
  readonly err: number
  readonly body: Uint8Array
}

export interface WatchEvent {
  readonly kind: 'event'
  readonly zxid: Zxid
  readonly type: number
  readonly path: string | null
}

export type Message = Reply | WatchEvent

/** A request on its way. */
export interface Sent {
  readonly xid: number
  readonly type: number
  reply: Reply | null
}

export interface ConnectOptions {
  readonly timeoutMs?: number
  readonly sessionId?: SessionId
  readonly password?: string | null
  readonly lastZxidSeen?: Zxid
  /** Old clients leave the readOnly byte out. */
  readonly hasReadOnly?: boolean
  /** Sent in the same write, behind the connect request. */
  readonly pipelined?: readonly Request[]
  /** Nothing is sent on opening. */
  readonly isRaw?: boolean
  /** A server without a leader will do. */
  readonly canBeReadOnly?: boolean
}

/**
 * A client that knows frames and nothing else: it sends what it is told and keeps what it gets. It fails when replies
 * are not in the order of the requests.
 */
export class WireClient implements ConnectHandler, ConnectionHandler, FrameSink {
  /** Everything received after the handshake, in order. */
  readonly messages: Message[] = []
  /** Sent and not answered, oldest first. */
  readonly unanswered: Sent[] = []
  handshake: ConnectResponse | null = null
  handshakeBytes = 0
  /** What came on a raw connection. */
  text = ''
  isOpen = false
  isClosed = false
  /** Total of payload bytes received. */
  received = 0
  onMessage: (message: Message) => void = () => {}
  onHandshake: (handshake: ConnectResponse) => void = () => {}
  readonly #options: ConnectOptions
  readonly #frames = new FrameReader(0x7fff_ffff)
  readonly #onOpened: (() => void)[] = []
  #connection: Connection | null = null
  #nextXid = 1

  constructor(network: Network, address: { host: string; port: number }, options: ConnectOptions) {
    this.#options = options
    network.connect(address, this)
  }

  get events(): WatchEvent[] {
    return this.messages.filter((message) => message.kind === 'event')
  }

  get sessionId(): SessionId {
    if (this.handshake === null) throw new Error('no handshake yet')
    return this.handshake.sessionId
  }

  /** What takes this session up again. */
  credentials(): { sessionId: SessionId; password: string } {
    return { sessionId: this.sessionId, password: this.handshake!.passwd! }
  }

  /** Sends requests in one write. */
  send(...requests: readonly Request[]): Sent[] {
    const out = new OutputBuffer()
    const sent = requests.map((request) => this.#encode(out, request))
    this.sendBytes(out.take())
    return sent
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#connection !== null) this.#connection.write(bytes.slice())
    else this.#onOpened.push(() => this.#connection!.write(bytes.slice()))
  }

  pause(): void {
    this.#connection!.pause()
  }

  resume(): void {
    this.#connection!.resume()
  }

  /** Half-close. */
  end(): void {
    this.#connection!.end()
  }

  /** Gone without a word to the session. */
  destroy(): void {
    this.#connection!.destroy()
  }

  #encode(out: OutputBuffer, request: Request): Sent {
    const xid = request.xid ?? this.#nextXid++
    const mark = out.beginFrame()
    writeRequestHeader(out, xid, request.type)
    request.writeBody(out)
    out.endFrame(mark)
    const sent: Sent = { xid, type: request.type, reply: null }
    this.unanswered.push(sent)
    return sent
  }

  /* ---------------------------------------------------------------- socket events */

  onOpen(connection: Connection): ConnectionHandler {
    this.#connection = connection
    this.isOpen = true
    if (!this.#options.isRaw) this.#sendConnect()
    for (const task of this.#onOpened) task()
    return this
  }

  onError(_error: IoError): void {
    this.isClosed = true
  }

  onBytes(chunk: Uint8Array): void {
    this.received += chunk.length
    if (this.#options.isRaw) {
      for (const byte of chunk) this.text += String.fromCharCode(byte)
    } else this.#frames.push(chunk, this)
  }

  onDrain(): void {}

  onEnd(): void {
    this.isClosed = true
    this.#connection!.end()
  }

  onClose(_error: IoError | null): void {
    this.isClosed = true
  }

  /* ---------------------------------------------------------------- frames */

  onFrame(bytes: Uint8Array, start: number, end: number): boolean {
    const reader = new InputReader()
    reader.reset(bytes, start, end)
    if (this.handshake === null) {
      this.handshakeBytes = end - start
      this.handshake = decodeConnectResponse(reader)
      this.onHandshake(this.handshake)
      return true
    }
    const { xid, zxid, err } = readReplyHeader(reader)
    if (xid === Xid.notification) {
      const { type, path } = readWatcherEvent(reader)
      this.#keep({ kind: 'event', zxid, type, path })
    } else {
      const body = new Uint8Array(bytes.subarray(reader.offset, end))
      const reply: Reply = { kind: 'reply', xid, zxid, err, body }
      const oldest = this.unanswered.shift()
      if (oldest?.xid !== xid) throw new Error(`reply ${xid}, but ${oldest?.xid} is the oldest`)
      oldest.reply = reply
      this.#keep(reply)
    }
    return true
  }

  onBadLength(length: number): void {
    throw new Error(`the server sent a frame of length ${length}`)
  }

  #keep(message: Message): void {
    this.messages.push(message)
    this.onMessage(message)
  }

  #sendConnect(): void {
    const { timeoutMs = 10_000, password = '\0'.repeat(16), pipelined = [] } = this.#options
    const out = new OutputBuffer()
    const mark = out.beginFrame()
    writeConnectRequest(out, {
      protocolVersion: 0,
      lastZxidSeen: this.#options.lastZxidSeen ?? NO_ZXID,
      timeOut: timeoutMs,
      sessionId: this.#options.sessionId ?? NO_SESSION,
      passwd: password as ByteString | null,
      readOnly: this.#options.canBeReadOnly ?? false,
      hasReadOnly: this.#options.hasReadOnly ?? true,
    })
    out.endFrame(mark)
    for (const request of pipelined) this.#encode(out, request)
    this.sendBytes(out.take())
  }
}

/** The body of a reply, read by one of the client-side decoders. */
export function decode<T>(reply: Reply | null, read: (reader: InputReader) => T): T {
  if (reply === null) throw new Error('no reply yet')
  if (reply.err !== 0) throw new Error(`reply ${reply.xid} has error ${reply.err}`)
  const reader = new InputReader()
  reader.reset(reply.body, 0, reply.body.length)
  return read(reader)
}
