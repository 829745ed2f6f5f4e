import { NO_SESSION } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import type { Environment, Metrics } from '../env/index.ts'
import type { ConnectRequest } from '../wire/index.ts'
import { Role, type ZabCore } from '../zab/index.ts'
import { ConnectionThrottle } from './connection-throttle.ts'

/** Who of those that want a session is turned away because of what the configuration says. */
export class Admission {
  readonly #isLeaderServing: boolean
  readonly #throttle: ConnectionThrottle | null
  readonly #metrics: Metrics
  readonly #stats: { connectionDropChance: number }
  readonly #weights: { readonly new: number; readonly renewed: number }
  readonly #coreOf: () => Pick<ZabCore, 'role'> | null

  /** @param coreOf null for a server that stands alone. */
  constructor(
    { tuning, ensemble }: Pick<Config, 'ensemble' | 'tuning'>,
    { clock, random, metrics }: Pick<Environment, 'clock' | 'metrics' | 'random'>,
    stats: { connectionDropChance: number },
    coreOf: () => Pick<ZabCore, 'role'> | null,
  ) {
    const { connectionThrottle: throttle } = tuning
    const { global, local, renewed } = throttle.weights
    this.#isLeaderServing = tuning.isLeaderServing
    this.#metrics = metrics
    this.#stats = stats
    this.#throttle =
      throttle.tokensMax === 0 ? null : new ConnectionThrottle(throttle, clock, random)
    this.#weights = { new: ensemble?.localSessions.isEnabled === true ? local : global, renewed }
    this.#coreOf = coreOf
  }

  /** Null for a client that is welcome. */
  refusal({ sessionId }: Pick<ConnectRequest, 'sessionId'>): string | null {
    if (!this.#isLeaderServing && this.#coreOf()?.role === Role.LEADING) {
      return 'this server leads, and leaderServes=no'
    }
    const weight = sessionId === NO_SESSION ? this.#weights.new : this.#weights.renewed
    if (this.#throttle === null) return null
    const isAdmitted = this.#throttle.admits(weight)
    this.#stats.connectionDropChance = this.#throttle.dropChance
    this.#metrics.observe('connection_token_deficit', this.#throttle.deficit)
    if (isAdmitted) return null
    this.#metrics.count('connection_rejected', 1)
    return 'too many sessions begin at once (connection_throttle_tokens)'
  }
}
