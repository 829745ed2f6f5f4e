interface Scheduled {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** Some ten times more than the busiest run needs. */
const MAX_STEPS = 300_000

/** Virtual time: what is to happen when, in one order. */
export class Schedule {
  nowMs = 0
  readonly #heap: Scheduled[] = []
  #order = 0
  #sameTime = 0
  #steps = 0

  after(ms: number, run: () => void): void {
    this.#order += 1
    push(this.#heap, { atMs: this.nowMs + Math.max(0, ms), order: this.#order, run })
  }

  runFor(ms: number): void {
    const end = this.nowMs + ms
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= end) {
      const next = pop(this.#heap)
      this.#sameTime = next.atMs === this.nowMs ? this.#sameTime + 1 : 0
      if (this.#sameTime > 10_000) throw new Error('time stands still: a deadline is never met')
      this.nowMs = next.atMs
      this.#steps += 1
      if (this.#steps > MAX_STEPS) throw new Error('a storm: servers never come to rest')
      next.run()
    }
    this.nowMs = end
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Scheduled[], item: Scheduled): void {
  heap.push(item)
  let at = heap.length - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!before(heap[at]!, heap[parent]!)) break
    ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
    at = parent
  }
}

function pop(heap: Scheduled[]): Scheduled {
  const top = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return top
  heap[0] = last
  let at = 0
  for (;;) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && before(heap[child]!, heap[least]!)) least = child
    }
    if (least === at) return top
    ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
    at = least
  }
}
