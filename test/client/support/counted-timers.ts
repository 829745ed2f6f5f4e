import type { TimerHandle, Timers } from '../../../src/env/index.ts'

/** Timers that know how many of them are pending. */
export class CountedTimers implements Timers {
  pending = 0
  readonly #timers: Timers

  constructor(timers: Timers) {
    this.#timers = timers
  }

  endOfTurn(task: () => void): void {
    this.#timers.endOfTurn(task)
  }

  at(deadlineMs: number, task: () => void): TimerHandle {
    this.pending += 1
    let isOver = false
    const end = (): void => {
      if (!isOver) this.pending -= 1
      isOver = true
    }
    const handle = this.#timers.at(deadlineMs, () => {
      end()
      task()
    })
    return {
      cancel: () => {
        end()
        handle.cancel()
      },
    }
  }
}
