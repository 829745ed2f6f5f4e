import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { FolderLock, LOCK_FOLDER } from '../platform/index.ts'
import { MaintenanceError } from './maintenance-error.ts'

/** Whether a process uses a folder. `pid` is null when it cannot be told. */
export type FolderUse =
  | { readonly isUsed: true; readonly pid: number | null }
  | { readonly isUsed: false }

/**
 * Whether a server holds the lock of the log folder. Nothing is changed, and where the kernel tells who holds it (Linux)
 * the lock is not taken either, so that no server is refused meanwhile.
 */
export async function folderUse(logPath: string): Promise<FolderUse> {
  const lockFile = path.join(logPath, LOCK_FOLDER, 'LOCK')
  const stats = statSync(lockFile, { throwIfNoEntry: false, bigint: true })
  if (stats === undefined) return { isUsed: false }
  const locks = kernelLocks()
  if (locks === null) return await tryLock(logPath)
  for (const line of locks.split('\n')) {
    // 12: POSIX  ADVISORY  WRITE 4711 fe:00:123456 0 EOF
    const match = /POSIX\s+\S+\s+WRITE\s+(-?\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line)
    if (match === null || BigInt(match[2]!) !== stats.ino) continue
    const pid = Number(match[1])
    return { isUsed: true, pid: pid > 0 ? pid : null }
  }
  // Locks of processes in other containers are not listed, so the lock itself is asked. Another user's is left alone:
  // taking it leaves files behind that its owner might not be able to read.
  return Number(stats.uid) === process.getuid?.() ? await tryLock(logPath) : { isUsed: false }
}

/**
 * Does `work` while no server can start on the folder. @throws MaintenanceError when one runs
 */
export async function withLock<T>(logPath: string, work: () => Promise<T>): Promise<T> {
  const lock = await new Promise<FolderLock>((resolve, reject) => {
    FolderLock.take(logPath, (error, taken) => {
      if (taken !== null) resolve(taken)
      else if (error!.code === 'ELOCKED') reject(inUse(logPath, ownerOf(lockFileOf(logPath))))
      else reject(new MaintenanceError(`${logPath} cannot be locked: ${error!.message}`))
    })
  })
  try {
    return await work()
  } finally {
    await new Promise<void>((resolve) => {
      lock.release(() => resolve())
    })
  }
}

export function inUse(folder: string, pid: number | null): MaintenanceError {
  const who = pid === null ? 'a server' : `a server (process ${pid})`
  return new MaintenanceError(`${folder} is in use by ${who}; stop it first`)
}

async function tryLock(logPath: string): Promise<FolderUse> {
  return await new Promise((resolve) => {
    FolderLock.take(logPath, (error, lock) => {
      if (lock !== null) lock.release(() => resolve({ isUsed: false }))
      else if (error!.code === 'ELOCKED')
        resolve({ isUsed: true, pid: ownerOf(lockFileOf(logPath)) })
      else resolve({ isUsed: false })
    })
  })
}

function lockFileOf(logPath: string): string {
  return path.join(logPath, LOCK_FOLDER, 'LOCK')
}

/** The process that took the lock last, if it says so. */
function ownerOf(lockFile: string): number | null {
  try {
    const text = readFileSync(path.join(path.dirname(lockFile), 'owner.txt'), 'utf8').trim()
    return /^\d+$/.test(text) ? Number(text) : null
  } catch {
    return null
  }
}

function kernelLocks(): string | null {
  try {
    return readFileSync('/proc/locks', 'utf8')
  } catch {
    return null
  }
}
