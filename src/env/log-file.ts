import type { Done, DoneVoid } from './io-error.ts'

export interface LogFileInfo {
  readonly name: string
  readonly sizeBytes: number
}

/** Opens folders of append-only files: the only durable authority of a server. */
export interface LogFilePort {
  /**
   * Creates the folder if it is missing and takes an exclusive lock on it; the names in it are durable when done.
   * Fails with code `ELOCKED` when another live process holds it, `EACCES` when it may not be used.
   */
  openFolder(path: string, done: Done<LogFolder>): void
  /** Names of everything in a folder, sorted; sub-folders end in `/`. Empty when the folder is missing. */
  entries(path: string, done: Done<readonly string[]>): void
}

/** A locked folder of files with plain names. */
export interface LogFolder {
  /** Where it is, for messages. */
  readonly path: string
  /** Plain files in the folder (the lock excepted), sorted by name. */
  list(done: Done<readonly LogFileInfo[]>): void
  /**
   * Creates a file of exactly `sizeBytes` zero bytes whose blocks are allocated; when `done` reports success
   * the file and its directory entry are durable. A failed create leaves no file behind.
   */
  create(name: string, sizeBytes: number, done: Done<LogFile>): void
  /** Opens an existing file for reading and writing; code `ENOENT` when it is missing. */
  open(name: string, done: Done<LogFile>): void
  /** Deletes a file; durable when done. */
  remove(name: string, done: DoneVoid): void
  /** Renames a file, replacing `to`; durable when done. */
  rename(from: string, to: string, done: DoneVoid): void
  /** Bytes that can still be written to the file system. */
  freeBytes(done: Done<number>): void
  /** Releases the lock. */
  close(done: DoneVoid): void
}

export interface LogFile {
  readonly name: string
  /** Reads up to `length` bytes; shorter only at the end of the file. */
  read(offset: number, length: number, done: Done<Uint8Array>): void
  /**
   * Writes the chunks one after another from `offset`. When `done` reports success they survive a power cut.
   * At most one write per file may be under way. The chunks must not change until then.
   * After a failure nothing is known about the range: the file must not be written again.
   * What somebody else has written elsewhere in the file may still be lost: for that there is {@link sync}.
   */
  writeDurably(offset: number, chunks: readonly Uint8Array[], done: DoneVoid): void
  /**
   * Makes everything in the file survive a power cut: what a process wrote that was killed before its write was
   * reported is read back, but may be in the memory of the machine only. Counts as a write.
   */
  sync(done: DoneVoid): void
  close(done: DoneVoid): void
}
