import type { Zxid } from '../base/index.ts'
import type { Metrics } from '../env/index.ts'
import { OpCode } from '../wire/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { LatencyStatus } from './server-status.ts'

/** Counters since the process started. */
export class ServerStats {
  packetsReceived = 0
  packetsSent = 0
  authFailed = 0
  readonly #metrics: Metrics
  #minMs = 0
  #maxMs = 0
  #totalMs = 0
  #answered = 0

  constructor(metrics: Metrics) {
    this.#metrics = metrics
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
    const latencyMs = nowMs === admittedMs ? 0 : Math.max(0, Math.floor(nowMs - admittedMs))
    connection.stats.recordReply(opcode, xid, zxid, latencyMs, nowMs)
    if (opcode === OpCode.ping) return
    if (isUpdate) this.#metrics.observe('updatelatency', latencyMs)
    else this.#metrics.observe('readlatency', latencyMs)
    if (this.#answered === 0 || latencyMs < this.#minMs) this.#minMs = latencyMs
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs
    this.#totalMs += latencyMs
    this.#answered += 1
  }

  latency(): LatencyStatus {
    return {
      minMs: this.#minMs,
      maxMs: this.#maxMs,
      avgMs: this.#answered === 0 ? 0 : this.#totalMs / this.#answered,
    }
  }
}
