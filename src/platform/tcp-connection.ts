import type { Socket } from 'node:net'
import { assert } from '../base/index.ts'
import type { Address, Connection, ConnectionHandler, IoError } from '../env/index.ts'
import { plainAddress } from './addresses.ts'
import { toIoError } from './errors.ts'

/** Above this `write` asks its caller to wait for `onDrain`. */
const HIGH_WATER_BYTES = 64 * 1024

/** How long an ended connection may take to get rid of what is queued. */
const FLUSH_LIMIT_MS = 10_000

/** How long an ended and flushed connection waits for the other side's end before it is cut. */
const LINGER_LIMIT_MS = 1_000

/**
 * A {@link Connection} over a `net.Socket` that was made with `allowHalfOpen` and without Nagle.
 *
 * Node.js tries each write at once and passes to the event loop only what the kernel did not take, so
 * `bufferedBytes` is nearly always 0 right after `write`, and the caller may reuse its buffer.
 */
export class TcpConnection implements Connection {
  readonly remote: Address
  readonly local: Address
  readonly #socket: Socket
  #handler: ConnectionHandler | null = null
  #error: IoError | null = null
  #mustDrain = false
  #isEnding = false
  #isClosed = false
  #lingerTimer: NodeJS.Timeout | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    this.remote = plainAddress(socket.remoteAddress, socket.remotePort)
    this.local = plainAddress(socket.localAddress, socket.localPort)
  }

  /** Starts the events; called once, right after construction. */
  attach(handler: ConnectionHandler): void {
    assert(this.#handler === null, 'a connection has one handler')
    this.#handler = handler
    const socket = this.#socket
    socket.on('data', (chunk: Uint8Array) => {
      if (!this.#isEnding) handler.onBytes(chunk)
    })
    socket.on('end', () => this.#onRemoteEnd())
    socket.on('error', (error) => {
      this.#error ??= toIoError(error, `connection with ${this.remote.host}:${this.remote.port}`)
    })
    socket.on('close', () => this.#onClosed())
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#socket.writableLength
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket
    if (this.#isEnding || socket.destroyed) return false
    socket.write(bytes, this.#onWritten)
    const bufferedBytes = socket.writableLength
    if (bufferedBytes === 0) return true
    this.#mustDrain = true
    return bufferedBytes < HIGH_WATER_BYTES
  }

  keepAlive(idleMs: number): void {
    this.#socket.setKeepAlive(true, idleMs)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isEnding) this.#socket.resume()
  }

  /**
   * Closing a socket that has unread bytes resets the connection, which can destroy the last reply
   * before the other side has read it. So the rest is read and dropped until the other side ends too.
   */
  end(): void {
    if (this.#isEnding || this.#socket.destroyed) return
    this.#isEnding = true
    this.#cutAfter(FLUSH_LIMIT_MS)
    this.#socket.end(() => {
      if (this.#socket.readableEnded) this.#socket.destroy()
      else this.#cutAfter(LINGER_LIMIT_MS)
    })
    this.#socket.resume()
  }

  destroy(): void {
    this.#isEnding = true
    this.#socket.destroy()
  }

  readonly #onWritten = (): void => {
    if (!this.#mustDrain || this.#socket.writableLength > 0 || this.#socket.destroyed) return
    this.#mustDrain = false
    if (!this.#isEnding) this.#handler?.onDrain()
  }

  #onRemoteEnd(): void {
    if (!this.#isEnding) this.#handler?.onEnd()
    else if (this.#socket.writableFinished) this.#socket.destroy()
  }

  #onClosed(): void {
    this.#isClosed = true
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer)
    this.#handler?.onClose(this.#error)
  }

  #cutAfter(limitMs: number): void {
    if (this.#socket.destroyed) return
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer)
    this.#lingerTimer = setTimeout(() => this.#socket.destroy(), limitMs)
  }
}
