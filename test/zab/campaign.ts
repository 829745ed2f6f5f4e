import type { CoreOptions } from '../../src/zab/options.ts'
import { SeededRandom } from '../../src/zab/random.ts'
import { ZabChecker } from './checkers.ts'
import { type Server, World } from './harness.ts'

/** What a run has done, to see that the faults were real. */
export interface RunStats {
  readonly virtualMs: number
  readonly events: number
  readonly applied: number
  readonly proposed: number
  readonly epochs: number
  readonly faults: Map<string, number>
}

/** Longest virtual time from the end of all faults until everybody serves. */
const HEALED_WITHIN_MS = 20_000

class Run {
  readonly world: World
  readonly #random: SeededRandom
  readonly #faults = new Map<string, number>()
  #proposed = 0

  constructor(seed: number, traces: boolean) {
    const random = new SeededRandom(seed ^ 0x5eed)
    this.#random = random
    const core: Partial<CoreOptions> = {
      historyEntries: random.next() < 0.5 ? 3 + Math.floor(random.next() * 10) : 10_000,
      lastCounter: random.next() < 0.2 ? 5 + Math.floor(random.next() * 30) : 0xffff_fffe,
    }
    this.world = new World({
      seed,
      voters: random.next() < 0.6 ? 3 : 5,
      observers: random.next() < 0.3 ? 1 : 0,
      networkMs: random.next() < 0.8 ? 5 + random.next() * 20 : 100,
      diskMs: random.next() < 0.7 ? 2 + random.next() * 20 : 150,
      core,
    })
    this.world.keepTraces = traces
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
    const checker = new ZabChecker(world.voters.map((server) => server.sid))
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
      if (event.kind === 'role' && event.change.role === 2 && event.change.serving) epochs += 1
    }
    return {
      virtualMs: world.nowMs,
      events: world.history.length,
      applied,
      proposed: this.#proposed,
      epochs,
      faults: this.#faults,
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
        }
      })
    }
  }

  #pick(servers: readonly Server[] = this.world.servers): Server {
    return servers[Math.floor(this.#random.next() * servers.length)]!
  }

  #fault(): void {
    const { world } = this
    const { name, run } = FAULTS[Math.floor(this.#random.next() * FAULTS.length)]!
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1)
    run(world, this.#pick(), this.#pick(), this.#random)
  }

  #heal(): void {
    const { world } = this
    world.heal()
    world.networkMs = Math.min(world.networkMs, 25)
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

interface Fault {
  readonly name: string
  readonly run: (world: World, a: Server, b: Server, random: SeededRandom) => void
}

const FAULTS: readonly Fault[] = [
  { name: 'crash', run: (world, a) => world.crash(a) },
  {
    name: 'crash leader',
    run: (world, a) => world.crash(world.leader ?? a),
  },
  {
    name: 'crash and restart',
    run: (world, a, _, random) => {
      world.crash(a)
      world.after(random.next() * 500, () => world.start(a))
    },
  },
  {
    name: 'crash all',
    run: (world, _, __, random) => {
      for (const server of world.servers) world.crash(server)
      for (const server of world.servers) {
        if (random.next() < 0.8) world.after(random.next() * 800, () => world.start(server))
      }
    },
  },
  { name: 'restart all', run: (world) => world.startAll() },
  {
    name: 'isolate',
    run: (world, a) => {
      for (const server of world.servers) if (server !== a) world.cut(a.sid, server.sid)
    },
  },
  {
    name: 'isolate leader',
    run: (world, a) => {
      const leader = world.leader ?? a
      for (const server of world.servers) if (server !== leader) world.cut(leader.sid, server.sid)
    },
  },
  { name: 'cut a pair', run: (world, a, b) => world.cut(a.sid, b.sid) },
  { name: 'cut one way', run: (world, a, b) => world.block(a.sid, b.sid) },
  {
    name: 'split',
    run: (world, _, __, random) => {
      const side = world.servers.filter(() => random.next() < 0.5)
      for (const a of world.servers) {
        for (const b of world.servers) {
          if (side.includes(a) !== side.includes(b)) world.block(a.sid, b.sid)
        }
      }
    },
  },
  {
    name: 'star',
    run: (world, hub) => {
      for (const a of world.servers) {
        for (const b of world.servers)
          if (a !== hub && b !== hub && a !== b) world.block(a.sid, b.sid)
      }
    },
  },
  {
    name: 'crash at a record',
    run: (world, a, _, random) => {
      a.recordsLeft = 1 + Math.floor(random.next() * 12)
      world.after(random.next() * 2000, () => world.start(a))
    },
  },
  {
    name: 'restart and crash at a record',
    run: (world, a, _, random) => {
      world.crash(a)
      world.start(a)
      a.recordsLeft = 1 + Math.floor(random.next() * 8)
      world.after(500 + random.next() * 2000, () => world.start(a))
    },
  },
  {
    name: 'crash at a packet',
    run: (world, a, _, random) => {
      a.packetsLeft = 1 + Math.floor(random.next() * 30)
      world.after(random.next() * 2000, () => world.start(a))
    },
  },
  {
    name: 'leader crashes, others follow it at a record',
    run: (world, a, _, random) => {
      const leader = world.leader ?? a
      world.crash(leader)
      for (const server of world.voters) {
        if (server !== leader) server.recordsLeft = 2 + Math.floor(random.next() * 10)
        world.after(random.next() * 1500, () => world.start(server))
      }
    },
  },
  { name: 'heal network', run: (world) => world.blocked.clear() },
  { name: 'heal network once more', run: (world) => world.blocked.clear() },
  { name: 'heal network again', run: (world) => world.blocked.clear() },
  {
    name: 'slow disk',
    run: (_, a, __, random) => {
      a.diskMs = random.next() * 400
    },
  },
  {
    name: 'fast disk',
    run: (_, a) => {
      a.diskMs = 2
    },
  },
  {
    name: 'hung disk',
    run: (world, a, _, random) => {
      a.isDiskHung = true
      world.after(random.next() * 3000, () => world.wakeDisk(a))
    },
  },
  { name: 'checkpoint', run: (world, a) => world.checkpoint(a) },
  {
    name: 'checkpoint all',
    run: (world) => {
      for (const server of world.servers) world.checkpoint(server)
    },
  },
]

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
