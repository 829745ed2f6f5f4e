import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parseApacheName } from '../apache-files/index.ts'
import { parseSegmentName } from '../storage/index.ts'
import { codeOf, MaintenanceError, messageOf } from './maintenance-error.ts'

/** Where a server keeps its data. */
export interface OurFolder {
  readonly kind: 'ours'
  readonly dataDir: string
  readonly dataLogDir: string
  /** `<dataLogDir>/log`. */
  readonly logPath: string
  /** `<dataDir>/checkpoint`. */
  readonly checkpointPath: string
}

export interface ApacheFolder {
  readonly kind: 'apache'
  readonly dataDir: string
  readonly dataLogDir: string
}

export interface NoFolder {
  /** `empty`: nothing of a server in it. `missing`: it does not exist. */
  readonly kind: 'empty' | 'missing'
  readonly dataDir: string
  readonly dataLogDir: string
}

export type DataFolder = ApacheFolder | NoFolder | OurFolder

/** Says whose folder it is by what is in it. @throws MaintenanceError when it cannot be read */
export function lookAtFolder(dataDir: string, logDir: string | null = null): DataFolder {
  const resolved = path.resolve(dataDir)
  const dataLogDir = path.resolve(logDir ?? dataDir)
  const names = namesOf(resolved)
  const logNames = namesOf(dataLogDir)
  const base = { dataDir: resolved, dataLogDir }
  if (names === null) return { kind: 'missing', ...base }
  const logPath = path.join(dataLogDir, 'log')
  const hasLog = (namesOf(logPath) ?? []).some((name) => parseSegmentName(name) !== null)
  const checkpointPath = path.join(resolved, 'checkpoint')
  if (hasLog || names.includes('checkpoint')) {
    return { kind: 'ours', ...base, logPath, checkpointPath }
  }
  const isApache = [...names, ...(logNames ?? [])].some(
    (name) => /^version-\d+$/.test(name) || parseApacheName(name) !== null,
  )
  return { kind: isApache ? 'apache' : 'empty', ...base }
}

/** A folder of ours. @throws MaintenanceError that says what it is instead, and what to do */
export function ourFolder(dataDir: string, logDir: string | null = null): OurFolder {
  const found = lookAtFolder(dataDir, logDir)
  if (found.kind === 'ours') return found
  throw notOurs(found)
}

export function notOurs({ kind, dataDir }: DataFolder): MaintenanceError {
  switch (kind) {
    case 'missing':
      return new MaintenanceError(`${dataDir} does not exist; give the dataDir of the server`)
    case 'apache':
      return new MaintenanceError(
        `${dataDir} belongs to an Apache ZooKeeper; zabkeeper import --from ${dataDir} --to <new folder> makes one of ours`,
      )
    default:
      return new MaintenanceError(
        `${dataDir} is no data folder: there is neither a log nor a checkpoint in it; ` +
          'give the dataDir of the server, and its dataLogDir with --log-dir',
      )
  }
}

export interface Myid {
  readonly id: number | null
  /** What is in the file, when it is no number. */
  readonly fault: string | null
}

/** Null when there is no such file. */
export function readMyid(dataDir: string): Myid | null {
  let text: string
  try {
    text = readFileSync(path.join(dataDir, 'myid'), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    return { id: null, fault: messageOf(error) }
  }
  const trimmed = text.trim()
  if (/^\d{1,3}$/.test(trimmed)) return { id: Number(trimmed), fault: null }
  return { id: null, fault: `${JSON.stringify(trimmed.slice(0, 20))} is no server id` }
}

/** The text of `myid`; null when there is no such file. */
export function readMyidText(dataDir: string): string | null {
  try {
    return readFileSync(path.join(dataDir, 'myid'), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Null when the folder does not exist. */
export function namesOf(folder: string): readonly string[] | null {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    if (codeOf(error) === 'ENOTDIR') {
      throw new MaintenanceError(`${folder} is a file; give a data folder`)
    }
    throw new MaintenanceError(`${folder} cannot be read: ${messageOf(error)}`)
  }
}

export function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
}
