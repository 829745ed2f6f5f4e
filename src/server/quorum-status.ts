import type { ServerId } from '../base/index.ts'
import {
  addressesOf,
  type Config,
  type EnsembleConfig,
  type MemberConfig,
} from '../config/index.ts'
import { Role, type ZabCore } from '../zab/index.ts'
import type {
  BufferSizesStatus,
  LeadershipStatus,
  MemberStatus,
  ObserverStatus,
  PeerState,
  QuorumStatus,
  ServerMode,
} from './server-status.ts'

/** The parts of an ensemble's member that its status is read from. */
export interface QuorumSource {
  readonly core: Pick<
    ZabCore,
    'ensemble' | 'isServing' | 'leader' | 'learnerViews' | 'phase' | 'role'
  >
  /** When the present role began, monotonic. */
  readonly roleSinceMs: number
  /** Leader: syncs that are not answered yet. */
  readonly pendingSyncs: number
  /** Observer: whom it is connected to. */
  readonly learnerMaster: ServerId | null
  /** Follower: observers that it serves; null if it does not serve any. */
  readonly observerCount: number | null
  /** Null for everyone but a leader. */
  readonly proposalSizes: BufferSizesStatus | null
  /** Observers that are synchronized here. */
  readonly observers: readonly ObserverStatus[]
}

const PEER_STATES: Readonly<Record<Role, PeerState>> = {
  [Role.LOOKING]: 'looking',
  [Role.FOLLOWING]: 'following',
  [Role.LEADING]: 'leading',
  [Role.OBSERVING]: 'observing',
}

const MODES: Readonly<Record<PeerState, ServerMode>> = {
  looking: 'looking',
  following: 'follower',
  leading: 'leader',
  observing: 'observer',
}

const NO_PROPOSALS: BufferSizesStatus = { lastBytes: -1, minBytes: -1, maxBytes: -1 }

/** A member of an ensemble as its operator sees it at this moment. */
export function quorumStatus(
  source: QuorumSource,
  ensemble: EnsembleConfig,
  nowMs: number,
): QuorumStatus {
  const { core } = source
  const self = ensemble.members.find(({ id }) => id === ensemble.self)!
  const isLeading = core.role === Role.LEADING && core.isServing
  return {
    self: self.id as ServerId,
    zabPhase: core.phase,
    peerState: PEER_STATES[core.role],
    leader: core.leader,
    learnerMaster: core.leader === null ? null : source.learnerMaster,
    observerCount: source.observerCount,
    quorumSize: core.ensemble.quorum.voters.length,
    leadership: isLeading ? leadershipStatus(source, nowMs) : null,
    configuration: {
      initLimit: ensemble.initLimit,
      syncLimit: ensemble.syncLimit,
      quorumPort: self.quorumPort,
      electionPort: self.electionPort,
      isObserver: self.role === 'observer',
      membership: core.ensemble.text,
    },
    members: ensemble.members.map(memberStatus),
    observers: source.observers,
  }
}

function memberStatus(member: MemberConfig): MemberStatus {
  const addresses = addressesOf(member)
  return {
    id: member.id as ServerId,
    role: member.role,
    quorumAddresses: addresses.map(({ host, quorumPort }) => ({ host, port: quorumPort })),
    electionAddresses: addresses.map(({ host, electionPort }) => ({ host, port: electionPort })),
    clientAddress: member.client,
  }
}

/** What the server is to its clients' operators: its part in the ensemble, if there is one. */
export function modeOf(config: Config, quorum: QuorumStatus | null): ServerMode {
  if (quorum !== null) return MODES[quorum.peerState]
  return config.ensemble === null ? 'standalone' : 'looking'
}

function leadershipStatus(source: QuorumSource, nowMs: number): LeadershipStatus {
  const views = source.core.learnerViews.filter(({ sid }) => sid !== null)
  const synced = views.filter(({ state }) => state === 'synced')
  const followers = synced.filter(({ role }) => role === 'follower')
  const { lastBytes, minBytes, maxBytes } = source.proposalSizes ?? NO_PROPOSALS
  return {
    uptimeMs: Math.max(0, Math.floor(nowMs - source.roleSinceMs)),
    learners: views.length,
    syncedFollowers: followers.length,
    syncedNonVotingFollowers: followers.filter(({ isVoter }) => !isVoter).length,
    syncedObservers: synced.length - followers.length,
    pendingSyncs: source.pendingSyncs,
    proposalSizes: { lastBytes, minBytes, maxBytes },
  }
}
