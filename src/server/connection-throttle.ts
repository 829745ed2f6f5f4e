import type { ConnectionThrottleConfig } from '../config/index.ts'
import type { Clock, Random } from '../env/index.ts'

/**
 * Lets so many sessions begin per time: a bucket of tokens, and in front of it a chance to be turned away that grows
 * while the bucket is found empty and falls while it is found nearly full (BLUE, as upstream's `BlueThrottle`).
 */
export class ConnectionThrottle {
  readonly #config: ConnectionThrottleConfig
  readonly #clock: Clock
  readonly #random: Random
  #tokens: number
  #filledMs: number
  #frozenMs: number
  #dropChance = 0

  constructor(config: ConnectionThrottleConfig, clock: Clock, random: Random) {
    this.#config = config
    this.#clock = clock
    this.#random = random
    this.#tokens = config.tokensMax
    this.#filledMs = clock.monotonicMs()
    this.#frozenMs = this.#filledMs
  }

  /** From 0 to 1. */
  get dropChance(): number {
    return this.#dropChance
  }

  /** Tokens that are gone. */
  get deficit(): number {
    return this.#config.tokensMax - this.#tokens
  }

  /** Takes that many tokens, or says that somebody must come again later. */
  admits(tokens: number): boolean {
    const nowMs = this.#clock.monotonicMs()
    this.#fill(nowMs)
    if (this.#config.freezeMs >= 0 && this.#isDropped(nowMs)) return false
    if (this.#tokens < tokens) return false
    this.#tokens -= tokens
    return true
  }

  #fill(nowMs: number): void {
    const { fillMs, fillCount, tokensMax } = this.#config
    const fills = Math.floor((nowMs - this.#filledMs) / fillMs)
    if (fills <= 0) return
    this.#tokens = Math.min(tokensMax, this.#tokens + fills * fillCount)
    this.#filledMs += fills * fillMs
  }

  #isDropped(nowMs: number): boolean {
    const { freezeMs, tokensMax, decreaseRatio, dropIncrease, dropDecrease } = this.#config
    if (nowMs - this.#frozenMs > freezeMs) {
      this.#frozenMs = nowMs
      const used = tokensMax - this.#tokens
      if (used >= tokensMax) this.#dropChance = Math.min(1, this.#dropChance + dropIncrease)
      else if (used <= Math.round(tokensMax * decreaseRatio)) {
        this.#dropChance = Math.max(0, this.#dropChance - dropDecrease)
      }
    }
    return this.#dropChance > 0 && this.#random.uint32() / 2 ** 32 < this.#dropChance
  }
}
