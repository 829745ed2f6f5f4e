export { KeeperServer } from './keeper-server.ts'
export type { ReplicaObserver } from './replica-observer.ts'
export type { CoreLimits } from './replica-options.ts'
export { ReplicatedState } from './replicated-state.ts'
export type { ServerHandlers, ServerOptions } from './server-options.ts'
export type {
  ConfigurationStatus,
  ConnectionSessionStatus,
  ConnectionStatus,
  FourLetterWords,
  LatencyStatus,
  LeadershipStatus,
  PeerState,
  ProposalSizesStatus,
  QuorumConfigurationStatus,
  QuorumStatus,
  ServerMode,
  ServerStatus,
  TreeStatus,
} from './server-status.ts'
export { ReceivedSnapshot, SnapshotSink, type SnapshotSinkOptions } from './snapshot-sink.ts'
