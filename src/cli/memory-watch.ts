import { getHeapStatistics } from 'node:v8'
import type { Logger } from '../env/index.ts'
import type { EventHistory } from '../server/index.ts'

const INTERVAL_MS = 10_000
/** Parts of the largest heap: nearly used up from the first on, well again below the second. */
const HIGH = 0.85
const WELL = 0.7

/** What of the heap is used. */
export interface HeapUse {
  readonly usedBytes: number
  readonly maxBytes: number
}

export function readHeap(): HeapUse {
  const { used_heap_size: usedBytes, heap_size_limit: maxBytes } = getHeapStatistics()
  return { usedBytes, maxBytes }
}

/** Remembers and logs when the heap is nearly used up: what follows are long collections, and then the end. */
export class MemoryWatch {
  readonly #read: () => HeapUse
  readonly #history: EventHistory
  readonly #logger: Logger
  #isHigh = false

  constructor(read: () => HeapUse, history: EventHistory, logger: Logger) {
    this.#read = read
    this.#history = history
    this.#logger = logger
  }

  /** It does not keep the process alive. */
  start(): void {
    setInterval(() => this.look(), INTERVAL_MS).unref()
  }

  look(): void {
    const { usedBytes, maxBytes } = this.#read()
    const part = usedBytes / maxBytes
    if (part < WELL) this.#isHigh = false
    if (this.#isHigh || part < HIGH) return
    this.#isHigh = true
    this.#history.record({ kind: 'memory', usedBytes, maxBytes })
    this.#logger.warn('the heap is nearly used up; --max-old-space-size gives it more', {
      usedBytes,
      maxBytes,
    })
  }
}
