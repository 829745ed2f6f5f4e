import type { Zxid } from '../base/index.ts'
import type { Metrics } from '../env/index.ts'
import { OpCode } from '../wire/index.ts'
import { BufferSizes } from './buffer-sizes.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ClientEvents } from './events/index.ts'
import type { LatencyStatus } from './server-status.ts'

/** Counters since the process started, or since an operator has reset them. */
export class ServerStats {
  packetsReceived = 0
  packetsSent = 0
  authFailed = 0
  readonly replySizes: BufferSizes = new BufferSizes()
  readonly #metrics: Metrics
  readonly #events: ClientEvents
  #minMs = 0
  #maxMs = 0
  #totalMs = 0
  #answered = 0

  constructor(metrics: Metrics, events: ClientEvents) {
    this.#metrics = metrics
    this.#events = events
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
    this.packetsSent += 1
    this.replySizes.record(connection.out.lastFrameBytes)
    const latencyMs = nowMs === admittedMs ? 0 : Math.max(0, Math.floor(nowMs - admittedMs))
    connection.stats.recordReply(opcode, xid, zxid, latencyMs, nowMs)
    if (opcode === OpCode.ping) return
    this.#events.answered(connection.sessionId, opcode, latencyMs, nowMs)
    if (isUpdate) this.#metrics.observe('updatelatency', latencyMs)
    else this.#metrics.observe('readlatency', latencyMs)
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

  latency(): LatencyStatus {
    return {
      minMs: this.#minMs,
      maxMs: this.#maxMs,
      avgMs: this.#answered === 0 ? 0 : this.#totalMs / this.#answered,
    }
  }
}
