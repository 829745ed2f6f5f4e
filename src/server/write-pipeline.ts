import {
  assert,
  Fifo,
  formatHex,
  InvariantError,
  NO_ZXID,
  type SessionId,
  type Zxid,
} from '../base/index.ts'
import type { Clock } from '../env/index.ts'
import {
  type AuthId,
  type ErrorCode,
  encodeTxnEntry,
  OpCode,
  OutputBuffer,
  type Txn,
  type TxnEntry,
  type TxnHeader,
  type WriteRequest,
} from '../wire/index.ts'
import type {
  ApplyResult,
  PreparedTxn,
  WriteOrigin as PrepareOrigin,
  WritePreparer,
} from '../znodes/index.ts'
import type { AuditSubject } from './audit/index.ts'
import type { ClientConnection, ClientWrite } from './client-connection.ts'
import type { WriteMetrics } from './metrics/index.ts'
import type { Outstanding } from './outstanding.ts'
import { PendingKind } from './pending.ts'
import type { ReplicatedState } from './replicated-state.ts'

/** Who asks for a write. */
export interface WriteOrigin {
  /** Null when nobody here waits for a reply: the server's own writes (expiry, container sweep), and a learner's. */
  readonly connection: ClientConnection | null
  readonly sessionId: SessionId
  readonly xid: number
  readonly opcode: number
  readonly ids: readonly AuthId[]
  /** Why the session may not write any more; ok while it may. */
  readonly sessionError: ErrorCode
  /** Why the session may not own ephemerals; ok while it may. */
  readonly ephemeralError: ErrorCode
  /** Length of the request's frame; 0 for the server's own writes. */
  readonly bytes: number
  readonly admittedMs: number
  /** What the audit log will tell of it; null for whatever is not told there. */
  readonly audit: AuditSubject | null
}

/** Where proposals get their place in history: the log of a server that stands alone, or the leader's Zab. */
export interface ProposalLog {
  /** What the next proposal gets; null while none can be made. */
  readonly nextZxid: Zxid | null
  /** `bytes` is valid during the call only. */
  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void
}

/** Told about every applied write, in zxid order. */
export interface CommitHandler {
  /** `write` is null when nobody on this server asked for it. */
  onApplied(
    header: TxnHeader,
    txn: Txn,
    write: ClientWrite | null,
    result: ApplyResult,
    nowMs: number,
  ): void
  /** The connection has output to send. */
  onTurnNeeded(connection: ClientConnection): void
}

/** An entry of the log that is not applied yet. */
export interface LoggedEntry {
  readonly header: TxnHeader
  readonly txn: Txn
  /** Tree digest after it; null for a refused single write. */
  readonly digest: bigint | null
  readonly write: ClientWrite | null
}

/**
 * The way of a write: prepared against the tree plus everything still uncommitted, given a zxid, logged; applied and
 * answered, in zxid order, once it is committed. On a learner the first half happens at the leader: entries come
 * as they were logged, and those that answer a request forwarded from here are known by session and xid.
 */
export class WritePipeline {
  readonly metrics: WriteMetrics
  readonly #state: ReplicatedState
  readonly #preparer: WritePreparer
  readonly #clock: Clock
  readonly #outstanding: Outstanding
  readonly #handler: CommitHandler
  readonly #entries: Fifo<LoggedEntry> = new Fifo()
  /** Writes that were forwarded to the leader, oldest first. */
  readonly #forwarded: Map<SessionId, Fifo<ClientWrite>> = new Map()
  /** Connections that have, or had a moment ago, a request that waits for a zxid (a sync). */
  readonly #waiting: Set<ClientConnection> = new Set()
  readonly #scratch: OutputBuffer = new OutputBuffer()

  constructor(
    state: ReplicatedState,
    preparer: WritePreparer,
    clock: Clock,
    outstanding: Outstanding,
    handler: CommitHandler,
    metrics: WriteMetrics,
  ) {
    this.metrics = metrics
    this.#state = state
    this.#preparer = preparer
    this.#clock = clock
    this.#outstanding = outstanding
    this.#handler = handler
  }

  /** End of what is logged or on its way there. */
  get lastLogged(): Zxid {
    return this.#entries.last()?.header.zxid ?? this.#state.lastApplied
  }

  /* ---------------------------------------------------------------- the deciding side */

  /**
   * Gives the write the next zxid and its place in the log; there must be one. A refused write is logged too, as an
   * error txn.
   */
  propose(request: WriteRequest, origin: WriteOrigin, log: ProposalLog): void {
    const { pending } = this.#preparer
    const changesBefore = pending.size
    const beganMs = this.#clock.monotonicMs()
    const prepared = this.#preparer.prepare(request, this.#contextOf(origin, log))
    const tookMs = this.#clock.monotonicMs() - beganMs
    this.metrics.onPrepared(request, prepared.txn, pending.size - changesBefore, tookMs)
    this.#log(prepared, origin, log)
  }

  /** Logs a write that is refused without a look at it. */
  proposeRefusal(err: ErrorCode, origin: WriteOrigin, log: ProposalLog): void {
    this.#log(this.#preparer.refuse(this.#contextOf(origin, log), err), origin, log)
  }

  /* ---------------------------------------------------------------- the learning side */

  /** The leader was asked for this write. */
  expect(write: ClientWrite): void {
    const expected = this.#forwarded.get(write.sessionId)
    if (expected === undefined) {
      const fifo = new Fifo<ClientWrite>()
      fifo.push(write)
      this.#forwarded.set(write.sessionId, fifo)
    } else expected.push(write)
    this.#outstanding.add(write.bytes)
  }

  /** An entry of another server's making is in the log. */
  logged(entry: TxnEntry): void {
    const { header, txn } = entry
    const digest = entry.digest === null ? null : entry.digest.treeDigest
    this.#entries.push({ header, txn, digest, write: null })
  }

  /** Sees every entry that is logged but not applied. */
  forEachLogged(visit: (entry: LoggedEntry) => void): void {
    this.#entries.forEach(visit)
  }

  /** The log was cut off behind `zxid`. */
  truncated(zxid: Zxid): void {
    for (let last = this.#entries.last(); last !== null; last = this.#entries.last()) {
      if (last.header.zxid <= zxid) return
      this.#entries.pop()
      this.#settle(last.write)
    }
  }

  /* ---------------------------------------------------------------- both */

  /** Everything up to `zxid` is committed, and durable here: apply it and answer. */
  applyUpTo(zxid: Zxid, nowMs: number): void {
    let entry = this.#entries.peek()
    const isBatch = entry !== null && entry.header.zxid <= zxid
    if (isBatch) this.metrics.beginBatch(nowMs, this.#clock.wallMs())
    while (entry !== null && entry.header.zxid <= zxid) {
      this.#entries.shift()
      this.#apply(entry, nowMs)
      entry = this.#entries.peek()
    }
    this.runWaiting()
    if (isBatch) this.metrics.endBatch(this.#clock.monotonicMs())
  }

  /** Runs what waited for a zxid, or for the leader's confirmation. */
  runWaiting(): void {
    for (const connection of this.#waiting) {
      connection.runWaiting()
      this.#handler.onTurnNeeded(connection)
      if (connection.pendingCount === 0) this.#waiting.delete(connection)
    }
  }

  /** The connection has a request that must not run before something else has happened. */
  awaitTurn(connection: ClientConnection): void {
    this.#waiting.add(connection)
  }

  /** The connection has gone. */
  forget(connection: ClientConnection): void {
    this.#waiting.delete(connection)
  }

  /** This server neither leads nor follows any more. What is logged stays: the next leader decides about it. */
  leaveRole(): void {
    this.#preparer.pending.clear()
    for (const expected of this.#forwarded.values()) {
      expected.forEach((write) => {
        this.#settle(write)
      })
    }
    this.#forwarded.clear()
  }

  /** Forgets everything that is logged: a snapshot has replaced it. */
  reset(): void {
    this.truncated(NO_ZXID)
  }

  #contextOf(origin: WriteOrigin, log: ProposalLog): PrepareOrigin {
    const zxid = log.nextZxid
    assert(zxid !== null, 'a write is proposed only while there are zxids')
    return {
      sessionId: origin.sessionId,
      cxid: origin.xid,
      zxid,
      timeMs: this.#clock.wallMs(),
      ids: origin.ids,
      sessionError: origin.sessionError,
      ephemeralError: origin.ephemeralError,
    }
  }

  #log(prepared: PreparedTxn, origin: WriteOrigin, log: ProposalLog): void {
    const { header, txn, digest } = prepared
    const write = pendingWriteOf(origin, header.zxid)
    this.#entries.push({ header, txn, digest, write })
    this.#outstanding.add(origin.bytes)
    origin.connection?.owe(write)
    this.#scratch.reset()
    encodeTxnEntry(this.#scratch, header, txn, digest)
    log.append(header.zxid, this.#scratch.bytes, this.#scratch.start, this.#scratch.end)
  }

  #apply(entry: LoggedEntry, nowMs: number): void {
    const { header, txn } = entry
    const write = entry.write ?? this.#takeForwarded(header)
    this.#settle(write)
    if (write !== null) write.origin?.runAllBefore(write)
    const { lastApplied } = this.#state
    if (header.zxid <= lastApplied) {
      throw new InvariantError(
        `${formatHex(header.zxid)} is applied after ${formatHex(lastApplied)}`,
      )
    }
    this.metrics.onCommitted(
      header.zxid,
      header.time,
      write?.origin == null ? null : write.admittedMs,
    )
    const { pending } = this.#preparer
    const mismatchesBefore = this.#state.tree.digestMismatches
    const changesBefore = pending.size
    const result = this.#state.apply(header, txn, entry.digest)
    this.#preparer.release(header.zxid)
    const released = changesBefore - pending.size
    this.#handler.onApplied(header, txn, write, result, nowMs)
    const mismatches = this.#state.tree.digestMismatches - mismatchesBefore
    this.metrics.onApplied(released, mismatches, this.#clock.monotonicMs())
  }

  #settle(write: ClientWrite | null): void {
    if (write !== null) this.#outstanding.remove(write.bytes)
  }

  /**
   * The request that this entry answers: the oldest of its session, if the xid is the same (`CommitProcessor`). The
   * closeSession of an expired session has xid 0, which a request of its client may have too.
   */
  #takeForwarded(header: TxnHeader): ClientWrite | null {
    const expected = this.#forwarded.get(header.clientId)
    const oldest = expected?.peek() ?? null
    if (expected === undefined || oldest === null || oldest.xid !== header.cxid) return null
    if (header.type === OpCode.closeSession && oldest.opcode !== OpCode.closeSession) return null
    expected.shift()
    if (expected.length === 0) this.#forwarded.delete(header.clientId)
    return oldest
  }
}

/** What the client of `origin` is owed. `zxid` is 0 while nobody here knows it. */
export function pendingWriteOf(origin: WriteOrigin, zxid: Zxid): ClientWrite {
  return {
    kind: PendingKind.write,
    origin: origin.connection,
    sessionId: origin.sessionId,
    xid: origin.xid,
    opcode: origin.opcode,
    ephemeralError: origin.ephemeralError,
    zxid,
    bytes: origin.bytes,
    admittedMs: origin.admittedMs,
    audit: origin.audit,
  }
}
