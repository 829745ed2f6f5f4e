import { formatHex, NO_ZXID, type Zxid } from '../../base/index.ts'
import { ErrorCode } from '../../wire/index.ts'

/** Answers that cost no zxid of their own. */
const WITHOUT_ZXID: ReadonlySet<number> = new Set([
  ErrorCode.marshallingError,
  ErrorCode.systemError,
  ErrorCode.unimplemented,
  ErrorCode.throttledOp,
])

/** The zxids a client sees: over its session they never go back, writes have rising ones, events come before data. */
export class ZxidOrder {
  /** Of the last reply of the session that had one. */
  lastZxid: Zxid = NO_ZXID
  #lastWriteZxid: Zxid = NO_ZXID
  /** Highest of a reply and of an event on this connection. */
  #lastReplyZxid: Zxid = NO_ZXID
  #lastEventZxid: Zxid = NO_ZXID

  beginSession(): void {
    this.lastZxid = NO_ZXID
    this.#lastWriteZxid = NO_ZXID
  }

  beginConnection(): void {
    this.#lastReplyZxid = NO_ZXID
    this.#lastEventZxid = NO_ZXID
  }

  /** Takes the zxid of a reply; says what is wrong with it. */
  reply(zxid: Zxid, err: number, isWrite: boolean): string | null {
    // auth and refused opcodes have none.
    if (zxid <= 0n) return null
    const before = this.lastZxid
    this.lastZxid = zxid
    if (zxid > this.#lastReplyZxid) this.#lastReplyZxid = zxid
    if (zxid < before) return `C3: a reply of zxid ${formatHex(zxid)} after ${formatHex(before)}`
    if (!isWrite || WITHOUT_ZXID.has(err)) return null
    const writtenBefore = this.#lastWriteZxid
    this.#lastWriteZxid = zxid
    if (zxid > writtenBefore) return null
    return `C2: a write of zxid ${formatHex(zxid)} after ${formatHex(writtenBefore)}`
  }

  /** Takes the zxid of a watch event; says what is wrong with it. */
  event(zxid: Zxid, path: string): string | null {
    const eventBefore = this.#lastEventZxid
    this.#lastEventZxid = zxid
    if (zxid <= this.#lastReplyZxid) {
      return `W1: a reply of ${formatHex(this.#lastReplyZxid)} came before the event of ${path}`
    }
    return zxid < eventBefore ? `W3: event ${formatHex(zxid)} comes too late` : null
  }
}
