import { formatHex, type SessionId, type Zxid } from '../../base/index.ts'
import type { ByteString, Stat } from '../../wire/index.ts'

/** What is known of a counter that only grows by conditional setData. */
export interface CounterTally {
  ok: number
  lost: number
  /** Attempts handed to a connection. */
  tried: number
}

/** A lock that a client knows to have held from one zxid to another, both included. */
export interface Holding {
  readonly client: number
  readonly from: Zxid
  readonly to: Zxid
}

/**
 * What the clients of a run know together: an all-seeing client that compares what they were told. Nothing here comes
 * from a server otherwise than by replies.
 */
export class SharedKnowledge {
  /** The znodes that workloads build on are there. */
  isSetUp = false
  readonly sessionIds: Set<SessionId> = new Set()
  readonly counters: Map<string, CounterTally> = new Map()
  readonly holdings: Holding[] = []
  /** Sequential znodes by parent: suffix and czxid of each creation that was answered. */
  readonly sequences: Map<string, { readonly suffix: number; readonly zxid: Zxid }[]> = new Map()
  /** Queue items: who has deleted them with success. */
  readonly taken: Map<string, number> = new Map()
  /** Queue items whose creation was answered, and those that may have been deleted. */
  readonly queued: Set<string> = new Set()
  readonly maybeTaken: Set<string> = new Set()
  /** Highest mzxid of a write to the path that has returned to anybody. */
  readonly returned: Map<string, Zxid> = new Map()
  readonly #values = new Map<string, string>()
  readonly #versions = new Map<string, Zxid>()

  /** One mzxid of a path is one value and one version; null when that holds with what is known. */
  contradicts(path: string, stat: Stat, data: ByteString | null): string | null {
    const at = `${path} ${stat.mzxid}`
    const value = data ?? ''
    const known = this.#values.get(at)
    if (known === undefined) this.#values.set(at, value)
    else if (known !== value) {
      return `D1: two values of ${path} at mzxid ${formatHex(stat.mzxid)}`
    }
    return this.#contradictsVersion(path, stat)
  }

  /** The same for a Stat without the data. */
  contradictsStat(path: string, stat: Stat): string | null {
    return this.#contradictsVersion(path, stat)
  }

  noteReturned(path: string, zxid: Zxid): void {
    const known = this.returned.get(path)
    if (known === undefined || known < zxid) this.returned.set(path, zxid)
  }

  counter(path: string): CounterTally {
    let tally = this.counters.get(path)
    if (tally === undefined) {
      tally = { ok: 0, lost: 0, tried: 0 }
      this.counters.set(path, tally)
    }
    return tally
  }

  /** C10: why a new sequential znode cannot be; null when it can. */
  addSequential(parent: string, suffix: number, zxid: Zxid): string | null {
    let list = this.sequences.get(parent)
    if (list === undefined) {
      list = []
      this.sequences.set(parent, list)
    }
    // Replies of different clients come in any order, but nearly in that of their zxids.
    let at = list.length
    while (at > 0 && list[at - 1]!.zxid > zxid) at -= 1
    const before = list[at - 1]
    const after = list[at]
    list.splice(at, 0, { suffix, zxid })
    if (suffix < 0) return `C10: a negative suffix ${suffix} under ${parent}`
    const isSorted =
      (before === undefined || (before.suffix < suffix && before.zxid < zxid)) &&
      (after === undefined || after.suffix > suffix)
    return isSorted ? null : `C10: suffix ${suffix} under ${parent} is out of order`
  }

  /** Two clients never hold a lock at one zxid; null when the new holding is alone. */
  addHolding(holding: Holding): string | null {
    const other = this.holdings.find(
      ({ client, from, to }) =>
        client !== holding.client && from <= holding.to && to >= holding.from,
    )
    this.holdings.push(holding)
    if (other === undefined) return null
    return `clients ${holding.client} and ${other.client} hold the lock at ${formatHex(holding.from)}`
  }

  #contradictsVersion(path: string, stat: Stat): string | null {
    const at = `${path} ${stat.czxid} ${stat.version}`
    const known = this.#versions.get(at)
    if (known === undefined) this.#versions.set(at, stat.mzxid)
    else if (known !== stat.mzxid) return `C9: version ${stat.version} of ${path} was made twice`
    return null
  }
}
