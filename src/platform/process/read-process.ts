import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { ProcessStatus } from '../../env/index.ts'
import { readRuntime } from './read-runtime.ts'

const JAVA_ARCHITECTURES = new Map([
  ['x64', 'amd64'],
  ['arm64', 'aarch64'],
  ['ia32', 'i386'],
])

/** Reads what `envi` and `mntr` show of this process. */
export function readProcess(): ProcessStatus {
  const heap = getHeapStatistics()
  return {
    hostName: os.hostname(),
    nodeVersion: process.version,
    nodePath: process.execPath,
    temporaryFolder: os.tmpdir(),
    osName: os.type(),
    osArch: JAVA_ARCHITECTURES.get(process.arch) ?? process.arch,
    osVersion: os.release(),
    ...readUser(),
    workingFolder: process.cwd(),
    heapFreeBytes: heap.total_heap_size - heap.used_heap_size,
    heapMaxBytes: heap.heap_size_limit,
    heapTotalBytes: heap.total_heap_size,
    openFiles: countOpenFiles(),
    openFilesMax: readOpenFilesMax(),
    runtime: readRuntime,
  }
}

/** A process in a container may run under a number that has no user entry. */
function readUser(): Pick<ProcessStatus, 'userHome' | 'userName'> {
  try {
    const user = os.userInfo()
    return { userName: user.username, userHome: user.homedir }
  } catch {
    return { userName: String(process.getuid?.() ?? ''), userHome: os.homedir() }
  }
}

function countOpenFiles(): number | null {
  try {
    // One of the entries is the listing itself.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return null
  }
}

function readOpenFilesMax(): number | null {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}
