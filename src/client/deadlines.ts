import type { Call } from './call.ts'

/** Deadlines are kept to this accuracy: a call may fail that much late. */
const BUCKET_MS = 20

/** The deadlines of calls in buckets: adding and removing costs the same however many there are. */
export class Deadlines {
  readonly #buckets = new Map<number, Set<Call>>()
  /** No bucket is earlier. */
  #first = Number.POSITIVE_INFINITY

  /** Something is due not before this. */
  get nextMs(): number {
    if (!this.#buckets.has(this.#first)) {
      let first = Number.POSITIVE_INFINITY
      for (const bucket of this.#buckets.keys()) first = Math.min(first, bucket)
      this.#first = first
    }
    return this.#first * BUCKET_MS
  }

  add(call: Call): void {
    const bucket = bucketOf(call)
    const set = this.#buckets.get(bucket)
    if (set === undefined) this.#buckets.set(bucket, new Set([call]))
    else set.add(call)
    if (bucket < this.#first) this.#first = bucket
  }

  remove(call: Call): void {
    const bucket = bucketOf(call)
    const set = this.#buckets.get(bucket)
    if (set?.delete(call) && set.size === 0) this.#buckets.delete(bucket)
  }

  /** Takes out what is due. */
  take(nowMs: number): Call[] {
    const due: Call[] = []
    while (this.nextMs <= nowMs) {
      due.push(...this.#buckets.get(this.#first)!)
      this.#buckets.delete(this.#first)
    }
    return due
  }
}

function bucketOf(call: Call): number {
  return Math.ceil(call.deadlineMs / BUCKET_MS)
}
