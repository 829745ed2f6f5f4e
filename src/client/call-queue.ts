import { Fifo } from '../base/index.ts'
import type { Call } from './call.ts'

/** How often a read is sent before its connection is held to break because of it. */
const TRIES_MAX = 3

/** The calls of a client: those that wait, and those whose answers are due, in the order they were made. */
export class CallQueue {
  #waiting: Fifo<Call> = new Fifo()
  #waitingCount = 0
  #sent: Fifo<Call> = new Fifo()

  /** Calls that wait and have not been given up. */
  get waiting(): number {
    return this.#waitingCount
  }

  /** Answers that are due, also of calls that were given up meanwhile. */
  get inFlight(): number {
    return this.#sent.length
  }

  push(call: Call): void {
    call.state = 'waiting'
    this.#waiting.push(call)
    this.#waitingCount += 1
  }

  /** A waiting call was settled; it is passed over when its turn comes. */
  forget(): void {
    this.#waitingCount -= 1
    if (this.#waitingCount === 0) this.#waiting = new Fifo()
  }

  /** The next call to send, or null. */
  shift(): Call | null {
    for (;;) {
      const call = this.#waiting.shift()
      if (call === null) return null
      if (call.state !== 'waiting') continue
      call.state = 'made'
      this.#waitingCount -= 1
      return call
    }
  }

  sent(call: Call): void {
    this.#sent.push(call)
  }

  /** The call whose answer comes next. */
  oldest(): Call | null {
    return this.#sent.peek()
  }

  forEachSent(visit: (call: Call) => void): void {
    this.#sent.forEach(visit)
  }

  answered(): void {
    this.#sent.shift()
  }

  /**
   * The connection is gone. Reads wait again, before all others and in their order; returns the calls whose fate is
   * open, and those that are not worth another try.
   */
  connectionLost(): Call[] {
    const lost: Call[] = []
    const waiting = new Fifo<Call>()
    const sent = this.#sent
    this.#sent = new Fifo()
    sent.forEach((call) => {
      const isRepeated =
        call.state === 'sent' &&
        call.purpose === 'user' &&
        !call.request.isWrite &&
        call.tries < TRIES_MAX
      if (isRepeated) {
        call.state = 'waiting'
        this.#waitingCount += 1
        waiting.push(call)
      } else lost.push(call)
    })
    if (waiting.length > 0) {
      this.#waiting.forEach((call) => {
        waiting.push(call)
      })
      this.#waiting = waiting
    }
    return lost
  }

  /** Takes out everything that waits. */
  takeWaiting(): Call[] {
    const taken: Call[] = []
    for (let call = this.shift(); call !== null; call = this.shift()) taken.push(call)
    return taken
  }
}
