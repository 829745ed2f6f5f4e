import { assert, NO_SESSION, type ServerId, type SessionId } from '../base/index.ts'

const SERVER_SHIFT = 56n
/** Bits of an id below the server id: 40 of milliseconds, 16 of counter. */
const LOCAL_BITS = 56
const CLOCK_BITS = 40
const COUNTER_BITS = 16n
/** As owner of a znode this value means "container". */
const CONTAINER_OWNER = -0x8000_0000_0000_0000n

/**
 * Makes the ids of new sessions: the server id in the highest byte, below it a count that starts from a clock
 * (`SessionTrackerImpl.initializeNextSessionId`). A restarted server gives no id twice: the count also starts above
 * every id ever given out, which the replicated state remembers. (Upstream trusts its clock since boot for that, which starts anew with the machine.) Only after
 * 2^56 ids, or 35 years of a clock, does the count begin again at 0 instead of running into the next server's ids.
 */
export class SessionIdSource {
  readonly #serverBits: bigint
  #next: bigint

  /**
   * `startMs`: any clock, of which 40 bits are used. `highestKnown`: the highest id this server ever gave out, or null.
   */
  constructor(serverId: ServerId, startMs: number, highestKnown: SessionId | null) {
    assert(serverId >= 0 && serverId <= 255, `server id ${serverId} does not fit into one byte`)
    this.#serverBits = BigInt(serverId) << SERVER_SHIFT
    this.#next = BigInt.asUintN(CLOCK_BITS, BigInt(Math.floor(startMs))) << COUNTER_BITS
    if (highestKnown === null) return
    assert(serverIdOf(highestKnown) === serverId, `session ${highestKnown} is of another server`)
    const afterKnown = BigInt.asUintN(LOCAL_BITS, highestKnown) + 1n
    if (afterKnown > this.#next) this.#next = afterKnown
  }

  /** The next id: neither 0 (no session) nor the value that marks containers, and never of another server. */
  next(): SessionId {
    const local = BigInt.asUintN(LOCAL_BITS, this.#next)
    const id = BigInt.asIntN(64, this.#serverBits | local)
    this.#next = local + 1n
    return id === NO_SESSION || id === CONTAINER_OWNER ? this.next() : (id as SessionId)
  }
}

/** The server that gave out `id`. */
export function serverIdOf(id: SessionId): ServerId {
  return Number(BigInt.asUintN(8, id >> SERVER_SHIFT)) as ServerId
}
