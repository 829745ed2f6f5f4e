import type { NoParamCallback } from 'node:fs'
import * as fs from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes created, renamed and deleted names in a folder durable. A file system that cannot sync a folder
 * (Windows) orders its own metadata; there is nothing to do.
 */
export function syncFolder(path: string, done: NoParamCallback): void {
  fs.open(path, 'r', (error, fd) => {
    if (error !== null) {
      done(process.platform === 'win32' ? null : error)
      return
    }
    fs.fsync(fd, (syncError) => {
      fs.close(fd, (closeError) => {
        done(process.platform === 'win32' ? null : (syncError ?? closeError))
      })
    })
  })
}

/** Creates a folder and its missing parents for this user alone; durable when done. */
export function createFolder(path: string, done: NoParamCallback): void {
  fs.mkdir(path, { recursive: true, mode: 0o700 }, (error, firstCreated) => {
    if (error !== null) done(error)
    else if (firstCreated === undefined) done(null)
    else syncUpTo(dirname(path), dirname(firstCreated), done)
  })
}

/** Syncs `path` and its parents up to `top`. */
function syncUpTo(path: string, top: string, done: NoParamCallback): void {
  syncFolder(path, (error) => {
    if (error !== null || path === top || dirname(path) === path) done(error)
    else syncUpTo(dirname(path), top, done)
  })
}
