import { assert, Fifo } from '../base/index.ts'
import type { Address, Connection, ConnectionHandler, TimerHandle } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import type { EventQueue } from './event-queue.ts'
import type { SimRandom } from './random.ts'
import type { SimTimers } from './timers.ts'

/** The same limits as a real connection has (platform/tcp-connection.ts). */
const HIGH_WATER_BYTES = 64 * 1024
const FLUSH_LIMIT_MS = 10_000
const LINGER_LIMIT_MS = 1_000

/** A received chunk is overwritten with this after `onBytes`: keeping it is a mistake that must show. */
const POISON = 0xee

/** What all connections of a network share. */
export interface Wire {
  readonly events: EventQueue
  readonly random: SimRandom
  /** Bytes of one direction that the two kernels hold, on the way or not yet read. */
  readonly windowBytes: number
  /** Draws how long one piece is on the way. */
  latencyMs(): number
}

/**
 * One end of a simulated TCP connection. Each direction is first in, first out; what `write` gets is taken
 * by the kernel as far as the window allows, cut into pieces at random places, and delivered later.
 */
export class SimConnection implements Connection {
  readonly local: Address
  readonly remote: Address
  /** The process that this end belongs to. */
  readonly process: SimTimers
  readonly #wire: Wire
  readonly #onGone: (connection: SimConnection) => void
  #peer: SimConnection | null = null
  #handler: ConnectionHandler | null = null

  readonly #queue = new Fifo<Uint8Array>()
  /** Bytes of the queue's first chunk that the kernel has already. */
  #headTaken = 0
  #bufferedBytes = 0
  #inFlightBytes = 0
  #lastArrivalMs = 0
  #mustDrain = false
  #isEndSent = false

  readonly #unread = new Fifo<Uint8Array>()
  #isPaused = false
  #isEndReceived = false
  #isEndDelivered = false

  #isEnding = false
  #isClosed = false
  #cutTimer: TimerHandle | null = null

  constructor(
    wire: Wire,
    process: SimTimers,
    local: Address,
    remote: Address,
    onGone: (connection: SimConnection) => void,
  ) {
    this.#wire = wire
    this.process = process
    this.local = local
    this.remote = remote
    this.#onGone = onGone
  }

  /** Connects two ends; called once for each pair. */
  static join(a: SimConnection, b: SimConnection): void {
    a.#peer = b
    b.#peer = a
  }

  attach(handler: ConnectionHandler): void {
    assert(this.#handler === null, 'a connection has one handler')
    this.#handler = handler
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnding || this.#isClosed) return false
    if (bytes.length === 0) return true
    this.#queue.push(bytes)
    this.#bufferedBytes += bytes.length
    this.#pump()
    if (this.#bufferedBytes === 0) return true
    this.#mustDrain = true
    return this.#bufferedBytes < HIGH_WATER_BYTES
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#soon(() => this.#read())
  }

  end(): void {
    if (this.#isEnding || this.#isClosed) return
    this.#isEnding = true
    this.#isPaused = false
    this.#cutAfter(FLUSH_LIMIT_MS)
    this.#soon(() => this.#read())
    this.#pump()
  }

  destroy(): void {
    this.#close(null)
  }

  /** The next moment at which something sent from here can arrive. */
  nextArrivalMs(): number {
    const arrivalMs = this.#wire.events.nowMs + this.#wire.latencyMs()
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs)
    return this.#lastArrivalMs
  }

  /** The connection breaks, as seen from this end. */
  reset(): void {
    this.#close(new IoError('ECONNRESET', `connection with ${this.remote.host} was reset`))
  }

  /** Gives the kernel what it takes: not every byte that becomes free, or pieces would get ever smaller. */
  #pump(): void {
    const { random, windowBytes } = this.#wire
    while (this.#bufferedBytes > 0) {
      const room = windowBytes - this.#inFlightBytes
      if (room < Math.min(this.#bufferedBytes, windowBytes / 4)) break
      const chunk = this.#queue.peek()!
      const left = chunk.length - this.#headTaken
      const length = Math.min(left, windowBytes - this.#inFlightBytes)
      const taken = random.oneIn(4) ? random.between(1, length) : length
      const piece = chunk.slice(this.#headTaken, this.#headTaken + taken)
      this.#headTaken += taken
      if (this.#headTaken === chunk.length) {
        this.#queue.shift()
        this.#headTaken = 0
      }
      this.#bufferedBytes -= taken
      this.#inFlightBytes += taken
      this.#send((peer) => peer.#onArrival(piece))
    }
    if (this.#bufferedBytes > 0) return
    if (this.#mustDrain) {
      this.#mustDrain = false
      this.#soon((handler) => {
        if (!this.#isEnding) handler.onDrain()
      })
    }
    if (this.#isEnding && !this.#isEndSent) this.#sendEnd()
  }

  #sendEnd(): void {
    this.#isEndSent = true
    this.#send((peer) => peer.#onEndArrival())
    if (this.#isEndReceived) this.#close(null)
    else this.#cutAfter(LINGER_LIMIT_MS)
  }

  #onArrival(piece: Uint8Array): void {
    if (this.#isClosed) {
      this.#send((peer) => peer.reset())
      return
    }
    this.#unread.push(piece)
    this.#read()
  }

  #onEndArrival(): void {
    this.#isEndReceived = true
    this.#read()
  }

  /** Delivers what has arrived, as far as the receiver wants it. */
  #read(): void {
    if (this.process.isFrozen) {
      this.process.readWhenThawed(() => this.#read())
      return
    }
    while (!this.#isPaused && !this.#isClosed && !this.process.isStopped) {
      const piece = this.#unread.shift()
      if (piece === null) {
        this.#readEnd()
        return
      }
      if (!this.#isEnding) this.#handler?.onBytes(piece)
      piece.fill(POISON)
      this.#send((peer) => peer.#onAcknowledged(piece.length))
    }
  }

  #readEnd(): void {
    if (!this.#isEndReceived || this.#isEndDelivered) return
    this.#isEndDelivered = true
    if (!this.#isEnding) this.#handler?.onEnd()
    else if (this.#isEndSent) this.#close(null)
  }

  #onAcknowledged(length: number): void {
    this.#inFlightBytes -= length
    if (!this.#isClosed) this.#pump()
  }

  #close(error: IoError | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isEnding = true
    this.#cutTimer?.cancel()
    const hasUnread = this.#unread.length > 0
    this.#queue.clear()
    this.#bufferedBytes = 0
    this.#unread.clear()
    if (error === null && hasUnread) this.#send((peer) => peer.reset())
    else if (error === null && !this.#isEndSent) this.#send((peer) => peer.#onEndArrival())
    this.#isEndSent = true
    this.#onGone(this)
    this.#soon((handler) => handler.onClose(error))
  }

  #cutAfter(limitMs: number): void {
    this.#cutTimer?.cancel()
    this.#cutTimer = this.process.at(this.#wire.events.nowMs + limitMs, () => this.#close(null))
  }

  /** Something travels to the other end; the process here need not live to see it arrive. */
  #send(arrive: (peer: SimConnection) => void): void {
    const peer = this.#peer!
    this.#wire.events.schedule(this.nextArrivalMs(), () => arrive(peer))
  }

  /** Calls the handler, but not inside the present call. */
  #soon(call: (handler: ConnectionHandler) => void): void {
    this.process.at(this.#wire.events.nowMs, () => {
      if (this.#handler !== null) call(this.#handler)
    })
  }
}
