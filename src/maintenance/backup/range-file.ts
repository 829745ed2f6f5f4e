import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import type { SourceFile } from '../../apache-files/index.ts'
import type { Zxid } from '../../base/index.ts'
import { type Done, IoError } from '../../env/index.ts'
import { codeOf } from '../maintenance-error.ts'

/** A part of a file, for example one of those in a tar file. */
export interface Range {
  readonly file: string
  readonly start: number
  readonly bytes: number
}

/** Reads a part of a file, or what is before `limit` in it. */
export class RangeFile implements SourceFile {
  readonly path: string
  readonly zxid: Zxid
  readonly sizeBytes: number
  readonly #range: Range

  constructor(range: Range, zxid: Zxid, limit: number = range.bytes) {
    this.path = range.file
    this.zxid = zxid
    this.sizeBytes = Math.min(limit, range.bytes)
    this.#range = range
  }

  read(offset: number, length: number, done: Done<Uint8Array>): void {
    const { file, start } = this.#range
    const size = Math.max(0, Math.min(length, this.sizeBytes - offset))
    fs.open(file, 'r', (openError, fd) => {
      if (openError !== null) return done(readError(file, openError), null)
      const bytes = Buffer.allocUnsafe(size)
      fillFrom(fd, bytes, 0, start + offset, (error, filled) => {
        fs.close(fd, () => {
          if (error !== null) done(readError(file, error), null)
          else done(null, bytes.subarray(0, filled))
        })
      })
    })
  }
}

/** One call may give less than was asked for. */
function fillFrom(
  fd: number,
  bytes: Buffer,
  filled: number,
  position: number,
  done: (error: Error | null, filled: number) => void,
): void {
  if (filled === bytes.length) {
    done(null, filled)
    return
  }
  fs.read(fd, bytes, filled, bytes.length - filled, position + filled, (error, count) => {
    if (error !== null || count === 0) done(error, filled)
    else fillFrom(fd, bytes, filled + count, position, done)
  })
}

function readError(file: string, error: Error): IoError {
  return new IoError(codeOf(error) || 'EIO', `cannot read ${file}: ${error.message}`, error)
}

/** SHA-256 in hex of what is there; a file that is shorter gives another one. */
export async function sha256Of(
  { file, start, bytes }: Range,
  onProgress: (bytes: number) => void,
): Promise<string> {
  const hash = createHash('sha256')
  if (bytes === 0) return hash.digest('hex')
  let done = 0
  const stream = fs.createReadStream(file, {
    start,
    end: start + bytes - 1,
    highWaterMark: 1 << 20,
  })
  for await (const piece of stream) {
    const data = piece as Buffer
    hash.update(data)
    done += data.length
    onProgress(done)
  }
  return hash.digest('hex')
}
