/** What another program needs to run a server inside itself. */
export {
  COMPATIBLE_WITH,
  createFourLetterWords,
  type ProcessStatus,
  VERSION,
} from './admin/index.ts'
export { main } from './cli/index.ts'
export {
  type Config,
  ConfigError,
  type ConfigOverrides,
  defaultConfig,
  type Limits,
  parseZooCfg,
} from './config/index.ts'
export { openPlatform, type Platform, type PlatformOptions } from './platform/index.ts'
export { readProcess } from './platform/process/index.ts'
export {
  KeeperServer,
  type ServerHandlers,
  type ServerOptions,
  type ServerStatus,
} from './server/index.ts'
export { StorageError, type StorageErrorCode } from './storage/index.ts'
