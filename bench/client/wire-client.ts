import { connect, type Socket } from 'node:net'
import { buffer, connectRequest, frame, int, Op } from './jute.ts'

export interface Reply {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  readonly body: Buffer
}

/** The connection ended before the reply; whether the request was executed is unknown. */
export class ConnectionLost extends Error {
  override readonly name: string = 'ConnectionLost'
}

export interface WireOptions {
  /** 127.0.0.1 unless given. */
  readonly host?: string
  readonly port: number
  readonly timeoutMs?: number
  readonly session?: { readonly id: bigint; readonly password: Buffer }
  /** The highest zxid this client has seen: a server that is behind it refuses the connection. */
  readonly lastZxid?: bigint
  /** A server without a leader will do. */
  readonly canBeReadOnly?: boolean
  /** How long the handshake may take. */
  readonly handshakeMs?: number
  /** Gives up a connection on which nothing has come for so long; by default it waits for ever. */
  readonly silenceMs?: number
  /** Do not send pings by itself. */
  readonly silent?: boolean
}

interface Waiting {
  readonly xid: number
  resolve(reply: Reply): void
  reject(error: Error): void
}

const PING_XID = -2
const AUTH_XID = -4

/** One session over one socket: pipelined requests, replies checked to be in order. Never reconnects. */
export class WireClient {
  sessionId = 0n
  password: Buffer = Buffer.alloc(16)
  negotiatedTimeoutMs = 0
  /** Whether the server has no leader. */
  isReadOnly = false
  /** Highest zxid of any reply. */
  lastZxid = 0n
  /** Settles when the socket has closed, with the reason. */
  readonly closed: Promise<Error>
  onEvent: ((type: number, body: Buffer) => void) | null = null

  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #head = 0
  #xid = 0
  #bytes: Buffer = Buffer.alloc(0)
  #handshake: ((error: Error | null) => void) | null = null
  #closeReason: Error | null = null
  #corked: Buffer[] = []
  #pinger: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    let settle: (error: Error) => void
    this.closed = new Promise((resolve) => {
      settle = resolve
    })
    socket.on('data', (chunk) => this.#onBytes(chunk))
    socket.on('error', (error) => {
      this.#closeReason ??= error
    })
    socket.on('close', () => {
      clearInterval(this.#pinger)
      clearTimeout(this.#silence)
      const reason = new ConnectionLost(this.#closeReason?.message ?? 'closed by the server')
      this.#closeReason = reason
      this.#handshake?.(reason)
      for (const waiting of this.#waiting.splice(0).slice(this.#head)) waiting.reject(reason)
      this.#head = 0
      settle(reason)
    })
  }

  /** Opens the socket and the session; rejects when the server refuses it. */
  static async open(options: WireOptions): Promise<WireClient> {
    const { host = '127.0.0.1', port, timeoutMs = 30_000, session, handshakeMs = 60_000 } = options
    const socket = connect({ port, host, noDelay: true })
    const client = new WireClient(socket)
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        client.#closeReason = new Error('the handshake took too long')
        socket.destroy()
      }, handshakeMs)
      client.#handshake = (error) => {
        clearTimeout(timer)
        client.#handshake = null
        if (error === null) resolve()
        else reject(error)
      }
      const resume = session && { sessionId: session.id, password: session.password }
      const { lastZxid = 0n, canBeReadOnly = false } = options
      socket.write(frame(connectRequest({ timeoutMs, lastZxid, canBeReadOnly, ...resume })))
    })
    if (options.silent !== true) client.#keepAlive()
    if (options.silenceMs !== undefined) client.#limitSilence(options.silenceMs)
    return client
  }

  get outstanding(): number {
    return this.#waiting.length - this.#head
  }

  get open(): boolean {
    return this.#closeReason === null
  }

  /** Sends a request; rejects with {@link ConnectionLost} when no reply can come any more. */
  async request(op: number, body: Buffer): Promise<Reply> {
    const closed = this.#closeReason
    if (closed !== null) return await Promise.reject(closed)
    this.#xid = this.#xid === 0x7fff_ffff ? 1 : this.#xid + 1
    return await this.#send(this.#xid, op, body)
  }

  async ping(): Promise<Reply> {
    if (this.#closeReason !== null) return await Promise.reject(this.#closeReason)
    return await this.#send(PING_XID, Op.ping, Buffer.alloc(0))
  }

  /** Adds an identity to the connection. */
  async authenticate(scheme: string, credential: string): Promise<Reply> {
    if (this.#closeReason !== null) return await Promise.reject(this.#closeReason)
    const body = Buffer.concat([int(0), buffer(scheme), buffer(credential)])
    return await this.#send(AUTH_XID, Op.auth, body)
  }

  /** Writes raw bytes behind the handshake. */
  writeRaw(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** Stops or restarts taking replies from the socket. */
  setReading(reading: boolean): void {
    if (reading) this.#socket.resume()
    else this.#socket.pause()
  }

  /** Ends the session in the orderly way. */
  async close(): Promise<void> {
    clearInterval(this.#pinger)
    if (this.open) await this.request(Op.closeSession, Buffer.alloc(0)).catch(() => null)
    this.#socket.destroy()
    await this.closed
  }

  /** Drops the connection and leaves the session to the server. */
  destroy(): void {
    clearInterval(this.#pinger)
    this.#socket.destroy()
  }

  async #send(xid: number, op: number, body: Buffer): Promise<Reply> {
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ xid, resolve, reject })
      // Everything asked for in one turn leaves in one write.
      if (this.#corked.length === 0) setImmediate(() => this.#flush())
      this.#corked.push(int(body.length + 8), int(xid), int(op), body)
    })
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#corked)
    this.#corked = []
    if (this.open) this.#socket.write(bytes)
  }

  #keepAlive(): void {
    const every = Math.max(50, this.negotiatedTimeoutMs / 3)
    this.#pinger = setInterval(() => {
      this.ping().catch(() => null)
    }, every)
    this.#pinger.unref()
  }

  #limitSilence(silenceMs: number): void {
    this.#silence = setTimeout(() => {
      this.#closeReason ??= new Error(`nothing came for ${silenceMs} ms`)
      this.#socket.destroy()
    }, silenceMs)
  }

  #onBytes(chunk: Buffer): void {
    this.#silence?.refresh()
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    let offset = 0
    while (bytes.length - offset >= 4) {
      const length = bytes.readInt32BE(offset)
      if (bytes.length - offset - 4 < length) break
      this.#onFrame(bytes.subarray(offset + 4, offset + 4 + length))
      offset += 4 + length
    }
    this.#bytes = offset === bytes.length ? Buffer.alloc(0) : bytes.subarray(offset)
  }

  #onFrame(bytes: Buffer): void {
    if (this.#handshake !== null) {
      this.#onConnectResponse(bytes)
      return
    }
    const xid = bytes.readInt32BE(0)
    const reply = {
      xid,
      zxid: bytes.readBigInt64BE(4),
      err: bytes.readInt32BE(12),
      body: bytes.subarray(16),
    }
    if (xid === -1) {
      this.onEvent?.(reply.body.readInt32BE(0), reply.body)
      return
    }
    const waiting = this.#waiting[this.#head]
    if (waiting === undefined || waiting.xid !== xid) {
      this.#closeReason = new Error(`reply with xid ${xid}, expected ${waiting?.xid}`)
      this.#socket.destroy()
      return
    }
    this.#head++
    if (this.#head > 1000 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head)
      this.#head = 0
    }
    if (reply.zxid > this.lastZxid) this.lastZxid = reply.zxid
    waiting.resolve(reply)
  }

  #onConnectResponse(bytes: Buffer): void {
    this.negotiatedTimeoutMs = bytes.readInt32BE(4)
    this.sessionId = bytes.readBigInt64BE(8)
    this.password = Buffer.from(bytes.subarray(20, 36))
    this.isReadOnly = bytes[36] === 1
    if (this.sessionId === 0n) {
      this.#closeReason = new Error('the session has expired')
      this.#socket.destroy()
      return
    }
    this.#handshake?.(null)
  }
}
