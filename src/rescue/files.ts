import * as fs from 'node:fs'
import path from 'node:path'

/** Every change of a file that a rescue makes, apart from log and rows. Each is durable when it returns. */
export interface RescueFiles {
  /** Null when there is no such file. */
  readText(file: string): string | null
  /** Names in a folder, sorted; empty when there is none. */
  names(folder: string): readonly string[]
  sizeOf(file: string): number
  /** Bytes that this user may still write to the file system of a folder. */
  freeBytes(folder: string): number
  exists(name: string): boolean
  mayWrite(folder: string): boolean
  makeFolder(folder: string): void
  copy(from: string, to: string): void
  /** Replaces the file as a whole: a crash leaves the old or the new text. */
  write(file: string, text: string): void
  rename(from: string, to: string): void
  removeFolder(folder: string): void
}

/** The files of this machine. */
export const DISK_FILES: RescueFiles = {
  readText(file) {
    try {
      return fs.readFileSync(file, 'utf8')
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  },
  names(folder) {
    try {
      return fs.readdirSync(folder).sort()
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  },
  sizeOf: (file) => fs.statSync(file).size,
  freeBytes(folder) {
    const { bavail, bsize } = fs.statfsSync(folder)
    return bavail * bsize
  },
  exists: (name) => fs.existsSync(name),
  mayWrite(folder) {
    try {
      fs.accessSync(folder, fs.constants.W_OK)
      return true
    } catch {
      return false
    }
  },
  makeFolder(folder) {
    fs.mkdirSync(folder, { mode: 0o700 })
    syncFolder(path.dirname(folder))
  },
  copy(from, to) {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE)
    syncFile(to)
    syncFolder(path.dirname(to))
  },
  write(file, text) {
    const unfinished = `${file}.unfinished`
    const mode = fs.statSync(file, { throwIfNoEntry: false })?.mode ?? 0o644
    fs.writeFileSync(unfinished, text, { mode })
    syncFile(unfinished)
    fs.renameSync(unfinished, file)
    syncFolder(path.dirname(file))
  },
  rename(from, to) {
    fs.renameSync(from, to)
    syncFolder(path.dirname(to))
  },
  removeFolder(folder) {
    fs.rmSync(folder, { recursive: true, force: true })
  },
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function syncFile(file: string): void {
  const fd = fs.openSync(file, 'r+')
  fs.fsyncSync(fd)
  fs.closeSync(fd)
}

function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r')
  fs.fsyncSync(fd)
  fs.closeSync(fd)
}
