import type { WarningsConfig } from '../../config/index.ts'
import type { Environment, TimerHandle } from '../../env/index.ts'
import type { EventHistory } from './event-history.ts'

/**
 * Looks at the clock again and again: if it is late by much, nothing ran here meanwhile (`JvmPauseMonitor`). A process
 * that was stopped, a machine that was suspended or had no processor to give, a long task or garbage collection all look
 * alike.
 */
export class StallWatch {
  readonly #env: Pick<Environment, 'clock' | 'logger' | 'metrics' | 'timers'>
  readonly #warnings: WarningsConfig
  readonly #history: EventHistory
  #timer: TimerHandle | null = null
  #dueMs = 0

  constructor(
    env: Pick<Environment, 'clock' | 'logger' | 'metrics' | 'timers'>,
    warnings: WarningsConfig,
    history: EventHistory,
  ) {
    this.#env = env
    this.#warnings = warnings
    this.#history = history
  }

  start(): void {
    if (this.#warnings.watchesStalls) this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(): void {
    this.#dueMs = this.#env.clock.monotonicMs() + this.#warnings.stallSleepMs
    this.#timer = this.#env.timers.at(this.#dueMs, this.#look)
  }

  readonly #look = (): void => {
    const lateMs = Math.round(this.#env.clock.monotonicMs() - this.#dueMs)
    this.#history.noteTimer(this.#dueMs)
    this.#arm()
    const { stallInfoMs, stallWarnMs } = this.#warnings
    if (lateMs < Math.min(stallInfoMs, stallWarnMs)) return
    this.#env.metrics.observe('jvm_pause_time_ms', lateMs)
    const fields = { ms: lateMs, thresholdMs: lateMs >= stallWarnMs ? stallWarnMs : stallInfoMs }
    const text = 'the event loop stood still: neither clients nor servers were heard meanwhile'
    if (lateMs >= stallWarnMs) this.#env.logger.warn(text, fields)
    else this.#env.logger.info(text, fields)
  }
}
