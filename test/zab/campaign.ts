import type { CoreOptions } from '../../src/zab/options.ts'
import { Role } from '../../src/zab/outbox.ts'
import { MajorityQuorum } from '../../src/zab/quorum.ts'
import { SeededRandom } from '../../src/zab/random.ts'
import { ZabChecker } from './checkers.ts'
import { type Cluster, drawCluster, verifierOf } from './cluster.ts'
import { drawFault } from './faults.ts'
import { type Server, World } from './harness.ts'
import { Watchdog } from './watchdog.ts'

/** What a run has done, to see that the faults were real. */
export interface RunStats {
  readonly virtualMs: number
  readonly events: number
  readonly applied: number
  readonly proposed: number
  readonly epochs: number
  readonly faults: ReadonlyMap<string, number>
  /** What happened of itself or because of them, how often. */
  readonly counts: ReadonlyMap<string, number>
}

/** Longest virtual time from the end of all faults until everybody serves. */
const HEALED_WITHIN_MS = 30_000

class Run {
  readonly world: World
  readonly #random: SeededRandom
  readonly #cluster: Cluster
  readonly #faults = new Map<string, number>()
  #proposed = 0

  constructor(seed: number, traces: boolean) {
    const random = new SeededRandom(seed ^ 0x5eed)
    this.#random = random
    const core: Partial<CoreOptions> = {
      historyEntries: random.next() < 0.6 ? 3 + Math.floor(random.next() * 10) : 10_000,
      lastCounter: random.next() < 0.2 ? 5 + Math.floor(random.next() * 30) : 0xffff_fffe,
      diskDiffBytes: random.next() < 0.2 ? 40 : 1024 * 1024,
    }
    this.#cluster = drawCluster(random)
    this.world = new World({
      seed,
      voters: this.#cluster.voters,
      observers: this.#cluster.observers,
      quorum: verifierOf(this.#cluster.quorum),
      networkMs: random.next() < 0.8 ? 5 + random.next() * 20 : 100,
      diskMs: random.next() < 0.7 ? 2 + random.next() * 20 : 150,
      readsDisk: random.next() < 0.5,
      core,
    })
    this.world.keepTraces = traces
    new Watchdog(this.world, this.#cluster.quorum)
    if (random.next() < 0.3) this.#driftClocks()
    this.#note()
  }

  /** Clocks that start anywhere and go up to 3 % wrong. */
  #driftClocks(): void {
    this.world.count('seeds with clocks that drift')
    for (const server of this.world.servers) {
      server.clockRate = 0.97 + this.#random.next() * 0.06
      server.clockOffsetMs = this.#random.next() * 1e9
    }
  }

  #note(): void {
    const { voters, observers, quorum } = this.#cluster
    const { world } = this
    world.count(`seeds with ${voters} voters`)
    if (observers > 0) world.count('seeds with observers')
    if (!(verifierOf(quorum) instanceof MajorityQuorum)) world.count('seeds with groups or weights')
  }

  execute(): RunStats {
    const { world } = this
    world.startAll()
    const rounds = 10 + Math.floor(this.#random.next() * 25)
    for (let round = 0; round < rounds; round += 1) {
      this.#load()
      world.runFor(this.#random.next() ** 2 * 1500)
      if (this.#random.next() < 0.7) this.#fault()
    }
    const checker = new ZabChecker(this.#cluster.quorum)
    try {
      this.#heal()
    } catch (error) {
      // What broke a rule before is the better explanation.
      checker.check(world.history)
      throw error
    }
    checker.check(world.history)
    let applied = 0
    let epochs = 0
    for (const event of world.history) {
      if (event.kind === 'apply') applied += 1
      if (event.kind === 'role' && event.change.role === Role.LEADING && event.change.serving)
        epochs += 1
    }
    return {
      virtualMs: world.nowMs,
      events: world.history.length,
      applied,
      proposed: this.#proposed,
      epochs,
      faults: this.#faults,
      counts: world.counts,
    }
  }

  /** Everybody who believes to lead gets transactions, spread over a short while. */
  #load(): void {
    const { world } = this
    const isBurst = this.#random.next() < 0.2
    const count = Math.floor(this.#random.next() * (isBurst ? 40 : 8))
    for (let i = 0; i < count; i += 1) {
      world.after(this.#random.next() * (isBurst ? 60 : 300), () => {
        for (const server of world.servers) {
          if (server.core !== null && world.propose(server) !== null) this.#proposed += 1
          if (server.role?.role === Role.LEADING && this.#random.next() < 0.1) world.ask(server)
        }
      })
    }
  }

  #pick(servers: readonly Server[] = this.world.servers): Server {
    return servers[Math.floor(this.#random.next() * servers.length)]!
  }

  #fault(): void {
    const { world } = this
    const { name, run } = drawFault(this.#random)
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1)
    run(world, this.#pick(), this.#pick(), this.#random)
  }

  #heal(): void {
    const { world } = this
    world.heal()
    world.network.delayMs = Math.min(world.network.delayMs, 25)
    for (const server of world.servers) server.diskMs = Math.min(server.diskMs, 25)
    world.startAll()
    const isServing = (): boolean =>
      world.leader !== null && world.servers.every((server) => server.core?.isServing === true)
    const took = world.runUntil(isServing, HEALED_WITHIN_MS)
    if (took === Infinity)
      throw new Error(`L1: not everybody serves ${HEALED_WITHIN_MS} ms after all faults`)
    // A leader that was cut off may believe in itself for a little longer: only what gets applied counts.
    const before = world.servers[0]!.applied.zxid
    const isDone = (): boolean => {
      if (Math.floor(world.nowMs / 10) % 20 === 0) world.propose(world.leader ?? this.#pick())
      const { hash, zxid } = world.servers[0]!.applied
      return zxid > before && world.servers.every((server) => server.applied.hash === hash)
    }
    if (world.runUntil(isDone, 5000) === Infinity) {
      const states = world.servers.map(
        (server) => `${server.sid}: ${server.applied.zxid.toString(16)}`,
      )
      throw new Error(`L2: servers do not come to the same state: ${states.join(', ')}`)
    }
  }
}

export function runSeed(seed: number): RunStats {
  return new Run(seed, false).execute()
}

/** Readable trace of a run, for a seed that failed. */
export function traceSeed(seed: number): {
  readonly lines: readonly string[]
  readonly error: string
} {
  const run = new Run(seed, true)
  try {
    run.execute()
    return { lines: run.world.traces, error: '' }
  } catch (error) {
    return { lines: run.world.traces, error: String(error) }
  }
}
