import { assert, NO_ZXID, type ServerId, type Zxid } from '../base/index.ts'

/** Which sets of servers may decide for the ensemble (`QuorumVerifier`). Any two quorums share a server. */
export interface QuorumVerifier {
  /** Every server that may vote, in ascending order. */
  readonly voters: readonly ServerId[]
  isVoter(sid: ServerId): boolean
  /** 0 for a server that votes and acks but can never lead (`HierarchicalQuorums`), or that is no voter. */
  weightOf(sid: ServerId): number
  /** Servers in `sids` that are no voters count for nothing. */
  containsQuorum(sids: ReadonlySet<ServerId>): boolean
  /** The largest zxid that a quorum of servers has reached; {@link NO_ZXID} if there is none. */
  agreedZxid(reached: ReadonlyMap<ServerId, Zxid>): Zxid
}

function sortedVoters(voters: Iterable<ServerId>): readonly ServerId[] {
  const sorted = [...new Set(voters)].sort((a, b) => a - b)
  assert(sorted.length > 0, 'an ensemble needs at least one voter')
  return sorted
}

function descending(a: Zxid, b: Zxid): number {
  return a < b ? 1 : a > b ? -1 : 0
}

/** More than half of the voters (`QuorumMaj`). */
export class MajorityQuorum implements QuorumVerifier {
  readonly voters: readonly ServerId[]
  readonly #voters: ReadonlySet<ServerId>
  readonly #needed: number
  readonly #reached: Zxid[] = []

  constructor(voters: Iterable<ServerId>) {
    this.voters = sortedVoters(voters)
    this.#voters = new Set(this.voters)
    this.#needed = Math.floor(this.voters.length / 2) + 1
  }

  isVoter(sid: ServerId): boolean {
    return this.#voters.has(sid)
  }

  weightOf(sid: ServerId): number {
    return this.#voters.has(sid) ? 1 : 0
  }

  containsQuorum(sids: ReadonlySet<ServerId>): boolean {
    let count = 0
    for (const sid of sids) if (this.#voters.has(sid)) count += 1
    return count >= this.#needed
  }

  agreedZxid(reached: ReadonlyMap<ServerId, Zxid>): Zxid {
    const values = this.#reached
    values.length = 0
    for (const sid of this.voters) {
      const zxid = reached.get(sid)
      if (zxid !== undefined) values.push(zxid)
    }
    if (values.length < this.#needed) return NO_ZXID
    values.sort(descending)
    return values[this.#needed - 1]!
  }
}

/** One `group.N=` line. */
export interface QuorumGroup {
  readonly id: number
  readonly members: readonly ServerId[]
}

interface WeighedGroup {
  readonly members: readonly ServerId[]
  readonly weight: number
}

/**
 * More than half of the groups, each with more than half of its weight (`QuorumHierarchical`).
 * Groups whose members weigh nothing do not count at all.
 */
export class HierarchicalQuorum implements QuorumVerifier {
  readonly voters: readonly ServerId[]
  readonly #weights = new Map<ServerId, number>()
  readonly #groups: readonly WeighedGroup[]
  readonly #scratch = new Set<ServerId>()

  /** Every voter must be in exactly one group; a voter without an entry in `weights` weighs 1. */
  constructor(groups: readonly QuorumGroup[], weights: ReadonlyMap<ServerId, number>) {
    const weighed: WeighedGroup[] = []
    for (const group of groups) {
      let total = 0
      for (const sid of group.members) {
        const weight = weights.get(sid) ?? 1
        assert(Number.isSafeInteger(weight) && weight >= 0, `weight ${weight} of server ${sid}`)
        assert(!this.#weights.has(sid), `server ${sid} is in two groups`)
        this.#weights.set(sid, weight)
        total += weight
      }
      if (total > 0) weighed.push({ members: group.members, weight: total })
    }
    assert(weighed.length > 0, 'every group weighs 0: nobody could ever decide')
    this.#groups = weighed
    this.voters = sortedVoters(this.#weights.keys())
  }

  isVoter(sid: ServerId): boolean {
    return this.#weights.has(sid)
  }

  weightOf(sid: ServerId): number {
    return this.#weights.get(sid) ?? 0
  }

  containsQuorum(sids: ReadonlySet<ServerId>): boolean {
    let won = 0
    for (const group of this.#groups) {
      let weight = 0
      for (const sid of group.members) if (sids.has(sid)) weight += this.#weights.get(sid)!
      if (weight > Math.floor(group.weight / 2)) won += 1
    }
    return won > Math.floor(this.#groups.length / 2)
  }

  agreedZxid(reached: ReadonlyMap<ServerId, Zxid>): Zxid {
    const candidates = [...reached.values()].sort(descending)
    for (const candidate of candidates) {
      this.#scratch.clear()
      for (const [sid, zxid] of reached) if (zxid >= candidate) this.#scratch.add(sid)
      if (this.containsQuorum(this.#scratch)) return candidate
    }
    return NO_ZXID
  }
}
