export { type Chain, openArchive, verifyChain } from './archive.ts'
export { type BackupReport, backUpFolder, isTarName } from './make-backup.ts'
export type { BackupLog, BackupSnapshot, Manifest } from './manifest.ts'
export { applyAll, entriesOf, findPoint, type Point, rangeOf, stateOf } from './point.ts'
export {
  type RestoreOptions,
  type RestoreReport,
  raisedZxid,
  restoreFolder,
} from './restore-folder.ts'
