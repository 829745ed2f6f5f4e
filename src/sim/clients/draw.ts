import type { Random } from '../../env/index.ts'

/* Draws from an environment's generator, which knows 32-bit words only. The bias of the remainder does not matter here. */

/** An integer in 0 … `limit`-1. */
export function below(random: Random, limit: number): number {
  return random.uint32() % limit
}

/** An integer in `low` … `high`, both included. */
export function between(random: Random, low: number, high: number): number {
  return low + (random.uint32() % (high - low + 1))
}

/** True once in `times` calls on average. */
export function oneIn(random: Random, times: number): boolean {
  return random.uint32() % times === 0
}

/** One of the list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.uint32() % list.length]!
}

/** How long until something that happens every `meanMs` on average happens next: mostly soon, now and then much later. */
export function waitMs(random: Random, meanMs: number): number {
  const word = random.uint32()
  const spread = (word >>> 3) / 0x1000_0000
  // Even in 0 … 2, one in eight in 3 … 5: 11/8 on average.
  return (((word & 7) === 0 ? spread + 3 : spread) * meanMs * 8) / 11
}
