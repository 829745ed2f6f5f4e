export type { NamespaceQuota } from '../znodes/index.ts'
export { type AuditOptions, Auditor, type AuditRecord, auditLine } from './audit/index.ts'
export type { ZxidDigest } from './digest-log.ts'
export {
  type EventFact,
  type EventFilter,
  EventHistory,
  type EventKind,
  type EventRole,
  eventFromJson,
  eventToJson,
  isOfClients,
  type JsonEvent,
  RateLimit,
  type ServerEvent,
  sessionOf,
} from './events/index.ts'
export { KeeperServer } from './keeper-server.ts'
export type { ReplicaObserver } from './replica-observer.ts'
export { type CoreLimits, quorumOf } from './replica-options.ts'
export { ReplicatedState } from './replicated-state.ts'
export { type RestoreRefusal, ServerControl } from './server-control.ts'
export type { ServerInventory } from './server-inventory.ts'
export type { ServerHandlers, ServerOptions } from './server-options.ts'
export type {
  BufferSizesStatus,
  CheckpointStatus,
  ConfigurationStatus,
  ConnectionSessionStatus,
  ConnectionStatus,
  FourLetterWords,
  LatencyStatus,
  LeadershipStatus,
  MemberStatus,
  ObserverStatus,
  PeerState,
  QuorumConfigurationStatus,
  QuorumStatus,
  ServerMode,
  ServerPhase,
  ServerStatus,
  StorageStatus,
  TreeStatus,
  WordControl,
} from './server-status.ts'
export { ReceivedSnapshot, SnapshotSink, type SnapshotSinkOptions } from './snapshot-sink.ts'
