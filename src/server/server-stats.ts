import type { Zxid } from '../base/index.ts'
import { OpCode } from '../wire/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { LatencyStatus } from './server-status.ts'

/** Counters since the process started. */
export class ServerStats {
  packetsReceived = 0
  packetsSent = 0
  authFailed = 0
  #minMs = 0
  #maxMs = 0
  #totalMs = 0
  #answered = 0

  /** A reply was written: for the connection and, unless it is a ping, for the server's latency. */
  recordReply(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    zxid: Zxid,
    admittedMs: number,
    nowMs: number,
  ): void {
    this.packetsSent += 1
    const latencyMs = nowMs === admittedMs ? 0 : Math.max(0, Math.floor(nowMs - admittedMs))
    connection.stats.recordReply(opcode, xid, zxid, latencyMs, nowMs)
    if (opcode === OpCode.ping) return
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
