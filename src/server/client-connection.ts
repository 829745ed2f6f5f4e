import {
  assert,
  encodeUtf8,
  Fifo,
  NO_SESSION,
  NO_ZXID,
  type SessionId,
  type Zxid,
} from '../base/index.ts'
import type { Limits } from '../config/index.ts'
import type { Address, Connection, ConnectionHandler, IoError } from '../env/index.ts'
import type { TrackedSession } from '../session/index.ts'
import {
  type AuthId,
  type EventType,
  FrameReader,
  type FrameSink,
  OutputBuffer,
  writeWatcherEvent,
} from '../wire/index.ts'
import type { Watcher } from '../znodes/index.ts'
import { ConnectionStats } from './connection-stats.ts'
import type { Outstanding } from './outstanding.ts'
import { type Pending, PendingKind, type PendingWrite, type WaitingRequest } from './pending.ts'

/** A write a client asked for. */
export type ClientWrite = PendingWrite<ClientConnection>

/** Where a connection is in its life; it only moves forward. */
export const Phase = {
  /** Nothing but a part of the first frame has come: it may still be a four-letter word. */
  opening: 0,
  /** Its handshake waits for a createSession or closeSession to be applied; nothing more is read. */
  connecting: 1,
  /** It has a session. */
  serving: 2,
  /** A last reply is on its way out, then the connection ends; nothing more is read or executed. */
  closing: 3,
  closed: 4,
} as const
export type Phase = (typeof Phase)[keyof typeof Phase]

export interface ConnectionLimits {
  /** Largest frame, in bytes (`jute.maxbuffer`). */
  readonly frameBytesMax: number
  /** Bytes of the first frame that are kept: what its sender has no session for is not worth more. */
  readonly connectFrameKeptBytesMax: number
  /** Requests read but not answered; reading stops there. */
  readonly pendingMax: number
  /** Lengths of their frames; reading stops there. */
  readonly pendingBytesMax: number
  /** Requests of all connections; from there on a connection is read only while it is owed nothing. */
  readonly outstandingMax: number
  readonly outstandingBytesMax: number
  /** Unsent reply bytes at which reading stops. */
  readonly outputHighWaterBytes: number
  /**
   * Unsent bytes of events at which the connection is cut, and of replies beyond which what waits before a write is not
   * answered but cut. One reply may be longer, such as the names of a million children: flow control bounds the rest.
   */
  readonly outputBytesMax: number
}

interface RawArgument {
  readonly bytes: Uint8Array
  length: number
  readonly done: (bytes: Uint8Array) => void
}

/** What the limits of a server mean for each of its connections. */
export function connectionLimits(limits: Limits): ConnectionLimits {
  return {
    frameBytesMax: limits.requestFrameBytesMax,
    connectFrameKeptBytesMax: limits.connectFrameKeptBytesMax,
    pendingMax: limits.outstandingPerConnectionMax,
    pendingBytesMax: limits.outstandingBytesPerConnectionMax,
    outstandingMax: limits.outstandingMax,
    outstandingBytesMax: limits.outstandingBytesMax,
    outputHighWaterBytes: limits.outputHighWaterBytes,
    outputBytesMax: limits.outputBytesMax,
  }
}

/** What a connection needs from the server; every method is called from one of its socket's events. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits
  readonly outstanding: Outstanding
  readonly stats: {
    recordEvent(connection: ClientConnection, bytes: number): void
    recordDrop(): void
  }
  /** Zxid of the last applied transaction. */
  readonly lastApplied: Zxid
  /** The first four bytes. True when they are a four-letter word, which the host then answers. */
  onFirstWord(connection: ClientConnection, word: number): boolean
  onConnectFrame(connection: ClientConnection, bytes: Uint8Array, start: number, end: number): void
  /** One whole request frame, header included. */
  onRequestFrame(connection: ClientConnection, bytes: Uint8Array, start: number, end: number): void
  /** A request that waited for earlier writes of its connection may run now. */
  onWaitingRequest(connection: ClientConnection, request: WaitingRequest): void
  /** A frame announced a length that is negative or over the limit; the connection is closed. */
  onBadFrame(connection: ClientConnection, length: number): void
  /** Output or flow control is to be settled at the end of the turn. */
  onTurnNeeded(connection: ClientConnection): void
  /** The client may have sent more, but is not read until some of what it asked for is answered. May repeat. */
  onHeldBack(connection: ClientConnection): void
  /** Writes up to this zxid are on their way, and the connection that asked for them takes no reply any more. */
  onWritesAbandoned(connection: ClientConnection, lastZxid: Zxid): void
  /** The client has only its last replies to take any more. */
  onClosing(connection: ClientConnection): void
  onClosed(connection: ClientConnection): void
}

/**
 * One client socket: cuts frames, keeps the order of replies, gathers output for one write per turn.
 *
 * Flow control: reading stops while too many requests are pending or too much output is unsent, in the middle of
 * a chunk if need be, so that a client that pipelines without reading costs a bounded amount of memory.
 */
export class ClientConnection implements ConnectionHandler, FrameSink, Watcher {
  readonly out: OutputBuffer = new OutputBuffer()
  readonly stats: ConnectionStats = new ConnectionStats()
  readonly establishedWallMs: number
  readonly remote: Address
  ids: readonly AuthId[]
  phase: Phase = Phase.opening
  sessionId: SessionId = NO_SESSION
  /** Null until the handshake is done. */
  session: TrackedSession | null = null
  timeoutMs = 0
  /**
   * Requests of this connection see at least this zxid: writes that the session asked for on an earlier connection were
   * on their way when it was taken up. A client that lost a reply looks whether its write was made.
   */
  notBefore: Zxid = NO_ZXID
  /** The connect request had the readOnly byte, so the response has it too. */
  hasReadOnlyFlag = false
  /** The turn's own mark: in the list of this turn's connections. */
  isInTurn = false
  /** When a request came last, monotonic; from {@link lateAfterMs} of silence on the next one is late. */
  heardMs: number
  lateAfterMs: number = Number.POSITIVE_INFINITY
  readonly acceptedMs: number
  /** Why it ended; the first reason counts. */
  closeReason: string | null = null

  readonly #host: ConnectionHost
  readonly #socket: Connection
  readonly #frames: FrameReader
  readonly #pending: Fifo<Pending<ClientConnection>> = new Fifo()
  #pendingBytes = 0
  #isPaused = false
  /** At least as much as the events among the unsent bytes: flow control holds back replies, but not events. */
  #eventBytes = 0
  #isLastRequestRead = false
  /** What is expected behind a first word. */
  #raw: RawArgument | null = null

  constructor(host: ConnectionHost, socket: Connection, wallMs: number, monotonicMs: number) {
    this.#host = host
    this.#socket = socket
    const { frameBytesMax, connectFrameKeptBytesMax } = host.limits
    this.#frames = new FrameReader(frameBytesMax, connectFrameKeptBytesMax)
    this.remote = socket.remote
    this.establishedWallMs = wallMs
    this.acceptedMs = monotonicMs
    this.heardMs = monotonicMs
    this.ids = [{ scheme: 'ip', id: socket.remote.host }]
  }

  /* ---------------------------------------------------------------- socket events */

  onBytes(chunk: Uint8Array): void {
    if (this.phase >= Phase.closing) return
    this.#frames.push(chunk, this)
    if (this.#frames.isStopped) this.#host.onTurnNeeded(this)
  }

  onDrain(): void {
    if (this.phase !== Phase.closed) this.#host.onTurnNeeded(this)
  }

  onEnd(): void {
    // ZooKeeper clients never half-close; like the original, the connection ends at once and replies
    // still owed are lost. Four-letter words are answered before the end of input is seen.
    if (this.phase >= Phase.closing) return
    this.#host.stats.recordDrop()
    this.destroy('its client has closed it')
  }

  onClose(error: IoError | null): void {
    this.closeReason ??= error === null ? 'it has ended' : error.message
    if (this.phase < Phase.closing) this.#host.stats.recordDrop()
    this.#becomeClosed()
  }

  /* ---------------------------------------------------------------- frames */

  onFirstWord(word: number): boolean {
    return this.#host.onFirstWord(this, word)
  }

  /** Calls `done` once with the next bytes, so many of them. For what comes behind a first word. */
  expectRaw(length: number, done: (bytes: Uint8Array) => void): void {
    this.#raw = { bytes: new Uint8Array(length), length: 0, done }
  }

  onRaw(bytes: Uint8Array, start: number, end: number): void {
    const raw = this.#raw
    if (raw === null) return
    const taken = bytes.subarray(start, Math.min(end, start + raw.bytes.length - raw.length))
    raw.bytes.set(taken, raw.length)
    raw.length += taken.length
    if (raw.length < raw.bytes.length) return
    this.#raw = null
    raw.done(raw.bytes)
  }

  onFrame(bytes: Uint8Array, start: number, end: number): boolean {
    this.stats.received += 1
    if (this.phase === Phase.opening) {
      this.#host.onConnectFrame(this, bytes, start, end)
    } else {
      this.#host.onRequestFrame(this, bytes, start, end)
    }
    return this.#mayRead()
  }

  /** Like the original: the connection is closed without a word, its session lives on. */
  onBadLength(length: number): void {
    this.#host.onBadFrame(this, length)
    this.destroy(`a frame of ${length} bytes`)
  }

  /* ---------------------------------------------------------------- watch events */

  onWatchEvent(type: EventType, path: string, zxid: Zxid): void {
    if (this.phase >= Phase.closing) return
    const mark = this.out.beginFrame()
    writeWatcherEvent(this.out, zxid, type, path)
    this.out.endFrame(mark)
    this.#host.stats.recordEvent(this, this.out.lastFrameBytes)
    this.#eventBytes += this.out.length - mark
    if (this.#eventBytes > this.#host.limits.outputBytesMax) {
      this.destroy('its client does not take its events')
      return
    }
    this.#host.onTurnNeeded(this)
  }

  /* ---------------------------------------------------------------- pending requests */

  /** Requests read and not answered. */
  get pendingCount(): number {
    return this.#pending.length
  }

  /** Puts a request behind those that are owed a reply already. */
  owe(item: Pending<ClientConnection>): void {
    const { outstanding } = this.#host
    if (this.#pending.length === 0) outstanding.queues += 1
    this.#pending.push(item)
    this.#pendingBytes += item.bytes
    if (item.kind === PendingKind.request) outstanding.enqueue(item.bytes)
  }

  /**
   * Runs waiting requests up to the next unfinished write or one whose zxid is not applied yet. Stops while too much
   * output is unsent; the end of a turn goes on.
   */
  runWaiting(): void {
    const { lastApplied, limits } = this.#host
    while (this.phase < Phase.closing && this.unsentBytes < limits.outputHighWaterBytes) {
      const head = this.#pending.peek()
      if (head === null || head.kind === PendingKind.write) return
      if (!head.isConfirmed || head.notBefore > lastApplied) return
      this.#run(head)
    }
  }

  /**
   * The next thing to happen is that this write is applied: whatever was asked before it runs now, because it must not
   * see that write. There is no waiting for the client to take its output here, so at the limit the connection is cut.
   */
  runAllBefore(write: ClientWrite): void {
    for (;;) {
      const head = this.#pending.peek()
      if (this.phase >= Phase.closing || head === null || head === write) return
      assert(head.kind === PendingKind.request, 'writes are applied in the order of the requests')
      if (this.unsentBytes > this.#host.limits.outputBytesMax) {
        this.destroy('its client does not take its replies')
      } else this.#run(head)
    }
  }

  /** The reply of a write has been written. */
  completeWrite(write: ClientWrite): void {
    assert(this.#pending.peek() === write, 'replies of one connection leave in request order')
    this.#pending.shift()
    this.#pendingBytes -= write.bytes
    this.#noteShorter()
  }

  #noteShorter(): void {
    if (this.#pending.length === 0) this.#host.outstanding.queues -= 1
  }

  #run(request: WaitingRequest): void {
    this.#pending.shift()
    this.#pendingBytes -= request.bytes
    this.#noteShorter()
    this.#host.outstanding.release(request.bytes)
    this.#host.onWaitingRequest(this, request)
  }

  /* ---------------------------------------------------------------- output and end */

  /** End of turn: one write for everything gathered, then flow control. */
  settle(): void {
    if (this.phase === Phase.closed) return
    if (this.out.length > 0) this.#socket.write(this.out.take())
    this.#eventBytes = Math.min(this.#eventBytes, this.#socket.bufferedBytes)
    if (this.phase === Phase.closing) {
      this.#socket.end()
      return
    }
    if (this.phase === Phase.opening) return
    if (this.#pending.length > 0) this.runWaiting()
    if (!this.#mayRead()) {
      this.#pause()
      return
    }
    if (this.#frames.isStopped) this.#frames.resume(this)
    if (this.#frames.isStopped) this.#host.onTurnNeeded(this)
    else this.#resume()
  }

  /** The request being read is the last one that counts (closeSession, a refused auth, an unknown opcode). */
  readNoMore(): void {
    this.#isLastRequestRead = true
  }

  /** Sends what has been written so far, then ends the connection; nothing more is read. */
  closeAfterFlush(reason?: string): void {
    if (this.phase >= Phase.closing) return
    this.closeReason ??= reason ?? null
    this.phase = Phase.closing
    this.#abandonPending()
    this.#host.onClosing(this)
    this.#host.onTurnNeeded(this)
  }

  /** The answer to a four-letter word: plain text without a frame, then the end. */
  answerText(text: string): void {
    const bytes = encodeUtf8(text)
    for (let i = 0; i < bytes.length; i += 1) this.out.int8(bytes.charCodeAt(i))
    this.closeAfterFlush()
  }

  /** Ends the connection now; unsent output is lost. */
  destroy(reason?: string): void {
    if (this.phase === Phase.closed) return
    this.closeReason ??= reason ?? null
    this.#becomeClosed()
    this.#socket.destroy()
  }

  get hadSession(): boolean {
    return this.session !== null
  }

  get isReading(): boolean {
    return !this.#isPaused
  }

  /**
   * Not read because it is owed replies that the disk delays: what its client has sent since, pings too, is not known.
   * A client that does not take its replies delays them itself.
   */
  get isHeldBack(): boolean {
    return (
      this.#isPaused &&
      this.phase === Phase.serving &&
      !this.#isLastRequestRead &&
      this.#pending.length > 0 &&
      this.unsentBytes < this.#host.limits.outputHighWaterBytes
    )
  }

  /** Output that the operating system has not taken yet. */
  get unsentBytes(): number {
    return this.out.length + this.#socket.bufferedBytes
  }

  /**
   * Every reason not to read ends with an event that calls {@link settle}: a reply for what is pending (and a connection
   * that is owed nothing is read whatever others are owed), the drain of the socket, the end of the handshake.
   */
  #mayRead(): boolean {
    if (this.phase !== Phase.serving || this.#isLastRequestRead) return false
    const { limits, outstanding } = this.#host
    if (
      this.#pending.length > 0 &&
      (this.#pending.length >= limits.pendingMax ||
        this.#pendingBytes >= limits.pendingBytesMax ||
        outstanding.requests >= limits.outstandingMax ||
        outstanding.bytes >= limits.outstandingBytesMax)
    ) {
      return false
    }
    return this.unsentBytes < limits.outputHighWaterBytes
  }

  #pause(): void {
    if (!this.#isPaused) {
      this.#isPaused = true
      this.#socket.pause()
    }
    if (this.isHeldBack) this.#host.onHeldBack(this)
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  #abandonPending(): void {
    let lastZxid = NO_ZXID
    this.#pending.forEach((item) => {
      if (item.kind === PendingKind.write) {
        item.origin = null
        lastZxid = item.zxid
      } else this.#host.outstanding.drop(item.bytes)
    })
    if (this.#pending.length > 0) this.#host.outstanding.queues -= 1
    this.#pending.clear()
    this.#pendingBytes = 0
    if (lastZxid !== NO_ZXID) this.#host.onWritesAbandoned(this, lastZxid)
  }

  #becomeClosed(): void {
    if (this.phase === Phase.closed) return
    this.phase = Phase.closed
    this.#abandonPending()
    this.#host.onClosed(this)
  }
}
