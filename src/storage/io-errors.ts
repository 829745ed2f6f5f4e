import type { IoError } from '../env/index.ts'
import { StorageError } from './storage-error.ts'

export function isDiskFull(error: IoError): boolean {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT'
}

/** A failed operation of the operating system in the words of storage. */
export function describeIoError(what: string, where: string, error: IoError): StorageError {
  const reason = `${what}: ${error.code}, ${error.message}`
  switch (error.code) {
    case 'ELOCKED':
      return new StorageError(
        'LOCKED',
        reason,
        where,
        'Another server uses this folder: stop it, or give this one a data folder of its own',
        error,
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageError(
        'NO_PERMISSION',
        reason,
        where,
        'Let the user that runs the server read and write this folder',
        error,
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageError(
        'DISK_FULL',
        reason,
        where,
        'Make room on this file system, then start the server again',
        error,
      )
    default:
      return new StorageError(
        'IO',
        reason,
        where,
        'Check the disk and the system log before the server is started again; a start verifies everything it reads',
        error,
      )
  }
}
