import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { WireClient } from '../../../bench/client/index.ts'
import {
  type Ensemble,
  type EnsembleMember,
  freePort,
  freePorts,
  ServerProcess,
} from '../../../bench/servers/index.ts'
import { Load, skipWithoutServers, withEnsemble } from './support/index.ts'

/*
 * What may come to the peer ports of an ensemble of ours, and servers that are set up wrongly: the ensemble serves on,
 * and whoever is wrong is told why.
 */

const isSkipped = skipWithoutServers('zabkeeper')
const LIMITS = { timeout: 400_000 }
const ANSWERS = 20
const STRANGER = /"sid":4,.*not in the configuration/
const IDLE_PER_PORT = 1000
/** What servers get for a handshake, and more than they should need to close one. */
const DEADLINE_MS = 60_000
/** For hundreds of answers, one after another. */
const MANY_MS = 120_000

type Scene = { readonly ensemble: Ensemble; readonly load: Load }

async function stage(play: (scene: Scene) => Promise<void>): Promise<void> {
  const members = [1, 2, 3].map(() => ({ kind: 'zabkeeper' as const }))
  await withEnsemble({ members }, async (ensemble) => {
    const load = new Load(ensemble, { writers: 3, readers: 1 })
    load.start()
    await load.untilWritten(ANSWERS)
    const leader = await ensemble.leader()
    try {
      await play({ ensemble, load })
      await load.untilWritten(ANSWERS)
      await ensemble.ready()
      expect(await leader.role()).toBe('leader')
      await load.finish()
    } finally {
      load.abandon()
    }
  })
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** First bytes of a connection for elections: version, server id, address. */
function initialMessage(sid: bigint, address: string): Buffer {
  return Buffer.concat([
    int64(-65536n),
    int64(sid),
    int32(address.length),
    Buffer.from(address, 'latin1'),
  ])
}

const GARBAGE: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['chance', randomBytes(4096)],
  ['zeros', Buffer.alloc(4096)],
  ['ones', Buffer.alloc(4096, 0xff)],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: zookeeper\r\n\r\n')],
  ['a TLS handshake', Buffer.from('160301020001000001fc0303', 'hex')],
  ['a frame of 2 GB', Buffer.concat([int32(0x7fff_ffff), Buffer.alloc(64)])],
  ['a frame of a negative length', Buffer.concat([int32(-1), Buffer.alloc(64)])],
  ['half an initial message', initialMessage(2n, '127.0.0.1:2888').subarray(0, 18)],
  ['an address of 2 GB', Buffer.concat([int64(-65536n), int64(2n), int32(0x7fff_ffff)])],
  ['a negative id', initialMessage(-3n, '127.0.0.1:3888')],
  [
    'a good initial message, and a short notification',
    Buffer.concat([initialMessage(1n, '127.0.0.1:3888'), int32(3), Buffer.alloc(3)]),
  ],
]

test.skipIf(isSkipped)('garbage on both peer ports of every server', LIMITS, async () => {
  await stage(async ({ ensemble, load }) => {
    const leader = await ensemble.leader()
    const sockets: Socket[] = []
    for (const member of ensemble.members) {
      for (const port of portsOf(member, leader)) {
        for (const [, bytes] of GARBAGE) {
          const socket = await open(port)
          socket.write(bytes)
          sockets.push(socket)
        }
      }
    }
    // It may be about to join: it is kept, and counts for nothing.
    const stranger = await open(leader.peerPorts[1])
    stranger.write(initialMessage(77n, '127.0.0.1:3888'))
    await load.untilWritten(ANSWERS)
    // Each of them is closed in the end: at once, or when its time for the handshake is over.
    await Promise.all(sockets.map(async (socket) => await closed(socket)))
    stranger.destroy()
    // What a server wrote may come later than what it did.
    await untilAllSay(ensemble.members, 'did not say who it is on the election port')
  })
})

test.skipIf(isSkipped)(
  `${IDLE_PER_PORT} idle connections on every peer port do not keep a server from coming back`,
  LIMITS,
  async () => {
    await stage(async ({ ensemble }) => {
      const leader = await ensemble.leader()
      const follower = ensemble.members.find((member) => member !== leader)!
      const usualMs = await comeBackMs(follower)
      const others = ensemble.members.filter((member) => member !== follower)
      const ports = others.flatMap((member) => portsOf(member, leader))
      const crowds = await Promise.all(ports.map(async (port) => await IdleCrowd.open(port)))
      const ms = await comeBackMs(follower)
      for (const crowd of crowds) crowd.leave()
      console.log(`back after ${ms} ms with idle connections, ${usualMs} ms without`)
    })
  },
)

test.skipIf(isSkipped)('a server that the others do not list', LIMITS, async () => {
  await stage(async ({ ensemble, load }) => {
    const [port, quorum, election] = (await freePorts(3)) as [number, number, number]
    const line = `server.4=127.0.0.1:${quorum}:${election}:participant;127.0.0.1:${port}`
    const stranger = await newServer(ensemble, 4, port, [...ensemble.serverLines, line])
    stranger.launch()
    try {
      await load.untilWritten(200, MANY_MS)
      const told = (): boolean =>
        ensemble.members.every(({ wholeOutput }) => STRANGER.test(wholeOutput))
      await until(told, () => ensemble.output)
      const isToldItself = (): boolean => /"server.4 is missing there"/.test(stranger.output)
      await until(isToldItself, () => stranger.output)
      expect(stranger.running).toBe(true)
    } finally {
      await stranger.kill()
    }
  })
})

test.skipIf(isSkipped)('a second server with an id that is taken', LIMITS, async () => {
  await stage(async ({ ensemble, load }) => {
    const leader = await ensemble.leader()
    const twin = ensemble.members.find((member) => member !== leader)!
    const [port, quorum, election] = (await freePorts(3)) as [number, number, number]
    const own = `server.${twin.id}=127.0.0.1:${quorum}:${election}:participant;127.0.0.1:${port}`
    const lines = ensemble.serverLines.map((line, i) => (i + 1 === twin.id ? own : line))
    const impostor = await newServer(ensemble, twin.id, port, lines)
    impostor.launch()
    try {
      await load.untilWritten(400, MANY_MS)
      const isTold = (): boolean =>
        leader.wholeOutput.includes(`"told":"127.0.0.1:${election}"`) &&
        impostor.output.includes('it does not connect back')
      await until(isTold, () => leader.wholeOutput + impostor.output)
    } finally {
      await impostor.kill()
    }
    await load.untilWritten(ANSWERS)
  })
})

test.skipIf(isSkipped)(
  'the same ports twice, and an id that is not in the list',
  LIMITS,
  async () => {
    await stage(async ({ ensemble }) => {
      const twin = await newServer(ensemble, 2, ensemble.member(2).port, ensemble.serverLines)
      twin.launch()
      expect((await twin.exit(DEADLINE_MS)).code).not.toBe(0)
      expect(twin.output).toMatch(/another program uses this port/)
      const unlisted = await newServer(ensemble, 9, await freePort(), ensemble.serverLines)
      unlisted.launch()
      expect((await unlisted.exit(DEADLINE_MS)).code).not.toBe(0)
      expect(unlisted.output).toMatch(/9/)
      expect(unlisted.output).toMatch(/myid/)
    })
  },
)

test.skipIf(isSkipped)('a wiped folder', LIMITS, async () => {
  await stage(async ({ ensemble, load }) => {
    const leader = await ensemble.leader()
    for (const member of ensemble.members) {
      if (member === leader) continue
      await member.kill()
      rmSync(member.dataDir, { recursive: true })
      await load.untilWritten(ANSWERS)
      await member.start()
      await load.untilWritten(ANSWERS)
    }
  })
})

/** The follower with the greater number stops, and `play` is given what it was. */
async function withoutFollower(
  play: (
    scene: Scene & { readonly follower: EnsembleMember; leader: EnsembleMember },
  ) => Promise<void>,
): Promise<void> {
  await stage(async ({ ensemble, load }) => {
    const leader = await ensemble.leader()
    const follower = ensemble.members.findLast((member) => member !== leader)!
    await follower.kill()
    await play({ ensemble, load, follower, leader })
    await load.untilWritten(ANSWERS)
    await follower.start()
  })
}

test.skipIf(isSkipped)('a server whose list has another port for the leader', LIMITS, async () => {
  await withoutFollower(async ({ ensemble, load, follower, leader }) => {
    const wrong = await freePort()
    const right = `:${leader.peerPorts[0]}:`
    const lines = ensemble.serverLines.map((line) => line.replace(right, `:${wrong}:`))
    expect(lines).not.toEqual(ensemble.serverLines)
    const odd = await newServer(ensemble, follower.id, follower.port, lines, follower.dataDir)
    odd.launch()
    try {
      await load.untilWritten(ANSWERS)
      await until(
        () => odd.output.includes(`127.0.0.1:${wrong}`),
        () => odd.output,
      )
    } finally {
      await odd.kill()
    }
  })
})

test.skipIf(isSkipped)('a server that takes itself for an observer', LIMITS, async () => {
  await withoutFollower(async ({ ensemble, load, follower }) => {
    const lines = ensemble.serverLines.map((line, i) =>
      i + 1 === follower.id ? line.replace(':participant', ':observer') : line,
    )
    const odd = await newServer(ensemble, follower.id, follower.port, lines, follower.dataDir)
    odd.launch()
    try {
      await odd.ready()
      expect(await follower.role()).toBe('observer')
      await load.untilWritten(ANSWERS)
      const role = `server.${follower.id} is`
      await until(
        () => odd.output.includes(`${role} participant there and observer here`),
        () => odd.output,
      )
      const others = ensemble.members.filter((member) => member !== follower)
      await untilAllSay(others, `${role} observer there and participant here`)
    } finally {
      await odd.kill()
    }
  })
})

test.skipIf(isSkipped)(
  'a server with an epoch that the others have not come to',
  LIMITS,
  async () => {
    await withoutFollower(async ({ ensemble, load, follower, leader }) => {
      // Alone it leads itself, in a new epoch with every start.
      const alone = ensemble.serverLines.filter((_, i) => i + 1 === follower.id)
      for (let starts = 0; starts < 4; starts++) {
        const one = await newServer(ensemble, follower.id, follower.port, alone, follower.dataDir)
        await one.start()
        await one.kill()
      }
      follower.launch()
      try {
        await load.untilWritten(200, MANY_MS)
        await until(
          () => follower.wholeOutput.includes('which they have not come to'),
          () => follower.wholeOutput,
        )
        expect(await leader.role()).toBe('leader')
      } finally {
        await follower.kill()
        rmSync(follower.dataDir, { recursive: true })
      }
    })
  },
)

/** Only a leader listens for learners. */
function portsOf(member: EnsembleMember, leader: EnsembleMember): readonly number[] {
  const [quorum, election] = member.peerPorts
  return member === leader ? [quorum, election] : [election]
}

/** A server beside the ensemble's members, with a folder of its own unless it is given one. */
async function newServer(
  ensemble: Ensemble,
  id: number,
  port: number,
  serverLines: readonly string[],
  given?: string,
): Promise<ServerProcess> {
  const folder = path.join(path.dirname(ensemble.member(1).folder), `beside-${id}-${port}`)
  const dataDir = given ?? path.join(folder, 'data')
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(path.join(dataDir, 'myid'), `${id}\n`)
  const config = ['initLimit=20', 'syncLimit=5', 'standaloneEnabled=false', ...serverLines]
  return new ServerProcess({ kind: 'zabkeeper', folder, dataDir, port, tickTime: 1000, config })
}

async function open(port: number): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}

/**
 * Idle connections to a port. A server keeps the newest few of them, and those not for long: some come all the time, so
 * that it never has fewer.
 */
class IdleCrowd {
  readonly #port: number
  readonly #sockets = new Set<Socket>()
  #refill: NodeJS.Timeout | undefined

  static async open(port: number): Promise<IdleCrowd> {
    const crowd = new IdleCrowd(port)
    for (let i = 0; i < IDLE_PER_PORT; i += 100) {
      await Promise.all(Array.from({ length: 100 }, async () => await crowd.#come()))
    }
    crowd.#refill = setInterval(() => {
      for (let i = 0; i < 4; i++) crowd.#come().catch(() => {})
    }, 100)
    return crowd
  }

  private constructor(port: number) {
    this.#port = port
  }

  leave(): void {
    clearInterval(this.#refill)
    for (const socket of this.#sockets) socket.destroy()
  }

  async #come(): Promise<void> {
    const socket = await open(this.#port)
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

async function closed(socket: Socket): Promise<void> {
  socket.resume()
  if (socket.destroyed) return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`a connection to port ${socket.remotePort} stays open`))
    }, DEADLINE_MS)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** How long a restarted server takes until it serves a client, in ms: its start is part of it. */
async function comeBackMs(member: EnsembleMember): Promise<number> {
  await member.kill()
  const before = performance.now()
  member.launch()
  for (;;) {
    const client = await WireClient.open({ port: member.port }).catch(() => null)
    if (performance.now() - before > DEADLINE_MS) throw new Error(`not back:\n${member.output}`)
    if (client === null) {
      await sleep(10)
      continue
    }
    const ms = Math.round(performance.now() - before)
    await client.close()
    return ms
  }
}

async function untilAllSay(members: readonly EnsembleMember[], text: string): Promise<void> {
  await until(
    () => members.every(({ wholeOutput }) => wholeOutput.includes(text)),
    () => `not everybody says "${text}"`,
  )
}

async function until(isTrue: () => boolean, describe: () => string): Promise<void> {
  const limit = Date.now() + DEADLINE_MS
  while (!isTrue()) {
    if (Date.now() > limit) throw new Error(describe())
    await sleep(50)
  }
}
