import type { Call } from './call.ts'

/** The calls that each signal gives up. However many share a signal, it has one listener. */
export class AbortSignals {
  readonly #calls = new Map<AbortSignal, Set<Call>>()
  readonly #giveUp: (call: Call, reason: unknown) => void

  constructor(giveUp: (call: Call, reason: unknown) => void) {
    this.#giveUp = giveUp
  }

  add(signal: AbortSignal, call: Call): void {
    const calls = this.#calls.get(signal)
    if (calls !== undefined) {
      calls.add(call)
      return
    }
    this.#calls.set(signal, new Set([call]))
    signal.addEventListener('abort', this.#onAbort)
  }

  remove(signal: AbortSignal, call: Call): void {
    const calls = this.#calls.get(signal)
    if (calls?.delete(call) && calls.size === 0) this.#forget(signal)
  }

  readonly #onAbort = (event: Event): void => {
    const signal = event.target as AbortSignal
    const calls = this.#calls.get(signal)
    this.#forget(signal)
    for (const call of calls ?? []) this.#giveUp(call, signal.reason)
  }

  #forget(signal: AbortSignal): void {
    this.#calls.delete(signal)
    signal.removeEventListener('abort', this.#onAbort)
  }
}
