import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { syncFolder } from './durable-fs.ts'
import { writeAll } from './log-file.ts'
import { RowSlab } from './row-slab.ts'

/*
 * A batch too big for one LevelDB batch is made atomic by a file: all its changes go there first and are synced,
 * then they are applied in parts, then the file is deleted. When the store is opened, a complete file is
 * applied again and an incomplete one is deleted: either everything of the batch is in the store or nothing.
 *
 * The file is a sequence of frames: length, CRC-32, bytes of a slab. The last frame has the length END and the
 * number of slabs in place of the checksum.
 */

const FRAME_HEADER_BYTES = 8
const END = 0xffff_ffff

type Next = (error: Error | null) => void

/** Writes the slabs; durable when done. */
export function writeRedoFile(path: string, slabs: readonly RowSlab[], next: Next): void {
  fs.open(path, 'w', 0o600, (openError, fd) => {
    if (openError !== null) {
      next(openError)
      return
    }
    const end = (error: Error | null): void => {
      fs.close(fd, (closeError) => {
        if (error ?? closeError) next(error ?? closeError)
        else syncFolder(dirname(path), next)
      })
    }
    const writeFrom = (index: number, offset: number): void => {
      const slab = slabs[index]
      const chunks = slab === undefined ? [frameHeader(END, slabs.length)] : frameOf(slab)
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
      writeAll(fd, offset, chunks, length, (error) => {
        if (error !== null) end(error)
        else if (slab === undefined) fs.fsync(fd, end)
        else writeFrom(index + 1, offset + length)
      })
    }
    writeFrom(0, 0)
  })
}

/**
 * Reads the slabs of a complete file, which is durable when done. Null when there is none, or one that was not finished.
 */
export function readRedoFile(
  path: string,
  next: (error: Error | null, slabs: readonly RowSlab[] | null) => void,
): void {
  fs.readFile(path, (error, content) => {
    if (error !== null) {
      next(error.code === 'ENOENT' ? null : error, null)
      return
    }
    const slabs = parse(content)
    if (slabs === null) next(null, null)
    else syncFile(path, (syncError) => next(syncError, syncError === null ? slabs : null))
  })
}

/** The process that wrote it may have been killed before it was on the disk, and half a batch must not outlive it. */
function syncFile(path: string, next: Next): void {
  fs.open(path, 'r+', (openError, fd) => {
    if (openError !== null) {
      next(openError)
      return
    }
    fs.fsync(fd, (error) => {
      fs.close(fd, (closeError) => {
        if (error ?? closeError) next(error ?? closeError)
        else syncFolder(dirname(path), next)
      })
    })
  })
}

/** Deletes the file if there is one; durable when done. */
export function removeRedoFile(path: string, next: Next): void {
  fs.unlink(path, (error) => {
    if (error === null) syncFolder(dirname(path), next)
    else next(error.code === 'ENOENT' || error.code === 'ENOTDIR' ? null : error)
  })
}

function frameHeader(length: number, check: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES)
  header.writeUInt32LE(length, 0)
  header.writeUInt32LE(check, 4)
  return header
}

function frameOf(slab: RowSlab): Buffer[] {
  const { bytes } = slab
  return [frameHeader(bytes.length, crc32(bytes)), bytes]
}

function parse(content: Buffer): RowSlab[] | null {
  const slabs: RowSlab[] = []
  let offset = 0
  while (offset + FRAME_HEADER_BYTES <= content.length) {
    const length = content.readUInt32LE(offset)
    const check = content.readUInt32LE(offset + 4)
    offset += FRAME_HEADER_BYTES
    if (length === END) return check === slabs.length ? slabs : null
    const bytes = content.subarray(offset, offset + length)
    if (bytes.length < length || crc32(bytes) !== check) return null
    slabs.push(RowSlab.of(bytes))
    offset += length
  }
  return null
}
