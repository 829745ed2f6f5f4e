/** Reads time. Durations and deadlines use the monotonic clock only; wall time is for Stat times and logs. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. May have a fraction. */
  monotonicMs(): number
  /** Unix time in whole milliseconds; may jump. */
  wallMs(): number
}

export interface TimerHandle {
  /** After this the task will not run. Safe to call twice. */
  cancel(): void
}

export interface Timers {
  /** Runs `task` once every input that is already readable has been delivered. */
  endOfTurn(task: () => void): void
  /** Runs `task` when the monotonic clock has reached `deadlineMs` (at once, but not inside this call, if it has). */
  at(deadlineMs: number, task: () => void): TimerHandle
}
