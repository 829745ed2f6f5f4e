import type {
  Address,
  Clock,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  Timers,
} from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { Lane } from './lane.ts'
import type { FoundFault, RequestFaults } from './request-faults.ts'
import { type SeenRequest, StreamTaps } from './stream-taps.ts'

/** A direction of a connection; both unless one is named. */
export type Direction = 'both' | 'replies' | 'requests'

/** What a connection needs of the test server. */
export interface ConnectionContext {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly timers: Timers
  readonly faults: RequestFaults
  onOpened(connection: TestConnection): void
  onClosed(connection: TestConnection): void
}

/**
 * A client's connection with a server, and what can be done to it. It stands where the client's socket is: the server
 * beyond knows nothing of it.
 */
export class TestConnection implements Connection, ConnectHandler, ConnectionHandler {
  /** The server, counted from 1. */
  readonly member: number
  readonly #context: ConnectionContext
  readonly #opening: ConnectHandler
  readonly #requests: Lane
  readonly #replies: Lane
  readonly #taps: StreamTaps
  /** The client's side. */
  #client: ConnectionHandler | null = null
  /** The server's side. */
  #server: Connection | null = null
  #lostReply: { readonly xid: number; readonly fault: FoundFault } | null = null
  /** Of a reply whose rest has not come. */
  #begun: Uint8Array = new Uint8Array(0)
  #isClosed = false

  constructor(member: number, context: ConnectionContext, opening: ConnectHandler) {
    this.member = member
    this.#context = context
    this.#opening = opening
    const { clock, timers } = context
    this.#requests = new Lane(clock, timers, () => this.#client?.onDrain())
    this.#replies = new Lane(clock, timers, () => {})
    this.#taps = new StreamTaps(
      (request) => this.#mayAsk(request),
      (xid) => this.#mayAnswer(xid),
    )
  }

  /** The session that the client has here; 0 before the server has granted one. */
  get sessionId(): bigint {
    return this.#taps.sessionId
  }

  get isOpen(): boolean {
    return this.#server !== null && !this.#isClosed
  }

  /** Breaks the connection: both sides find it reset. */
  drop(): void {
    if (this.#isClosed) return
    const error = new IoError('ECONNRESET', `connection with ${this.remote.host} was reset`)
    const client = this.#client
    this.#client = null
    this.#close()
    this.#server?.destroy()
    this.#later(() => client?.onClose(error))
  }

  /** From now on everything takes so much longer; 0 for as long as usual. */
  delay(ms: number, direction: Direction = 'both'): void {
    for (const lane of this.#lanes(direction)) lane.delayMs = ms
  }

  /** Nothing gets through any more, and nobody is told. */
  cut(direction: Direction = 'both'): void {
    for (const lane of this.#lanes(direction)) lane.cut()
  }

  /** Ends `cut`: what was sent meanwhile arrives now. */
  mend(direction: Direction = 'both'): void {
    for (const lane of this.#lanes(direction)) lane.mend()
  }

  /** Nobody waits for the connection any more. */
  giveUp(): void {
    if (this.#server === null) this.#isClosed = true
  }

  #lanes(direction: Direction): readonly Lane[] {
    if (direction === 'requests') return [this.#requests]
    return direction === 'replies' ? [this.#replies] : [this.#requests, this.#replies]
  }

  /* ---------------------------------------------------------------- for the client */

  get remote(): Address {
    return this.#server!.remote
  }

  get local(): Address {
    return this.#server!.local
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#requests.heldBytes + this.#server!.bufferedBytes
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return false
    const server = this.#server!
    const passes = this.#taps.request(bytes)
    const passed = passes === bytes.length ? bytes : bytes.subarray(0, passes)
    let hasRoom = true
    if (this.#requests.isOpen) hasRoom = server.write(passed)
    else this.#holdRequest(new Uint8Array(passed))
    if (passes < bytes.length) this.drop()
    return hasRoom
  }

  keepAlive(idleMs: number): void {
    this.#server?.keepAlive(idleMs)
  }

  pause(): void {
    this.#replies.pause()
    this.#server?.pause()
  }

  resume(): void {
    this.#server?.resume()
    this.#replies.resume()
  }

  end(): void {
    // A four-letter word is answered also to a sender that has ended its side; then the server closes.
    if (this.#taps.isWord) return
    if (this.#requests.isOpen) this.#server?.end()
    else this.#requests.hold(0, () => this.#server?.end())
  }

  destroy(): void {
    const client = this.#client
    if (this.#isClosed || client === null) return
    this.#later(() => client.onClose(null))
    this.#client = null
    if (this.#requests.isOpen) {
      this.#close()
      this.#server?.destroy()
      return
    }
    // The client is gone; the server hears of it as late as of everything else.
    this.#requests.hold(0, () => {
      this.#close()
      this.#server?.destroy()
    })
  }

  #holdRequest(bytes: Uint8Array): void {
    this.#requests.hold(bytes.length, () => this.#server?.write(bytes))
  }

  /* ---------------------------------------------------------------- from the server */

  onOpen(server: Connection): ConnectionHandler {
    this.#server = server
    if (this.#isClosed) {
      server.destroy()
      return this
    }
    this.#context.onOpened(this)
    this.#client = this.#opening.onOpen(this)
    return this
  }

  onError(error: IoError): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#opening.onError(error)
  }

  onBytes(chunk: Uint8Array): void {
    if (this.#isClosed) return
    const passes = this.#taps.reply(chunk)
    const passed = this.#wholeReplies(chunk, passes)
    if (passed.length > 0) {
      if (this.#replies.isOpen) this.#client?.onBytes(passed)
      else this.#holdReply(new Uint8Array(passed))
    }
    if (passes < chunk.length) this.drop()
  }

  /**
   * Replies go through whole. One that is to be lost would otherwise arrive in part, and a client may keep the beginning
   * and take what the next server sends for the rest (node-zookeeper-client does).
   */
  #wholeReplies(chunk: Uint8Array, passes: number): Uint8Array {
    // The lost reply is the one that has begun.
    if (passes === 0) return chunk.subarray(0, 0)
    const bytes = concat(this.#begun, chunk.subarray(0, passes))
    const end = passes < chunk.length ? bytes.length : bytes.length - this.#taps.begunReplyBytes
    // Not `slice`: of a Node buffer that is no copy, and the chunk lasts as long as the call.
    this.#begun = new Uint8Array(bytes.subarray(end))
    return bytes.subarray(0, end)
  }

  onDrain(): void {
    if (!this.#isClosed) this.#client?.onDrain()
  }

  onEnd(): void {
    if (this.#isClosed) return
    if (this.#replies.isOpen) this.#client?.onEnd()
    else this.#replies.hold(0, () => this.#client?.onEnd())
  }

  onClose(error: IoError | null): void {
    if (this.#isClosed) return
    const close = (): void => {
      this.#close()
      this.#client?.onClose(error)
    }
    if (this.#replies.isOpen || this.#client === null) close()
    else this.#replies.hold(0, close)
  }

  #holdReply(bytes: Uint8Array): void {
    this.#replies.hold(bytes.length, () => this.#client?.onBytes(bytes))
  }

  /* ---------------------------------------------------------------- requests that get lost */

  #mayAsk(request: SeenRequest): boolean {
    if (this.#lostReply !== null) return true
    const fault = this.#context.faults.find(request, this.member)
    if (fault === null) return true
    if (fault.lost === 'reply') {
      this.#lostReply = { xid: request.xid, fault }
      return true
    }
    fault.strike()
    return false
  }

  #mayAnswer(xid: number): boolean {
    const lost = this.#lostReply
    if (lost === null || lost.xid !== xid) return true
    this.#lostReply = null
    lost.fault.strike()
    return false
  }

  /* ---------------------------------------------------------------- the end */

  /** No method of a handler is called inside of a call to its connection. */
  #later(task: () => void): void {
    this.#context.timers.endOfTurn(task)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#requests.close()
    this.#replies.close()
    this.#lostReply?.fault.missed()
    this.#lostReply = null
    this.#context.onClosed(this)
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
