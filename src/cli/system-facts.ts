import { accessSync, constants, readFileSync, realpathSync, statfsSync, statSync } from 'node:fs'
import path from 'node:path'
import { type Config, type FolderFacts, fileSystemOf, type SystemFacts } from '../config/index.ts'

/** Looks at the folders that a configuration names. */
export function readSystemFacts({ dataDir, dataLogDir }: Config): SystemFacts {
  const mounts = readMounts()
  return {
    dataDir: readFolderFacts(dataDir, mounts),
    dataLogDir: readFolderFacts(dataLogDir, mounts),
    nowMs: Date.now(),
  }
}

function readFolderFacts(folder: string, mounts: string): FolderFacts {
  const absolute = path.resolve(folder)
  const found = statSync(absolute, { throwIfNoEntry: false })
  const kind = found === undefined ? 'missing' : found.isDirectory() ? 'folder' : 'file'
  // Of a missing folder, the one that it would be made in tells.
  const existing = realpathSync(existingParent(absolute))
  return {
    kind,
    isWritable: canWrite(existing),
    fileSystem: fileSystemOf(existing, mounts),
    freeBytes: freeBytesOf(existing),
  }
}

function existingParent(folder: string): string {
  let current = folder
  while (statSync(current, { throwIfNoEntry: false }) === undefined) current = path.dirname(current)
  return current
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

function freeBytesOf(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return null
  }
}

/** Other systems than Linux have no such file: then no kind of file system is known. */
function readMounts(): string {
  try {
    return readFileSync('/proc/mounts', 'utf8')
  } catch {
    return ''
  }
}
