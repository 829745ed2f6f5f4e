import type { ServerId } from '../../src/base/index.ts'
import { HierarchicalQuorum, MajorityQuorum, type QuorumVerifier } from '../../src/zab/quorum.ts'
import type { SeededRandom } from '../../src/zab/random.ts'

/** Who decides: groups of voters with weights. A majority is one group in which everybody weighs 1. */
export type QuorumSpec = readonly ReadonlyMap<ServerId, number>[]

export interface Cluster {
  readonly voters: number
  readonly observers: number
  readonly quorum: QuorumSpec
}

/** Three to seven voters, a fifth of them in groups or with weights, up to two observers. */
export function drawCluster(random: SeededRandom): Cluster {
  const pick = (count: number): number => Math.floor(random.next() * count)
  const voters = [3, 3, 3, 3, 5, 5, 5, 4, 6, 7][pick(10)]!
  const observers = random.next() < 0.3 ? 1 + pick(2) : 0
  const isHierarchical = random.next() < 0.2
  const groups = isHierarchical ? 1 + pick(Math.min(3, Math.floor(voters / 2))) : 1
  const quorum = Array.from({ length: groups }, () => new Map<ServerId, number>())
  for (let sid = 1; sid <= voters; sid += 1) {
    // The first of each group always weighs something.
    const weight = isHierarchical && sid > groups ? [0, 1, 1, 1, 2][pick(5)]! : 1
    quorum[(sid - 1) % groups]!.set(sid as ServerId, weight)
  }
  return { voters, observers, quorum }
}

export function majorityOf(voters: number): QuorumSpec {
  const sids = Array.from({ length: voters }, (_, i) => (i + 1) as ServerId)
  return [new Map(sids.map((sid) => [sid, 1]))]
}

/** As the core sees it. */
export function verifierOf(spec: QuorumSpec): QuorumVerifier {
  const weights = new Map(spec.flatMap((group) => [...group]))
  const isMajority = spec.length === 1 && [...weights.values()].every((weight) => weight === 1)
  if (isMajority) return new MajorityQuorum(weights.keys())
  const groups = spec.map((group, id) => ({ id, members: [...group.keys()] }))
  return new HierarchicalQuorum(groups, weights)
}

/** As the checkers see it: more than half of the groups that weigh something, each with more than half its weight. */
export function isQuorum(spec: QuorumSpec, has: (sid: ServerId) => boolean): boolean {
  let won = 0
  let groups = 0
  for (const group of spec) {
    let total = 0
    let weight = 0
    for (const [sid, one] of group) {
      total += one
      if (has(sid)) weight += one
    }
    if (total > 0) groups += 1
    if (2 * weight > total) won += 1
  }
  return 2 * won > groups
}
