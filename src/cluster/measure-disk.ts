import { mkdtemp, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { LogFile, LogFilePort, LogFolder } from '../env/index.ts'
import { ClusterError } from './cluster-error.ts'
import { type Distribution, distributionOf } from './distribution.ts'

export interface DiskOptions {
  /** Where the log of the server is, or is to be. */
  readonly folder: string
  readonly logFile: LogFilePort
  /** Of one sector each. */
  readonly writesMax: number
  /** After it no further write is begun, ms. */
  readonly limitMs: number
  readonly signal: AbortSignal
}

export interface DiskMeasurement {
  readonly folder: string
  /** Name of the file system's type; null when it is none of the known ones. */
  readonly fileSystem: string | null
  readonly freeBytes: number
  /** One transaction alone. */
  readonly small: Distribution | null
  /** A group of transactions, as many clients make it. */
  readonly large: Distribution | null
}

/** What a server writes at least: its groups end at sectors. */
export const SMALL_BYTES = 512
/** A group of some dozens of transactions. */
export const LARGE_BYTES = 32_768
/** One large write for so many small ones. */
const SMALL_TO_LARGE = 10
/** Long enough for the default number of writes without a turn back to the start. */
const FILE_BYTES = 4 * 1024 * 1024
const PREFIX = 'zabkeeper-check-'

/**
 * Writes as the server's log does: one write after the other, each on the disk before the next, from front to back into
 * a file that was filled with zeros before. What it makes is in a folder of its own, which is gone in the end.
 * @throws ClusterError when the folder cannot be used
 */
export async function measureDisk(options: DiskOptions): Promise<DiskMeasurement> {
  const { folder } = options
  await requireFolder(folder)
  const { type, bavail, bsize } = await statfs(folder)
  const own = await makeOwnFolder(folder)
  try {
    const times = await writeInside(own, options)
    return {
      folder,
      fileSystem: FILE_SYSTEMS.get(type) ?? null,
      freeBytes: bavail * bsize,
      small: distributionOf(times.small),
      large: distributionOf(times.large),
    }
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** `f_type` of statfs(2), Linux. */
const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x5846_5342, 'xfs'],
  [0x9123_683e, 'btrfs'],
  [0x2fc1_2fc1, 'zfs'],
  [0xf2f5_2010, 'f2fs'],
  [0x0102_1994, 'tmpfs'],
  [0x8584_58f6, 'ramfs'],
  [0x794c_7630, 'overlay'],
  [0x6969, 'nfs'],
  [0xff53_4d42, 'cifs'],
  [0xfe53_4d42, 'smb'],
  [0x0102_1997, '9p'],
  [0x6573_5546, 'fuse'],
])

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null)
  if (found === null) {
    throw new ClusterError(`${folder} does not exist: make it, or name another one with --data-dir`)
  }
  if (!found.isDirectory()) throw new ClusterError(`${folder} is a file, not a data folder`)
}

async function makeOwnFolder(folder: string): Promise<string> {
  try {
    return await mkdtemp(path.join(folder, PREFIX))
  } catch (error) {
    throw new ClusterError(`nothing can be written into ${folder}: ${(error as Error).message}`)
  }
}

interface Times {
  readonly small: number[]
  readonly large: number[]
}

async function writeInside(own: string, options: DiskOptions): Promise<Times> {
  const { logFile, writesMax, limitMs, signal } = options
  const opened = (await promisify(logFile.openFolder)(own)) as LogFolder
  try {
    const file = (await promisify(opened.create.bind(opened))('probe.log', FILE_BYTES)) as LogFile
    try {
      const untilMs = performance.now() + limitMs
      const isOver = (): boolean => signal.aborted || performance.now() > untilMs
      const small = await timeWrites(file, SMALL_BYTES, writesMax, isOver)
      const large = await timeWrites(
        file,
        LARGE_BYTES,
        Math.ceil(writesMax / SMALL_TO_LARGE),
        isOver,
      )
      return { small, large }
    } finally {
      await promisify(file.close.bind(file))()
    }
  } finally {
    await promisify(opened.close.bind(opened))()
  }
}

/** At least one write, so that there is something to tell. */
async function timeWrites(
  file: LogFile,
  bytes: number,
  count: number,
  isOver: () => boolean,
): Promise<number[]> {
  const write = promisify(file.writeDurably.bind(file))
  // Not zeros: some disks take those for nothing.
  const chunks = [new Uint8Array(bytes).fill(0x5a)]
  const times: number[] = []
  do {
    const startedMs = performance.now()
    await write((times.length * bytes) % FILE_BYTES, chunks)
    times.push(performance.now() - startedMs)
  } while (times.length < count && !isOver())
  return times
}
