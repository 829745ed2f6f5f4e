import { expect, test } from 'vitest'
import type { ServerId, Zxid } from '../../src/base/index.ts'
import { parseZooCfg } from '../../src/config/index.ts'
import { BufferSizes } from '../../src/server/buffer-sizes.ts'
import { modeOf, type QuorumSource, quorumStatus } from '../../src/server/quorum-status.ts'
import { type LearnerView, type LinkId, MajorityQuorum, Role } from '../../src/zab/index.ts'

const { config } = parseZooCfg(
  `clientPort=2181
dataDir=/d
initLimit=10
syncLimit=5
server.1=a:2888:3888
server.2=b:2889:3889
server.3=c:2888:3888
server.4=d:2888:3888:observer
`,
  'zoo.cfg',
  { beside: { myid: 2 } },
)
const ensemble = config.ensemble!

function learner(sid: number | null, changes: Partial<LearnerView> = {}): LearnerView {
  return {
    link: (sid ?? 99) as LinkId,
    sid: sid as ServerId | null,
    role: 'follower',
    isVoter: true,
    state: 'synced',
    lastZxid: 0n as Zxid,
    ...changes,
  }
}

function source(
  role: Role,
  leader: number | null,
  changes: Partial<QuorumSource['core']> = {},
): QuorumSource {
  return {
    core: {
      role,
      leader: leader as ServerId | null,
      isServing: true,
      phase: 'broadcast',
      learnerViews: [],
      ensemble: {
        quorum: new MajorityQuorum([1, 2, 3] as ServerId[]),
        version: 0n,
        text: 'server.2=b\nversion=0',
      },
      ...changes,
    },
    roleSinceMs: 1000.5,
    learnerMaster: leader as ServerId | null,
    observerCount: null,
    pendingSyncs: 7,
    proposalSizes: null,
    observers: [],
  }
}

test('the role gives the mode', () => {
  const modes = [Role.LOOKING, Role.FOLLOWING, Role.LEADING, Role.OBSERVING].map((role) => {
    const quorum = quorumStatus(source(role, null), ensemble, 5000)
    return [quorum.peerState, modeOf(config, quorum)]
  })
  expect(modes).toEqual([
    ['looking', 'looking'],
    ['following', 'follower'],
    ['leading', 'leader'],
    ['observing', 'observer'],
  ])
})

test('a server without an ensemble stands alone, a member before its recovery looks', () => {
  expect(modeOf({ ...config, ensemble: null }, null)).toBe('standalone')
  expect(modeOf(config, null)).toBe('looking')
})

test('everybody shows the ensemble and this server in it', () => {
  expect(quorumStatus(source(Role.FOLLOWING, 3), ensemble, 5000)).toEqual({
    self: 2,
    zabPhase: 'broadcast',
    members: ['a', 'b', 'c', 'd'].map((host, at) => ({
      id: at + 1,
      role: at === 3 ? 'observer' : 'participant',
      quorumAddresses: [{ host, port: at === 1 ? 2889 : 2888 }],
      electionAddresses: [{ host, port: at === 1 ? 3889 : 3888 }],
      clientAddress: null,
    })),
    observers: [],
    peerState: 'following',
    leader: 3,
    learnerMaster: 3,
    observerCount: null,
    quorumSize: 3,
    leadership: null,
    configuration: {
      initLimit: 10,
      syncLimit: 5,
      quorumPort: 2889,
      electionPort: 3889,
      isObserver: false,
      membership: 'server.2=b\nversion=0',
    },
  })
  const fourth = quorumStatus(source(Role.OBSERVING, 3), { ...ensemble, self: 4 }, 5000)
  expect(fourth.configuration.isObserver).toBe(true)
})

test('a leader counts those who have caught up', () => {
  const learnerViews = [
    learner(1),
    learner(3, { state: 'synchronizing' }),
    learner(8, { isVoter: false }),
    learner(4, { role: 'observer', isVoter: false }),
    learner(9, { role: 'observer', isVoter: false, state: 'connected' }),
    learner(null, { state: 'connected' }),
  ]
  const leading = source(Role.LEADING, 2, { learnerViews })
  expect(quorumStatus(leading, ensemble, 5000).leadership).toEqual({
    uptimeMs: 3999,
    learners: 5,
    syncedFollowers: 2,
    syncedNonVotingFollowers: 1,
    syncedObservers: 1,
    pendingSyncs: 7,
    proposalSizes: { lastBytes: -1, minBytes: -1, maxBytes: -1 },
  })
})

test('a leader without a quorum does not lead yet', () => {
  const leading = source(Role.LEADING, 2, { isServing: false })
  expect(quorumStatus(leading, ensemble, 5000).leadership).toBeNull()
})

test('the sizes of proposals', () => {
  const proposalSizes = new BufferSizes()
  const leading = { ...source(Role.LEADING, 2), proposalSizes }
  for (const bytes of [100, 48, 156, 70]) proposalSizes.record(bytes)
  expect(quorumStatus(leading, ensemble, 5000).leadership?.proposalSizes).toEqual({
    lastBytes: 70,
    minBytes: 48,
    maxBytes: 156,
  })
})
