export type StorageErrorCode =
  /** Another live process uses the folder. */
  | 'LOCKED'
  /** The folder may not be read or written. */
  | 'NO_PERMISSION'
  /** Files of another program, e.g. Apache ZooKeeper, are in the way. */
  | 'FOREIGN_FILES'
  /** There is nothing to inspect. */
  | 'NO_LOG'
  /** The log is damaged or a part of it is missing. */
  | 'LOG_DAMAGED'
  /** The checkpoint is missing or damaged and the log does not reach back far enough to rebuild it. */
  | 'CHECKPOINT_LOST'
  /** The log or checkpoint was written by an incompatible version. */
  | 'UNKNOWN_FORMAT'
  | 'DISK_FULL'
  /** The operating system reported a failed read or write. */
  | 'IO'
  /** A logged entry cannot be applied to the state before it. */
  | 'REPLAY_FAILED'
  /** The storage was closed before the operation finished. */
  | 'CLOSED'

/** Why storage cannot start or go on. The message says what is wrong, where, and what to do. */
export class StorageError extends Error {
  override readonly name: string = 'StorageError'
  readonly code: StorageErrorCode
  /** File or folder. */
  readonly where: string
  readonly whatToDo: string

  constructor(
    code: StorageErrorCode,
    what: string,
    where: string,
    whatToDo: string,
    cause?: unknown,
  ) {
    super(`${what} (${where}). ${whatToDo}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.where = where
    this.whatToDo = whatToDo
  }
}
