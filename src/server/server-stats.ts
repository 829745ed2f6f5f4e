import type { Zxid } from '../base/index.ts'
import type { Clock, Counter, Metrics, Observer } from '../env/index.ts'
import { OpCode } from '../wire/index.ts'
import { BufferSizes } from './buffer-sizes.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ClientEvents } from './events/index.ts'
import { NamespaceSizes } from './metrics/index.ts'
import type { LatencyStatus } from './server-status.ts'

const LENGTH_BYTES = 4

/** Counters since the process started, or since an operator has reset them. */
export class ServerStats {
  packetsReceived = 0
  packetsSent = 0
  authFailed = 0
  /** From 0 to 1: the chance of a client to be turned away (`connection_throttle_…`). */
  connectionDropChance = 0
  readonly replySizes: BufferSizes = new BufferSizes()
  /** What was read, by namespace. */
  readonly reads: NamespaceSizes
  /** Requests that were answered without a transaction, since the start. */
  readsAnswered = 0
  /** Queues that the reply to a write has left empty, since the start. */
  queuesDrained = 0
  readonly #readLatency: Observer
  readonly #updateLatency: Observer
  readonly #readWait: Observer
  readonly #readTime: Observer
  readonly #bytesReceived: Counter
  readonly #bytesSent: Counter
  readonly #eventBytes: Counter
  readonly #revalidations: Counter
  readonly #drops: Counter
  readonly #largeRequests: Counter
  readonly #queueSizes: Observer
  readonly #readsAfterWrite: Observer
  readonly #events: ClientEvents
  readonly #clock: Clock
  #minMs = 0
  #maxMs = 0
  #totalMs = 0
  #answered = 0

  constructor(metrics: Metrics, events: ClientEvents, clock: Clock) {
    this.reads = new NamespaceSizes(metrics.summarySet('read_per_namespace'))
    this.#readLatency = metrics.summary('readlatency')
    this.#updateLatency = metrics.summary('updatelatency')
    this.#readWait = metrics.summary('read_commitproc_time_ms')
    this.#readTime = metrics.summary('read_final_proc_time_ms')
    this.#bytesReceived = metrics.counter('bytes_received_count')
    this.#bytesSent = metrics.counter('response_bytes')
    this.#eventBytes = metrics.counter('watch_bytes')
    this.#drops = metrics.counter('connection_drop_count')
    this.#largeRequests = metrics.counter('large_requests_rejected')
    this.#revalidations = metrics.counter('connection_revalidate_count')
    this.#queueSizes = metrics.summary('requests_in_session_queue')
    this.#readsAfterWrite = metrics.summary('reads_after_write_in_session_queue')
    this.#events = events
    this.#clock = clock
  }

  /** A frame came, which is this long without its length. */
  recordPacket(bytes: number): void {
    this.packetsReceived += 1
    this.#bytesReceived.add(bytes + LENGTH_BYTES)
  }

  /** A four-letter word came. */
  recordWord(connection: ClientConnection): void {
    this.recordPacket(0)
    connection.stats.received += 1
  }

  /** The answer to a word was written. */
  recordWordAnswer(connection: ClientConnection): void {
    this.#recordSent(connection)
  }

  /** The reply to the first frame was written. Upstream shows a new session as an operation of its own, `SESS`. */
  recordConnectReply(connection: ClientConnection, createdAt: Zxid | null): void {
    this.#recordSent(connection)
    if (createdAt === null) return
    const nowMs = this.#clock.monotonicMs()
    const latencyMs = Math.max(0, Math.floor(nowMs - connection.heardMs))
    connection.stats.recordReply(OpCode.createSession, 0, createdAt, latencyMs, nowMs)
  }

  /** A client wants to go on with its session. */
  recordRevalidation(): void {
    this.#revalidations.add(1)
  }

  /** A connection was ended by its client, or broke. */
  recordDrop(): void {
    this.#drops.add(1)
  }

  /** A request came that is too large beside others. */
  recordLargeRequest(): void {
    this.#largeRequests.add(1)
  }

  /** An event of a watch was written. */
  recordEvent(connection: ClientConnection, bytes: number): void {
    this.#recordSent(connection)
    this.#eventBytes.add(bytes)
  }

  /** A request without a transaction was carried out. */
  recordReadTime(tookMs: number): void {
    this.#readTime.observe(tookMs)
  }

  /** A write is answered: so many requests of its connection waited for it, with it, and so many wait still. */
  recordQueue(before: number, after: number): void {
    this.#queueSizes.observe(before)
    this.#readsAfterWrite.observe(Math.max(0, before - 1 - after))
    if (after === 0) this.queuesDrained += 1
  }

  /** A reply was written: for the connection and, unless it is a ping, for the server's latency. */
  recordReply(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    zxid: Zxid,
    admittedMs: number,
    nowMs: number,
    isUpdate: boolean,
  ): void {
    this.#recordSent(connection)
    const { lastFrameBytes } = connection.out
    this.replySizes.record(lastFrameBytes)
    this.#bytesSent.add(lastFrameBytes)
    const latencyMs = nowMs === admittedMs ? 0 : Math.max(0, Math.floor(nowMs - admittedMs))
    // Upstream answers credentials before its pipeline, where the last operation is noted.
    if (opcode !== OpCode.auth) connection.stats.recordReply(opcode, xid, zxid, latencyMs, nowMs)
    if (!isUpdate) {
      this.readsAnswered += 1
      this.#readWait.observe(latencyMs)
    }
    if (opcode === OpCode.ping) return
    this.#events.answered(connection.sessionId, opcode, latencyMs, nowMs)
    if (isUpdate) this.#updateLatency.observe(latencyMs)
    else this.#readLatency.observe(latencyMs)
    if (this.#answered === 0 || latencyMs < this.#minMs) this.#minMs = latencyMs
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs
    this.#totalMs += latencyMs
    this.#answered += 1
  }

  /** As `srst` does (`ServerStats.reset`): what is counted in any case, such as failed authentications, stays. */
  reset(): void {
    this.packetsReceived = 0
    this.packetsSent = 0
    this.#minMs = 0
    this.#maxMs = 0
    this.#totalMs = 0
    this.#answered = 0
    this.replySizes.reset()
  }

  #recordSent(connection: ClientConnection): void {
    this.packetsSent += 1
    connection.stats.sent += 1
  }

  latency(): LatencyStatus {
    return {
      minMs: this.#minMs,
      maxMs: this.#maxMs,
      avgMs: this.#answered === 0 ? 0 : this.#totalMs / this.#answered,
    }
  }
}
