import type { Environment } from '../env/index.ts'

/** The part of the environment that storage uses. */
export type StorageEnvironment = Pick<
  Environment,
  'clock' | 'timers' | 'random' | 'logFile' | 'rows' | 'logger' | 'metrics'
>
