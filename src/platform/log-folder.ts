import * as fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { assert } from '../base/index.ts'
import type { Done, DoneVoid, LogFile, LogFileInfo, LogFilePort, LogFolder } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { createFolder, syncFolder } from './durable-fs.ts'
import { toIoError } from './errors.ts'
import { FolderLock } from './folder-lock.ts'
import { DiskLogFile, LOG_FILE_FLAGS, writeZeros } from './log-file.ts'
import { SerialQueue } from './serial-queue.ts'

/** A file under construction has this suffix; what a crash left behind is deleted at the next start. */
const CREATING_SUFFIX = '.creating'

/** Only the server's user may read what clients stored. */
const FILE_MODE = 0o600

/** Folders of log files on the operating system's disks. */
export const diskLogFiles: LogFilePort = {
  openFolder: (path, done) => {
    const folder = resolve(path)
    createFolder(folder, (error) => {
      if (error !== null) done(toIoError(error, `cannot create the folder ${folder}`), null)
      else lockFolder(folder, done)
    })
  },

  entries: (path, done) => {
    fs.readdir(path, { withFileTypes: true }, (error, entries) => {
      if (error === null) {
        done(null, entries.map((entry) => entry.name + (entry.isDirectory() ? '/' : '')).sort())
      } else if (error.code === 'ENOENT') {
        done(null, [])
      } else {
        done(toIoError(error, `cannot list ${path}`), null)
      }
    })
  },
}

function lockFolder(path: string, done: Done<LogFolder>): void {
  FolderLock.take(path, (lockError, lock) => {
    if (lock === null) {
      done(lockError, null)
      return
    }
    const end = (error: Error | null): void => {
      if (error === null) done(null, new DiskLogFolder(path, lock))
      else lock.release(() => done(toIoError(error, `cannot use the folder ${path}`), null))
    }
    // A process that was killed may have renamed a file without having made that durable.
    removeUnfinished(path, (error) => (error === null ? syncFolder(path, end) : end(error)))
  })
}

/** Work on names goes one piece at a time: the order is the caller's, and it uses one pool thread at most. */
class DiskLogFolder implements LogFolder {
  readonly path: string
  readonly #lock: FolderLock
  readonly #queue = new SerialQueue()

  constructor(path: string, lock: FolderLock) {
    this.path = path
    this.#lock = lock
  }

  list(done: Done<readonly LogFileInfo[]>): void {
    this.#enqueue(`cannot list ${this.path}`, (next) => listFiles(this.path, next), done)
  }

  create(name: string, sizeBytes: number, done: Done<LogFile>): void {
    const path = this.#pathOf(name)
    const action = `cannot create ${path} of ${sizeBytes} bytes`
    this.#enqueue(action, (next) => createFile(path, sizeBytes, next), done)
  }

  open(name: string, done: Done<LogFile>): void {
    const path = this.#pathOf(name)
    const open = (next: Next<LogFile>): void => {
      fs.open(path, LOG_FILE_FLAGS, (error, fd) => {
        if (error !== null) next(error, null)
        else next(null, new DiskLogFile(path, fd))
      })
    }
    this.#enqueue(`cannot open ${path}`, open, done)
  }

  remove(name: string, done: DoneVoid): void {
    const path = this.#pathOf(name)
    const remove = (next: fs.NoParamCallback): void => {
      fs.unlink(path, (error) => (error === null ? syncFolder(this.path, next) : next(error)))
    }
    this.#enqueue(`cannot delete ${path}`, remove, done)
  }

  rename(from: string, to: string, done: DoneVoid): void {
    const oldPath = this.#pathOf(from)
    const newPath = this.#pathOf(to)
    const rename = (next: fs.NoParamCallback): void => renameDurably(oldPath, newPath, next)
    this.#enqueue(`cannot rename ${oldPath} to ${newPath}`, rename, done)
  }

  freeBytes(done: Done<number>): void {
    const measure = (next: Next<number>): void => {
      fs.statfs(this.path, (error, stats) => {
        if (error !== null) next(error, null)
        else next(null, stats.bavail * stats.bsize)
      })
    }
    this.#enqueue(`cannot read the free space of ${this.path}`, measure, done)
  }

  close(done: DoneVoid): void {
    const release = (next: DoneVoid): void => this.#lock.release(next)
    this.#enqueue(`cannot close ${this.path}`, release, done)
  }

  #enqueue<T>(
    action: string,
    work: (next: (error: Error | null, value?: T | null) => void) => void,
    done: (error: IoError | null, value: T | null) => void,
  ): void {
    this.#queue.push((finish) => {
      work((error, value) => {
        finish()
        done(error === null ? null : toIoError(error, action), value ?? null)
      })
    })
  }

  #pathOf(name: string): string {
    assert(/^\w[\w.-]*$/.test(name), `"${name}" is not a plain file name`)
    assert(!name.endsWith(CREATING_SUFFIX), `${CREATING_SUFFIX} is for unfinished files`)
    return join(this.path, name)
  }
}

type Next<T> = (error: Error | null, value: T | null) => void

/** Plain files with their sizes, sorted by name. */
function listFiles(path: string, next: Next<LogFileInfo[]>): void {
  fs.readdir(path, { withFileTypes: true }, (error, entries) => {
    if (error !== null) {
      next(error, null)
      return
    }
    const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
    names.sort((a, b) => (a < b ? -1 : 1))
    const files: LogFileInfo[] = []
    const statNext = (): void => {
      const name = names[files.length]
      if (name === undefined) {
        next(null, files)
        return
      }
      fs.stat(join(path, name), (statError, stats) => {
        if (statError !== null) {
          next(statError, null)
          return
        }
        files.push({ name, sizeBytes: stats.size })
        statNext()
      })
    }
    statNext()
  })
}

/** The file gets its name only when it is complete, so a crash never leaves a short one. */
function createFile(path: string, sizeBytes: number, next: Next<LogFile>): void {
  const unfinished = path + CREATING_SUFFIX
  const flags = LOG_FILE_FLAGS | fs.constants.O_CREAT | fs.constants.O_EXCL
  const fill = (fd: number): void => {
    const fail = (error: Error): void => {
      fs.close(fd, () => fs.unlink(unfinished, () => next(error, null)))
    }
    writeZeros(fd, sizeBytes, (error) => {
      if (error !== null) {
        fail(error)
        return
      }
      renameDurably(unfinished, path, (renameError) => {
        if (renameError !== null) fs.unlink(path, () => fail(renameError))
        else next(null, new DiskLogFile(path, fd))
      })
    })
  }
  fs.access(path, (missing) => {
    if (missing === null) next(new IoError('EEXIST', 'the file exists already'), null)
    else
      fs.open(unfinished, flags, FILE_MODE, (error, fd) => (error ? next(error, null) : fill(fd)))
  })
}

function renameDurably(oldPath: string, newPath: string, next: fs.NoParamCallback): void {
  fs.rename(oldPath, newPath, (error) => {
    if (error === null) syncFolder(dirname(newPath), next)
    else next(error)
  })
}

function removeUnfinished(path: string, next: fs.NoParamCallback): void {
  fs.readdir(path, (error, names) => {
    if (error !== null) {
      next(error)
      return
    }
    const unfinished = names.filter((name) => name.endsWith(CREATING_SUFFIX))
    const removeNext = (removeError: NodeJS.ErrnoException | null): void => {
      const name = unfinished.pop()
      if (removeError !== null || name === undefined) next(removeError)
      else fs.unlink(join(path, name), removeNext)
    }
    removeNext(null)
  })
}
