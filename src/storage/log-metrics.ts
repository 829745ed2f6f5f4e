import type { Counter, Metrics, Observer } from '../env/index.ts'
import type { Group } from './group.ts'

/**
 * What is measured of the log. Its names are those of upstream's SyncRequestProcessor, which does the same: one
 * observation for each group of transactions; the times are those of the oldest one in it.
 */
export class LogMetrics {
  readonly #appended: Counter
  readonly #queueSize: Observer
  readonly #queueTime: Observer
  readonly #fsyncTime: Observer
  readonly #flushTime: Observer
  readonly #queueAndFlushTime: Observer
  readonly #batchSize: Observer
  readonly #processTime: Observer
  #takenMs = 0

  constructor(metrics: Metrics) {
    this.#appended = metrics.counter('sync_processor_request_queued')
    this.#queueSize = metrics.summary('sync_processor_queue_size')
    this.#queueTime = metrics.summary('sync_processor_queue_time_ms')
    this.#fsyncTime = metrics.summary('fsynctime')
    this.#flushTime = metrics.summary('sync_processor_queue_flush_time_ms')
    this.#queueAndFlushTime = metrics.summary('sync_processor_queue_and_flush_time_ms')
    this.#batchSize = metrics.summary('sync_processor_batch_size')
    this.#processTime = metrics.summary('sync_process_time')
  }

  onAppended(): void {
    this.#appended.add(1)
  }

  /** The group is going to be written; `queued` transactions stay behind it. */
  onTaken(group: Group, queued: number, nowMs: number): void {
    this.#takenMs = nowMs
    if (group.sinceMs < 0) return
    this.#queueSize.observe(group.entries + queued)
    this.#queueTime.observe(nowMs - group.sinceMs)
  }

  /** The group is durable; its write itself took `tookMs`. */
  onDurable(group: Group, tookMs: number, nowMs: number): void {
    this.#fsyncTime.observe(tookMs)
    if (group.sinceMs < 0) return
    this.#flushTime.observe(tookMs)
    this.#queueAndFlushTime.observe(nowMs - group.sinceMs)
    this.#batchSize.observe(group.entries)
    this.#processTime.observe(nowMs - this.#takenMs)
  }
}
