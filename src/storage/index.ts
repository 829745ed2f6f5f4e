export { defaultStorageOptions, type StorageOptions } from './options.ts'
export { openStorage, Storage } from './storage.ts'
export type { StorageEnvironment } from './storage-environment.ts'
export { StorageError, type StorageErrorCode } from './storage-error.ts'
export {
  ChangeKind,
  type CheckpointChange,
  type CheckpointSource,
  type EntriesRead,
  type Install,
  type LoggedEntry,
  type LoggedTail,
  type ReceivedState,
  type RecoveryReport,
  type StateMachine,
  type StateSummary,
  type StorageHandlers,
  type StorageStats,
  type ZnodeRow,
} from './types.ts'
