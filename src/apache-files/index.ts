export { type ExportReport, exportApacheFiles } from './apache-export.ts'
export { ApacheFilesError, type ApacheFilesErrorCode } from './apache-files-error.ts'
export {
  type ApacheSource,
  type ImportReport,
  importApacheFiles,
  type ProgressHandler,
} from './apache-import.ts'
export {
  type ApacheFileName,
  logFileName,
  parseApacheName,
  snapshotFileName,
} from './file-names.ts'
export { SnapshotFile, snapshotFileBytes } from './snapshot-file.ts'
export { loadSnapshotFile } from './snapshot-load.ts'
export {
  type SourceFile,
  type TargetFile,
  type TargetFolder,
  UNPACKING_FAILED,
} from './source-file.ts'
export {
  follows,
  LOG_HEAD_BYTES,
  logHeadFault,
  writeLogHead,
  writeLogRecord,
} from './txn-log-format.ts'
export { type LogEnd, lookBehind, type RecordSink, readTxnLog } from './txn-log-reader.ts'
export { logsAfter, type TornEnd } from './txn-log-scan.ts'
export { WholeState } from './whole-state.ts'
