import { assert, Fifo, formatHex, type ServerId, unreachable, type Zxid } from '../base/index.ts'
import { History } from './history.ts'
import type { LinkId, PersistToken } from './inputs.ts'
import { type Entry, type Packet, packetName } from './messages.ts'
import { type CoreOptions, checkOptions } from './options.ts'
import { Outbox, type PersistRecord, RecordKind } from './outbox.ts'
import { SeededRandom } from './random.ts'
import type { Vote } from './vote.ts'

/** What a role wants to become; carried out by the core after the step. */
export type Transition =
  | { readonly to: 'looking'; readonly reason: string }
  | { readonly to: 'leading'; readonly vote: Vote; readonly reason: string }
  | { readonly to: 'following'; readonly vote: Vote; readonly reason: string }

interface Pending {
  readonly record: PersistRecord
  /** When it was handed over, or a part of it was written. */
  sinceMs: number
}

/** How much larger the window of recent entries may grow for learners that are being prepared. */
const CLAIMED = 4

/** How often a server could not be followed, and until when it is not tried again. */
interface Shunned {
  untilMs: number
  failures: number
}

/**
 * What survives a change of role, and the ways to ask for something to be done. All that is known of the disk is
 * here: the fields named after it change only when a `durable` input says so.
 */
export class CoreState {
  readonly options: CoreOptions
  readonly self: ServerId
  readonly outbox: Outbox = new Outbox()
  readonly random: SeededRandom
  nowMs = 0

  /** Durable. */
  acceptedEpoch: number
  /** Durable. */
  currentEpoch: number
  /** End of the durable log; equal to `history.last` when nothing is pending. */
  durableZxid: Zxid
  /** Zxid before the first entry that can be read from disk; null without such a log. */
  diskBase: Zxid | null
  /** Everything handed to the disk. */
  readonly history: History
  /** Known to be committed and handed to the driver. Never more than `durableZxid`. */
  applied: Zxid

  /** Round of elections (`logicalclock`). In memory only. */
  clock = 0
  /** What this server answers on the election port: its proposal while LOOKING, else the vote that was decided. */
  vote: Vote
  /** For whom the epoch was accepted that was accepted last; unknown after a restart. */
  acceptedFor: { readonly leader: ServerId; readonly epoch: number } | null = null
  transition: Transition | null = null
  readonly shunned: Map<ServerId, Shunned> = new Map()
  /** Voters whose election connection has ended, and which have not been heard since. */
  readonly gone: Set<ServerId> = new Set()
  /** currentEpoch of voters that look for a leader, as they said in the vote for themselves. */
  readonly epochsOfLooking: Map<ServerId, number> = new Map()

  readonly #pending = new Fifo<Pending>()
  #lastToken = 0 as PersistToken
  #lastLink = 0 as LinkId

  constructor(options: CoreOptions) {
    checkOptions(options)
    const { recovered } = options
    this.options = options
    this.self = options.self
    this.random = new SeededRandom(options.seed)
    this.acceptedEpoch = recovered.acceptedEpoch
    this.currentEpoch = recovered.currentEpoch
    this.diskBase = options.diskBase
    this.history = new History(recovered.base)
    for (const entry of recovered.entries) this.history.append(entry)
    this.durableZxid = this.history.last
    this.applied = recovered.committed
    this.vote = this.ownVote()
  }

  get isVoter(): boolean {
    return this.options.ensemble.quorum.isVoter(this.self)
  }

  /** The vote for this server itself. Only meaningful while the disk is idle. */
  ownVote(): Vote {
    return {
      leader: this.self,
      zxid: this.durableZxid,
      electionEpoch: this.clock,
      peerEpoch: this.currentEpoch,
    }
  }

  trace(line: string): void {
    this.outbox.traces.push(line)
  }

  /** A role change, carried out after this step. The first one asked for wins. */
  become(transition: Transition): void {
    this.transition ??= transition
  }

  allotLink(): LinkId {
    this.#lastLink = (this.#lastLink + 1) as LinkId
    return this.#lastLink
  }

  send(link: LinkId, packet: Packet): void {
    this.outbox.packets.push({ link, packet })
  }

  close(link: LinkId, reason: string): void {
    this.outbox.closes.push({ link, reason })
    this.trace(`close link ${link}: ${reason}`)
  }

  /** Closes a link whose other end sent what it may not. */
  reject(link: LinkId, packet: Packet, reason: string): void {
    this.close(link, `unexpected ${packetName(packet)}: ${reason}`)
  }

  // --- the disk -------------------------------------------------------------------------------------------------

  /** Whether everything handed to the disk is durable. */
  get isDiskIdle(): boolean {
    return this.#pending.length === 0
  }

  /** Since when the oldest unfinished write waits; Infinity if there is none. */
  get oldestWriteMs(): number {
    return this.#pending.peek()?.sinceMs ?? Infinity
  }

  /** The disk works, though the oldest write is not done. */
  onDiskProgress(): void {
    const oldest = this.#pending.peek()
    if (oldest !== null) oldest.sinceMs = this.nowMs
  }

  append(entry: Entry): PersistToken {
    this.history.append(entry)
    return this.#persist({ kind: RecordKind.APPEND, token: this.#nextToken(), entry })
  }

  truncate(zxid: Zxid): PersistToken {
    this.history.truncate(zxid)
    return this.#persist({ kind: RecordKind.TRUNCATE, token: this.#nextToken(), zxid })
  }

  acceptEpoch(epoch: number, leader: ServerId): PersistToken {
    this.acceptedFor = { leader, epoch }
    return this.#persist({ kind: RecordKind.ACCEPTED_EPOCH, token: this.#nextToken(), epoch })
  }

  enterEpoch(epoch: number): PersistToken {
    return this.#persist({ kind: RecordKind.CURRENT_EPOCH, token: this.#nextToken(), epoch })
  }

  install(zxid: Zxid, snapshot: unknown, entries: readonly Entry[], epoch: number): PersistToken {
    this.history.reset(zxid)
    for (const entry of entries) this.history.append(entry)
    const token = this.#nextToken()
    const kind = RecordKind.INSTALL
    return this.#persist({ kind, token, zxid, snapshot, entries, currentEpoch: epoch })
  }

  #nextToken(): PersistToken {
    this.#lastToken = (this.#lastToken + 1) as PersistToken
    return this.#lastToken
  }

  #persist(record: PersistRecord): PersistToken {
    this.outbox.persists.push(record)
    this.#pending.push({ record, sinceMs: this.nowMs })
    return record.token
  }

  /** Takes note of what has become durable. Promises are the business of the roles, after this. */
  onDurable(token: PersistToken): void {
    assert(token <= this.#lastToken, 'a token that was never issued')
    let pending = this.#pending.peek()
    while (pending !== null && pending.record.token <= token) {
      this.#onRecordDurable(pending.record)
      this.#pending.shift()
      pending = this.#pending.peek()
    }
  }

  #onRecordDurable(record: PersistRecord): void {
    switch (record.kind) {
      case RecordKind.APPEND:
        this.durableZxid = record.entry.zxid
        break
      case RecordKind.TRUNCATE:
        this.durableZxid = record.zxid
        break
      case RecordKind.ACCEPTED_EPOCH:
        this.acceptedEpoch = record.epoch
        break
      case RecordKind.CURRENT_EPOCH:
        this.currentEpoch = record.epoch
        break
      case RecordKind.INSTALL:
        this.durableZxid = record.entries.at(-1)?.zxid ?? record.zxid
        this.currentEpoch = record.currentEpoch
        this.applied = record.zxid
        // What was before is not proven to be the past of the snapshot (ZOOKEEPER-2846).
        if (this.diskBase !== null) this.diskBase = record.zxid
        break
      default:
        unreachable(record)
    }
  }

  /**
   * Hands committed entries to the driver, as far as they are durable here: memory is never ahead of the disk, so a
   * crash at any moment loses nothing that was seen (ZOOKEEPER-4882, 5094).
   */
  commitUpTo(committed: Zxid): void {
    const limit = committed < this.durableZxid ? committed : this.durableZxid
    if (limit <= this.applied) return
    this.applied = limit
    this.outbox.commits.push(limit)
  }

  /** Drops old entries from memory; `needed` is what is still going to be sent from there. */
  trimHistory(needed: Zxid): void {
    const { historyEntries, historyBytes } = this.options
    const limit = needed < this.applied ? needed : this.applied
    this.history.trim(limit, historyEntries, historyBytes)
    // Somebody who is prepared for very long loses his claim, and gets a snapshot.
    this.history.trim(this.applied, CLAIMED * historyEntries, CLAIMED * historyBytes)
  }

  onLogPurged(base: Zxid): void {
    if (this.diskBase !== null && base > this.diskBase) this.diskBase = base
  }

  // --- servers that could not be followed ------------------------------------------------------------------------

  isShunned(sid: ServerId): boolean {
    const entry = this.shunned.get(sid)
    return entry !== undefined && entry.untilMs > this.nowMs
  }

  shun(sid: ServerId, reason: string): void {
    const entry = this.shunned.get(sid) ?? { untilMs: 0, failures: 0 }
    const wait = this.options.timing.shunMs * 2 ** Math.min(entry.failures, 3)
    entry.untilMs = this.nowMs + wait * (0.75 + this.random.next() / 2)
    entry.failures += 1
    this.shunned.set(sid, entry)
    this.trace(
      `no trust in server ${sid} for ${Math.round(entry.untilMs - this.nowMs)} ms: ${reason}`,
    )
  }

  describeLog(): string {
    return `epoch ${this.currentEpoch}, log to ${formatHex(this.durableZxid)}`
  }
}
