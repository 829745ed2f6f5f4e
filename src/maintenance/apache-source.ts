import * as fs from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import {
  ApacheFilesError,
  type ApacheSource,
  parseApacheName,
  type SourceFile,
  UNPACKING_FAILED,
} from '../apache-files/index.ts'
import type { Zxid } from '../base/index.ts'
import { type Done, IoError } from '../env/index.ts'

/** The sub-folder with the files; its number is their format's, the same since 2008. */
const FILES_FOLDER = 'version-2'

export interface OpenedSource {
  readonly source: ApacheSource
  /** Text of `myid`; null when there is none. */
  readonly myid: string | null
  /** Throws {@link ApacheFilesError} when a file is not what it was: then a server is running. */
  checkUnchanged(): void
}

/**
 * Looks at a data folder; `logDir` is null when it was not given, and then it is the same. `scratch` is a folder that
 * packed files are unpacked into. Throws {@link ApacheFilesError}, or the error of the operating system.
 */
export function openApacheSource(
  dataDir: string,
  logDir: string | null,
  scratch: () => string,
): OpenedSource {
  const folder = filesFolder(dataDir, '--from')
  const logFolder = logDir === null ? folder : filesFolder(logDir, '--log-dir')
  const snapshots = listFiles(folder, 'snapshot', scratch)
  const logs = listFiles(logFolder, 'log', scratch)
  if (logDir === null && logs.length === 0 && snapshots.length > 0) {
    throw new ApacheFilesError(
      'MISSING',
      'There are snapshots, but no logs',
      folder,
      'Give the dataLogDir of its zoo.cfg with --log-dir; if it has none and there are no logs, the dataDir once more',
    )
  }
  const before = signatureOf(folder, logFolder)
  return {
    source: {
      path: folder,
      snapshots,
      logs,
      acceptedEpoch: readEpoch(path.join(folder, 'acceptedEpoch')),
      currentEpoch: readEpoch(path.join(folder, 'currentEpoch')),
      nextEpoch: readEpoch(path.join(folder, 'currentEpoch.tmp')),
    },
    myid: readIfThere(path.join(dataDir, 'myid')),
    checkUnchanged: () => {
      if (signatureOf(folder, logFolder) === before) return
      throw new ApacheFilesError(
        'CHANGED',
        'The files changed while they were read',
        folder,
        'Stop the server that uses this folder, then import again',
      )
    },
  }
}

/** A single `snapshot.<zxid>`, packed or not; null when its name says that it is none. */
export function openSnapshotFile(file: string, scratch: () => string): SourceFile | null {
  const parsed = parseApacheName(path.basename(file))
  if (parsed?.kind !== 'snapshot') return null
  const { zxid, packing } = parsed
  const sizeBytes = fs.statSync(file).size
  if (packing === 'none') return new PlainFile(file, zxid, sizeBytes)
  return new PackedFile(file, zxid, sizeBytes, packing, scratch)
}

function filesFolder(dataDir: string, flag: string): string {
  const folder = path.join(dataDir, FILES_FOLDER)
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder
  const isInside = path.basename(path.resolve(dataDir)) === FILES_FOLDER
  throw new ApacheFilesError(
    'MISSING',
    `There is no folder ${FILES_FOLDER}, so this is no data folder of an Apache ZooKeeper`,
    dataDir,
    isInside
      ? `Give the folder above it with ${flag}`
      : `Give the ${flag === '--from' ? 'dataDir' : 'dataLogDir'} of its zoo.cfg with ${flag}`,
  )
}

function listFiles(
  folder: string,
  kind: 'log' | 'snapshot',
  scratch: () => string,
): readonly SourceFile[] {
  const files: SourceFile[] = []
  for (const name of fs.readdirSync(folder)) {
    const parsed = parseApacheName(name)
    if (parsed?.kind !== kind) continue
    const file = path.join(folder, name)
    const sizeBytes = fs.statSync(file).size
    const { zxid, packing } = parsed
    if (packing === 'none') files.push(new PlainFile(file, zxid, sizeBytes))
    else files.push(new PackedFile(file, zxid, sizeBytes, packing, scratch))
  }
  return files
}

/** Of names, sizes and times: a server that runs makes files, or writes into those that are there. */
function signatureOf(...folders: readonly string[]): string {
  const lines: string[] = []
  for (const folder of new Set(folders)) {
    for (const name of fs.readdirSync(folder).sort()) {
      const stats = fs.statSync(path.join(folder, name), { throwIfNoEntry: false })
      lines.push(`${name} ${stats?.size} ${stats?.mtimeMs}`)
    }
  }
  return lines.join('\n')
}

function readEpoch(file: string): number | null {
  const text = readIfThere(file)
  if (text === null) return null
  const epoch = Number(text.trim())
  if (/^\d+$/.test(text.trim()) && epoch <= 0xffff_ffff) return epoch
  throw new ApacheFilesError(
    'DAMAGED',
    `This is no epoch: ${JSON.stringify(text.slice(0, 20))}`,
    file,
    'Put the right number there, or delete the file: then the epoch of the last transaction counts',
  )
}

function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Opened for each piece: there may be hundreds. */
class PlainFile implements SourceFile {
  readonly path: string
  readonly zxid: Zxid
  readonly sizeBytes: number

  constructor(file: string, zxid: Zxid, sizeBytes: number) {
    this.path = file
    this.zxid = zxid
    this.sizeBytes = sizeBytes
  }

  read(offset: number, length: number, done: Done<Uint8Array>): void {
    readPiece(this.path, offset, length, done)
  }
}

/** Unpacked as a whole when it is read first, into a file that the next one replaces. */
class PackedFile implements SourceFile {
  readonly path: string
  readonly zxid: Zxid
  readonly sizeBytes: number
  readonly #packing: 'gz' | 'snappy'
  readonly #scratch: () => string
  #unpacked: string | null = null

  constructor(
    file: string,
    zxid: Zxid,
    sizeBytes: number,
    packing: 'gz' | 'snappy',
    scratch: () => string,
  ) {
    this.path = file
    this.zxid = zxid
    this.sizeBytes = sizeBytes
    this.#packing = packing
    this.#scratch = scratch
  }

  read(offset: number, length: number, done: Done<Uint8Array>): void {
    if (this.#unpacked !== null) {
      readPiece(this.#unpacked, offset, length, done)
      return
    }
    this.#unpack((error, unpacked) => {
      if (error !== null) return done(error, null)
      this.#unpacked = unpacked
      readPiece(unpacked!, offset, length, done)
    })
  }

  #unpack(done: Done<string>): void {
    if (this.#packing === 'snappy') {
      const what = 'it is packed with snappy, which is not understood here'
      setImmediate(() => done(new IoError(UNPACKING_FAILED, what), null))
      return
    }
    const unpacked = path.join(this.#scratch(), 'unpacked')
    const output = fs.createWriteStream(unpacked, { mode: 0o600 })
    pipeline(fs.createReadStream(this.path), createGunzip(), output, (error) => {
      if (!error) return done(null, unpacked)
      const isDamage = codeOf(error).startsWith('Z_')
      const code = isDamage ? UNPACKING_FAILED : codeOf(error)
      done(new IoError(code, `cannot be unpacked: ${error.message}`, error), null)
    })
  }
}

function readPiece(file: string, offset: number, length: number, done: Done<Uint8Array>): void {
  const fail = (error: Error): void => {
    done(new IoError(codeOf(error), `cannot read ${file}: ${error.message}`, error), null)
  }
  fs.open(file, 'r', (openError, fd) => {
    if (openError !== null) return fail(openError)
    const end = (error: Error | null, bytes: Uint8Array): void => {
      fs.close(fd, () => (error === null ? done(null, bytes) : fail(error)))
    }
    fs.fstat(fd, (statError, stats) => {
      if (statError !== null) return end(statError, new Uint8Array(0))
      const size = Math.max(0, Math.min(length, stats.size - offset))
      fillFrom(fd, Buffer.allocUnsafe(size), 0, offset, end)
    })
  })
}

/** One call may give less than was asked for. */
function fillFrom(
  fd: number,
  bytes: Buffer,
  filled: number,
  offset: number,
  end: (error: Error | null, bytes: Uint8Array) => void,
): void {
  if (filled === bytes.length) {
    end(null, bytes)
    return
  }
  fs.read(fd, bytes, filled, bytes.length - filled, offset + filled, (error, count) => {
    if (error !== null) end(error, bytes)
    else if (count === 0) end(null, bytes.subarray(0, filled))
    else fillFrom(fd, bytes, filled + count, offset, end)
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
}
