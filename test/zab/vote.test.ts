import { describe, expect, test } from 'vitest'
import { makeZxid, type ServerId } from '../../src/base/index.ts'
import {
  type CastVote,
  compareVotes,
  NOT_VOTING,
  NOT_VOTING_ZXID,
  PeerState,
  sameVote,
  type Vote,
} from '../../src/zab/vote.ts'

const vote = (leader: number, epoch: number, counter: number, peerEpoch: number): Vote => ({
  leader: leader as ServerId,
  zxid: makeZxid(epoch, counter),
  electionEpoch: 1,
  peerEpoch,
})

const some: Vote[] = []
for (const leader of [1, 2, 200]) {
  for (const peerEpoch of [0, 1, 5]) {
    for (const counter of [0, 1, 0xffff_fffe]) some.push(vote(leader, 1, counter, peerEpoch))
  }
}
some.push({
  leader: NOT_VOTING as ServerId,
  zxid: NOT_VOTING_ZXID,
  electionEpoch: 1,
  peerEpoch: NOT_VOTING,
})

describe('order of votes', () => {
  test('is total: antisymmetric, transitive, and equal only to itself', () => {
    for (const a of some) {
      for (const b of some) {
        expect(Math.sign(compareVotes(a, b))).toBe(-Math.sign(compareVotes(b, a)) + 0)
        expect(compareVotes(a, b) === 0).toBe(a === b)
        for (const c of some) {
          if (compareVotes(a, b) > 0 && compareVotes(b, c) > 0) {
            expect(compareVotes(a, c)).toBeGreaterThan(0)
          }
        }
      }
    }
  })

  test('epoch before zxid before server id', () => {
    expect(compareVotes(vote(1, 1, 1, 3), vote(9, 9, 9, 2))).toBeGreaterThan(0)
    expect(compareVotes(vote(1, 2, 1, 3), vote(9, 1, 9, 3))).toBeGreaterThan(0)
    expect(compareVotes(vote(9, 2, 1, 3), vote(1, 2, 1, 3))).toBeGreaterThan(0)
  })

  test('who does not vote loses against everybody', () => {
    for (const a of some.slice(0, -1)) expect(compareVotes(a, some.at(-1)!)).toBeGreaterThan(0)
  })
})

describe('equality of votes', () => {
  const cast = (state: PeerState, version: number, changes: Partial<Vote>): CastVote => ({
    vote: { ...vote(3, 1, 5, 1), ...changes },
    state,
    version,
  })

  test('LOOKING: all four fields', () => {
    const looking = cast(PeerState.LOOKING, 2, {})
    expect(sameVote(looking, cast(PeerState.FOLLOWING, 2, {}))).toBe(true)
    for (const change of [
      { leader: 4 as ServerId },
      { zxid: makeZxid(1, 6) },
      { electionEpoch: 2 },
      { peerEpoch: 2 },
    ]) {
      expect(sameVote(looking, cast(PeerState.LOOKING, 2, change))).toBe(false)
      expect(sameVote(cast(PeerState.LEADING, 2, change), looking)).toBe(false)
    }
  })

  test('established: leader and epoch, the old zxid and round of an election do not matter', () => {
    const following = cast(PeerState.FOLLOWING, 2, {})
    const other = cast(PeerState.LEADING, 2, { zxid: makeZxid(0, 0), electionEpoch: -1 })
    expect(sameVote(following, other)).toBe(true)
    expect(sameVote(following, cast(PeerState.LEADING, 2, { peerEpoch: 2 }))).toBe(false)
    expect(sameVote(following, cast(PeerState.LEADING, 2, { leader: 2 as ServerId }))).toBe(false)
  })

  test('exactly one old peer: leader alone', () => {
    const old = cast(PeerState.FOLLOWING, 0, { peerEpoch: 9 })
    expect(sameVote(old, cast(PeerState.LEADING, 2, {}))).toBe(true)
    expect(sameVote(cast(PeerState.LEADING, 2, {}), old)).toBe(true)
    expect(sameVote(old, cast(PeerState.LEADING, 0, {}))).toBe(false)
  })
})
