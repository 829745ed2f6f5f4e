import { connect, type Socket } from 'node:net'
import { connectRequest, frame } from '../client/index.ts'
import type { Histogram } from './histogram.ts'

/** What one connection asks for, again and again. */
export interface LoadPlan {
  /** Requests kept under way. */
  readonly depth: number
  /** Whole frames with a placeholder xid; taken in turn. */
  readonly requests: readonly Buffer[]
  /** While `current` is null nothing is recorded. */
  readonly latencies: { current: Histogram | null }
}

const XID_OFFSET = 4
const CONNECT_RESPONSE_BYTES = 41

/**
 * One session that always has `depth` requests under way: for the replies found in one chunk, as many requests leave
 * in one write. Everything is encoded beforehand; only the xid is new.
 */
export class LoadConnection {
  completed = 0
  onFailure: (reason: string) => void = () => {}

  readonly #plan: LoadPlan
  readonly #socket: Socket
  readonly #sentAt: Float64Array
  #next: number
  #sentXid = 0
  #repliedXid = 0
  #rest: Buffer | null = null
  #isOpen = false
  #onOpen: (() => void) | null = null

  constructor(plan: LoadPlan, port: number, first: number) {
    this.#plan = plan
    this.#next = first
    this.#sentAt = new Float64Array(plan.depth)
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('error', (error) => this.onFailure(error.message))
    this.#socket.on('close', () => this.onFailure('the server closed the connection'))
    this.#socket.on('data', (chunk) => this.#onBytes(chunk))
  }

  /** Opens the session. */
  async open(): Promise<void> {
    this.#socket.write(frame(connectRequest({ timeoutMs: 30_000 })))
    await new Promise<void>((resolve, reject) => {
      this.#onOpen = resolve
      this.onFailure = (reason) => reject(new Error(reason))
    })
  }

  start(): void {
    this.#send(this.#plan.depth)
  }

  destroy(): void {
    this.onFailure = () => {}
    this.#socket.destroy()
  }

  #onBytes(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = null
    let offset = 0
    if (!this.#isOpen) {
      if (bytes.length < CONNECT_RESPONSE_BYTES) {
        this.#rest = bytes
        return
      }
      this.#isOpen = true
      offset = CONNECT_RESPONSE_BYTES
      this.#onOpen?.()
    }
    const nowUs = performance.now() * 1000
    const before = this.completed
    while (bytes.length - offset >= 4) {
      const length = bytes.readInt32BE(offset)
      if (bytes.length - offset - 4 < length) break
      this.#onReply(bytes, offset + 4, nowUs)
      offset += 4 + length
    }
    if (offset < bytes.length) this.#rest = bytes.subarray(offset)
    const replies = this.completed - before
    if (replies > 0) this.#send(replies)
  }

  #onReply(bytes: Buffer, offset: number, nowUs: number): void {
    const xid = bytes.readInt32BE(offset)
    const err = bytes.readInt32BE(offset + 12)
    this.#repliedXid++
    if (xid !== this.#repliedXid || err !== 0) {
      this.onFailure(`reply ${xid} with error ${err} where ${this.#repliedXid} was due`)
      return
    }
    this.completed++
    const sentAt = this.#sentAt[xid % this.#plan.depth] ?? 0
    this.#plan.latencies.current?.add(nowUs - sentAt)
  }

  #send(count: number): void {
    const { requests, depth } = this.#plan
    const frames: Buffer[] = []
    let total = 0
    for (let i = 0; i < count; i++) {
      const request = requests[this.#next++ % requests.length]
      if (request === undefined) return
      frames.push(request)
      total += request.length
    }
    const bytes = Buffer.allocUnsafe(total)
    const nowUs = performance.now() * 1000
    let offset = 0
    for (const request of frames) {
      request.copy(bytes, offset)
      bytes.writeInt32BE(++this.#sentXid, offset + XID_OFFSET)
      this.#sentAt[this.#sentXid % depth] = nowUs
      offset += request.length
    }
    this.#socket.write(bytes)
  }
}
