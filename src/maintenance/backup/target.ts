import { createHash, type Hash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, MaintenanceError, messageOf } from '../maintenance-error.ts'
import { syncFolder } from '../new-folder.ts'
import type { Range } from './range-file.ts'
import { paddingOf, TAR_BLOCK, tarHeader } from './tar.ts'

/** A file that was written and is durable. */
export interface WrittenFile extends Range {
  readonly sha256: string
}

/** Where a backup is written. Nothing counts before {@link BackupTarget.commit}; one file at a time. */
export interface BackupTarget {
  /** For messages. */
  readonly path: string
  write(
    name: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<WrittenFile>
  /** Everything that was written, and this manifest, becomes the backup. */
  commit(manifestName: string, manifest: string): Promise<void>
  /** Nothing of what was written stays. */
  discard(): void
}

const UNFINISHED = '.unfinished'

/** A folder, with what earlier backups put there. */
export class FolderTarget implements BackupTarget {
  readonly path: string
  readonly #made: string | null
  readonly #written: string[] = []

  constructor(folder: string) {
    this.path = folder
    this.#made = mkdirSync(folder, { recursive: true, mode: 0o700 }) ?? null
  }

  async write(
    name: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<WrittenFile> {
    const file = path.join(this.path, name)
    const unfinished = file + UNFINISHED
    this.#written.push(unfinished)
    const handle = await openNew(unfinished, 'w')
    const summed = await fill(handle, pieces, 0)
    await finish(handle, unfinished)
    return { file: unfinished, start: 0, ...summed }
  }

  async commit(manifestName: string, manifest: string): Promise<void> {
    for (const unfinished of this.#written) {
      renameSync(unfinished, unfinished.slice(0, -UNFINISHED.length))
    }
    syncFolder(this.path)
    const list = path.join(this.path, manifestName)
    const handle = await openNew(list + UNFINISHED, 'w')
    await fill(handle, [new TextEncoder().encode(manifest)], 0)
    await finish(handle, list)
    renameSync(list + UNFINISHED, list)
    syncFolder(this.path)
    if (this.#made !== null) syncFolder(path.dirname(this.#made))
  }

  discard(): void {
    for (const file of this.#written) rmSync(file, { force: true })
    if (this.#made === null) return
    try {
      for (let folder = this.path; ; folder = path.dirname(folder)) {
        rmdirSync(folder)
        if (folder === this.#made) return
      }
    } catch {
      // Somebody else has put something there.
    }
  }
}

/** A single new file. */
export class TarTarget implements BackupTarget {
  readonly path: string
  readonly #folder: string
  readonly #unfinished: string
  readonly #handle: FileHandle
  #end = 0

  private constructor(file: string, folder: string, handle: FileHandle) {
    this.path = file
    this.#folder = folder
    this.#unfinished = file + UNFINISHED
    this.#handle = handle
  }

  /** `folder` comes before each name in it. @throws MaintenanceError when the file is there already */
  static async open(file: string, folder: string): Promise<TarTarget> {
    if (existsSync(file)) {
      throw new MaintenanceError(`${file} is there already; give another name, or a folder`)
    }
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    return new TarTarget(file, folder, await openNew(file + UNFINISHED, 'wx'))
  }

  async write(
    name: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<WrittenFile> {
    const start = this.#end + TAR_BLOCK
    const summed = await fill(this.#handle, pieces, start)
    // How long it is, is known now.
    const header = tarHeader(`${this.#folder}/${name}`, summed.bytes, Date.now())
    await fill(this.#handle, [header], this.#end)
    const padding = new Uint8Array(paddingOf(summed.bytes))
    await fill(this.#handle, [padding], start + summed.bytes)
    this.#end = start + summed.bytes + padding.length
    return { file: this.#unfinished, start, ...summed }
  }

  async commit(manifestName: string, manifest: string): Promise<void> {
    await this.write(manifestName, [new TextEncoder().encode(manifest)])
    await fill(this.#handle, [new Uint8Array(2 * TAR_BLOCK)], this.#end)
    await finish(this.#handle, this.#unfinished)
    renameSync(this.#unfinished, this.path)
    syncFolder(path.dirname(this.path))
  }

  discard(): void {
    rmSync(this.#unfinished, { force: true })
  }
}

async function openNew(file: string, flags: 'w' | 'wx'): Promise<FileHandle> {
  try {
    return await open(file, flags, 0o600)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw writeError(file, error)
    throw new MaintenanceError(
      `${file} is left from a run that was ended by force, or another one is at work there; if none is, delete it`,
    )
  }
}

async function fill(
  handle: FileHandle,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  start: number,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash: Hash = createHash('sha256')
  let position = start
  for await (const piece of pieces) {
    hash.update(piece)
    for (let at = 0; at < piece.length; ) {
      const { bytesWritten } = await handle.write(piece, at, piece.length - at, position)
      at += bytesWritten
      position += bytesWritten
    }
  }
  return { bytes: position - start, sha256: hash.digest('hex') }
}

async function finish(handle: FileHandle, file: string): Promise<void> {
  try {
    await handle.sync()
    await handle.close()
  } catch (error) {
    throw writeError(file, error)
  }
}

/** A full disk among others. */
export function writeError(file: string, error: unknown): MaintenanceError {
  const next = /^(ENOSPC|EDQUOT)$/.test(codeOf(error)) ? '; make room, or give another place' : ''
  return new MaintenanceError(`cannot write ${file}: ${messageOf(error)}${next}`, false, error)
}
