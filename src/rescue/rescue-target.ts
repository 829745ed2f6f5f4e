import type { EnsembleConfig } from '../config/index.ts'
import type { Survivor } from './survivors.ts'

/** A server's configuration, as it was read. */
export interface OldConfig {
  readonly file: string
  readonly text: string
  /** The file that `dynamicConfigFile` names. */
  readonly dynamic: { readonly file: string; readonly text: string } | null
  /** Null for a server that stands alone. */
  readonly ensemble: EnsembleConfig | null
  /** Says what is wrong with new texts, in one line; null when they make these servers an ensemble. */
  check(text: string, dynamicText: string | null): string | null
}

/** A server that a rescue is asked for. */
export interface RescueTarget {
  readonly id: number
  readonly dataDir: string
  readonly dataLogDir: string
  /** Null when only its data folder was given. */
  readonly config: OldConfig | null
}

export interface RescueWishes {
  readonly peers: readonly Survivor[]
  readonly allowBehind: boolean
  /** Only the new list of servers: the data comes from another one. */
  readonly configOnly: boolean
  /** Null for a folder beside the data. */
  readonly backup: string | null
  /** Where the new configuration goes; null for the place of the old one. */
  readonly newConfig: string | null
}
