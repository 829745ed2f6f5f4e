import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import path from 'node:path'
import { isFile, namesOf } from '../folder-kind.ts'
import { MaintenanceError } from '../maintenance-error.ts'
import { count, type Progress } from '../text.ts'
import { MANIFEST_NAME, type Manifest, parseManifest } from './manifest.ts'
import { type Range, sha256Of } from './range-file.ts'
import { readTar } from './tar.ts'

/** States and transactions of one history. */
export interface Chain {
  /** Its folder in the archive. */
  readonly name: string
  readonly manifest: Manifest
  rangeOf(file: string): Range
}

export const FIRST_CHAIN = '0001'
const CHAIN_NAME = /^\d{4}$/

/**
 * What is in a backup: a tar file, a folder that backups were made into, or one chain of it. The newest chain comes last.
 * @throws MaintenanceError when it is none, or a part of it is missing
 */
export function openArchive(where: string): readonly Chain[] {
  const chains = isFile(where) ? chainsOfTar(where) : chainsOfFolder(where)
  if (chains.length > 0) return chains
  throw new MaintenanceError(
    `${where} is no backup: there is no ${MANIFEST_NAME} in it; give what was given to backup --to`,
  )
}

/** The same where there may be nothing yet. */
export function chainsOfFolder(folder: string): readonly Chain[] {
  const names = namesOf(folder)
  if (names === null) return []
  if (names.includes(MANIFEST_NAME)) return [chainOfFolder(folder)]
  return names
    .filter((name) => CHAIN_NAME.test(name))
    .map((name) => path.join(folder, name))
    .filter((chain) => isFile(path.join(chain, MANIFEST_NAME)))
    .map(chainOfFolder)
}

export function nextChainName(chains: readonly Chain[], folder: string): string {
  const taken = [...chains.map(({ name }) => name), ...(namesOf(folder) ?? [])]
  const last = taken
    .filter((name) => CHAIN_NAME.test(name))
    .sort()
    .at(-1)
  return last === undefined ? FIRST_CHAIN : String(Number(last) + 1).padStart(4, '0')
}

/** Compares every file with its checksum. @throws MaintenanceError naming the first that differs */
export async function verifyChain(
  { name, manifest, rangeOf }: Chain,
  onProgress: Progress,
): Promise<number> {
  const files = [...manifest.snapshots, ...manifest.logs]
  const all = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let before = 0
  for (const { file, bytes, sha256 } of files) {
    const range = rangeOf(file)
    if (range.bytes !== bytes) {
      throw damaged(
        range,
        `it has ${count(range.bytes, 'byte')} instead of ${count(bytes, 'byte')}`,
      )
    }
    const found = await sha256Of(range, (done) => {
      onProgress(`verifying ${name}`, before + done, all, 'bytes')
    })
    if (found !== sha256) throw damaged(range, 'its SHA-256 is another than noted')
    before += bytes
  }
  return all
}

function damaged({ file }: Range, reason: string): MaintenanceError {
  return new MaintenanceError(`the backup is damaged: ${file}: ${reason}; use another backup`)
}

function chainOfFolder(folder: string): Chain {
  const where = path.join(folder, MANIFEST_NAME)
  const manifest = parseManifest(readFileSync(where, 'utf8'), where)
  return {
    name: path.basename(folder),
    manifest,
    rangeOf: (name) => {
      const file = path.join(folder, name)
      const stats = statSync(file, { throwIfNoEntry: false })
      if (stats === undefined) throw missing(file)
      return { file, start: 0, bytes: stats.size }
    },
  }
}

function chainsOfTar(file: string): readonly Chain[] {
  const files = readTar(file)
  const suffix = `/${MANIFEST_NAME}`
  return [...files.keys()]
    .filter((name) => name.endsWith(suffix))
    .map((name) => chainOfTar(file, files, name.slice(0, -suffix.length)))
}

function chainOfTar(tar: string, files: ReadonlyMap<string, Range>, name: string): Chain {
  const { start, bytes } = files.get(`${name}/${MANIFEST_NAME}`)!
  const text = textOf(tar, start, bytes)
  return {
    name,
    manifest: parseManifest(text, `${tar}:${name}/${MANIFEST_NAME}`),
    rangeOf: (file) => {
      const range = files.get(`${name}/${file}`)
      if (range === undefined) throw missing(`${tar}:${name}/${file}`)
      return range
    },
  }
}

function textOf(file: string, start: number, bytes: number): string {
  const fd = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(bytes)
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, bytes, start))
  } finally {
    closeSync(fd)
  }
}

function missing(file: string): MaintenanceError {
  return new MaintenanceError(`the backup is not whole: ${file} is missing; use another backup`)
}
