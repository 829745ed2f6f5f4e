import { assert, Fifo } from '../base/index.ts'
import type { Address, Connection, ConnectionHandler, TimerHandle } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { KeepAlive, ProbeResult } from './keep-alive.ts'
import type { Link, Waiter } from './link.ts'
import { NO_BYTES, Packet, PacketKind, type PacketTarget, type Wire } from './packet.ts'
import type { SimTimers } from './timers.ts'

/** The same limits as a real connection has (platform/tcp-connection.ts). */
const HIGH_WATER_BYTES = 64 * 1024
const FLUSH_LIMIT_MS = 10_000
const LINGER_LIMIT_MS = 1_000

/** A received chunk is overwritten with this after `onBytes`: keeping it is a mistake that must show. */
const POISON = 0xee

/** Headers of a packet, for the bandwidth it takes. */
const HEADER_BYTES = 60

/**
 * One end of a simulated TCP connection. Each direction is first in, first out; what `write` gets is taken
 * by the kernel as far as the window allows, cut into pieces at random places, and delivered later.
 *
 * On a closed link packets are lost without a word. The kernel keeps them and tries again, ever more seldom, when
 * the link is open; it gives up after `retransmitLimitMs`, and then only this end learns of it. A machine
 * that lost its power forgets its connections: what reaches it afterwards is answered by a reset.
 */
export class SimConnection implements Connection, Waiter, PacketTarget {
  readonly local: Address
  readonly remote: Address
  /** The process that this end belongs to. */
  readonly process: SimTimers
  readonly #wire: Wire
  readonly #link: Link
  readonly #onGone: (connection: SimConnection) => void
  #peer: SimConnection | null = null
  #handler: ConnectionHandler | null = null

  readonly #queue = new Fifo<Uint8Array>()
  /** Bytes of the queue's first chunk that the kernel has already. */
  #headTaken = 0
  #bufferedBytes = 0
  #inFlightBytes = 0
  #lastArrivalMs = 0
  #nextSequence = 0
  #mustDrain = false
  #isEndSent = false

  /** Lost packets, to be sent again. */
  #lost: Packet[] = []
  #lostSinceMs = 0
  /** Bytes read here of which the other end has not heard, because the link was closed. */
  #unheardBytes = 0
  #isWaiting = false
  #giveUpTimer: TimerHandle | null = null

  #keepAlive: KeepAlive | null = null

  #nextExpected = 0
  /** Packets that arrived before an earlier one, which was lost: in their order. */
  #early: Packet[] = []
  readonly #unread = new Fifo<Uint8Array>()
  #isPaused = false
  #isReadPending = false
  #isEndReceived = false
  #isEndDelivered = false

  #isEnding = false
  #isClosed = false
  #closeError: IoError | null = null
  #isCloseReported = false
  /** The machine does not know this connection any more. */
  #isForgotten = false
  #cutTimer: TimerHandle | null = null

  constructor(
    wire: Wire,
    link: Link,
    process: SimTimers,
    local: Address,
    remote: Address,
    onGone: (connection: SimConnection) => void,
  ) {
    this.#wire = wire
    this.#link = link
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
    // It may have broken before the process accepted it.
    if (this.#isClosed && !this.#isForgotten) this.#soon(this.#reportClose)
    if (this.#unread.length > 0 || this.#isEndReceived) this.#readSoon()
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnding || this.#isClosed) return false
    if (bytes.length === 0) return true
    const room = this.#wire.windowBytes - this.#inFlightBytes
    if (this.#bufferedBytes === 0 && room >= bytes.length) {
      // The usual case: the kernel takes everything, and nothing is queued.
      for (let at = 0; at < bytes.length; ) at += this.#take(bytes, at, room)
      return true
    }
    this.#queue.push(bytes)
    this.#bufferedBytes += bytes.length
    this.#pump()
    if (this.#bufferedBytes === 0) return true
    this.#mustDrain = true
    return this.#bufferedBytes < HIGH_WATER_BYTES
  }

  keepAlive(idleMs: number): void {
    if (this.#isClosed) return
    this.#keepAlive?.stop()
    this.#keepAlive = new KeepAlive(this.#wire.events, idleMs, this.#probe, () => {
      this.#close(new IoError('ETIMEDOUT', `${this.remote.host} does not answer`))
    })
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#readSoon()
  }

  end(): void {
    if (this.#isEnding || this.#isClosed) return
    this.#isEnding = true
    this.#isPaused = false
    this.#cutAfter(FLUSH_LIMIT_MS)
    this.#readSoon()
    this.#pump()
  }

  destroy(): void {
    this.#close(null)
  }

  /** The next moment at which something sent from here can arrive. */
  nextArrivalMs(bytes: number): number {
    const arrivalMs = this.#link.arrivalMs(this.#wire.events.nowMs, bytes + HEADER_BYTES)
    if (arrivalMs > this.#lastArrivalMs) this.#lastArrivalMs = arrivalMs
    return this.#lastArrivalMs
  }

  /** The connection breaks, as seen from this end. */
  reset(): void {
    this.#close(new IoError('ECONNRESET', `connection with ${this.remote.host} was reset`))
  }

  /** The machine loses its power: nothing is sent, nothing is remembered. */
  forget(): void {
    if (this.#isClosed) return
    this.#isForgotten = true
    this.#shut()
  }

  /* ---------------------------------------------------------------- sending */

  /** Gives the kernel what it takes: not every byte that becomes free, or pieces would get ever smaller. */
  #pump(): void {
    const { windowBytes } = this.#wire
    while (this.#bufferedBytes > 0) {
      const room = windowBytes - this.#inFlightBytes
      if (room < Math.min(this.#bufferedBytes, windowBytes / 4)) break
      const chunk = this.#queue.peek()!
      const taken = this.#take(chunk, this.#headTaken, room)
      this.#headTaken += taken
      if (this.#headTaken === chunk.length) {
        this.#queue.shift()
        this.#headTaken = 0
      }
      this.#bufferedBytes -= taken
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

  /** Sends a piece of the chunk and returns its length: all that there is room for, or less if chance wants it. */
  #take(chunk: Uint8Array, start: number, room: number): number {
    const { pieces, random } = this.#wire
    const length = Math.min(chunk.length - start, room)
    const taken = random.oneIn(4) ? random.between(1, length) : length
    const piece = pieces.take(taken)
    piece.set(taken === chunk.length ? chunk : chunk.subarray(start, start + taken))
    this.#inFlightBytes += taken
    this.#sendInOrder(PacketKind.data, piece)
    return taken
  }

  #sendEnd(): void {
    this.#isEndSent = true
    this.#sendInOrder(PacketKind.end, NO_BYTES)
    if (this.#isEndReceived) this.#close(null)
    else this.#cutAfter(LINGER_LIMIT_MS)
  }

  #sendInOrder(kind: PacketKind, bytes: Uint8Array): void {
    const packet = new Packet(this.#peer!, kind, this.#nextSequence, bytes, 0)
    this.#nextSequence += 1
    if (this.#lost.length > 0 || this.#link.isClosed) this.#lose(packet)
    else this.#wire.events.add(this.nextArrivalMs(bytes.length), packet)
  }

  /** Tells the other end to close. A reset is not sent again: if it is lost, the next packet causes another one. */
  #sendReset(): void {
    if (this.#link.isClosed) return
    const packet = new Packet(this.#peer!, PacketKind.reset, 0, NO_BYTES, 0)
    this.#wire.events.add(this.nextArrivalMs(0), packet)
  }

  /**
   * Tells the other end how much was read here. As long as nothing waits there for room, nobody can see when the
   * news arrives, so it arrives at once and costs no event.
   */
  #acknowledge(count: number): void {
    const peer = this.#peer!
    if (this.#link.isClosed || this.#unheardBytes > 0) {
      this.#unheardBytes += count
      this.#waitForLink()
      peer.#startGivingUp()
    } else if (peer.#bufferedBytes === 0) peer.#inFlightBytes -= count
    else {
      const { events } = this.#wire
      const packet = new Packet(peer, PacketKind.acknowledgement, 0, NO_BYTES, count)
      events.add(this.#link.arrivalMs(events.nowMs, HEADER_BYTES), packet)
    }
  }

  /* ---------------------------------------------------------------- loss */

  #lose(packet: Packet): void {
    if (this.#isForgotten) return
    if (this.#lost.length === 0) this.#lostSinceMs = this.#wire.events.nowMs
    this.#lost.push(packet)
    this.#waitForLink()
    this.#startGivingUp()
  }

  #waitForLink(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    if (this.#link.isClosed) this.#link.whenOpen(this)
    else this.onLinkOpen()
  }

  /** The link is open; TCP finds out when it tries again. */
  onLinkOpen(): void {
    const { events, retransmission } = this.#wire
    const firstMs = this.#lost.length > 0 ? this.#lostSinceMs : events.nowMs
    events.schedule(retransmission.nextRetryMs(firstMs, events.nowMs), () => this.#retry())
  }

  #retry(): void {
    if (this.#link.isClosed) {
      this.#link.whenOpen(this)
      return
    }
    this.#isWaiting = false
    if (this.#isForgotten) return
    const { events } = this.#wire
    this.#stopGivingUp()
    const lost = this.#lost
    this.#lost = []
    for (const packet of lost) events.add(this.nextArrivalMs(packet.bytes.length), packet)
    const count = this.#unheardBytes
    this.#unheardBytes = 0
    this.#peer!.#stopGivingUp()
    if (count > 0) this.#acknowledge(count)
  }

  #startGivingUp(): void {
    if (this.#giveUpTimer !== null || this.#isClosed) return
    const { events, retransmitLimitMs } = this.#wire
    this.#giveUpTimer = events.schedule(events.nowMs + retransmitLimitMs, () => {
      this.#giveUpTimer = null
      this.#lost = []
      this.#close(new IoError('ETIMEDOUT', `${this.remote.host} does not acknowledge`))
    })
  }

  /** Something has come through. */
  #stopGivingUp(): void {
    this.#giveUpTimer?.cancel()
    this.#giveUpTimer = null
  }

  /* ---------------------------------------------------------------- keep-alive */

  readonly #probe = (): ProbeResult => {
    const peer = this.#peer!
    if (this.#lost.length > 0) return ProbeResult.needless
    if (this.#link.isClosed || peer.#link.isClosed) return ProbeResult.lost
    if (peer.#isForgotten) peer.#sendReset()
    return ProbeResult.answered
  }

  /* ---------------------------------------------------------------- receiving */

  /** A packet arrives here, or would if the link were open. */
  onPacket(packet: Packet): void {
    const peer = this.#peer!
    const { events } = this.#wire
    if (peer.#link.isClosed) {
      if (packet.kind === PacketKind.acknowledgement) {
        peer.#unheardBytes += packet.count
        peer.#waitForLink()
        this.#startGivingUp()
      } else if (packet.kind !== PacketKind.reset) peer.#lose(packet)
      return
    }
    events.note(packet.kind + 4 * packet.bytes.length)
    this.#keepAlive?.heard()
    if (packet.kind === PacketKind.reset) this.reset()
    else if (packet.kind === PacketKind.acknowledgement) this.#onAcknowledged(packet.count)
    else if (packet.sequence !== this.#nextExpected) this.#keepEarly(packet)
    else {
      this.#onNext(packet)
      while (this.#early.length > 0 && this.#early[0]!.sequence === this.#nextExpected) {
        this.#onNext(this.#early.shift()!)
      }
    }
  }

  #keepEarly(packet: Packet): void {
    const early = this.#early
    let index = early.length
    while (index > 0 && early[index - 1]!.sequence > packet.sequence) index -= 1
    early.splice(index, 0, packet)
  }

  #onNext({ kind, bytes }: Packet): void {
    this.#nextExpected += 1
    if (kind === PacketKind.data) this.#onArrival(bytes)
    else this.#onEndArrival()
  }

  #onArrival(piece: Uint8Array): void {
    if (this.#isClosed) {
      this.#sendReset()
      return
    }
    const handler = this.#handler
    const isReadAtOnce =
      handler !== null && this.#unread.length === 0 && !this.#isPaused && !this.process.isFrozen
    if (isReadAtOnce && !this.process.isStopped) this.#deliver(handler, piece)
    else {
      this.#unread.push(piece)
      this.#read()
    }
  }

  #deliver(handler: ConnectionHandler, piece: Uint8Array): void {
    if (!this.#isEnding) handler.onBytes(piece)
    piece.fill(POISON)
    this.#acknowledge(piece.length)
  }

  #onEndArrival(): void {
    if (this.#isForgotten) {
      this.#sendReset()
      return
    }
    this.#isEndReceived = true
    this.#read()
  }

  #readSoon(): void {
    this.process.inWorld(this.#wire.events.nowMs, () => this.#read())
  }

  /** Delivers what has arrived, as far as the receiver wants it. */
  #read(): void {
    if (this.process.isFrozen) {
      this.#readWhenThawed()
      return
    }
    const handler = this.#handler
    if (handler === null) return
    while (!this.#isPaused && !this.#isClosed && !this.process.isStopped) {
      const piece = this.#unread.shift()
      if (piece === null) {
        this.#readEnd(handler)
        return
      }
      this.#deliver(handler, piece)
    }
  }

  #readWhenThawed(): void {
    if (this.#isReadPending) return
    this.#isReadPending = true
    this.process.readWhenThawed(() => {
      this.#isReadPending = false
      this.#read()
    })
  }

  #readEnd(handler: ConnectionHandler): void {
    if (!this.#isEndReceived || this.#isEndDelivered) return
    this.#isEndDelivered = true
    if (!this.#isEnding) handler.onEnd()
    else if (this.#isEndSent) this.#close(null)
  }

  #onAcknowledged(length: number): void {
    this.#inFlightBytes -= length
    if (!this.#isClosed) this.#pump()
  }

  /* ---------------------------------------------------------------- closing */

  #close(error: IoError | null): void {
    if (this.#isClosed) return
    const hasUnread = this.#unread.length > 0
    const mustSendEnd = error === null && !hasUnread && !this.#isEndSent
    this.#closeError = error
    this.#shut()
    if (error === null && hasUnread) this.#sendReset()
    else if (mustSendEnd) this.#sendInOrder(PacketKind.end, NO_BYTES)
    this.#soon(this.#reportClose)
  }

  readonly #reportClose = (handler: ConnectionHandler): void => {
    if (this.#isCloseReported) return
    this.#isCloseReported = true
    handler.onClose(this.#closeError)
  }

  #shut(): void {
    this.#isClosed = true
    this.#isEnding = true
    this.#isEndSent = true
    this.#cutTimer?.cancel()
    this.#keepAlive?.stop()
    this.#stopGivingUp()
    this.#queue.clear()
    this.#bufferedBytes = 0
    this.#unread.clear()
    this.#onGone(this)
  }

  #cutAfter(limitMs: number): void {
    this.#cutTimer?.cancel()
    const { events } = this.#wire
    this.#cutTimer = this.process.inWorld(events.nowMs + limitMs, () => this.#close(null))
  }

  /** Calls the handler, but not inside the present call. */
  #soon(call: (handler: ConnectionHandler) => void): void {
    this.process.inWorld(this.#wire.events.nowMs, () => {
      if (this.#handler !== null) call(this.#handler)
    })
  }
}
