export { ZabCore, type ZabPhase } from './core.ts'
export { type Input, InputKind, type LinkId, type PersistToken } from './inputs.ts'
export {
  type AckEpoch,
  type Carried,
  type Entry,
  type LeaderInfo,
  type LearnerInfo,
  type Marker,
  type NewLeader,
  type Notification,
  type Packet,
  PacketKind,
  type Ping,
  packetName,
  type Relayed,
  type Snap,
  type SyncStart,
  type UpToDate,
} from './messages.ts'
export {
  type CoreOptions,
  DEFAULT_CORE_LIMITS,
  DEFAULT_TIMING,
  type Ensemble,
  type Recovered,
  type Timing,
} from './options.ts'
export {
  Outbox,
  type PersistRecord,
  RecordKind,
  Role,
  type RoleChange,
} from './outbox.ts'
export type { LearnerView } from './progress.ts'
export {
  HierarchicalQuorum,
  MajorityQuorum,
  type QuorumGroup,
  type QuorumVerifier,
} from './quorum.ts'
export { compareVotes, NOT_VOTING, NOT_VOTING_ZXID, PeerState, type Vote } from './vote.ts'
