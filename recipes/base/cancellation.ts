import {
  AbortedError,
  InvalidArgumentError,
  TimeoutError,
  type ZkError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import type { TimerHandle } from '../../src/env/index.ts'
import { onAbort } from './abort-listeners.ts'

/** How a caller bounds something that waits. */
export interface WaitOptions {
  /** Rejects with `ABORTED`; nothing is left behind. */
  readonly signal?: AbortSignal
  /** Rejects with `TIMEOUT` after so long; without it there is no limit. */
  readonly timeoutMs?: number
}

const FIRST_PAUSE_MS = 20
const PAUSE_MS_MAX = 1000

/**
 * The end of one operation of a recipe, by its caller's signal, by time or by the recipe itself. Whatever the
 * operation awaits, it awaits through here or with `signal`, so that it stops at once and leaves no timer or listener.
 */
export class Cancellation {
  readonly #zk: ZooKeeper
  readonly #controller = new AbortController()
  readonly #timers = new Set<TimerHandle>()
  #ignoreCaller: () => void = () => {}
  #error: Error | null = null
  #pauses = 0

  constructor(zk: ZooKeeper, op: string, path: string, options: WaitOptions = {}) {
    this.#zk = zk
    const { signal, timeoutMs } = options
    if (timeoutMs !== undefined) {
      if (!(timeoutMs > 0)) {
        const message = `${op} ${path}: timeoutMs is ${timeoutMs}`
        throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op, path })
      }
      this.#after(timeoutMs, () => {
        const message = `${op} ${path}: not within ${timeoutMs} ms`
        this.cancel(new TimeoutError('TIMEOUT', message, { op, path, retryable: true }))
      })
    }
    if (signal !== undefined) {
      this.#ignoreCaller = onAbort(signal, () => {
        const details = { op, path, cause: signal.reason }
        this.cancel(new AbortedError('ABORTED', `${op} ${path}: aborted`, details))
      })
    }
  }

  /** For calls of the client. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why the operation ends; null while it does not. */
  get error(): Error | null {
    return this.#error
  }

  /** @throws the error, once there is one */
  check(): void {
    if (this.#error !== null) throw this.#error
  }

  cancel(error: ZkError | Error): void {
    if (this.#error !== null) return
    this.#error = error
    this.#controller.abort(error)
  }

  /** Settles as `promise` does, or rejects as soon as the operation is cancelled. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    if (this.#error !== null) promise.catch(() => {})
    this.check()
    let ignore = (): void => {}
    const cancelled = new Promise<never>((_, reject) => {
      ignore = onAbort(this.signal, () => reject(this.#error))
    })
    try {
      return await Promise.race([promise, cancelled])
    } finally {
      ignore()
    }
  }

  /** @throws the error if the operation is cancelled meanwhile */
  async sleep(ms: number): Promise<void> {
    let timer: TimerHandle | null = null
    const woken = new Promise<void>((resolve) => {
      timer = this.#after(ms, resolve)
    })
    try {
      await this.wait(woken)
    } finally {
      if (timer !== null) this.#forget(timer)
    }
  }

  /** A random pause before something is tried again, longer each time. */
  async pause(): Promise<void> {
    const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#pauses, 16), PAUSE_MS_MAX)
    this.#pauses += 1
    const part = this.#zk.environment.random.uint32() / 2 ** 32
    await this.sleep((longestMs * (1 + part)) / 2)
  }

  /** The operation is over. To be called in any case. */
  end(): void {
    this.#ignoreCaller()
    for (const timer of [...this.#timers]) this.#forget(timer)
  }

  #after(ms: number, task: () => void): TimerHandle {
    const { clock, timers } = this.#zk.environment
    const timer = timers.at(clock.monotonicMs() + ms, () => {
      this.#timers.delete(timer)
      task()
    })
    this.#timers.add(timer)
    return timer
  }

  #forget(timer: TimerHandle): void {
    this.#timers.delete(timer)
    timer.cancel()
  }
}

/**
 * Runs an operation that its caller may cancel. What it rejects with because it was cancelled becomes the reason of
 * that, whichever call of the client was under way; an error for which `isKept` holds stays as it is.
 */
export async function cancellable<T>(
  zk: ZooKeeper,
  op: string,
  path: string,
  options: WaitOptions,
  body: (cancellation: Cancellation) => Promise<T>,
  isKept: (error: unknown) => boolean = () => false,
): Promise<T> {
  const cancellation = new Cancellation(zk, op, path, options)
  try {
    cancellation.check()
    return await body(cancellation)
  } catch (error) {
    throw isKept(error) ? error : (cancellation.error ?? error)
  } finally {
    cancellation.end()
  }
}
