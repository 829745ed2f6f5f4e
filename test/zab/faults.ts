import type { SeededRandom } from '../../src/zab/random.ts'
import type { Server, World } from './harness.ts'

/** One thing that goes wrong (or gets well). `a` and `b` are two servers, perhaps the same. */
export interface Fault {
  readonly name: string
  /** How often it is drawn, 1 if not named. */
  readonly weight?: number
  readonly run: (world: World, a: Server, b: Server, random: SeededRandom) => void
}

export const FAULTS: readonly Fault[] = [
  { name: 'crash', run: (world, a) => world.crash(a) },
  {
    name: 'crash leader',
    run: (world, a) => world.crash(world.leader ?? a),
  },
  {
    name: 'crash and restart',
    run: (world, a, _, random) => {
      world.crash(a)
      world.whileFaulty(random.next() * 500, () => world.start(a))
    },
  },
  {
    name: 'crash all',
    run: (world, _, __, random) => {
      for (const server of world.servers) world.crash(server)
      for (const server of world.servers) {
        if (random.next() < 0.8) world.whileFaulty(random.next() * 800, () => world.start(server))
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
      world.whileFaulty(random.next() * 2000, () => world.start(a))
    },
  },
  {
    name: 'restart and crash at a record',
    run: (world, a, _, random) => {
      world.crash(a)
      world.start(a)
      a.recordsLeft = 1 + Math.floor(random.next() * 8)
      world.whileFaulty(500 + random.next() * 2000, () => world.start(a))
    },
  },
  {
    name: 'crash at a packet',
    run: (world, a, _, random) => {
      a.packetsLeft = 1 + Math.floor(random.next() * 30)
      world.whileFaulty(random.next() * 2000, () => world.start(a))
    },
  },
  {
    name: 'leader crashes, others follow it at a record',
    run: (world, a, _, random) => {
      const leader = world.leader ?? a
      world.crash(leader)
      for (const server of world.voters) {
        if (server !== leader) server.recordsLeft = 2 + Math.floor(random.next() * 10)
        world.whileFaulty(random.next() * 1500, () => world.start(server))
      }
    },
  },
  { name: 'heal network', weight: 3, run: (world) => world.blocked.clear() },
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
      world.whileFaulty(random.next() * 3000, () => world.wakeDisk(a))
    },
  },
  {
    // Entries that nobody else has, in an epoch that nobody goes on with.
    name: 'leader dies with orphans',
    weight: 2,
    run: (world, a, _, random) => {
      const leader = world.leader ?? a
      for (const server of world.servers) if (server !== leader) world.block(leader.sid, server.sid)
      for (let i = 0; i <= random.next() * 3; i += 1) world.propose(leader)
      world.whileFaulty(100 + random.next() * 300, () => {
        world.network.resetLinks(leader)
        world.crash(leader)
        for (const server of world.servers) world.blocked.delete(`${leader.sid}>${server.sid}`)
      })
      world.whileFaulty(1000 + random.next() * 3000, () => world.start(leader))
    },
  },
  {
    name: 'all restart without one',
    weight: 2,
    run: (world, missing, _, random) => {
      for (const server of world.servers) world.crash(server)
      for (const server of world.servers) {
        const delay = server === missing ? 1500 + random.next() * 2000 : random.next() * 50
        world.whileFaulty(delay, () => world.start(server))
      }
    },
  },
  {
    name: 'orphans meet a snapshot',
    weight: 2,
    run: (world, a, _, random) => {
      const leader = world.leader ?? a
      for (const server of world.servers) if (server !== leader) world.block(leader.sid, server.sid)
      for (let i = 0; i <= random.next() * 3; i += 1) world.propose(leader)
      world.whileFaulty(100 + random.next() * 200, () => {
        world.network.resetLinks(leader)
        for (const server of world.servers) world.crash(server)
        world.blocked.clear()
        leader.crashesAfterInstall = true
        for (const server of world.servers) {
          const delay = server === leader ? 400 + random.next() * 300 : random.next() * 50
          world.whileFaulty(delay, () => world.start(server))
        }
        world.whileFaulty(3000, () => world.start(leader))
      })
    },
  },
  {
    name: 'star around one that is behind',
    run: (world, hub, _, random) => {
      world.crash(hub)
      world.whileFaulty(600 + random.next() * 1500, () => {
        world.start(hub)
        for (const a of world.voters) {
          for (const b of world.voters)
            if (a !== hub && b !== hub && a !== b) world.block(a.sid, b.sid)
        }
      })
    },
  },
  {
    // The hub goes from one would-be leader to the next.
    name: 'star whose hub loses its links',
    weight: 2,
    run: (world, hub, _, random) => {
      for (const a of world.servers) {
        for (const b of world.servers)
          if (a !== hub && b !== hub && a !== b) world.block(a.sid, b.sid)
      }
      for (let i = 0; i < 30; i += 1) {
        world.whileFaulty(random.next() * 5000, () => world.network.resetLinks(hub))
      }
    },
  },
  { name: 'links reset', run: (world, a) => world.network.resetLinks(a) },
  {
    name: 'links of a server are reset again and again',
    weight: 2,
    run: (world, a, _, random) => {
      for (let i = 0; i < 20; i += 1) {
        world.whileFaulty(random.next() * 2500, () => world.network.resetLinks(a))
      }
    },
  },
  {
    name: 'hung disk of the leader',
    run: (world, a, _, random) => {
      const server = world.leader ?? a
      server.isDiskHung = true
      world.whileFaulty(random.next() * 6000, () => world.wakeDisk(server))
    },
  },
  {
    name: 'I/O error',
    run: (_, a) => {
      a.failsNextWrite = true
    },
  },
  {
    name: 'I/O error of the leader',
    run: (world, a) => {
      const server = world.leader ?? a
      server.failsNextWrite = true
    },
  },
  { name: 'pause', run: (world, a, _, random) => world.pause(a, random.next() * 3000) },
  { name: 'pause of 7 s', run: (world, a) => world.pause(a, 7000) },
  {
    name: 'leader pauses for 7 s',
    run: (world, a) => {
      const leader = world.leader ?? a
      // Pings are on their way when it stops; their answers wait for it.
      world.ask(leader)
      world.pause(leader, 7000, true)
    },
  },
  { name: 'election connections lost', run: (world, a) => world.network.losePeers(a) },
  { name: 'checkpoint', run: (world, a) => world.checkpoint(a) },
  {
    name: 'checkpoint all',
    run: (world) => {
      for (const server of world.servers) world.checkpoint(server)
    },
  },
  {
    name: 'checkpoint and purge',
    run: (world, a) => {
      world.checkpoint(a)
      world.purge(a)
    },
  },
  {
    name: 'long snapshots, some fail',
    run: (world) => {
      world.network.snapshotMs = 12_000
      world.failures = 0.3
    },
  },
]

const DRAWN: readonly Fault[] = FAULTS.flatMap((fault) => Array(fault.weight ?? 1).fill(fault))

export function drawFault(random: SeededRandom): Fault {
  return DRAWN[Math.floor(random.next() * DRAWN.length)]!
}
