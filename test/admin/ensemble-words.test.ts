import { describe, expect, test } from 'vitest'
import { createFourLetterWords } from '../../src/admin/index.ts'
import type { ServerId } from '../../src/base/index.ts'
import type { ServerStatus } from '../../src/server/index.ts'
import { exampleControl, exampleProcess, exampleQuorum, exampleStatus } from './example-status.ts'

const words = createFourLetterWords('all', exampleProcess)
const answer = (word: string, status: ServerStatus): string => {
  return words.answer(word, status, exampleControl(), null)
}

const follower = exampleStatus({ mode: 'follower', quorum: exampleQuorum() })
const observer = exampleStatus({
  mode: 'observer',
  quorum: exampleQuorum({
    peerState: 'observing',
    configuration: { ...exampleQuorum().configuration, isObserver: true },
  }),
})
const leader = exampleStatus({
  mode: 'leader',
  quorum: exampleQuorum({
    peerState: 'leading',
    leader: 2 as ServerId,
    leadership: {
      uptimeMs: 12_740,
      learners: 5,
      syncedFollowers: 3,
      syncedNonVotingFollowers: 1,
      syncedObservers: 2,
      pendingSyncs: 4,
      proposalSizes: { lastBytes: 70, minBytes: 48, maxBytes: 156 },
    },
  }),
})

/** What an answer has that the same server's would not have if it stood alone. */
function added(word: string, status: ServerStatus): string[] {
  const alone = exampleStatus({ mode: 'standalone' })
  const lines = answer(word, alone).split('\n')
  return answer(word, status)
    .split('\n')
    .filter((line) => !lines.includes(line))
}

describe.each(['srvr', 'stat'])('%s', (word) => {
  test('of a follower and of an observer has the mode', () => {
    expect(added(word, follower)).toEqual(['Mode: follower'])
    expect(added(word, observer)).toEqual(['Mode: observer'])
  })

  test('of a leader ends with the sizes of its proposals', () => {
    expect(added(word, leader)).toEqual(['Mode: leader', 'Proposal sizes last/min/max: 70/48/156'])
    expect(answer(word, leader)).toMatch(
      /\nMode: leader\nNode count: 22\nProposal sizes last\/min\/max: 70\/48\/156\n$/,
    )
  })
})

describe('conf', () => {
  test('ends with the ensemble, and without a line end', () => {
    expect(answer('conf', follower)).toBe(`${answer('conf', exampleStatus())}initLimit=10
syncLimit=5
electionAlg=3
electionPort=23383
quorumPort=23382
peerType=0
membership:${' '}
server.1=127.0.0.1:23380:23381:participant;127.0.0.1:23370
server.2=127.0.0.1:23382:23383:participant;127.0.0.1:23371
server.3=127.0.0.1:23384:23385:participant;127.0.0.1:23372
server.4=127.0.0.1:23386:23387:observer;127.0.0.1:23373
version=100000000`)
  })

  test('of an observer says so', () => {
    expect(added('conf', observer)).toContain('peerType=1')
  })
})

describe('mntr', () => {
  test('of a follower', () => {
    expect(added('mntr', follower)).toEqual([
      'zk_server_state\tfollower',
      'zk_peer_state\tfollowing - broadcast',
      'zk_quorum_size\t3',
    ])
  })

  test('of an observer names whom it observes', () => {
    expect(added('mntr', observer)).toEqual([
      'zk_server_state\tobserver',
      'zk_peer_state\tobserving - broadcast',
      'zk_observer_master_id\t3',
      'zk_quorum_size\t3',
    ])
  })

  test('of a leader', () => {
    expect(added('mntr', leader)).toEqual([
      'zk_server_state\tleader',
      'zk_peer_state\tleading - broadcast',
      'zk_quorum_size\t3',
      'zk_learners\t5',
      'zk_synced_followers\t3',
      'zk_synced_non_voting_followers\t1',
      'zk_synced_observers\t2',
      'zk_pending_syncs\t4',
      'zk_leader_uptime\t12740',
      'zk_last_proposal_size\t70',
      'zk_min_proposal_size\t48',
      'zk_max_proposal_size\t156',
    ])
  })
})

test('a server that looks for a leader says that it does not serve', () => {
  const looking = exampleStatus({
    mode: 'looking',
    isServing: false,
    quorum: exampleQuorum({ peerState: 'looking', leader: null }),
  })
  for (const word of ['srvr', 'stat', 'mntr', 'conf', 'cons']) {
    expect(answer(word, looking)).toBe(
      'This ZooKeeper instance is not currently serving requests\n',
    )
  }
  expect(answer('ruok', looking)).toBe('imok')
  expect(answer('isro', looking)).toBe('null')
})
