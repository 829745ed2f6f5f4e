export type { ServerHandlers, ServerOptions } from './keeper-server.ts'
export { KeeperServer } from './keeper-server.ts'
export type {
  ConfigurationStatus,
  ConnectionSessionStatus,
  ConnectionStatus,
  FourLetterWords,
  LatencyStatus,
  ServerMode,
  ServerStatus,
  TreeStatus,
} from './server-status.ts'
