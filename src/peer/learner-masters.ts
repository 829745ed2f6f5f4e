import type { ServerId } from '../base/index.ts'
import type { Address } from '../env/index.ts'
import { PeerAddresses } from './peer-addresses.ts'

/** A leader accepts learners before its followers can serve any. It is dialled too when they could not for so long. */
const LEADER_AFTER_MS = 3000
/** How long one of several servers may keep silent: all are tried while the election is still believed. */
const SERVER_WAIT_MS = 300

type ServerAddresses = ReadonlyMap<ServerId, readonly Address[]>

/**
 * Whom a learner dials: the leader, or followers that serve observers (`QuorumPeer.findLearnerMaster`), beginning with
 * another one each time.
 */
export class LearnerMasters {
  readonly #members: ServerAddresses
  readonly #masters: ServerAddresses
  readonly #waitMs: number
  readonly #leaders: Map<ServerId, PeerAddresses> = new Map()
  #turn: number
  /** Since when no server could be learned from; null while one can. */
  #missingSinceMs: number | null = null
  /** What was dialled last, and which server each address is of. */
  #dialled: PeerAddresses | null = null
  #owners: readonly ServerId[] = []

  constructor(self: ServerId, members: ServerAddresses, masters: ServerAddresses, waitMs: number) {
    this.#members = members
    this.#masters = masters
    this.#waitMs = waitMs
    this.#turn = self
  }

  /** The longest list of addresses to try, from the configuration as it is now. */
  get addressesMax(): number {
    const masters = [...this.#masters.values()].reduce((sum, { length }) => sum + length, 0)
    return Math.max(1, ...[...this.#members.values()].map(({ length }) => length + masters))
  }

  /** The server that answered when these addresses were dialled last. */
  get current(): ServerId | null {
    return this.#dialled === null ? null : (this.#owners[this.#dialled.best] ?? null)
  }

  /** The server that answered is of use. */
  onServing(): void {
    this.#missingSinceMs = null
  }

  /** The leader was reached, and never said anything. */
  onSilent(leader: ServerId): void {
    this.#leaders.get(leader)?.onUseless()
  }

  /** Null for a leader that is not in the configuration. */
  of(leader: ServerId, nowMs: number): PeerAddresses | null {
    const own = this.#members.get(leader)
    if (own === undefined) return null
    if (this.#masters.size === 0) {
      const known = this.#leaders.get(leader) ?? new PeerAddresses(own, this.#waitMs)
      this.#leaders.set(leader, known)
      return known
    }
    const followers = [...this.#masters].filter(([sid]) => sid !== leader)
    const first = this.#turn % Math.max(1, followers.length)
    this.#turn += 1
    this.#missingSinceMs ??= nowMs
    const isLeaderDialled =
      followers.length === 0 || nowMs - this.#missingSinceMs >= LEADER_AFTER_MS
    const inTurn = [
      ...followers.slice(first),
      ...followers.slice(0, first),
      ...(isLeaderDialled ? [[leader, own] as const] : []),
    ]
    const all = inTurn.flatMap(([sid, addresses]) => addresses.map((address) => ({ sid, address })))
    this.#owners = all.map(({ sid }) => sid)
    this.#dialled = new PeerAddresses(
      all.map(({ address }) => address),
      Math.min(SERVER_WAIT_MS, this.#waitMs),
    )
    return this.#dialled
  }
}
