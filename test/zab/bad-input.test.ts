import { expect, test } from 'vitest'
import { makeZxid, type ServerId, type Zxid } from '../../src/base/index.ts'
import type { ZabCore } from '../../src/zab/core.ts'
import { InputKind, type LinkId } from '../../src/zab/inputs.ts'
import { type Packet, PacketKind } from '../../src/zab/messages.ts'
import { SeededRandom } from '../../src/zab/random.ts'
import { PeerState } from '../../src/zab/vote.ts'
import { ZabChecker } from './checkers.ts'
import { majorityOf } from './cluster.ts'
import { World } from './harness.ts'

const random = new SeededRandom(77)

function pick<T>(values: readonly T[]): T {
  return values[Math.floor(random.next() * values.length)]!
}

function anyZxid(): Zxid {
  const strange = [-1n, 0n, 2n ** 63n - 1n, -(2n ** 63n)] as Zxid[]
  if (random.next() < 0.3) return pick(strange)
  return makeZxid(pick([0, 1, 2, 3, 0x7fff_ffff, 0xffff_ffff]), pick([0, 1, 2, 5, 0xffff_ffff]))
}

function anyNumber(): number {
  return pick([-1, 0, 1, 2, 3, 4, 77, 0x7fff_ffff, -(2 ** 63), 2 ** 53, 2 ** 62])
}

function anyPacket(): Packet {
  const kind = pick(Object.values(PacketKind))
  return {
    kind,
    sid: anyNumber() as ServerId,
    acceptedEpoch: anyNumber(),
    configVersion: pick([0n, 1n, -1n]),
    epoch: anyNumber(),
    zxid: anyZxid(),
    lastZxid: anyZxid(),
    currentEpoch: anyNumber(),
    txn: new Uint8Array(3),
    snapshot: { zxid: 0n, hash: 0 },
    config: '',
    touches: null,
    body: null,
  } as unknown as Packet
}

/** Steps a core with nonsense only; its disk answers when it likes. */
function batter(core: ZabCore, steps: number): void {
  let token = 0
  let nowMs = 0
  let dialled = 0 as LinkId
  let accepted = 0 as LinkId
  for (let i = 0; i < steps; i += 1) {
    nowMs += random.next() * 40
    const link = pick([dialled, accepted, (random.next() * 9) as LinkId])
    switch (Math.floor(random.next() * 9)) {
      case 0: {
        accepted = core.allotLink()
        core.step({ kind: InputKind.LINK_ACCEPTED, link: accepted }, nowMs)
        break
      }
      case 1:
        core.step({ kind: InputKind.LINK_OPENED, link }, nowMs)
        break
      case 2:
        if (random.next() < 0.1) core.step({ kind: InputKind.LINK_CLOSED, link }, nowMs)
        break
      case 3: {
        const leader = anyNumber() as ServerId
        const vote = { leader, zxid: anyZxid(), electionEpoch: anyNumber(), peerEpoch: anyNumber() }
        const state = pick(Object.values(PeerState))
        const notification = { state, vote, version: pick([0, 1, 2, 3]), config: '' }
        core.step(
          { kind: InputKind.NOTIFICATION, from: anyNumber() as ServerId, notification },
          nowMs,
        )
        break
      }
      case 4:
        core.step({ kind: InputKind.DURABLE, token: token as never }, nowMs)
        break
      case 5:
        core.step({ kind: InputKind.TIMEOUT }, nowMs)
        break
      default:
        core.step({ kind: InputKind.PACKET, link, packet: anyPacket() }, nowMs)
    }
    core.checkInvariants()
    for (const record of core.outbox.persists) token = record.token
    for (const connect of core.outbox.connects) dialled = connect.link
    for (const notification of core.outbox.notifications) expect(notification.to).not.toBe(1)
    core.outbox.clear()
  }
}

test.each([1, 3])('nonsense from everywhere: no throw, no contradiction (%i voters)', (voters) => {
  for (let seed = 0; seed < 60; seed += 1) {
    const world = new World({ seed, voters })
    const server = world.server(1)
    world.start(server)
    batter(server.core!, 600)
  }
})

test('one server that talks nonsense on its links does not make the others break a rule', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const world = new World({ seed, voters: 5 })
    world.startAll()
    const liar = world.server(1 + (seed % 5))
    for (let i = 0; i < 60; i += 1) {
      world.runFor(random.next() * 100)
      if (world.leader !== null && world.leader !== liar) world.propose(world.leader)
      for (const server of world.servers) {
        if (server === liar) continue
        for (const [link, connection] of server.links) {
          const isLiars = connection.learner === liar || connection.leader === liar
          if (!isLiars || random.next() < 0.7) continue
          // Not an ACK: a voter that lies about its disk is beyond what a majority can bear.
          const packet = anyPacket()
          if (packet.kind === PacketKind.ACK || packet.kind === PacketKind.ACKEPOCH) continue
          if (connection.leader === liar) continue
          world.input(server, { kind: InputKind.PACKET, link, packet })
        }
      }
    }
    world.runFor(3000)
    new ZabChecker(majorityOf(world.voters.length), true).check(world.history)
  }
})
