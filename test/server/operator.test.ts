import { describe, expect, test } from 'vitest'
import type { ServerStatus } from '../../src/server/index.ts'
import { SimDisk, SimEnsemble, type SimMember, SimWorld } from '../../src/sim/index.ts'
import { Recorder } from '../../src/sim/recorder.ts'
import { create, exists, getChildren, getData, type Request, setData } from './support/requests.ts'
import { WireClient } from './support/wire-client.ts'

/** Three voters and an observer, and what an operator sees of them. */
class Stage {
  readonly world: SimWorld = new SimWorld(1, { onHostEvent: (e) => this.ensemble.onHostEvent(e) })
  readonly ensemble: SimEnsemble
  readonly #clients = this.world.startProcess('10.0.1.1', new SimDisk().open)

  constructor() {
    const options = { voters: 3, observers: 1, tickTimeMs: 500 }
    this.ensemble = new SimEnsemble(this.world, new Recorder(), options)
    this.ensemble.start()
    this.until(() => this.ensemble.isWhole)
  }

  get leader(): SimMember {
    return this.ensemble.leader!
  }

  get follower(): SimMember {
    return this.ensemble.members.find(({ id }) => id !== this.leader.id && id !== 4)!
  }

  get observer(): SimMember {
    return this.ensemble.members[3]!
  }

  session(member: SimMember): WireClient {
    const client = new WireClient(
      this.#clients.network,
      { host: member.host.address, port: 2181 },
      {},
    )
    this.until(() => client.handshake !== null)
    return client
  }

  call(client: WireClient, request: Request): void {
    const [sent] = client.send(request)
    this.until(() => sent!.reply !== null)
  }

  until(isDone: () => boolean): void {
    const endMs = this.world.nowMs + 60_000
    while (!isDone()) {
      if (this.world.nowMs > endMs) throw new Error('waited 60 s')
      this.world.events.step()
    }
  }
}

const statusOf = ({ server }: SimMember): ServerStatus => server!.status()

describe('in an ensemble', () => {
  const stage = new Stage()

  test('every server shows its place in Zab, and all members', () => {
    for (const member of stage.ensemble.members) {
      const quorum = statusOf(member).quorum!
      expect(quorum).toMatchObject({
        self: member.id,
        zabPhase: 'broadcast',
        leader: stage.leader.id,
      })
      expect(quorum.members.map(({ id, role }) => [id, role])).toEqual([
        [1, 'participant'],
        [2, 'participant'],
        [3, 'participant'],
        [4, 'observer'],
      ])
    }
  })

  test('the leader shows its observers with what went over their links, until that is reset', () => {
    const client = stage.session(stage.observer)
    stage.call(client, create('/a', 'x'))
    const [link, ...more] = statusOf(stage.leader).quorum!.observers
    expect(more).toEqual([])
    expect(link).toMatchObject({ sid: 4, remote: { host: stage.observer.host.address } })
    // The session and the znode.
    expect(link!.requests).toBe(2)
    expect(link!.packetsReceived).toBeGreaterThanOrEqual(link!.requests)
    expect(link!.packetsSent).toBeGreaterThan(2)
    expect(statusOf(stage.follower).quorum!.observers).toEqual([])
    stage.leader.server!.control.resetObserverStats()
    expect(statusOf(stage.leader).quorum!.observers[0]).toMatchObject({
      requests: 0,
      packetsReceived: 0,
      packetsSent: 0,
    })
  })

  test('watches for data are shown where they are, ephemerals everywhere, expiry at the leader', () => {
    const client = stage.session(stage.follower)
    const sessionId = client.handshake!.sessionId
    stage.call(client, create('/e', '', { flags: 1 }))
    stage.call(client, getData('/a', true))
    stage.call(client, exists('/nope', true))
    stage.call(client, getChildren('/', true))
    const { inventory } = statusOf(stage.follower)
    expect(inventory.watchSummary()).toEqual({ connections: 1, paths: 2, watches: 2 })
    expect([...inventory.watchesBySession()]).toEqual([[sessionId, new Set(['/a', '/nope'])]])
    expect([...inventory.watchesByPath()]).toEqual([
      ['/a', [sessionId]],
      ['/nope', [sessionId]],
    ])
    expect(inventory.sessionExpiries()).toBeNull()
    expect(inventory.sessionTimeouts().has(sessionId)).toBe(true)
    const ofLeader = statusOf(stage.leader).inventory
    expect(ofLeader.watchesBySession().size).toBe(0)
    expect(ofLeader.ephemerals().get(sessionId)).toEqual(new Set(['/e']))
    const expiries = [...ofLeader.sessionExpiries()!]
    expect(expiries.flatMap(([, ids]) => ids)).toContain(sessionId)
    expect(expiries.every(([atMs]) => atMs > stage.world.nowMs)).toBe(true)
  })

  test('digests at round zxids are the same everywhere', () => {
    const client = stage.session(stage.leader)
    for (let i = 0; i < 300; i++) stage.call(client, setData('/a', `${i}`))
    const of = (member: SimMember) => statusOf(member).inventory.digests()
    stage.until(() => of(stage.observer).length === of(stage.leader).length)
    const [first, second] = of(stage.leader)
    expect([first!.zxid & 0x7fn, second!.zxid - first!.zxid]).toEqual([0n, 128n])
    for (const member of stage.ensemble.members) expect(of(member)).toEqual(of(stage.leader))
  })

  test('what is counted can be reset', () => {
    const client = stage.session(stage.leader)
    stage.call(client, getData('/a'))
    const { control } = stage.leader.server!
    const before = statusOf(stage.leader)
    expect(before.packetsReceived).toBeGreaterThan(300)
    expect(before.replySizes.lastBytes).toBeGreaterThan(80)
    control.resetStats()
    expect(statusOf(stage.leader)).toMatchObject({
      packetsReceived: 0,
      packetsSent: 0,
      latency: { minMs: 0, maxMs: 0, avgMs: 0 },
      replySizes: { lastBytes: -1, minBytes: -1, maxBytes: -1 },
    })
    const received = (): number[] => statusOf(stage.leader).connections.map((one) => one.received)
    expect(Math.max(...received())).toBeGreaterThan(0)
    control.resetConnectionStats()
    expect(Math.max(...received())).toBe(0)
  })

  test('connections are shed, and sessions go on', () => {
    const sessions = statusOf(stage.leader).sessionCount
    const open = statusOf(stage.leader).connections.length
    expect(stage.leader.server!.control.shedConnections(100)).toBe(open)
    expect(statusOf(stage.leader).connections).toEqual([])
    expect(statusOf(stage.leader).sessionCount).toBe(sessions)
    expect(stage.leader.server!.control.shedConnections(50)).toBe(0)
  })
})
