import type { ServerId } from '../base/index.ts'
import type { Connection, ConnectionHandler, IoError } from '../env/index.ts'
import { DecodeError, FrameReader, type FrameSink } from '../wire/index.ts'
import {
  INITIAL_MESSAGE_BYTES_MAX,
  type Introduction,
  readInitialMessage,
} from './initial-message.ts'

/** What a connection needs from the port; called from socket events only. */
export interface ElectionConnectionHost {
  readonly frameBytesMax: number
  /** An accepted connection has said who it is. The host may close it. */
  onIntroduced(connection: ElectionConnection, introduction: Introduction): void
  /** One notification: bytes[start, end), valid during the call only. */
  onFrame(connection: ElectionConnection, bytes: Uint8Array, start: number, end: number): void
  onDrain(connection: ElectionConnection): void
  /** The connection has ended, and not because the host wanted it. */
  onLost(connection: ElectionConnection, reason: string): void
}

/** One connection on the election port: an initial message of the server that opened it, then frames both ways. */
export class ElectionConnection implements ConnectionHandler, FrameSink {
  readonly #host: ElectionConnectionHost
  readonly #socket: Connection
  readonly #frames: FrameReader
  /** Null until the other end has said who it is. */
  sid: ServerId | null
  /** Set by the host once a frame has come. */
  isHeard = false
  #isClosed = false
  #held: Uint8Array = NOTHING
  #heldBytes = 0

  /** `sid` is null for an accepted connection. */
  constructor(host: ElectionConnectionHost, socket: Connection, sid: ServerId | null) {
    this.#host = host
    this.#socket = socket
    this.sid = sid
    this.#frames = new FrameReader(host.frameBytesMax)
  }

  get remote(): string {
    return this.#socket.remote.host
  }

  /** Whether the socket has taken everything. */
  get isIdle(): boolean {
    return this.#socket.bufferedBytes === 0
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes)
  }

  /** From now on the other machine is asked after so long without a word whether the connection exists there. */
  keepAlive(idleMs: number): void {
    if (!this.#isClosed) this.#socket.keepAlive(idleMs)
  }

  /** Nothing is reported any more. */
  destroy(): void {
    this.#becomeClosed()
    this.#socket.destroy()
  }

  onBytes(chunk: Uint8Array): void {
    if (this.#isClosed) return
    if (this.sid !== null) {
      this.#frames.push(chunk, this)
      return
    }
    try {
      this.#readIntroduction(chunk)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#lose(error.message)
    }
  }

  onDrain(): void {
    if (!this.#isClosed) this.#host.onDrain(this)
  }

  /** Nobody half-closes here. */
  onEnd(): void {
    this.#lose('the other end has closed the connection')
  }

  onClose(error: IoError | null): void {
    this.#lose(error === null ? 'the connection was closed' : error.message)
  }

  /* ---------------------------------------------------------------- reading */

  #readIntroduction(chunk: Uint8Array): void {
    const used = this.#heldBytes
    const taken = Math.min(chunk.length, INITIAL_MESSAGE_BYTES_MAX - used)
    if (this.#held.length === 0) this.#held = new Uint8Array(INITIAL_MESSAGE_BYTES_MAX)
    this.#held.set(chunk.subarray(0, taken), used)
    this.#heldBytes = used + taken
    const introduction = readInitialMessage(this.#held, this.#heldBytes)
    if (introduction === null) return
    this.#held = NOTHING
    this.sid = introduction.sid
    this.#host.onIntroduced(this, introduction)
    const from = introduction.length - used
    if (!this.#isClosed && from < chunk.length) this.#frames.push(chunk.subarray(from), this)
  }

  onFrame(bytes: Uint8Array, start: number, end: number): boolean {
    if (start === end) this.onBadLength(0)
    else this.#host.onFrame(this, bytes, start, end)
    return true
  }

  onBadLength(length: number): void {
    this.#lose(`a notification of ${length} bytes`)
  }

  /* ---------------------------------------------------------------- end */

  #lose(reason: string): void {
    if (this.#isClosed) return
    this.destroy()
    this.#host.onLost(this, reason)
  }

  #becomeClosed(): void {
    this.#isClosed = true
    this.#held = NOTHING
    this.#frames.close()
  }
}

const NOTHING = new Uint8Array(0)
