export {
  type ClientConfiguration,
  ClientConfigurationError,
  readClientConfiguration,
} from './client-configuration.ts'
export { COMMANDS } from './commands/index.ts'
export { CommandError } from './failures.ts'
export type { Streams } from './output.ts'
export { type RunOptions, runShell } from './run.ts'
export type { Open } from './server-session.ts'
export { Shell, type ShellOptions } from './shell.ts'
export { zkCliFlags } from './zk-cli-flags.ts'
