// For tools that look at a folder without opening it.
export { applyControl } from './control-state.ts'
export { type Cut, isTakenBack, lastInstall, zxidBefore } from './cuts.ts'
export {
  type CheckpointMark,
  type ControlState,
  decodeGroupHeader,
  decodeSegmentHeader,
  GROUP_HEADER_BYTES,
  type GroupHeader,
  GroupKind,
  NO_CONTROL_STATE,
  parseSegmentName,
  RESERVE_NAME,
  RecordKind,
  SECTOR_BYTES,
  type SegmentHeader,
  saltOf,
  segmentName,
} from './format.ts'
export { inspectLog, type LogFacts } from './inspect-log.ts'
export { defaultStorageOptions, type StorageOptions } from './options.ts'
export { metaRange, RowDecoder } from './rows-codec.ts'
export {
  generationOf,
  loadRows,
  type MetaOutcome,
  type RowsOutcome,
  readMeta,
} from './rows-loader.ts'
export {
  type LogPosition,
  type RecordSink,
  type SegmentScan,
  scanSegment,
} from './segment-reader.ts'
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
