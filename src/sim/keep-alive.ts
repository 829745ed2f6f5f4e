import type { TimerHandle } from '../env/index.ts'
import type { EventQueue } from './event-queue.ts'

/** How often an idle connection is asked for after the first time, and how often in all (libuv on Linux). */
const PROBE_MS = 1_000
const PROBES_MAX = 10

export const ProbeResult = {
  /** The other machine has answered. */
  answered: 0,
  /** Nothing gets through. */
  lost: 1,
  /** Retransmission asks already. */
  needless: 2,
} as const
export type ProbeResult = (typeof ProbeResult)[keyof typeof ProbeResult]

/** One end of a connection that is asked for when nothing has come for a while. */
export class KeepAlive {
  readonly #events: EventQueue
  readonly #idleMs: number
  readonly #probe: () => ProbeResult
  readonly #giveUp: () => void
  #heardMs: number
  #probesLost = 0
  #timer: TimerHandle | null = null

  constructor(events: EventQueue, idleMs: number, probe: () => ProbeResult, giveUp: () => void) {
    this.#events = events
    this.#idleMs = idleMs
    this.#probe = probe
    this.#giveUp = giveUp
    this.#heardMs = events.nowMs
    this.#askAt(events.nowMs + idleMs)
  }

  /** Something has come. */
  heard(): void {
    this.#heardMs = this.#events.nowMs
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #askAt(atMs: number): void {
    this.#timer = this.#events.schedule(atMs, () => this.#ask())
  }

  #ask(): void {
    const { nowMs } = this.#events
    const dueMs = this.#heardMs + this.#idleMs
    if (nowMs < dueMs) {
      this.#askAt(dueMs)
      return
    }
    const result = this.#probe()
    if (result === ProbeResult.lost) {
      this.#probesLost += 1
      if (this.#probesLost < PROBES_MAX) this.#askAt(nowMs + PROBE_MS)
      else this.#giveUp()
      return
    }
    if (result === ProbeResult.answered) {
      this.#probesLost = 0
      this.#heardMs = nowMs
    }
    this.#askAt(nowMs + this.#idleMs)
  }
}
