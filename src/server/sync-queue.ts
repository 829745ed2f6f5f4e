import { Fifo, type Zxid } from '../base/index.ts'

/** A sync at the leader: who is told when it may be answered. */
interface WaitingSync {
  /** Everything proposed when it came. */
  readonly notBefore: Zxid
  /** The confirmation that it waits for. */
  readonly token: number
  readonly answer: (notBefore: Zxid) => void
}

/**
 * Syncs at the leader, answered in order. Each waits until the leader knows that it still led when the sync came, and
 * until what was proposed by then is applied. Upstream leaves the first out, so that a leader which others have
 * deposed without its knowledge answers with old data (ZOOKEEPER-1675).
 *
 * All syncs of a turn share one confirmation.
 */
export class SyncQueue {
  readonly #confirm: (token: number) => void
  readonly #waiting: Fifo<WaitingSync> = new Fifo()
  #token = 0
  #isAsked = false
  #confirmed = 0

  /** `confirm` asks whether this server leads; {@link onConfirmed} follows. */
  constructor(confirm: (token: number) => void) {
    this.#confirm = confirm
  }

  get length(): number {
    return this.#waiting.length
  }

  add(notBefore: Zxid, answer: (notBefore: Zxid) => void): void {
    if (!this.#isAsked) {
      this.#isAsked = true
      this.#token += 1
    }
    this.#waiting.push({ notBefore, token: this.#token, answer })
  }

  /** End of turn: asks for what came in it. */
  ask(): void {
    if (!this.#isAsked) return
    this.#isAsked = false
    this.#confirm(this.#token)
  }

  onConfirmed(token: number): void {
    this.#confirmed = Math.max(this.#confirmed, token)
  }

  /** Answers what may be answered. */
  run(applied: Zxid): void {
    for (let head = this.#waiting.peek(); head !== null; head = this.#waiting.peek()) {
      if (head.token > this.#confirmed || head.notBefore > applied) return
      this.#waiting.shift()
      head.answer(head.notBefore)
    }
  }
}
