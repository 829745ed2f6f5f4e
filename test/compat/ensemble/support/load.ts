import { expect } from 'vitest'
import type { Ensemble } from '../../../../bench/servers/index.ts'
import { type Dice, newDice } from '../../torture/support/index.ts'
import { expectEqualTrees } from './equal-trees.ts'
import { RegisterReader, RegisterWriter } from './registers.ts'

export interface LoadOptions {
  readonly writers?: number
  readonly readers?: number
  /** Writes of one writer under way at a time. */
  readonly depth?: number
}

/** Writers and readers that go from server to server, and what they have found. */
export class Load {
  readonly dice: Dice
  readonly writers: readonly RegisterWriter[]
  readonly #readers: readonly RegisterReader[]
  readonly #ensemble: Ensemble

  constructor(ensemble: Ensemble, options: LoadOptions = {}) {
    const { writers = 6, readers = 2, depth = 4 } = options
    const dice = newDice()
    this.dice = dice
    this.#ensemble = ensemble
    const { members } = ensemble
    this.writers = Array.from(
      { length: writers },
      (_, i) => new RegisterWriter(`/r${i}`, members, dice, depth),
    )
    const registers = this.writers.map(({ register }) => register)
    // A leader of Apache's answers syncs of its own clients without waiting for what others know to be committed.
    const isOurs = (port: number): boolean =>
      members.some((member) => member.port === port && member.kind === 'zabkeeper')
    this.#readers = Array.from(
      { length: readers },
      () => new RegisterReader(registers, members, dice, isOurs),
    )
  }

  start(): void {
    for (const one of [...this.writers, ...this.#readers]) one.start()
  }

  /** Waits until each writer has had answers to so many writes that it makes from now on. */
  async untilWritten(count: number, limitMs: number = 60_000): Promise<void> {
    const waits = this.writers.map(async (writer) => await writer.untilWritten(count, limitMs))
    const failed = (await Promise.allSettled(waits)).filter(({ status }) => status === 'rejected')
    if (failed.length > 0) {
      throw new Error(this.writers.map((writer) => writer.describe()).join('\n'))
    }
  }

  /** The longest time without an acknowledgement of each writer, in ms, since the last call. */
  takeGaps(): number[] {
    return this.writers.map((writer) => writer.takeGap())
  }

  expectNoFaults(): void {
    const faults = this.writers.map(({ register }) => register.fault)
    expect(faults.filter((fault) => fault !== null)).toEqual([])
  }

  /** Ends all of it without a look at what it has found, when a test has failed already. */
  abandon(): void {
    for (const one of [...this.writers, ...this.#readers]) one.abandon()
  }

  /** Ends all of it: nothing was lost, no session expired, and all trees are equal. */
  async finish(): Promise<string> {
    const all = [...this.writers, ...this.#readers]
    await Promise.all(all.map(async (one) => await one.stop()))
    this.expectNoFaults()
    expect(all.map(({ client }) => client.expired)).toEqual(all.map(() => 0))
    await expectEqualTrees(this.#ensemble)
    for (const { client } of all) await client.close()
    const registers = this.writers.map(({ register }) => register)
    const acknowledged = registers.reduce((sum, register) => sum + register.acknowledged, 0)
    const reads = registers.reduce((sum, register) => sum + register.reads, 0)
    const kinds = this.#ensemble.members.map(({ kind }) => kind).join(', ')
    return `${kinds}, seed ${this.dice.seed}: ${acknowledged} writes, ${reads} reads`
  }
}
