import { epochOf, makeZxid, type Zxid } from '../../src/base/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import type { LoggedEntry } from '../../src/storage/index.ts'
import {
  type Change,
  decodeChange,
  encodeChange,
  type Life,
  MapMachine,
  randomText,
} from './support.ts'

/** What a disk holds: a state, the entries after it, and two promises. */
export interface Contents {
  /** The state before the first entry: of a new server, or of a snapshot. */
  readonly base: MapMachine
  readonly entries: readonly LoggedEntry[]
  readonly acceptedEpoch: number
  readonly currentEpoch: number
}

/** What one call to the storage makes of the contents of its disk. */
type Step = (before: Contents) => Contents

export function lastOf({ base, entries }: Contents): Zxid {
  return entries.at(-1)?.zxid ?? base.zxid
}

/** The state after the entries up to `zxid`. */
export function stateAt({ base, entries }: Contents, zxid: Zxid): MapMachine {
  const machine = base.copy()
  for (const entry of entries) {
    if (entry.zxid <= zxid) machine.apply(entry.zxid, decodeChange(entry.txn))
  }
  return machine
}

export function emptyContents(): Contents {
  const base = new MapMachine()
  base.reset()
  return { base, entries: [], acceptedEpoch: 0, currentEpoch: 0 }
}

/**
 * A server of an ensemble that does at random what the protocol may ask of it: what is committed is never taken back,
 * everything else may be. Remembers what it handed over and what was reported durable.
 */
export class Replica {
  readonly #random: SimRandom
  /** Before everything that was handed over in this life. */
  #found: Contents = emptyContents()
  /** In the order in which it was handed over. */
  #steps: Step[] = []
  /** How many of them survive a power cut. */
  #durable = 0
  /** After all of them. */
  now: Contents = emptyContents()
  /** Everything up to here is known to be committed by somebody, for ever. */
  committed: Zxid = makeZxid(0, 0)
  installs = 0
  installsDurable = 0
  reads = 0

  constructor(random: SimRandom) {
    this.#random = random
  }

  /**
   * A start has succeeded: its disk must hold a prefix of what was handed over, with everything that was reported
   * durable. Throws otherwise.
   */
  recovered(life: Life, context: string): void {
    const storage = life.storage!
    const tail = storage.takeTail()
    const problems: string[] = []
    let contents = this.#found
    for (let count = 0; count <= this.#steps.length; count++) {
      if (count > 0) contents = this.#steps[count - 1]!(contents)
      if (count < this.#durable) continue
      const problem = this.#difference(contents, life, tail.base, tail.entries)
      if (problem === null) {
        this.#found = contents
        this.now = contents
        this.#steps = []
        this.#durable = 0
        // A snapshot may have become durable just before the power went.
        if (contents.base.zxid > this.committed) this.committed = contents.base.zxid
        return
      }
      if (problems.at(-1) !== problem) problems.push(problem)
    }
    throw new Error(`${context}: not a prefix of what was handed over: ${problems.join('; ')}`)
  }

  #difference(
    contents: Contents,
    { storage, machine }: Life,
    base: Zxid,
    tail: readonly LoggedEntry[],
  ): string | null {
    if (storage!.lastLogged !== lastOf(contents)) return `log ends at ${storage!.lastLogged}`
    if (storage!.acceptedEpoch !== contents.acceptedEpoch) return 'acceptedEpoch'
    if (storage!.currentEpoch !== contents.currentEpoch) return 'currentEpoch'
    if (base > machine.zxid || base < contents.base.zxid) return `tail from ${base}`
    if (base < storage!.diskBase) return `tail from ${base}, which is not on disk`
    const isBase = base === contents.base.zxid || contents.entries.some(({ zxid }) => zxid === base)
    if (!isBase) return `tail from ${base}, which is not in the log`
    const expected = contents.entries.filter(({ zxid }) => zxid > base)
    const differing = expected.findIndex((entry, i) => !isSame(entry, tail[i]))
    if (differing >= 0 || expected.length !== tail.length) return `tail differs at ${differing}`
    if (machine.zxid > this.committed && machine.zxid !== contents.base.zxid)
      return `checkpoint at ${machine.zxid}, not committed`
    const state = stateAt(contents, machine.zxid)
    if (state.zxid !== machine.zxid) return `checkpoint at ${machine.zxid}, not in the log`
    return state.isLike(machine) ? null : `state at ${machine.zxid}`
  }

  /* ---------------------------------------------------------------- what it may do */

  /** One turn of the server. */
  turn(life: Life): void {
    const random = this.#random
    if (random.oneIn(12)) this.#enterEpoch(life)
    for (let i = random.below(6); i > 0; i--) this.#append(life)
    if (random.oneIn(3)) this.#noteDurable(life)
    life.storage!.flush()
    this.#apply(life)
    if (random.oneIn(10)) life.storage!.checkpoint()
    life.storage!.checkpointIfDue()
    for (let i = random.below(4); i > 0; i--) this.#read(life)
  }

  /** A new leader: a promise, then DIFF, TRUNC or SNAP, then its epoch. */
  #enterEpoch(life: Life): void {
    const random = this.#random
    const epoch = this.now.acceptedEpoch + 1 + random.below(2)
    life.storage!.setAcceptedEpoch(epoch, () => {})
    this.#step((before) => ({ ...before, acceptedEpoch: epoch }))
    if (random.oneIn(3)) this.#noteDurable(life)
    if (random.oneIn(8)) return
    if (random.oneIn(3)) {
      this.#install(life, epoch)
      return
    }
    if (random.oneIn(2)) this.#truncate(life)
    for (let i = random.below(4); i > 0; i--) this.#append(life)
    life.storage!.setCurrentEpoch(epoch, () => {})
    this.#step((before) => ({ ...before, currentEpoch: epoch }))
    this.#noteDurable(life)
  }

  #append(life: Life): void {
    const zxid = this.#nextZxid(lastOf(this.now))
    const txn = encodeChange(this.#change())
    life.storage!.append(zxid, txn, 0, txn.length)
    const entry = { zxid, txn }
    this.#step((before) => ({ ...before, entries: [...before.entries, entry] }))
  }

  #truncate(life: Life): void {
    const ends = [this.now.base.zxid, ...this.now.entries.map(({ zxid }) => zxid)]
    const allowed = ends.filter((zxid) => zxid >= this.committed)
    const zxid = allowed[this.#random.below(allowed.length)]
    if (zxid === undefined) return
    life.storage!.truncate(zxid, () => {})
    this.#step((before) => ({
      ...before,
      entries: before.entries.filter((entry) => entry.zxid <= zxid),
    }))
  }

  /** A snapshot of somebody who has all that is committed and went on from there, or did not. */
  #install(life: Life, epoch: number): void {
    const random = this.#random
    const state = stateAt(this.now, this.committed)
    for (let i = random.below(5); i > 0; i--)
      state.apply(this.#nextZxid(state.zxid), this.#change())
    const base = state.copy()
    const entries: LoggedEntry[] = []
    for (let i = random.below(5); i > 0; i--) {
      const zxid = this.#nextZxid(entries.at(-1)?.zxid ?? base.zxid)
      entries.push({ zxid, txn: encodeChange(this.#change()) })
    }
    const install = { zxid: base.zxid, snapshot: base.received(), entries, currentEpoch: epoch }
    this.installs++
    life.storage!.install(install, () => {
      this.installsDurable++
      life.machine.load(install)
      this.committed = base.zxid
    })
    this.#step((before) => ({ ...before, base, entries, currentEpoch: epoch }))
    // Nothing is committed meanwhile.
    const count = this.#steps.length
    this.#whenDurable(life, count)
  }

  /** Commits and applies something that is durable. */
  #apply(life: Life): void {
    if (this.#durable < this.#steps.length) return
    for (const { zxid, txn } of this.now.entries) {
      if (zxid <= life.machine.zxid) continue
      if (zxid > this.committed && this.#random.oneIn(6)) return
      life.machine.apply(zxid, decodeChange(txn))
      if (zxid > this.committed) this.committed = zxid
    }
  }

  #read(life: Life): void {
    if (this.#durable < this.#steps.length) return
    const { entries, base } = this.now
    const places = [base.zxid, ...entries.map(({ zxid }) => zxid)]
    const at = this.#random.below(places.length)
    const isBeside = this.#random.oneIn(4)
    const after = (places[at]! + (isBeside ? 100n : 0n)) as Zxid
    const upTo = lastOf(this.now)
    const floor = places.findLast((zxid) => zxid <= after)!
    const expected = entries.filter(({ zxid }) => zxid > after)
    const count = this.#steps.length
    life.storage!.readEntries(after, upTo, 1e9, (problem, read) => {
      if (problem !== null) {
        // It was purged before or meanwhile, or something was taken back meanwhile.
        const isAllowed = after < life.storage!.diskBase || this.#steps.length > count
        if (!isAllowed) throw new Error(`reading after ${after}: ${problem}`)
        return
      }
      this.reads++
      const isWhole =
        read!.floor === floor &&
        read!.entries.length === expected.length &&
        expected.every((entry, i) => isSame(entry, read!.entries[i]))
      if (!isWhole) throw new Error(`read after ${after}: from ${read!.floor}, not ${floor}`)
    })
  }

  /* ---------------------------------------------------------------- */

  #step(step: Step): void {
    this.#steps.push(step)
    this.now = step(this.now)
  }

  #noteDurable(life: Life): void {
    this.#whenDurable(life, this.#steps.length)
  }

  #whenDurable(life: Life, count: number): void {
    life.storage!.whenDurable(() => {
      if (count < this.#durable) throw new Error('whenDurable out of order')
      this.#durable = count
    })
  }

  #nextZxid(last: Zxid): Zxid {
    const epoch = Math.max(this.now.acceptedEpoch, 1)
    return epochOf(last) === epoch ? ((last + 1n) as Zxid) : makeZxid(epoch, 1)
  }

  #change(): Change {
    const random = this.#random
    const values: Record<string, string | null> = {}
    for (let i = random.below(3); i >= 0; i--) {
      const path = `/${random.below(40)}`
      values[path] = random.oneIn(4) ? null : randomText(random, random.below(20))
    }
    const pad = 'x'.repeat(random.oneIn(30) ? random.below(40_000) : random.below(700))
    const sessions = { [String(random.below(6))]: random.oneIn(3) ? -1 : 1000 + random.below(9) }
    return { values, sessions, pad }
  }
}

function isSame(a: LoggedEntry, b: LoggedEntry | undefined): boolean {
  if (b === undefined || a.zxid !== b.zxid || a.txn.length !== b.txn.length) return false
  return a.txn.every((byte, i) => byte === b.txn[i])
}
