/** What `cons` and `stat` show of one connection. Latencies in whole ms. */
export class ConnectionStats {
  received = 0
  sent = 0
  lastOpcode = 0
  lastXid = 0
  lastZxid: bigint = -1n
  lastReplyMs = 0
  lastLatencyMs = 0
  minLatencyMs = 0
  maxLatencyMs = 0
  totalLatencyMs = 0
  answered = 0

  /** As `crst` does (`ServerCnxn.resetStats`). */
  reset(): void {
    this.received = 0
    this.sent = 0
    this.lastOpcode = 0
    this.lastXid = -1
    this.lastZxid = -1n
    this.lastReplyMs = 0
    this.lastLatencyMs = 0
    this.minLatencyMs = 0
    this.maxLatencyMs = 0
    this.totalLatencyMs = 0
    this.answered = 0
  }

  recordReply(opcode: number, xid: number, zxid: bigint, latencyMs: number, nowMs: number): void {
    this.lastOpcode = opcode
    this.lastXid = xid
    this.lastZxid = zxid
    this.lastReplyMs = nowMs
    this.lastLatencyMs = latencyMs
    if (this.answered === 0 || latencyMs < this.minLatencyMs) this.minLatencyMs = latencyMs
    if (latencyMs > this.maxLatencyMs) this.maxLatencyMs = latencyMs
    this.totalLatencyMs += latencyMs
    this.answered += 1
  }
}
