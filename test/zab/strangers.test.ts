import { expect, test } from 'vitest'
import { NO_ZXID, type ServerId } from '../../src/base/index.ts'
import { leadingNotification, startLeading } from '../../src/zab/leading.ts'
import { DEFAULT_CORE_LIMITS } from '../../src/zab/options.ts'
import { MajorityQuorum } from '../../src/zab/quorum.ts'
import { CoreState } from '../../src/zab/state.ts'
import { PeerState } from '../../src/zab/vote.ts'
import { TEST_TIMING } from './harness.ts'

test('a leader keeps nothing of servers that are in no list, however many there are', () => {
  const state = new CoreState({
    ...DEFAULT_CORE_LIMITS,
    self: 3 as ServerId,
    ensemble: {
      quorum: new MajorityQuorum([1, 2, 3].map((sid) => sid as ServerId)),
      version: 0n,
      text: '',
    },
    recovered: {
      acceptedEpoch: 0,
      currentEpoch: 0,
      base: NO_ZXID,
      entries: [],
      committed: NO_ZXID,
    },
    timing: TEST_TIMING,
    seed: 1,
  })
  const lead = startLeading(state)
  for (let sid = 1; sid <= 1000; sid += 1) {
    const from = sid as ServerId
    const vote = { leader: from, zxid: NO_ZXID, electionEpoch: 1, peerEpoch: 7 }
    leadingNotification(state, lead, from, {
      state: PeerState.LOOKING,
      vote,
      version: 2,
      config: '',
    })
  }
  expect([...state.epochsOfLooking.keys()]).toEqual([1, 2, 3])
})
