/**
 * How many cycles a torture test runs: a few by default, as many as its environment variable says for a campaign,
 * e.g. `ZABKEEPER_KILL_CYCLES=300 npx vitest run test/compat/torture/kill.test.ts`.
 */
export function cyclesOf(variable: string, usual: number): number {
  const asked = process.env[variable]
  if (asked === undefined || asked === '') return usual
  const cycles = Number(asked)
  if (!Number.isInteger(cycles) || cycles < 1) throw new Error(`${variable} is ${asked}`)
  return cycles
}

/** Repeatable random numbers. What the operating system does in the meantime is not repeatable. */
export class Dice {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed
    this.#state = seed >>> 0
  }

  /** An integer in 0 … below - 1. */
  below(below: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly T[]): T {
    const one = list[this.below(list.length)]
    if (one === undefined) throw new Error('nothing to pick from')
    return one
  }
}

/** `ZABKEEPER_SEED`, or one from the clock. Tests name it in every failure. */
export function newDice(): Dice {
  const asked = process.env['ZABKEEPER_SEED']
  return new Dice(asked === undefined ? Date.now() % 0x7fff_ffff : Number(asked))
}
