export { type Chain, openArchive, verifyChain } from './archive.ts'
export { type BackupReport, backUpFolder, isTarName } from './make-backup.ts'
export type { BackupLog, BackupSnapshot, Manifest } from './manifest.ts'
export {
  applyAll,
  entriesOf,
  type FoundPoint,
  findPoint,
  type Point,
  rangeOf,
  stateOf,
} from './point.ts'
export {
  type RestoreOptions,
  type RestoreReport,
  raisedZxid,
  restoreFolder,
} from './restore-folder.ts'
export { type AdminPort, backUpServer } from './server-backup.ts'
export {
  overwrites,
  planSubtree,
  restoreSubtree,
  type SubtreePlan,
  type SubtreeStep,
} from './subtree.ts'
