import { statSync } from 'node:fs'
import { ConfigError } from '../config/index.ts'
import { MaintenanceError } from '../maintenance/index.ts'
import { loadConfig } from './load-config.ts'

export interface FolderFlags {
  readonly logDir?: string
}

export interface ReadFolder {
  readonly dataDir: string
  /** Null when it is the same. */
  readonly logDir: string | null
  /** Null when nobody said so: what is in the folder decides. */
  readonly isMember: boolean | null
}

/** A data folder, or the configuration of its server. @throws MaintenanceError */
export function readFolder(where: string, { logDir }: FolderFlags): ReadFolder {
  if (!(statSync(where, { throwIfNoEntry: false })?.isFile() ?? false)) {
    return { dataDir: where, logDir: logDir ?? null, isMember: null }
  }
  if (logDir !== undefined) {
    throw new MaintenanceError(`--log-dir goes with a data folder, and ${where} is a file`, true)
  }
  try {
    const { config } = loadConfig(where, {})
    const { dataDir, dataLogDir, ensemble } = config
    return { dataDir, logDir: dataLogDir, isMember: ensemble !== null }
  } catch (error) {
    if (error instanceof ConfigError) throw new MaintenanceError(error.message)
    throw error
  }
}
