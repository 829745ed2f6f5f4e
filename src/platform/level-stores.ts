import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { Done, DoneVoid, Rows, RowsPort } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { createFolder, syncFolder } from './durable-fs.ts'
import { toIoError } from './errors.ts'
import { levelError } from './level-errors.ts'
import type { Store } from './level-rows.ts'
import { LevelRows, redoFileOf } from './level-rows.ts'
import { removeRedoFile } from './redo-file.ts'

/** Files that only a store in use has. */
const STORE_FILE = /^(MANIFEST-\d+|\d+\.(ldb|sst|log))$/

/** Ordered rows in LevelDB stores (classic-level), one folder each. */
export const levelStores: RowsPort = {
  open: (path, options, done) => {
    const folder = resolve(path)
    checkStore(folder, (error, isPresent) => {
      if (error !== null) done(error, null)
      else if (isPresent) openStore(folder, done)
      else if (options.createIfMissing) createStore(folder, done)
      else done(new IoError('ENOENT', `there is no store in ${folder}`), null)
    })
  },

  destroy: (path, done) => {
    const folder = resolve(path)
    const action = `cannot delete the store ${folder}`
    ClassicLevel.destroy(folder).then(
      () => {
        removeRedoFile(redoFileOf(folder), (error) => {
          if (error === null) removeEmptyFolder(folder, action, done)
          else done(toIoError(error, action))
        })
      },
      (error: unknown) => done(levelError(error, action)),
    )
  },
}

/** A folder that still has files of somebody else stays. */
function removeEmptyFolder(folder: string, action: string, done: DoneVoid): void {
  fs.rmdir(folder, () => {
    syncFolder(dirname(folder), (error) => {
      const isGone = error === null || error.code === 'ENOENT'
      done(isGone ? null : toIoError(error, action))
    })
  })
}

/**
 * Says whether the folder has a store. LevelDB takes a folder without CURRENT for an empty one and deletes
 * every table in it, so that case is refused here.
 */
function checkStore(folder: string, done: Done<boolean>): void {
  fs.readdir(folder, (error, names) => {
    if (error !== null) {
      if (error.code === 'ENOENT') done(null, false)
      else done(toIoError(error, `cannot open the store ${folder}`), null)
    } else if (names.includes('CURRENT')) {
      done(null, true)
    } else if (names.some((name) => STORE_FILE.test(name))) {
      const reason = 'the file CURRENT is missing although there are tables'
      done(new IoError('ECORRUPT', `cannot open the store ${folder}: ${reason}`), null)
    } else {
      done(null, false)
    }
  })
}

function createStore(folder: string, done: Done<Rows>): void {
  const action = `cannot create the store ${folder}`
  createFolder(folder, (error) => {
    if (error !== null) {
      done(toIoError(error, action), null)
      return
    }
    // What an earlier store left behind is not for this one.
    removeRedoFile(redoFileOf(folder), (removeError) => {
      if (removeError === null) openLevel(folder, true, done)
      else done(toIoError(removeError, action), null)
    })
  })
}

function openStore(folder: string, done: Done<Rows>): void {
  openLevel(folder, false, (error, rows) => {
    if (rows === null) {
      done(error, null)
      return
    }
    rows.recover((recoverError) => {
      if (recoverError === null) done(null, rows)
      else rows.close(() => done(recoverError, null))
    })
  })
}

function openLevel(folder: string, createIfMissing: boolean, done: Done<LevelRows>): void {
  const store: Store = new ClassicLevel(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing,
    // Damage in a compressed block can abort the process inside LevelDB; in a plain one it is an error or
    // a wrong value, which the row's own checksum finds.
    compression: false,
  })
  store.open().then(
    () => {
      const rows = new LevelRows(folder, store)
      syncFolder(folder, (error) => {
        if (error === null) done(null, rows)
        else rows.close(() => done(toIoError(error, `cannot sync ${folder}`), null))
      })
    },
    (error: unknown) => done(levelError(error, `cannot open the store ${folder}`), null),
  )
}
