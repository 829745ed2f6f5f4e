import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeZxid, type ServerId } from '../../src/base/index.ts'
import { Sender } from '../../src/peer/packet-decoder.ts'
import { SimDisk } from '../../src/sim/index.ts'
import { type LinkId, type Packet, PacketKind } from '../../src/zab/index.ts'
import { hex } from '../wire/bytes.ts'
import { encodePackets } from './support/collector.ts'
import { CountedStream, hostOf, type LearnerNode, LearnerStage } from './support/learner-stage.ts'
import { SAMPLES } from './support/packets.ts'
import { RawListener, type RawSocket } from './support/raw-peer.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

const INFO: Packet = {
  kind: PacketKind.FOLLOWERINFO,
  sid: 2 as ServerId,
  acceptedEpoch: 3,
  configVersion: 0n,
}
const INFO_BYTES = encodePackets(INFO)

const of = (sender: Sender): Packet[] =>
  SAMPLES.filter((sample) => sample.sender === sender).map(({ packet }) => packet)

function proposal(counter: number, bytes: number = 100): Packet {
  const txn = new Uint8Array(bytes).fill(counter)
  return { kind: PacketKind.PROPOSAL, zxid: makeZxid(1, counter), txn }
}

interface Pair {
  readonly stage: LearnerStage
  readonly leader: LearnerNode
  readonly learner: LearnerNode
  /** The same link, as each end calls it. */
  readonly up: LinkId
  readonly down: LinkId
}

/** A leader and a learner that has said who it is. */
function connected(stage: LearnerStage): Pair {
  const leader = stage.leader(1)
  const learner = stage.node(2)
  const up = learner.connect(1)
  stage.until(() => learner.opened.length > 0)
  learner.send(up, INFO)
  stage.until(() => leader.packets.length > 0)
  return { stage, leader, learner, up, down: leader.accepted[0]! }
}

describe('somebody else at the first address of the leader', () => {
  const WHAT_IT_DOES: readonly [does: string, onAccept: (socket: RawSocket) => void][] = [
    ['nothing', () => {}],
    ['cut at once', (socket) => socket.connection!.destroy()],
  ]

  test.each(WHAT_IT_DOES)('who may %s: the next address is dialled', (_, onAccept) => {
    const stage = new LearnerStage(5)
    const stranger = stage.strangerBefore(1)
    stranger.onAccept = onAccept
    const leader = stage.leader(1)
    const learner = stage.node(2)
    const first = learner.connect(1)
    learner.send(first, INFO)
    stage.runFor(1_000)
    // As the core does when nothing has come within initLimit.
    learner.call((port) => port.close(first))
    expect([stranger.sockets.length, leader.accepted.length]).toEqual([1, 0])
    for (const count of [1, 2]) {
      const link = learner.connect(1)
      learner.send(link, INFO)
      stage.until(() => leader.accepted.length === count)
      leader.send(leader.accepted[count - 1]!, proposal(1))
      stage.until(() => learner.packetsOf(link).length > 0)
      learner.call((port) => port.close(link))
    }
    expect(stranger.sockets.length).toBe(1)
  })
})

describe('learner port', () => {
  test.each(SEEDS)('seed %i: every packet there is, both ways', (seed) => {
    const { stage, leader, learner, up, down } = connected(new LearnerStage(seed))
    const fromLearner = of(Sender.LEARNER)
    const fromLeader = of(Sender.LEADER)
    for (const packet of fromLearner) learner.send(up, packet)
    leader.send(down, ...fromLeader)
    stage.until(
      () =>
        leader.packets.length === fromLearner.length + 1 &&
        learner.packets.length === fromLeader.length,
    )
    expect(leader.packetsOf(down)).toEqual([INFO, ...fromLearner])
    expect(learner.packetsOf(up)).toEqual(fromLeader)
    expect([leader.closed.size, learner.closed.size]).toEqual([0, 0])
  })

  test('a turn is one write for each link', () => {
    const stage = new LearnerStage(1)
    const { leader, down } = connected(stage)
    const second = stage.raw(1, 2)
    second.writeBytes(INFO_BYTES)
    stage.until(() => leader.accepted.length === 2)
    leader.writes.length = 0
    leader.call((port) => {
      for (let counter = 1; counter <= 50; counter += 1) {
        port.send(down, proposal(counter))
        port.send(leader.accepted[1]!, proposal(counter))
      }
      expect(leader.writes).toEqual([])
      port.flush()
      port.flush()
    })
    expect(leader.writes).toEqual([50 * 120, 50 * 120])
  })

  test('what has been sent goes out before a close, which nobody is told of at this end', () => {
    const { stage, leader, learner, up, down } = connected(new LearnerStage(2))
    leader.call((port) => {
      for (let counter = 1; counter <= 100; counter += 1) port.send(down, proposal(counter, 5000))
      port.close(down)
      port.send(down, proposal(101))
      port.close(down)
      port.flush()
    })
    stage.until(() => learner.closed.size > 0)
    expect(learner.packetsOf(up).length).toBe(100)
    stage.runFor(10_000)
    expect(leader.closed.size).toBe(0)
  })

  test('a link that breaks is reported to both ends', () => {
    const { stage, leader, learner, up, down } = connected(new LearnerStage(3))
    stage.world.network.disconnect(hostOf(1))
    stage.until(() => leader.closed.size > 0 && learner.closed.size > 0)
    expect(leader.closed.get(down)).toMatch(/reset/)
    expect(learner.closed.get(up)).toMatch(/reset/)
    leader.send(down, proposal(1))
    learner.send(up, INFO)
  })

  test('a process that ends is a closed link', () => {
    const { stage, leader, learner, up } = connected(new LearnerStage(4))
    leader.env.stop()
    stage.until(() => learner.closed.size > 0)
    expect(learner.closed.get(up)).toBe('the other end has closed the connection')
  })

  test('a link that cannot be dialled is a closed link, but not at once', () => {
    const stage = new LearnerStage(5)
    const node = stage.node(2)
    const refused = node.connect(1)
    const unknown = node.connect(9)
    const unwanted = node.connect(3)
    node.call((port) => port.close(unwanted))
    expect(node.closed.size).toBe(0)
    stage.runFor(1_000)
    expect(node.closed.get(unknown)).toBe('server 9 is not in the configuration')
    expect(node.closed.get(refused)).toMatch(/cannot connect/)
    expect(node.closed.has(unwanted)).toBe(false)
    expect(node.opened).toEqual([])
  })

  test('a dial that nobody answers is given up', () => {
    // Longer on the way than anybody waits.
    const stage = new LearnerStage(6, {}, { latencyMsMin: 8_000, latencyMsMax: 9_000 })
    stage.leader(1)
    const node = stage.node(2)
    const link = node.connect(1)
    stage.runFor(4_900)
    expect(node.closed.size).toBe(0)
    stage.runFor(200)
    expect(node.closed.get(link)).toBe('no answer for 5000 ms')
    stage.runFor(60_000)
    expect(node.opened).toEqual([])
  })

  test('a port that somebody else has is tried again, until the server does not lead any more', () => {
    const stage = new LearnerStage(12)
    const { network } = stage.world.startProcess(hostOf(1), new SimDisk().open)
    const other = new RawListener(network, { host: '', port: 2888 })
    stage.until(() => other.listener !== null)
    const node = stage.node(1)
    for (let reigns = 0; reigns < 2; reigns += 1) {
      node.call((port) => port.start())
      stage.runFor(5_000)
      node.call((port) => port.stopListening())
      stage.runFor(5_000)
    }
    expect(node.addresses).toEqual([])
    node.call((port) => port.start())
    stage.runFor(1_000)
    other.listener!.close(() => {})
    stage.until(() => node.addresses.length > 0)
    const told = stage.logLines.filter((line) => line.includes('cannot be listened on'))
    expect(told.length).toBeGreaterThan(3)
    expect(told.length).toBeLessThan(13)
  })

  test('what is sent while dialling goes out first', () => {
    const stage = new LearnerStage(7)
    const leader = stage.leader(1)
    const learner = stage.node(2)
    const link = learner.connect(1)
    learner.send(link, INFO)
    learner.send(link, { kind: PacketKind.ACK, zxid: makeZxid(1, 1) })
    stage.until(() => leader.packets.length === 2)
    expect(leader.packets[0]!.packet).toEqual(INFO)
  })

  test('it stops without a word, and starts again', () => {
    const stage = new LearnerStage(8)
    const { leader, learner, up, down } = connected(stage)
    const silent = stage.raw(1, 5)
    const gone = leader.connect(3)
    leader.call((port) => {
      port.send(down, proposal(1))
      port.stop()
      port.send(down, proposal(2))
      port.flush()
    })
    stage.until(() => learner.closed.size > 0 && (silent.isClosed || silent.isEnded))
    expect(learner.packetsOf(up)).toEqual([proposal(1)])
    expect(stage.raw(1, 6).isClosed).toBe(true)
    expect(leader.closed.has(gone)).toBe(false)
    leader.call((port) => port.start())
    stage.until(() => leader.addresses.length === 2)
    const again = learner.connect(1)
    learner.send(again, INFO)
    stage.until(() => leader.accepted.length === 2)
    expect(leader.closed.size).toBe(0)
    // Stopped and started at once: the listener of before does not count.
    leader.call((port) => {
      port.stop()
      port.start()
      port.stop()
    })
    stage.runFor(100)
    expect(stage.raw(1, 7).isClosed).toBe(true)
  })
})

describe('a server that does not lead', () => {
  test('refuses learners, before and after; its links stay', () => {
    const stage = new LearnerStage(1)
    const server = stage.node(1)
    const learner = stage.node(2)
    const early = learner.connect(1)
    stage.until(() => learner.closed.size > 0)
    expect(learner.opened).toEqual([])
    server.call((port) => port.start())
    const link = learner.connect(1)
    learner.send(link, INFO)
    stage.until(() => server.packets.length > 0)
    const silent = stage.raw(1)
    server.call((port) => port.stopListening())
    const late = learner.connect(1)
    stage.until(() => learner.closed.size === 2)
    expect([...learner.closed.keys()]).toEqual([early, late])
    expect(learner.opened).toEqual([link])
    expect(silent.isClosed || silent.isEnded).toBe(true)
    server.send(server.accepted[0]!, proposal(1))
    stage.until(() => learner.packets.length > 0)
    server.call((port) => port.start())
    stage.until(() => server.addresses.length === 2)
    learner.send(learner.connect(1), INFO)
    stage.until(() => server.accepted.length === 2)
    expect(server.closed.size).toBe(0)
  })
})

describe('accepted links', () => {
  test('begin with who they are; the handler hears nothing before', () => {
    const stage = new LearnerStage(1)
    const leader = stage.leader(1)
    const socket = stage.raw()
    for (const byte of INFO_BYTES.subarray(0, -1)) {
      socket.writeBytes(Uint8Array.of(byte))
      stage.runFor(2)
    }
    expect([leader.accepted, leader.packets]).toEqual([[], []])
    socket.writeBytes(INFO_BYTES.subarray(-1))
    stage.until(() => leader.packets.length > 0)
    expect(leader.packets).toEqual([{ link: leader.accepted[0], packet: INFO }])
  })

  test.each([
    ['an ACK', '00000003 0000000100000001 ffffffff ffffffff'],
    ['a packet of an unknown type', '00000063 0000000100000001 ffffffff ffffffff'],
    ['a snapshot', '0000000f 0000000100000001 ffffffff ffffffff 00'],
    ['letters', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
    ['TLS', '16030100c8010000c40303000000000000'],
    ['a SASL packet', '5f2435013501edcc 00000000 00000000'],
    ['too much data', '0000000b 0000000000000000 7fffffff'],
  ])('that begin with %s are closed unheard', (_name, text) => {
    const stage = new LearnerStage(2)
    const leader = stage.leader(1)
    const socket = stage.raw()
    socket.write(text)
    stage.until(() => socket.isClosed || socket.isEnded)
    expect([leader.accepted, leader.packets, leader.closed.size]).toEqual([[], [], 0])
    expect(stage.logLines).toContain('a connection on the learner port was no learner')
  })

  test('that say nothing are closed after a while, and the oldest for one too many', () => {
    const stage = new LearnerStage(3, { introductionsMax: 4, introductionTimeoutMs: 1_000 })
    const leader = stage.leader(1)
    const isOver = (socket: RawSocket): boolean => socket.isClosed || socket.isEnded
    const sockets = Array.from({ length: 6 }, (_, index) => stage.raw(1, index + 1))
    stage.runFor(100)
    expect(sockets.map(isOver)).toEqual([true, true, false, false, false, false])
    sockets[5]!.writeBytes(INFO_BYTES)
    stage.runFor(1_000)
    expect(sockets.map(isOver)).toEqual([true, true, true, true, true, false])
    expect(leader.accepted.length).toBe(1)
    stage.runFor(60_000)
    expect(isOver(sockets[5]!)).toBe(false)
  })

  test('there are not more than allowed', () => {
    const stage = new LearnerStage(4, { acceptedLinksMax: 2 })
    const leader = stage.leader(1)
    const connect = (machine: number): RawSocket => {
      const socket = stage.raw(1, machine)
      socket.writeBytes(INFO_BYTES)
      stage.runFor(50)
      return socket
    }
    const sockets = [connect(1), connect(2), connect(3)]
    expect(leader.accepted.length).toBe(2)
    expect(sockets[2]!.isClosed || sockets[2]!.isEnded).toBe(true)
    leader.call((port) => port.close(leader.accepted[0]!))
    stage.runFor(50)
    connect(4)
    expect(leader.accepted.length).toBe(3)
  })

  test('may be closed by the handler while it hears of them', () => {
    const stage = new LearnerStage(5)
    const leader = stage.leader(1)
    leader.onAccept = (link) => leader.port.close(link)
    const socket = stage.raw()
    socket.writeBytes(Buffer.concat([INFO_BYTES, INFO_BYTES]))
    stage.until(() => socket.isClosed || socket.isEnded)
    expect(leader.packets).toEqual([])
    expect(leader.closed.size).toBe(0)
  })

  test('may be closed by the handler in the middle of a chunk', () => {
    const stage = new LearnerStage(6)
    const leader = stage.leader(1)
    leader.onEach = (link) => leader.port.close(link)
    const socket = stage.raw()
    socket.writeBytes(Buffer.concat([INFO_BYTES, INFO_BYTES, hex('ffffffff')]))
    stage.until(() => socket.isClosed || socket.isEnded)
    expect(leader.packets.length).toBe(1)
    expect(leader.closed.size).toBe(0)
  })

  test('of strangers leave the places of members free', () => {
    const stage = new LearnerStage(11, { acceptedLinksMax: 5, strangersMax: 3 })
    const leader = stage.leader(1)
    const dial = (sid: number): RawSocket => {
      const socket = stage.raw()
      socket.writeBytes(encodePackets({ ...INFO, sid: sid as ServerId } as Packet))
      stage.runFor(100)
      return socket
    }
    const sockets = [11, 12, 13, 14, 2, 15, 3].map(dial)
    const closed = sockets.map(({ isClosed, isEnded }) => isClosed || isEnded)
    expect(closed).toEqual([false, false, false, true, false, true, false])
    expect(leader.accepted.length).toBe(5)
    sockets[0]!.connection!.destroy()
    stage.runFor(100)
    expect(dial(16).isClosed).toBe(false)
  })

  test('are measured only if they are of members', () => {
    const stage = new LearnerStage(10)
    const leader = stage.leader(1)
    for (const sid of [2, 3, 4, 99]) {
      stage.raw().writeBytes(encodePackets({ ...INFO, sid: sid as ServerId } as Packet))
      stage.until(() => leader.accepted.length === leader.packets.length)
      leader.send(leader.accepted.at(-1)!, proposal(1))
    }
    stage.runFor(100)
    expect(leader.accepted.length).toBe(4)
    const { summarySets } = leader.env.metrics
    expect([...summarySets.get('learner_handler_qp_size')!.keys()]).toEqual(['2', '3'])
  })

  test('are ended by a transaction: only a leader sends any', () => {
    const stage = new LearnerStage(9)
    const leader = stage.leader(1)
    for (const kind of [PacketKind.PROPOSAL, PacketKind.INFORM]) {
      const socket = stage.raw()
      const txn = new Uint8Array(100)
      const packet = encodePackets({ kind, zxid: makeZxid(1, 1), txn } as Packet)
      socket.writeBytes(Buffer.concat([INFO_BYTES, packet]))
      stage.until(() => socket.isClosed || socket.isEnded)
    }
    expect([...leader.closed.values()]).toEqual([
      'sent what cannot be read: a transaction from a learner',
      'sent what cannot be read: a transaction from a learner',
    ])
    expect(leader.packets.map(({ packet }) => packet)).toEqual([INFO, INFO])
  })

  test('unknown types are passed over later on, with one line in the log', () => {
    const stage = new LearnerStage(7)
    const leader = stage.leader(1)
    const socket = stage.raw()
    const unknown = '00000063 0000000100000001 00000001 61 ffffffff'
    socket.writeBytes(INFO_BYTES)
    socket.write(`${unknown} ${unknown} 00000003 0000000100000001 ffffffff ffffffff`)
    stage.until(() => leader.packets.length === 2)
    expect(leader.packets[1]!.packet.kind).toBe(PacketKind.ACK)
    const lines = stage.logLines.filter((line) => line.includes('unknown type'))
    expect(lines.length).toBe(1)
  })

  test('whatever bytes come, a link ends with a reason and nothing else happens', () => {
    const stage = new LearnerStage(8)
    const leader = stage.leader(1)
    const good = encodePackets(...of(Sender.LEARNER))
    const hostile = fc.record({
      at: fc.nat(good.length - 1),
      cut: fc.nat(4),
      added: fc.uint8Array({ maxLength: 4 }),
    })
    fc.assert(
      fc.property(hostile, ({ at, cut, added }) => {
        const socket = stage.raw()
        const closed = leader.closed.size
        const accepted = leader.accepted.length
        socket.writeBytes(
          Buffer.concat([INFO_BYTES, good.subarray(0, at), added, good.subarray(at + cut)]),
        )
        stage.runFor(20)
        expect(leader.accepted.length).toBe(accepted + 1)
        socket.connection!.destroy()
        stage.runFor(20)
        expect(leader.closed.size).toBe(closed + 1)
        expect([...leader.closed.values()].at(-1)).not.toBe('')
      }),
      { numRuns: 100 },
    )
  })
})

describe('snapshots on a link', () => {
  test.each(SEEDS)('seed %i: behind its packet, and what is sent later behind it', (seed) => {
    const { stage, leader, learner, up, down } = connected(new LearnerStage(seed))
    const stream = new CountedStream(700_000)
    const zxid = makeZxid(1, 5)
    leader.send(down, proposal(1), { kind: PacketKind.SNAP, zxid, snapshot: stream }, proposal(6))
    for (let counter = 7; counter <= 40; counter += 1) {
      leader.send(down, proposal(counter, 10_000))
      stage.runFor(1)
    }
    stage.until(() => learner.packets.length === 37)
    const kinds = learner.packetsOf(up).map(({ kind }) => kind)
    expect(kinds.slice(0, 3)).toEqual([PacketKind.PROPOSAL, PacketKind.SNAP, PacketKind.PROPOSAL])
    const snap = learner.packetsOf(up)[1] as { zxid: bigint; snapshot: number[] }
    expect(snap.zxid).toBe(zxid)
    expect(snap.snapshot.length).toBe(699_999)
    expect(snap.snapshot.every((byte, index) => byte === index % 200)).toBe(true)
    expect(learner.packetsOf(up).at(-1)).toEqual(proposal(40, 10_000))
    expect(stream.isEnded).toBe(true)
  })

  test('are asked for only as fast as they are taken, and both ends hear that they move', () => {
    const { stage, leader, learner, down } = connected(
      new LearnerStage(1, {}, { latencyMsMin: 40, latencyMsMax: 60 }),
    )
    const stream = new CountedStream(3_000_000)
    leader.send(down, { kind: PacketKind.SNAP, zxid: makeZxid(1, 5), snapshot: stream })
    stage.runFor(1)
    // The window of the simulated connection, the high-water mark, and one piece.
    expect(stream.given).toBeLessThanOrEqual((64 + 64 + 64) * 1024)
    stage.runFor(1_000)
    expect(stream.given).toBeLessThan(stream.length)
    stage.until(() => learner.packets.length > 0)
    for (const node of [leader, learner]) {
      expect(node.progressMs.length).toBeGreaterThan(15)
      const waits = node.progressMs.slice(1).map((ms, index) => ms - node.progressMs[index]!)
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(50)
    }
  })

  test('a learner that takes nothing is told of no progress, and dropped when too much waits', () => {
    const stage = new LearnerStage(2, { sendQueueBytesMax: 500_000 })
    const leader = stage.leader(1)
    const socket = stage.raw()
    socket.writeBytes(INFO_BYTES)
    stage.until(() => leader.packets.length > 0)
    socket.connection!.pause()
    const stream = new CountedStream(3_000_000)
    const link = leader.accepted[0]!
    leader.send(
      link,
      { kind: PacketKind.SNAP, zxid: makeZxid(1, 5), snapshot: stream },
      { kind: PacketKind.NEWLEADER, zxid: makeZxid(1, 0), config: '' },
    )
    stage.runFor(1_000)
    const moved = leader.progressMs.length
    for (let counter = 6; counter <= 12; counter += 1) leader.send(link, proposal(counter, 20_000))
    stage.runFor(5_000)
    expect(leader.progressMs.length).toBe(moved)
    expect(leader.closed.size).toBe(0)
    for (let counter = 13; counter <= 30; counter += 1) leader.send(link, proposal(counter, 20_000))
    expect(leader.closed.size).toBe(0)
    stage.runFor(1)
    expect(leader.closed.get(link)).toMatch(/does not take what it is sent/)
    expect(stream.isEnded).toBe(true)
  })

  test('half a snapshot ends with its link, at both ends', () => {
    const { stage, leader, learner, up, down } = connected(new LearnerStage(3))
    const stream = new CountedStream(3_000_000)
    leader.send(down, { kind: PacketKind.SNAP, zxid: makeZxid(1, 5), snapshot: stream })
    stage.until(() => learner.progressMs.length > 0)
    leader.call((port) => port.close(down))
    stage.until(() => learner.closed.size > 0)
    expect(stream.isEnded).toBe(true)
    expect(learner.packetsOf(up)).toEqual([])
    stage.runFor(1_000)
    expect(leader.closed.size).toBe(0)
  })

  test('one that cannot be read ends the link with the reason', () => {
    const stage = new LearnerStage(4)
    const { network } = stage.world.startProcess(hostOf(1), new SimDisk().open)
    const listener = new RawListener(network, { host: '', port: 2888 })
    listener.onAccept = (socket) => {
      socket.write('0000000f 0000000100000001 ffffffff ffffffff 010203 ee 05 ff')
    }
    const learner = stage.node(2)
    const link = learner.connect(1)
    stage.until(() => learner.closed.size > 0)
    expect(learner.closed.get(link)).toBe('sent what cannot be read: 0xee in a snapshot')
    expect(learner.packets).toEqual([])
  })
})

describe('links that are not taken', () => {
  test('are cut when too much waits for them, others go on', () => {
    const stage = new LearnerStage(1, { sendQueueBytesMax: 1_000_000 })
    const { leader, learner, up, down } = connected(stage)
    const stuck = stage.raw(1, 2)
    stuck.writeBytes(INFO_BYTES)
    stage.until(() => leader.accepted.length === 2)
    stuck.connection!.pause()
    const slow = leader.accepted[1]!
    for (let counter = 1; counter <= 200; counter += 1) {
      leader.call((port) => {
        port.send(down, proposal(counter, 10_000))
        port.send(slow, proposal(counter, 10_000))
        port.flush()
      })
      stage.runFor(5)
    }
    expect(leader.closed.size).toBe(1)
    expect(leader.closed.get(slow)).toMatch(/does not take/)
    expect(learner.packetsOf(up).length).toBe(200)
  })

  test('are not cut for what they lacked, only for what comes on top of it', () => {
    const { stage, leader, learner, up, down } = connected(
      new LearnerStage(3, { sendQueueBytesMax: 500_000 }),
    )
    const diff: Packet = { kind: PacketKind.DIFF, zxid: makeZxid(1, 300) }
    const end: Packet = { kind: PacketKind.NEWLEADER, zxid: makeZxid(1, 0), config: '' }
    const lacked = Array.from({ length: 300 }, (_, index) => proposal(index + 1, 10_000))
    const later = Array.from({ length: 20 }, (_, index) => proposal(index + 301, 10_000))
    leader.send(down, diff, ...lacked, end, ...later)
    stage.until(() => learner.packets.length === 322)
    expect(leader.closed.size).toBe(0)
    expect(learner.packetsOf(up).at(-1)).toEqual(later.at(-1))
    const stuck = stage.raw(1, 2)
    stuck.writeBytes(INFO_BYTES)
    stage.until(() => leader.accepted.length === 2)
    stuck.connection!.pause()
    leader.send(leader.accepted[1]!, diff, ...lacked, end, ...later)
    stage.runFor(1_000)
    expect(leader.closed.size).toBe(0)
    for (const packet of [...later, ...later]) leader.send(leader.accepted[1]!, packet)
    stage.runFor(1)
    expect(leader.closed.get(leader.accepted[1]!)).toMatch(/does not take what it is sent: 3\d{6} /)
  })

  test('a long synchronization goes out in several writes, not in one as long as itself', () => {
    const { stage, leader, learner, down } = connected(new LearnerStage(2))
    leader.writes.length = 0
    const packets = Array.from({ length: 300 }, (_, index) => proposal(index + 1, 10_000))
    leader.send(down, ...packets)
    expect(leader.writes.length).toBeGreaterThan(5)
    expect(Math.max(...leader.writes)).toBeLessThan(300_000)
    stage.until(() => learner.packets.length === 300)
  })
})
