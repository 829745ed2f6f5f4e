import type { Clock } from '../env/index.ts'
import type { EventQueue } from './event-queue.ts'

/** Wall time when a world begins: 2024-01-01 00:00 UTC. */
const WORLD_BEGIN_MS = 1_704_067_200_000

/** The clocks of one simulated machine; its wall clock may be set wrong or jump. */
export class SimClock implements Clock {
  wallOffsetMs = 0
  readonly #events: EventQueue

  constructor(events: EventQueue) {
    this.#events = events
  }

  monotonicMs(): number {
    return this.#events.nowMs
  }

  wallMs(): number {
    return Math.floor(WORLD_BEGIN_MS + this.#events.nowMs + this.wallOffsetMs)
  }
}
