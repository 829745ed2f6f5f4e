import {
  type DoneVoid,
  IoError,
  type LogFile,
  type LogFolder,
  type RowBatch,
  type Rows,
} from '../../../src/env/index.ts'
import { openPlatform } from '../../../src/platform/index.ts'
import { DISK_FILES, type RescueFiles, type RescueWorld } from '../../../src/rescue/index.ts'

/** The operations that change something, in their order. */
export class Writes {
  /** What was done, for a test that fails. */
  readonly done: string[] = []
  #left: number

  /** After `count` of them nothing reaches the disk any more: as if the process had been killed there. */
  constructor(count: number) {
    this.#left = count
  }

  /** Whether this one still happens. */
  next(what: string): boolean {
    if (this.#left <= 0) return false
    this.#left--
    this.done.push(what)
    return true
  }
}

/** The real disk, which stops taking anything after some writes. */
export function failingWorld(writes: Writes): RescueWorld {
  const platform = openPlatform({ log: { format: 'text', level: 'error', fd: 2 } })
  const { logFile, rows } = platform
  return {
    files: failingFiles(writes),
    env: {
      ...platform,
      logFile: {
        entries: (path, done) => logFile.entries(path, done),
        openFolder: (path, done) =>
          logFile.openFolder(path, (error, folder) =>
            done(error, folder === null ? null : failingFolder(folder, writes)),
          ),
      },
      rows: {
        open: (path, options, done) =>
          rows.open(path, options, (error, opened) =>
            done(error, opened === null ? null : failingRows(opened, writes)),
          ),
        destroy: (path, done) =>
          guarded(writes, 'destroy rows', done, () => rows.destroy(path, done)),
      },
    },
  }
}

class Killed extends Error {
  override readonly name: string = 'Killed'
}

function failingFiles(writes: Writes): RescueFiles {
  const guard =
    <A extends readonly unknown[]>(name: string, act: (...args: A) => void) =>
    (...args: A): void => {
      if (!writes.next(`${name} ${args.join(' ').slice(0, 120)}`)) throw new Killed(name)
      act(...args)
    }
  return {
    ...DISK_FILES,
    makeFolder: guard('makeFolder', DISK_FILES.makeFolder),
    copy: guard('copy', DISK_FILES.copy),
    write: guard('write', DISK_FILES.write),
    rename: guard('rename', DISK_FILES.rename),
    removeFolder: guard('removeFolder', DISK_FILES.removeFolder),
  }
}

function guarded(
  writes: Writes,
  what: string,
  done: (error: IoError, value: null) => void,
  act: () => void,
): void {
  if (writes.next(what)) act()
  else setImmediate(() => done(new IoError('EIO', 'killed'), null))
}

function failingFolder(folder: LogFolder, writes: Writes): LogFolder {
  return {
    path: folder.path,
    list: (done) => folder.list(done),
    freeBytes: (done) => folder.freeBytes(done),
    close: (done) => folder.close(done),
    open: (name, done) =>
      folder.open(name, (error, file) =>
        done(error, file === null ? null : failingFile(file, writes)),
      ),
    create: (name, sizeBytes, done) =>
      guarded(writes, `create ${name}`, done, () =>
        folder.create(name, sizeBytes, (error, file) =>
          done(error, file === null ? null : failingFile(file, writes)),
        ),
      ),
    remove: (name, done) =>
      guarded(writes, `remove ${name}`, done, () => folder.remove(name, done)),
    rename: (from, to, done) =>
      guarded(writes, `rename ${from} ${to}`, done, () => folder.rename(from, to, done)),
  }
}

function failingFile(file: LogFile, writes: Writes): LogFile {
  return {
    name: file.name,
    read: (offset, length, done) => file.read(offset, length, done),
    writeDurably: (offset, chunks, done) =>
      guarded(writes, `write log at ${offset}`, done, () =>
        file.writeDurably(offset, chunks, done),
      ),
    sync: (done: DoneVoid) => guarded(writes, 'sync log', done, () => file.sync(done)),
    close: (done) => file.close(done),
  }
}

function failingRows(rows: Rows, writes: Writes): Rows {
  return {
    newBatch: () => failingBatch(rows.newBatch(), writes),
    scan: (range, rowsPerChunk, onChunk, done) => rows.scan(range, rowsPerChunk, onChunk, done),
    close: (done) => rows.close(done),
  }
}

function failingBatch(batch: RowBatch, writes: Writes): RowBatch {
  return {
    get length() {
      return batch.length
    },
    put: (key, value) => batch.put(key, value),
    delete: (key) => batch.delete(key),
    discard: () => batch.discard(),
    write: (done) => {
      guarded(
        writes,
        'write rows',
        (error) => {
          batch.discard()
          done(error)
        },
        () => batch.write(done),
      )
    },
  }
}
