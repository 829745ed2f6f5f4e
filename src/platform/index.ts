export { AuditFile } from './audit-file.ts'
export { restrainCollector } from './collector.ts'
export { FolderLock, LOCK_FOLDER } from './folder-lock.ts'
export type { LogFormat, LoggerOptions, LogLevel } from './logger.ts'
export { LOG_FORMATS, LOG_LEVELS } from './logger.ts'
export type { Platform, PlatformOptions } from './open-platform.ts'
export { openPlatform } from './open-platform.ts'
export {
  EXIT_PROGRAM_FAILURE,
  exitFatally,
  exitOnProgramFailure,
  onStopSignal,
} from './process-edge.ts'
export { RollingFile, type RollingFileOptions } from './rolling-file.ts'
