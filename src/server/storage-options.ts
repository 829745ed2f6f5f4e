import type { Config } from '../config/index.ts'
import { defaultStorageOptions, type StorageOptions } from '../storage/index.ts'

/** What a configuration means for the storage. */
export function storageOptions(config: Config): StorageOptions {
  return {
    ...defaultStorageOptions(config.dataDir),
    dataLogDir: config.dataLogDir,
    replay: config.ensemble === null ? 'all' : 'checkpoint',
    segmentBytes: config.limits.logSegmentBytes,
    freeBytesMin: config.limits.diskFreeBytesMin,
    reserveBytes: config.limits.diskReserveBytes,
    checkpointLogBytes: config.limits.checkpointLogBytes,
    checkpointEntries: config.limits.checkpointTxns,
    slowWriteMs: config.fsyncWarningMs,
  }
}
