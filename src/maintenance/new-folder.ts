import * as fs from 'node:fs'
import path from 'node:path'
import type { TargetFile, TargetFolder } from '../apache-files/index.ts'
import { type Done, type DoneVoid, IoError } from '../env/index.ts'

/** Why a folder cannot become the target. The message says what to do. */
export class TargetError extends Error {
  override readonly name: string = 'TargetError'
}

/** What an empty file system may hold. */
const HARMLESS = new Set(['lost+found'])

/**
 * A folder that gets its contents at the end: until then they are made in a folder of their own inside it, on the same
 * file system. The names move in the order that is asked for, so that the last one makes the rest count.
 */
export class NewFolder {
  readonly path: string
  /** Where to make the contents. */
  readonly unfinished: string
  /** The topmost folder that was missing; null when there were all. */
  readonly #firstCreated: string | null

  private constructor(folder: string, unfinished: string, firstCreated: string | null) {
    this.path = folder
    this.unfinished = unfinished
    this.#firstCreated = firstCreated
  }

  /** `folder` is empty or missing. Throws {@link TargetError}, or the error of the operating system. */
  static begin(folder: string, unfinishedName: string): NewFolder {
    const stats = fs.statSync(folder, { throwIfNoEntry: false })
    if (stats !== undefined && !stats.isDirectory()) {
      throw new TargetError(`${folder} is a file. Give a folder that is empty or missing`)
    }
    const unfinished = path.join(folder, unfinishedName)
    const names = stats === undefined ? [] : fs.readdirSync(folder)
    if (names.includes(unfinishedName)) {
      throw new TargetError(
        `${unfinished} is left from a run that was ended by force, or another one is at work there. If none is, ` +
          'delete it and try again',
      )
    }
    const own = names.filter((name) => !HARMLESS.has(name))
    if (own.length > 0) {
      const shown = own.slice(0, 5).join(', ')
      throw new TargetError(
        `${folder} is not empty: ${shown}. Give a folder that is empty or missing`,
      )
    }
    const firstCreated = fs.mkdirSync(folder, { recursive: true, mode: 0o700 }) ?? null
    fs.mkdirSync(unfinished, { mode: 0o700 })
    return new NewFolder(folder, unfinished, firstCreated)
  }

  /** What was made counts from here on, and survives a power cut. */
  commit(names: readonly string[]): void {
    for (const name of names) {
      fs.renameSync(path.join(this.unfinished, name), path.join(this.path, name))
      syncFolder(this.path)
    }
    fs.rmSync(this.unfinished, { recursive: true })
    syncFolder(this.path)
    if (this.#firstCreated !== null) syncFolder(path.dirname(this.#firstCreated))
  }

  /** The target is as it was before {@link begin}. */
  discard(): void {
    fs.rmSync(this.unfinished, { recursive: true, force: true, maxRetries: 3 })
    if (this.#firstCreated === null) return
    for (let folder = this.path; ; folder = path.dirname(folder)) {
      fs.rmdirSync(folder)
      if (folder === this.#firstCreated) return
    }
  }

  /** Writes a small file, durably. */
  write(name: string, text: string): void {
    const fd = fs.openSync(path.join(this.unfinished, name), 'wx', 0o600)
    fs.writeSync(fd, text)
    fs.fsyncSync(fd)
    fs.closeSync(fd)
  }

  /** A new folder in it, whose files become durable one by one. */
  subfolder(name: string): TargetFolder {
    const folder = path.join(this.unfinished, name)
    fs.mkdirSync(folder, { mode: 0o700 })
    return { path: folder, create: (file, done) => createFile(path.join(folder, file), done) }
  }
}

export function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r')
  fs.fsyncSync(fd)
  fs.closeSync(fd)
}

function createFile(file: string, done: Done<TargetFile>): void {
  fs.open(file, 'wx', 0o600, (error, fd) => {
    if (error === null) done(null, new NewFile(file, fd))
    else done(writeError(file, error), null)
  })
}

class NewFile implements TargetFile {
  readonly #path: string
  readonly #fd: number

  constructor(file: string, fd: number) {
    this.#path = file
    this.#fd = fd
  }

  write(bytes: Uint8Array, done: DoneVoid): void {
    fs.write(this.#fd, bytes, 0, bytes.length, null, (error, count) => {
      if (error !== null) done(writeError(this.#path, error))
      else if (count < bytes.length) this.write(bytes.subarray(count), done)
      else done(null)
    })
  }

  finish(done: DoneVoid): void {
    fs.fsync(this.#fd, (error) => {
      fs.close(this.#fd, () => done(error === null ? null : writeError(this.#path, error)))
    })
  }
}

function writeError(file: string, error: NodeJS.ErrnoException): IoError {
  return new IoError(error.code ?? 'EIO', `cannot write ${file}: ${error.message}`, error)
}
