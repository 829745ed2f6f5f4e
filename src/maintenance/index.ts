export { type OpenedSource, openApacheSource } from './apache-source.ts'
export * from './backup/index.ts'
export * from './doctor/index.ts'
export {
  type ApacheFolder,
  type DataFolder,
  lookAtFolder,
  notOurs,
  type OurFolder,
  ourFolder,
} from './folder-kind.ts'
export { type FolderUse, folderUse, withLock } from './folder-use.ts'
export { type LoadedState, loadPoint, loadState } from './load-state.ts'
export * from './log-dump/index.ts'
export { MaintenanceError } from './maintenance-error.ts'
export { NewFolder, syncFolder, TargetError } from './new-folder.ts'
export { APACHE_KEEP_MIN, type Leftover, type PurgePlan, planPurge, purge } from './purge.ts'
export { count, number, type Progress, parseTime, parseZxid, size } from './text.ts'
export * from './tree/index.ts'
