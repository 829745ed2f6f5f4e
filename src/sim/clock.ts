import type { Clock } from '../env/index.ts'
import type { EventQueue } from './event-queue.ts'

/** Wall time when a world begins: 2024-01-01 00:00 UTC. */
const WORLD_BEGIN_MS = 1_704_067_200_000

const PER_MILLION = 1_000_000

/** More than the rounding of {@link SimClock.worldMsOf}, less than anybody notices. */
const NUDGE_MS = 2 ** -20

/** A line through the time of the world: a clock that runs too fast or too slow, or stands still. */
class Line {
  readonly worldMs: number
  readonly localMs: number
  readonly rate: number

  constructor(worldMs: number, localMs: number, rate: number) {
    this.worldMs = worldMs
    this.localMs = localMs
    this.rate = rate
  }

  at(worldMs: number): number {
    return this.localMs + (worldMs - this.worldMs) * this.rate
  }
}

/**
 * The clocks of one simulated machine. Both may run too fast or too slow; the wall clock may be wrong and may
 * jump either way, the monotonic one never goes back but may stand still (a virtual machine that is suspended).
 */
export class SimClock implements Clock {
  /** How wrong the wall clock is, drift not counted. */
  wallOffsetMs = 0
  readonly #events: EventQueue
  /** Null as long as it is the time of the world, which is the usual case. */
  #monotonic: Line | null = null
  #wallError: Line | null = null
  /** Rate before the clock was stopped. */
  #rateBefore: number | null = null

  constructor(events: EventQueue, monotonicOffsetMs = 0) {
    this.#events = events
    if (monotonicOffsetMs !== 0) this.#monotonic = new Line(0, monotonicOffsetMs, 1)
  }

  monotonicMs(): number {
    const { nowMs } = this.#events
    return this.#monotonic === null ? nowMs : this.#monotonic.at(nowMs)
  }

  wallMs(): number {
    const { nowMs } = this.#events
    const errorMs = this.#wallError === null ? 0 : this.#wallError.at(nowMs)
    return Math.floor(WORLD_BEGIN_MS + nowMs + errorMs + this.wallOffsetMs)
  }

  /**
   * The first moment of the world at which `monotonicMs()` is at least `deadlineMs`, if the clock goes on as
   * it does now; never while it stands still.
   */
  worldMsOf(deadlineMs: number): number {
    const line = this.#monotonic
    if (line === null || !Number.isFinite(deadlineMs)) return deadlineMs
    if (line.rate === 0) {
      return deadlineMs <= line.localMs ? this.#events.nowMs : Number.POSITIVE_INFINITY
    }
    let worldMs = line.worldMs + (deadlineMs - line.localMs) / line.rate
    while (line.at(worldMs) < deadlineMs) worldMs += NUDGE_MS
    return worldMs
  }

  /** From now on the monotonic clock runs too fast, or too slow, by so many millionths. */
  setMonotonicDrift(ppm: number): void {
    this.#setRate(1 + ppm / PER_MILLION)
  }

  /** From now on the wall clock runs too fast, or too slow, by so many millionths. */
  setWallDrift(ppm: number): void {
    const { nowMs } = this.#events
    const errorMs = this.#wallError === null ? 0 : this.#wallError.at(nowMs)
    this.#wallError = new Line(nowMs, errorMs, ppm / PER_MILLION)
  }

  /** The wall clock is right again, and both clocks run as they should. */
  heal(): void {
    this.wallOffsetMs = 0
    this.#wallError = null
    if (this.#rateBefore !== null) this.#rateBefore = 1
    else if (this.#monotonic !== null && this.#monotonic.rate !== 1) this.#setRate(1)
  }

  /** The machine is suspended: the monotonic clock stands still, the wall clock goes on. */
  suspend(): void {
    if (this.#rateBefore !== null) return
    this.#rateBefore = this.#monotonic?.rate ?? 1
    this.#setLine(0)
  }

  resume(): void {
    if (this.#rateBefore === null) return
    this.#setLine(this.#rateBefore)
    this.#rateBefore = null
  }

  #setRate(rate: number): void {
    if (this.#rateBefore !== null) this.#rateBefore = rate
    else this.#setLine(rate)
  }

  #setLine(rate: number): void {
    this.#monotonic = new Line(this.#events.nowMs, this.monotonicMs(), rate)
  }
}
