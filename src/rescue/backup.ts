import path from 'node:path'
import type { RescueFiles } from './files.ts'
import { RescueError } from './rescue-error.ts'

/** What belongs to a server, and where it goes in the backup. */
export interface BackupPart {
  readonly from: string
  /** Path inside the backup; folders above it are in {@link BackupPlan.folders}. */
  readonly to: string
  readonly bytes: number
}

export interface BackupPlan {
  readonly folder: string
  readonly folders: readonly string[]
  readonly parts: readonly BackupPart[]
  readonly bytes: number
}

/** A name that no other backup has. */
export function unusedName(files: RescueFiles, wanted: string): string {
  let name = wanted
  for (let number = 2; files.exists(name); number++) name = `${wanted}-${number}`
  return name
}

/**
 * Everything that makes up the server: log, rows, `myid` and the configuration. Prepared segments, the reserve and locks
 * hold nothing, and are left out.
 */
export function planBackup(
  files: RescueFiles,
  folder: string,
  dataDir: string,
  dataLogDir: string,
  configFiles: readonly string[],
): BackupPlan {
  const part = (from: string, to: string): BackupPart => ({ from, to, bytes: files.sizeOf(from) })
  const log = path.join(dataLogDir, 'log')
  const rows = path.join(dataDir, 'checkpoint')
  const myid = path.join(dataDir, 'myid')
  const parts = [
    ...files
      .names(log)
      .filter((name) => name.endsWith('.log'))
      .map((name) => part(path.join(log, name), path.join('log', name))),
    ...files
      .names(rows)
      .filter((name) => name !== 'LOCK')
      .map((name) => part(path.join(rows, name), path.join('checkpoint', name))),
    ...(files.exists(myid) ? [part(myid, 'myid')] : []),
    ...configFiles.map((file) => part(file, path.basename(file))),
  ]
  const bytes = parts.reduce((sum, one) => sum + one.bytes, 0)
  return { folder, folders: ['log', 'checkpoint'], parts, bytes }
}

/** What speaks against making it, before anything is written. */
export function refuseBackup(files: RescueFiles, { folder, bytes }: BackupPlan): void {
  const parent = path.dirname(folder)
  const other = 'name a folder elsewhere with --backup'
  if (!files.mayWrite(parent)) {
    throw new RescueError(
      'folder',
      `The backup cannot be made in ${parent}: this user may not write there; ${other}`,
    )
  }
  const free = files.freeBytes(parent)
  if (free >= bytes) return
  const text = `The backup takes ${megabytes(bytes)}, and ${parent} has ${megabytes(free)} left; ${other}`
  throw new RescueError('full', text)
}

/** The folder appears when everything is in it and durable. */
export function makeBackup(files: RescueFiles, { folder, folders, parts }: BackupPlan): void {
  const unfinished = `${folder}.unfinished`
  files.removeFolder(unfinished)
  files.makeFolder(unfinished)
  for (const name of folders) files.makeFolder(path.join(unfinished, name))
  for (const { from, to } of parts) files.copy(from, path.join(unfinished, to))
  files.rename(unfinished, folder)
}

export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / (1024 * 1024)).toLocaleString('en-US')} MiB`
}
