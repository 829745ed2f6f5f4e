import type { Zxid } from '../base/index.ts'
import type { Done, DoneVoid } from '../env/index.ts'

/** Code of an `IoError`: the file is there, but it cannot be unpacked. */
export const UNPACKING_FAILED = 'EUNPACK'

/** A file that is only read. */
export interface SourceFile {
  /** For messages. */
  readonly path: string
  /** Of its name. */
  readonly zxid: Zxid
  /** What it takes on disk; a packed file gives more bytes than these. */
  readonly sizeBytes: number
  /** Up to `length` bytes from `offset`, unpacked; shorter only at the end of the file. */
  read(offset: number, length: number, done: Done<Uint8Array>): void
}

/** A file that is written from its beginning to its end. */
export interface TargetFile {
  /** The bytes must not change until `done`; one write at a time. */
  write(bytes: Uint8Array, done: DoneVoid): void
  /** Nothing more follows: the file is closed, and durable when done. */
  finish(done: DoneVoid): void
}

/** Where new files are made. */
export interface TargetFolder {
  readonly path: string
  create(name: string, done: Done<TargetFile>): void
}
