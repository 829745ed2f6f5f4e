import type { Environment } from '../env/index.ts'

/** The parts of the environment that the ports use. */
export type PeerEnvironment = Pick<
  Environment,
  'clock' | 'timers' | 'network' | 'logger' | 'metrics' | 'random'
>
