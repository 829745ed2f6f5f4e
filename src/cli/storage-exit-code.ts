import type { StorageError } from '../storage/index.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

export function exitCodeOfStorage(error: StorageError): ExitCode {
  switch (error.code) {
    case 'LOCKED':
    case 'NO_PERMISSION':
    case 'FOREIGN_FILES':
    case 'NO_LOG':
      return EXIT.dataFolder
    case 'LOG_DAMAGED':
    case 'CHECKPOINT_LOST':
    case 'UNKNOWN_FORMAT':
    case 'REPLAY_FAILED':
      return EXIT.dataDamaged
    case 'DISK_FULL':
    case 'IO':
      return EXIT.diskFailed
    default:
      return EXIT.failure
  }
}
