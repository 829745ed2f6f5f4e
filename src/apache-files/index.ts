export { type ExportReport, exportApacheFiles } from './apache-export.ts'
export { ApacheFilesError, type ApacheFilesErrorCode } from './apache-files-error.ts'
export {
  type ApacheSource,
  type ImportReport,
  importApacheFiles,
  type ProgressHandler,
} from './apache-import.ts'
export { type ApacheFileName, parseApacheName } from './file-names.ts'
export {
  type SourceFile,
  type TargetFile,
  type TargetFolder,
  UNPACKING_FAILED,
} from './source-file.ts'
export type { TornEnd } from './txn-log-scan.ts'
