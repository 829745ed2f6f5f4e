import { readFile, realpath, writeFile } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { Done, DoneVoid } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { toIoError } from './errors.ts'
import { levelError } from './level-errors.ts'

/** The subfolder that carries the lock. */
export const LOCK_FOLDER = 'lock'

const OWNER_FILE = 'owner.txt'

/**
 * An exclusive lock on a folder, held until `release` or until the process ends in whatever way.
 *
 * Node.js offers no file locks. The alternatives all fail where it matters: a file with a process id cannot
 * tell a dead owner from one in another container (both are process 1), an abstract socket is not seen from
 * another network namespace, a socket in the folder cannot be taken over without a race after `kill -9`.
 * LevelDB locks its own folder with `fcntl(F_SETLK)`: the kernel drops that lock with its process, and all
 * processes on the file system see it. So the lock is an empty LevelDB store that nothing is ever written to.
 */
export class FolderLock {
  readonly #store: ClassicLevel
  readonly #path: string

  private constructor(store: ClassicLevel, path: string) {
    this.#store = store
    this.#path = path
  }

  /** Fails with `ELOCKED` when another live process, or this one, holds the lock. */
  static take(folder: string, done: Done<FolderLock>): void {
    // LevelDB tells two opens in one process apart by the spelling of the path.
    realpath(folder, (error, realFolder) => {
      if (error !== null) done(toIoError(error, `cannot lock ${folder}`), null)
      else openStore(join(realFolder, LOCK_FOLDER), true)
    })

    const openStore = (path: string, mayRebuild: boolean): void => {
      const store = new ClassicLevel(path, { compression: false })
      store.open().then(
        () => {
          // Only a help for the message below: the lock does not depend on it.
          writeFile(join(path, OWNER_FILE), `${process.pid}\n`, () => {
            done(null, new FolderLock(store, folder))
          })
        },
        (error: unknown) =>
          onOpenFailed(path, mayRebuild, levelError(error, `cannot lock ${folder}`)),
      )
    }

    const onOpenFailed = (path: string, mayRebuild: boolean, error: IoError): void => {
      if (error.code === 'ELOCKED') {
        readFile(join(path, OWNER_FILE), 'utf8', (_, owner) =>
          done(lockedError(folder, owner), null),
        )
      } else if (mayRebuild && error.code === 'ECORRUPT') {
        // There is nothing in it, so nothing is lost. `destroy` fails when another process has the lock.
        ClassicLevel.destroy(path).then(
          () => openStore(path, false),
          (cause: unknown) => done(levelError(cause, `cannot lock ${folder}`), null),
        )
      } else {
        done(error, null)
      }
    }
  }

  release(done: DoneVoid): void {
    this.#store.close().then(
      () => done(null),
      (error: unknown) => done(levelError(error, `cannot release the lock on ${this.#path}`)),
    )
  }
}

function lockedError(folder: string, owner: string | undefined): IoError {
  const pid = owner !== undefined && /^\d+$/.test(owner.trim()) ? ` (process ${owner.trim()})` : ''
  return new IoError(
    'ELOCKED',
    `${folder} is in use by another server${pid}; stop that one or configure another folder`,
  )
}
