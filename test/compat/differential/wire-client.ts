/** One raw connection to a server: sends bytes, sorts what comes back into messages in order of arrival. */
import { connect, type Socket } from 'node:net'
import { decodeConnectResponse, decodeEvent, decodeReply, type Message, xidOf } from './messages.ts'

interface Outstanding {
  readonly xid: number
  readonly op: string
  readonly line: number
}

/** Pings the harness sends to learn that nothing more is on its way; a script's own pings are ordinary requests. */
const FENCE = { xid: -2, op: 'fence', line: -1 }

export class WireClient {
  readonly name: string
  /** 'text' after a four-letter word, 'connect' until the handshake is answered. */
  mode: 'connect' | 'session' | 'text' = 'connect'
  closed = false
  /** Part of a frame has been sent: a fence would become its rest. */
  midFrame = false
  private readonly socket: Socket
  private nextXid = 1
  private input: Buffer = Buffer.alloc(0)
  private outstanding: Outstanding[] = []
  private messages: Message[] = []
  private connectLine = 0
  private wake: (() => void) | undefined

  private constructor(name: string, socket: Socket) {
    this.name = name
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.onData(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.onClose())
  }

  static open(name: string, port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new WireClient(name, socket))
      })
    })
  }

  takeXid(): number {
    return this.nextXid++
  }

  /** Announces an answer to come, so that it can be decoded and waited for. */
  expect(xid: number, op: string, line: number): void {
    this.outstanding.push({ xid, op, line })
  }

  expectConnectResponse(line: number): void {
    this.connectLine = line
    this.outstanding.push({ xid: 0, op: 'connect', line })
  }

  write(bytes: Buffer): void {
    if (!this.closed) this.socket.write(bytes)
  }

  /** A four-letter word: everything until the server closes is its answer, as text. */
  expectText(line: number): void {
    this.mode = 'text'
    this.connectLine = line
  }

  halfClose(): void {
    this.socket.end()
  }

  /** Cuts the connection without closing the session. */
  drop(): void {
    this.closed = true
    this.socket.destroy()
  }

  /** Forgets answers that did not come. */
  abandonAnswers(): readonly { readonly op: string; readonly line: number }[] {
    const lost = this.outstanding
    this.outstanding = []
    return lost
  }

  get outstandingCount(): number {
    return this.outstanding.length
  }

  answered(): Promise<boolean> {
    return this.until(() => this.closed || this.outstanding.length === 0)
  }

  waitClosed(ms: number): Promise<boolean> {
    return this.until(() => this.closed, ms)
  }

  waitMessages(count: number, ms: number): Promise<boolean> {
    return this.until(() => this.closed || this.messages.length >= count, ms)
  }

  /** Resolves with false when `condition` has not come true in time. */
  until(condition: () => boolean, ms = 30_000): Promise<boolean> {
    if (condition()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.wake = undefined
        resolve(condition())
      }, ms)
      this.wake = () => {
        if (!condition()) return
        clearTimeout(timer)
        this.wake = undefined
        resolve(true)
      }
    })
  }

  canFence(): boolean {
    return this.mode === 'session' && !this.closed && !this.midFrame
  }

  sendFence(): void {
    this.outstanding.push(FENCE)
    this.write(Buffer.from('00000008fffffffe0000000b', 'hex'))
  }

  takeMessages(): Message[] {
    const taken = this.messages
    this.messages = []
    return taken
  }

  private onData(chunk: Buffer): void {
    this.input = this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk])
    if (this.mode !== 'text') this.parseFrames()
    this.wake?.()
  }

  private parseFrames(): void {
    while (this.input.length >= 4) {
      const length = this.input.readInt32BE(0)
      if (length < 0 || length > 64 * 1024 * 1024) {
        this.messages.push({ kind: 'undecodable', fields: { length } })
        this.drop()
        return
      }
      if (this.input.length < 4 + length) return
      const payload = this.input.subarray(4, 4 + length)
      this.input = this.input.subarray(4 + length)
      this.onFrame(payload)
    }
  }

  private onFrame(payload: Buffer): void {
    if (this.mode === 'connect') {
      this.mode = 'session'
      this.outstanding.shift()
      const fields = decodeConnectResponse(payload)
      this.messages.push({ kind: 'connected', line: this.connectLine, fields })
      return
    }
    const xid = xidOf(payload)
    if (xid === -1 && !this.outstanding.some((request) => request.xid === -1)) {
      this.messages.push({ kind: 'event', fields: decodeEvent(payload) })
      return
    }
    const second = this.outstanding[0]
    if (second?.op === 'createSession' && payload.length >= 36) {
      this.outstanding.shift()
      const fields = decodeConnectResponse(payload)
      this.messages.push({ kind: 'reply', line: second.line, op: second.op, fields })
      return
    }
    const index = this.outstanding.findIndex((request) => request.xid === xid)
    const request = this.outstanding[index]
    if (request === undefined) {
      this.messages.push({ kind: 'undecodable', fields: { unasked: payload.toString('hex') } })
      return
    }
    this.outstanding.splice(index, 1)
    if (request === FENCE) return
    const fields = decodeReply(payload, request.op)
    this.messages.push({ kind: 'reply', line: request.line, op: request.op, fields })
  }

  private onClose(): void {
    if (this.mode === 'text') {
      const fields = { text: this.input.toString('latin1') }
      this.messages.push({ kind: 'text', line: this.connectLine, fields })
    } else if (this.input.length > 0) {
      this.messages.push({ kind: 'undecodable', fields: { rest: this.input.toString('hex') } })
    }
    if (!this.closed) this.messages.push({ kind: 'closed' })
    this.closed = true
    this.wake?.()
  }
}
