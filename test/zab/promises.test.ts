import { expect, test } from 'vitest'
import { makeZxid, type ServerId } from '../../src/base/index.ts'
import { ZabCore } from '../../src/zab/core.ts'
import { InputKind, type LinkId } from '../../src/zab/inputs.ts'
import { type AckEpoch, type Packet, PacketKind } from '../../src/zab/messages.ts'
import { DEFAULT_CORE_LIMITS } from '../../src/zab/options.ts'
import { Role } from '../../src/zab/outbox.ts'
import { MajorityQuorum } from '../../src/zab/quorum.ts'
import { PeerState } from '../../src/zab/vote.ts'
import { TEST_TIMING } from './harness.ts'

const sid = (n: number): ServerId => n as ServerId

/** A core of server 1 whose disk is instant, and what it sends. */
class Lone {
  nowMs = 0
  readonly sent: Packet[] = []
  readonly closed: string[] = []
  link = 0 as LinkId
  readonly core: ZabCore

  constructor(epoch: number, counter: number) {
    const entries = []
    for (let i = 1; i <= counter; i += 1) {
      entries.push({ zxid: makeZxid(epoch, i), txn: new Uint8Array(1) })
    }
    const base = makeZxid(0, 0)
    this.core = new ZabCore(
      {
        ...DEFAULT_CORE_LIMITS,
        self: sid(1),
        ensemble: { quorum: new MajorityQuorum([1, 2, 3].map(sid)), version: 0n, text: '' },
        recovered: { acceptedEpoch: epoch, currentEpoch: epoch, base, entries, committed: base },
        timing: TEST_TIMING,
        seed: 1,
      },
      0,
    )
    this.#drain()
  }

  step(input: Parameters<ZabCore['step']>[0]): void {
    this.nowMs += 1
    this.core.step(input, this.nowMs)
    this.#drain()
  }

  packet(packet: Packet, link: LinkId = this.link): void {
    this.step({ kind: InputKind.PACKET, link, packet })
  }

  #drain(): void {
    const { outbox } = this.core
    for (const { packet } of outbox.packets) this.sent.push(packet)
    for (const { reason } of outbox.closes) this.closed.push(reason)
    for (const { link } of outbox.connects) this.link = link
    const token = outbox.persists.at(-1)?.token
    outbox.clear()
    if (token !== undefined) this.step({ kind: InputKind.DURABLE, token })
  }

  /** Two others say that `leader` leads (or vote for it). */
  follow(leader: number): void {
    const vote = { leader: sid(leader), zxid: makeZxid(9, 9), electionEpoch: 50, peerEpoch: 9 }
    for (const from of [leader, 5 - leader]) {
      const state = from === leader ? PeerState.LEADING : PeerState.FOLLOWING
      const notification = { state, vote, version: 2, config: '' }
      this.step({ kind: InputKind.NOTIFICATION, from: sid(from), notification })
    }
    this.step({ kind: InputKind.LINK_OPENED, link: this.link })
  }

  lose(): void {
    this.step({ kind: InputKind.LINK_CLOSED, link: this.link })
    this.nowMs += 5000
  }

  promises(): number[] {
    const acks = this.sent.filter((packet) => packet.kind === PacketKind.ACKEPOCH) as AckEpoch[]
    return acks.map((ack) => ack.currentEpoch)
  }
}

test('an epoch is promised once, to one leader; the same leader may hear it again', () => {
  const server = new Lone(4, 3)
  server.follow(2)
  server.packet({ kind: PacketKind.LEADERINFO, epoch: 5 })
  expect(server.promises()).toEqual([4])
  server.lose()
  server.follow(2)
  server.packet({ kind: PacketKind.LEADERINFO, epoch: 5 })
  expect(server.promises()).toEqual([4, 4])
  server.lose()
  server.follow(3)
  server.packet({ kind: PacketKind.LEADERINFO, epoch: 5 })
  expect(server.promises()).toEqual([4, 4, -1])
  server.lose()
  server.follow(3)
  server.packet({ kind: PacketKind.LEADERINFO, epoch: 4 })
  expect(server.promises()).toEqual([4, 4, -1])
  expect(server.core.role).toBe(0)
})

function leading(): Lone {
  const server = new Lone(4, 3)
  for (const from of [2, 3]) {
    const vote = { leader: sid(1), zxid: makeZxid(4, 3), electionEpoch: 1, peerEpoch: 4 }
    const notification = { state: PeerState.LOOKING, vote, version: 2, config: '' }
    server.step({ kind: InputKind.NOTIFICATION, from: sid(from), notification })
  }
  expect(server.core.role).toBe(2)
  return server
}

function join(server: Lone, from: number, last: [number, number], current: number): LinkId {
  const link = server.core.allotLink()
  server.step({ kind: InputKind.LINK_ACCEPTED, link })
  const kind = PacketKind.FOLLOWERINFO
  server.packet({ kind, sid: sid(from), acceptedEpoch: 4, configVersion: 0n }, link)
  const lastZxid = makeZxid(...last)
  server.packet({ kind: PacketKind.ACKEPOCH, lastZxid, currentEpoch: current }, link)
  return link
}

test.each([
  ['a longer log', [4, 4] as [number, number], 4],
  ['a newer epoch', [4, 2] as [number, number], 5],
])('a leader takes no promise of a follower with %s', (_, last, current) => {
  const server = leading()
  join(server, 2, last, current)
  expect(server.closed.at(-1)).toContain('is ahead')
  expect(server.sent.some((packet) => packet.kind === PacketKind.NEWLEADER)).toBe(false)
  join(server, 3, [4, 3], 4)
  expect(server.sent.some((packet) => packet.kind === PacketKind.NEWLEADER)).toBe(true)
})

test('a promise that was given before does not count', () => {
  const server = leading()
  join(server, 2, [4, 3], -1)
  expect(server.sent.some((packet) => packet.kind === PacketKind.NEWLEADER)).toBe(false)
  expect(server.closed).toEqual([])
})

test('a leader does not wait long for voters that have promised its epoch before', () => {
  const server = leading()
  join(server, 2, [4, 3], -1)
  const sinceMs = server.nowMs
  while (server.core.role === Role.LEADING && server.nowMs < sinceMs + 10_000) {
    server.nowMs = Math.max(server.nowMs, server.core.nextDeadlineMs())
    server.step({ kind: InputKind.TIMEOUT })
  }
  expect(server.core.role).toBe(Role.LOOKING)
  const tookMs = server.nowMs - sinceMs
  expect(tookMs).toBeGreaterThanOrEqual(TEST_TIMING.gatherMs / 2)
  expect(tookMs).toBeLessThan(TEST_TIMING.gatherMs)
})

test.each([
  ['a history of an earlier epoch: it has a new one elected', 4, Role.LOOKING],
  ['a history of that epoch, made without the others: it leads on', 7, Role.LEADING],
])('to a leader comes one that has promised a later epoch, with %s', (_, historyEpoch, role) => {
  const server = leading()
  for (const from of [2, 3]) {
    const link = join(server, from, [4, 3], 4)
    server.packet({ kind: PacketKind.ACK, zxid: makeZxid(5, 0) }, link)
  }
  expect(server.core.isServing).toBe(true)
  const vote = {
    leader: sid(3),
    zxid: makeZxid(historyEpoch, 9),
    electionEpoch: 9,
    peerEpoch: historyEpoch,
  }
  const notification = { state: PeerState.LOOKING, vote, version: 2, config: '' }
  server.step({ kind: InputKind.NOTIFICATION, from: sid(3), notification })
  const link = server.core.allotLink()
  server.step({ kind: InputKind.LINK_ACCEPTED, link })
  const kind = PacketKind.FOLLOWERINFO
  server.packet({ kind, sid: sid(3), acceptedEpoch: 7, configVersion: 0n }, link)
  expect(server.closed.join()).toContain('has promised epoch 7')
  expect(server.core.role).toBe(role)
})

test('TRUNC below what is committed is refused', () => {
  const server = new Lone(4, 3)
  server.follow(2)
  server.packet({ kind: PacketKind.LEADERINFO, epoch: 9 })
  server.packet({ kind: PacketKind.DIFF, zxid: makeZxid(4, 3) })
  server.packet({ kind: PacketKind.NEWLEADER, zxid: makeZxid(9, 0), config: '' })
  server.packet({ kind: PacketKind.UPTODATE })
  expect(server.core.isServing).toBe(true)
  expect(server.core.committed).toBe(makeZxid(4, 3))
  server.lose()
  server.follow(3)
  server.packet({ kind: PacketKind.LEADERINFO, epoch: 10 })
  server.packet({ kind: PacketKind.TRUNC, zxid: makeZxid(4, 2) })
  expect(server.core.role).toBe(0)
  expect(server.core.lastLogged).toBe(makeZxid(4, 3))
})
