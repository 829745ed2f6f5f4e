import { expect, test } from 'vitest'
import { makeZxid, type ServerId } from '../../src/base/index.ts'
import type { Address, IoError } from '../../src/env/index.ts'
import { ElectionPort, LearnerPort, type SnapshotSink } from '../../src/peer/index.ts'
import { type LinkId, type Notification, type Packet, PacketKind } from '../../src/zab/index.ts'
import { openRealStage, type Stage } from '../contract/stage.ts'
import { notice } from './support/election-stage.ts'
import { CountedStream } from './support/learner-stage.ts'

/* The ports on the operating system's sockets; everything else is tested in the simulated network. */

const LOCAL: Address = { host: '127.0.0.1', port: 0 }

async function onRealSockets(run: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = openRealStage()
  try {
    await run(stage)
  } finally {
    stage.close()
  }
}

function fail(error: IoError): void {
  throw error
}

class Voter {
  readonly heard: [from: number, round: number][] = []
  readonly down: number[] = []
  address: Address | null = null
  readonly port: ElectionPort

  constructor(stage: Stage, sid: number, members: ReadonlyMap<ServerId, readonly Address[]>) {
    const options = { self: sid as ServerId, listen: [LOCAL], members }
    this.port = new ElectionPort(stage.env, options, {
      onElectionListening: (address) => {
        this.address = address
      },
      onNotification: (from: ServerId, { vote }: Notification) => {
        this.heard.push([from, vote.electionEpoch])
      },
      onPeerDown: (peer) => this.down.push(peer),
      onPortError: fail,
    })
    this.port.start()
  }
}

/** Counts the bytes of a stream as `CountedStream` gives it. */
class CountingSink implements SnapshotSink {
  #taken = 0
  isDone = false

  push(bytes: Uint8Array, start: number, end: number): number {
    const last = bytes.indexOf(0xff, start)
    this.isDone = last >= 0 && last < end
    const size = (this.isDone ? last + 1 : end) - start
    this.#taken += size
    return size
  }

  result(): unknown {
    return this.#taken
  }
}

class End {
  readonly packets: Packet[] = []
  readonly accepted: LinkId[] = []
  readonly closed: string[] = []
  address: Address | null = null
  progress = 0
  readonly port: LearnerPort

  constructor(stage: Stage, sid: number, members: ReadonlyMap<ServerId, readonly Address[]>) {
    const options = { self: sid as ServerId, listen: [LOCAL], members }
    this.port = new LearnerPort(stage.env, options, {
      onLearnerListening: (address) => {
        this.address = address
      },
      allotLink: () => (this.accepted.length + 1) as LinkId,
      onLinkAccepted: (link) => this.accepted.push(link),
      onLinkOpened: (link) => {
        const sid = 2 as ServerId
        const kind = PacketKind.FOLLOWERINFO
        this.port.send(link, { kind, sid, acceptedEpoch: 0, configVersion: 0n })
        this.port.flush()
      },
      onLinkClosed: (_link, reason) => this.closed.push(reason),
      onLinkProgress: () => {
        this.progress += 1
      },
      onPacket: (_link, packet) => this.packets.push(packet),
      newSnapshotSink: () => new CountingSink(),
      onPortError: fail,
    })
  }
}

test('two election ports find each other, and miss each other', () =>
  onRealSockets(async (stage) => {
    const three = new Voter(stage, 3, new Map())
    await stage.until(() => three.address !== null)
    const four = new Voter(stage, 4, new Map([[3 as ServerId, [three.address!]]]))
    four.port.send(3 as ServerId, notice(7))
    await stage.until(() => three.heard.length > 0)
    three.port.send(4 as ServerId, notice(8))
    await stage.until(() => four.heard.length > 0)
    expect([three.heard, four.heard]).toEqual([[[4, 7]], [[3, 8]]])
    three.port.stop()
    await stage.until(() => four.down.length > 0)
    expect(four.down).toEqual([3])
    four.port.stop()
  }))

test('a link carries packets, a snapshot of 30 MB and what is behind it', () =>
  onRealSockets(async (stage) => {
    const members = new Map<ServerId, readonly Address[]>()
    const leader = new End(stage, 1, members)
    leader.port.start()
    await stage.until(() => leader.address !== null)
    members.set(1 as ServerId, [leader.address!])
    const learner = new End(stage, 2, members)
    learner.port.connect(9 as LinkId, 1 as ServerId)
    await stage.until(() => leader.packets.length > 0)
    const link = leader.accepted[0]!
    const snapshot = new CountedStream(30_000_000)
    leader.port.send(link, { kind: PacketKind.SNAP, zxid: makeZxid(1, 1), snapshot })
    for (let counter = 2; counter <= 1000; counter += 1) {
      const txn = new Uint8Array(counter)
      leader.port.send(link, { kind: PacketKind.PROPOSAL, zxid: makeZxid(1, counter), txn })
    }
    leader.port.flush()
    await stage.until(() => learner.packets.length === 1000)
    expect(learner.packets[0]).toMatchObject({ kind: PacketKind.SNAP, snapshot: 30_000_000 })
    const lengths = learner.packets.slice(1).map((packet) => 'txn' in packet && packet.txn.length)
    expect(lengths).toEqual(Array.from({ length: 999 }, (_, index) => index + 2))
    expect(Math.min(leader.progress, learner.progress)).toBeGreaterThan(0)
    leader.port.close(link)
    await stage.until(() => learner.closed.length > 0)
    expect([learner.closed.length, leader.closed.length]).toEqual([1, 0])
    learner.port.stop()
    leader.port.stop()
  }))
