import type { Zxid } from '../../base/index.ts'
import type { Counter, Labelled, Metrics, Observer } from '../../env/index.ts'
import { ErrorCode, OpCode, type Txn, type WriteRequest } from '../../wire/index.ts'
import { namespaceOf } from './namespace-sizes.ts'
import { ZxidTimes } from './zxid-times.ts'

/** What is on its way now, as `Outstanding` has it. */
export interface QueueCounts {
  readonly requests: number
  readonly waiting: number
  readonly queues: number
  readonly released: number
}

/** What the queues of the connections have come to; only ever grows. */
export interface QueueTotals {
  /** Requests answered without a transaction. */
  readonly readsAnswered: number
  /** Queues that the reply to a write has left empty. */
  readonly queuesDrained: number
}

/**
 * Measures the way of writes, under the names of upstream's processors: PrepRequestProcessor prepares them,
 * CommitProcessor puts committed ones and the reads behind them in order, FinalRequestProcessor applies and answers. A
 * *batch* is what becomes committed at once.
 */
export class WriteMetrics {
  /** Learner: when the leader's word came that a transaction is committed, monotonic. */
  readonly committedAt: ZxidTimes = new ZxidTimes()
  readonly #outstanding: QueueCounts
  readonly #totals: QueueTotals
  readonly #prepared: Counter
  readonly #prepareTime: Observer
  readonly #closeSessionTime: Observer
  readonly #changesQueued: Counter
  readonly #changesRemoved: Counter
  readonly #quotaExceeded: Labelled<Counter>
  readonly #committed: Counter
  readonly #commitsWaiting: Observer
  readonly #writesWaiting: Observer
  readonly #readsWaiting: Observer
  readonly #queues: Observer
  readonly #writesIssued: Observer
  readonly #readsIssued: Observer
  readonly #readsReleased: Observer
  readonly #queuesDrained: Observer
  readonly #batchTime: Observer
  readonly #passTime: Observer
  readonly #localTime: Observer
  readonly #localCommitTime: Observer
  readonly #othersCommitTime: Observer
  readonly #applyTime: Observer
  readonly #propagation: Observer
  readonly #digestMismatches: Counter
  /** Of the present batch. */
  #beganMs = 0
  #entryMs = 0
  #wallMs = 0
  #entries = 0
  #releasedBefore = 0
  #drainedBefore = 0
  /** At the end of the last one. */
  #readsBefore = 0

  constructor(metrics: Metrics, outstanding: QueueCounts, totals: QueueTotals) {
    this.#outstanding = outstanding
    this.#totals = totals
    this.#prepared = metrics.counter('prep_processor_request_queued')
    this.#prepareTime = metrics.summary('prep_process_time')
    this.#closeSessionTime = metrics.summary('close_session_prep_time')
    this.#changesQueued = metrics.counter('outstanding_changes_queued')
    this.#changesRemoved = metrics.counter('outstanding_changes_removed')
    this.#quotaExceeded = metrics.counterSet('quota_exceeded_error_per_namespace')
    this.#committed = metrics.counter('request_commit_queued')
    this.#commitsWaiting = metrics.summary('commit_commit_proc_req_queued')
    this.#writesWaiting = metrics.summary('write_commit_proc_req_queued')
    this.#readsWaiting = metrics.summary('read_commit_proc_req_queued')
    this.#queues = metrics.summary('pending_session_queue_size')
    this.#writesIssued = metrics.summary('write_commit_proc_issued')
    this.#readsIssued = metrics.summary('read_commit_proc_issued')
    this.#readsReleased = metrics.summary('reads_issued_from_session_queue')
    this.#queuesDrained = metrics.summary('session_queues_drained')
    this.#batchTime = metrics.summary('write_batch_time_in_commit_processor')
    this.#passTime = metrics.summary('commit_process_time')
    this.#localTime = metrics.summary('write_commitproc_time_ms')
    this.#localCommitTime = metrics.summary('local_write_committed_time_ms')
    this.#othersCommitTime = metrics.summary('server_write_committed_time_ms')
    this.#applyTime = metrics.summary('write_final_proc_time_ms')
    this.#propagation = metrics.summary('propagation_latency')
    this.#digestMismatches = metrics.counter('digest_mismatches_count')
  }

  /** The request has become a transaction that changes this many paths. */
  onPrepared(request: WriteRequest, txn: Txn, changes: number, tookMs: number): void {
    this.#prepared.add(1)
    this.#prepareTime.observe(tookMs)
    if (changes > 0) this.#changesQueued.add(changes)
    if (request.type === OpCode.closeSession) this.#closeSessionTime.observe(tookMs)
    const path = pathOverQuota(request, txn)
    const namespace = path === null ? null : namespaceOf(path)
    if (namespace !== null) this.#quotaExceeded.of(namespace).add(1)
  }

  /* ---------------------------------------------------------------- a batch */

  beginBatch(nowMs: number, wallMs: number): void {
    const { requests, waiting, queues, released } = this.#outstanding
    this.#beganMs = nowMs
    this.#entryMs = nowMs
    this.#wallMs = wallMs
    this.#entries = 0
    this.#writesWaiting.observe(requests - waiting)
    this.#readsWaiting.observe(waiting)
    this.#queues.observe(queues)
    this.#releasedBefore = released
    this.#drainedBefore = this.#totals.queuesDrained
  }

  /** A transaction is going to be applied. `admittedMs` is null if it was not asked for by a client of this server. */
  onCommitted(zxid: Zxid, timeMs: number, admittedMs: number | null): void {
    this.#entries += 1
    this.#committed.add(1)
    const knownMs = this.committedAt.of(zxid) ?? this.#beganMs
    if (admittedMs === null) this.#othersCommitTime.observe(this.#entryMs - knownMs)
    else {
      this.#localTime.observe(this.#entryMs - admittedMs)
      this.#localCommitTime.observe(this.#entryMs - knownMs)
    }
    // The clocks of two servers may disagree; what would be negative is not measured (`Request.logLatency`).
    if (this.#wallMs >= timeMs) this.#propagation.observe(this.#wallMs - timeMs)
  }

  /** It is applied and answered. */
  onApplied(changesReleased: number, digestMismatches: number, nowMs: number): void {
    if (changesReleased > 0) this.#changesRemoved.add(changesReleased)
    if (digestMismatches > 0) this.#digestMismatches.add(digestMismatches)
    this.#applyTime.observe(nowMs - this.#entryMs)
    this.#entryMs = nowMs
  }

  /** What waited behind the batch has run too. */
  endBatch(nowMs: number): void {
    this.#commitsWaiting.observe(this.#entries)
    this.#writesIssued.observe(this.#entries)
    this.#batchTime.observe(this.#entryMs - this.#beganMs)
    this.#passTime.observe(nowMs - this.#beganMs)
    this.#readsReleased.observe(this.#outstanding.released - this.#releasedBefore)
    this.#queuesDrained.observe(this.#totals.queuesDrained - this.#drainedBefore)
    this.#readsIssued.observe(this.#totals.readsAnswered - this.#readsBefore)
    this.#readsBefore = this.#totals.readsAnswered
  }
}

/** The path that a hard quota has refused; null if none has. */
function pathOverQuota(request: WriteRequest, txn: Txn): string | null {
  if (txn.type === OpCode.error) {
    return txn.err === ErrorCode.quotaExceeded && 'path' in request ? request.path : null
  }
  if (txn.type !== OpCode.multi || request.type !== OpCode.multi) return null
  const at = txn.txns.findIndex(({ type }) => type === OpCode.error)
  const failed = txn.txns[at]
  if (failed === undefined || failed.type !== OpCode.error) return null
  return failed.err === ErrorCode.quotaExceeded ? (request.ops[at]?.path ?? null) : null
}
