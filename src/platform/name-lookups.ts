import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { SerialQueue } from './serial-queue.ts'

type Callback = Parameters<LookupFunction>[2]

/**
 * Addresses of names, one question at a time: a resolver that hangs holds one thread of libuv's pool per question, and
 * must never take the threads that log writes need (see `openPlatform`).
 *
 * Whoever asks what is being asked, or waits for its turn, gets the same answer. A server dials its peers again and
 * again; with a question for each dial, one name whose resolver answers late would have the queue grow for ever, and
 * the names behind it never come to be asked.
 */
export class NameLookups {
  readonly #ask: LookupFunction
  readonly #queue = new SerialQueue()
  /** By question; all who wait for its answer. */
  readonly #waiting: Map<string, Callback[]> = new Map()

  constructor(ask: LookupFunction = lookup as LookupFunction) {
    this.#ask = ask
  }

  /** As `dns.lookup`. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const { family, hints, all } = options
    const question = [hostname, family, hints, all].join(' ')
    const others = this.#waiting.get(question)
    if (others !== undefined) {
      others.push(callback)
      return
    }
    const callbacks = [callback]
    this.#waiting.set(question, callbacks)
    this.#queue.push((finish) => {
      this.#ask(hostname, options, (error, address, addressFamily) => {
        this.#waiting.delete(question)
        finish()
        for (const each of callbacks) each(error, address, addressFamily)
      })
    })
  }
}
