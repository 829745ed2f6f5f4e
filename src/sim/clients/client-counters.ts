import { ErrorCode } from '../../wire/index.ts'

/** What became of a client's requests and connections. */
export class ClientCounters {
  /** Requests of workloads; pings, auth and setWatches are not among them. */
  invoked = 0
  ok = 0
  /** Replies with an error, by code. */
  readonly errors: Map<number, number> = new Map()
  /** Writes without a reply: made or not. */
  ambiguous = 0
  /** Reads without a reply. */
  lostReads = 0
  connects = 0
  disconnects = 0
  readTimeouts = 0
  expirations = 0
  watchesReset = 0
  events = 0

  add(other: ClientCounters): void {
    this.invoked += other.invoked
    this.ok += other.ok
    for (const [err, count] of other.errors) {
      this.errors.set(err, (this.errors.get(err) ?? 0) + count)
    }
    this.ambiguous += other.ambiguous
    this.lostReads += other.lostReads
    this.connects += other.connects
    this.disconnects += other.disconnects
    this.readTimeouts += other.readTimeouts
    this.expirations += other.expirations
    this.watchesReset += other.watchesReset
    this.events += other.events
  }

  countReply(err: number): void {
    if (err === ErrorCode.ok) this.ok += 1
    else this.errors.set(err, (this.errors.get(err) ?? 0) + 1)
  }

  countLost(isWrite: boolean): void {
    if (isWrite) this.ambiguous += 1
    else this.lostReads += 1
  }
}
