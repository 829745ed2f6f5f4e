import { counterOf, epochOf, formatHex, type ServerId, type Zxid } from '../../src/base/index.ts'
import { type Entry, type Packet, PacketKind } from '../../src/zab/messages.ts'
import { type PersistRecord, RecordKind, Role } from '../../src/zab/outbox.ts'
import { PeerState } from '../../src/zab/vote.ts'
import { isQuorum, type QuorumSpec } from './cluster.ts'
import {
  applyRecord,
  blankDisk,
  chain,
  checkpointAt,
  type DiskImage,
  lastOf,
  type Snapshot,
} from './disk-image.ts'
import type { HistoryEvent } from './history-event.ts'

/** A rule of reliability that the recorded history breaks. */
export class Violation extends Error {
  override readonly name: string = 'Violation'
  readonly rule: string

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`)
    this.rule = rule
  }
}

/** Whether a log may go on so: no hole within an epoch, a new one starts at 1. */
function follows(next: Zxid, last: Zxid): boolean {
  if (epochOf(next) > epochOf(last)) return counterOf(next) === 1
  return next === last + 1n
}

/** Reasons that only a broken peer gives. */
const BETWEEN_CORRECT_SERVERS =
  /unexpected packet|not asked for|says twice|impossible|was not sent|have not said who/
/** The same on the side of the learner, who gives up the leader. */
const REFUSED_LEADER =
  /: (DIFF|TRUNC|SNAP|PROPOSAL|COMMIT|INFORM|NEWLEADER|UPTODATE|PING|SYNC|REVALIDATE|LEADERINFO): (?!epoch)/

interface Tracked {
  disk: DiskImage
  /** Log as handed to the disk. */
  handed: DiskImage
  applied: Snapshot
  ackedTo: Zxid
  isEstablished: boolean
  proposed: Zxid | null
}

/** The whole log of a server as chain hashes by zxid, snapshot included. */
function holdsCommitted(
  disk: DiskImage,
  zxid: Zxid,
  committed: ReadonlyMap<Zxid, number>,
): boolean {
  if (disk.base.zxid >= zxid) return committed.get(disk.base.zxid) === disk.base.hash
  let hash = disk.base.hash
  for (const entry of disk.entries) {
    hash = chain(hash, entry)
    if (entry.zxid === zxid) return committed.get(zxid) === hash
  }
  return false
}

/**
 * Walks through a recorded history and throws at the first event that breaks an invariant A1–A16 of Zab. Knows
 * nothing of the core: servers are rebuilt from what was handed to their disks and what became durable.
 */
export class ZabChecker {
  readonly #quorum: QuorumSpec
  readonly #hasLiar: boolean
  /** End of what was sent on a connection, and who it was sent to; null until it is known. */
  readonly #streams = new Map<number, Zxid | null>()
  /** Connections on which NEWLEADER was sent and not acked. */
  readonly #unacked = new Set<number>()
  readonly #asked = new Map<number, Zxid>()
  /** Everything ever proposed, by content. */
  readonly #zxidOf = new Map<string, Zxid>()
  readonly #servers = new Map<ServerId, Tracked>()
  /** zxid to content, for everything ever broadcast. */
  readonly #broadcast = new Map<Zxid, string>()
  /** Chain hash at each applied zxid; the same for everybody who applies it. */
  readonly #committed = new Map<Zxid, number>([[0n as Zxid, 0]])
  #lastCommitted = 0n as Zxid
  #lastCommitSent = 0n as Zxid
  readonly #leaders = new Map<number, ServerId>()
  /** Hash of the leader's history by the epoch it was established in. */
  readonly #newLeaders = new Map<number, { readonly end: Zxid; readonly log: DiskImage }>()

  /** With a liar among the servers, others may well refuse what it says. */
  constructor(quorum: QuorumSpec, hasLiar = false) {
    this.#quorum = quorum
    this.#hasLiar = hasLiar
  }

  check(history: readonly HistoryEvent[]): void {
    for (const event of history) this.#onEvent(event)
  }

  #of(sid: ServerId): Tracked {
    let server = this.#servers.get(sid)
    if (server === undefined) {
      server = {
        disk: blankDisk(),
        handed: blankDisk(),
        applied: { zxid: 0n as Zxid, hash: 0 },
        ackedTo: 0n as Zxid,
        isEstablished: false,
        proposed: null,
      }
      this.#servers.set(sid, server)
    }
    return server
  }

  #onEvent(event: HistoryEvent): void {
    const server = this.#of(event.sid)
    switch (event.kind) {
      case 'restart':
        server.handed = copyOf(server.disk)
        server.applied = server.disk.base
        break
      case 'crash':
        // A16: what was applied is on disk.
        if (server.applied.zxid > lastOf(server.disk)) {
          throw new Violation('A16', `server ${event.sid} had applied more than its disk holds`)
        }
        server.isEstablished = false
        server.ackedTo = 0n as Zxid
        break
      case 'checkpoint':
        for (const image of [server.disk, server.handed]) checkpointAt(image, event.at)
        break
      case 'broadcast':
        this.#onBroadcast(event.sid, server, event.zxid, event.txn)
        break
      case 'persist':
        this.#onPersist(event.sid, server, event.record)
        break
      case 'durable':
        this.#onDurable(event.sid, server, event.record)
        break
      case 'apply':
        this.#onApply(event.sid, server, event.zxid, event.hash, event.txn)
        break
      case 'packet':
        this.#onStream(event.sid, event.stream, event.packet)
        this.#onPacket(event.sid, server, event.packet)
        break
      case 'vote':
        this.#onVote(event.sid, server, event.notification)
        break
      case 'role':
        this.#onRole(event.sid, server, event.change)
        break
      case 'close':
        if (!this.#hasLiar && BETWEEN_CORRECT_SERVERS.test(event.reason)) {
          throw new Violation('P1', `server ${event.sid} refuses a correct one: ${event.reason}`)
        }
        break
      case 'asked':
        this.#asked.set(event.token, this.#lastCommitted)
        break
      case 'confirmed':
        this.#onConfirmed(event.sid, server, event.token)
        break
      default:
        throw new Error('unknown event')
    }
  }

  #onBroadcast(sid: ServerId, server: Tracked, zxid: Zxid, txn: Uint8Array): void {
    const content = String(txn)
    const other = this.#broadcast.get(zxid)
    if (other !== undefined) throw new Violation('A18', `${formatHex(zxid)} was used twice`)
    if (this.#leaders.get(epochOf(zxid)) !== sid) {
      throw new Violation('A1', `server ${sid} proposes ${formatHex(zxid)}, but does not lead`)
    }
    const expected = server.proposed === null ? 1 : counterOf(server.proposed) + 1
    if (counterOf(zxid) !== expected) throw new Violation('A13', `${formatHex(zxid)} leaves a gap`)
    server.proposed = zxid
    this.#broadcast.set(zxid, content)
    const before = this.#zxidOf.get(content)
    if (before !== undefined) {
      throw new Violation('A18', `proposed twice: ${formatHex(before)} and ${formatHex(zxid)}`)
    }
    this.#zxidOf.set(content, zxid)
  }

  #onPersist(sid: ServerId, server: Tracked, record: PersistRecord): void {
    if (record.kind === RecordKind.APPEND)
      this.#checkEntry(sid, lastOf(server.handed), record.entry)
    if (record.kind === RecordKind.INSTALL) {
      let last = record.zxid
      for (const entry of record.entries) {
        this.#checkEntry(sid, last, entry)
        last = entry.zxid
      }
    }
    applyRecord(server.handed, record)
    if (lastOf(server.handed) < server.applied.zxid) {
      throw new Violation('A10', `server ${sid} throws away what it has applied`)
    }
  }

  #checkEntry(sid: ServerId, last: Zxid, entry: Entry): void {
    if (!follows(entry.zxid, last)) {
      const what = `${formatHex(entry.zxid)} after ${formatHex(last)}`
      throw new Violation('A13', `the log of server ${sid} has a hole: ${what}`)
    }
  }

  #onDurable(sid: ServerId, server: Tracked, record: PersistRecord): void {
    const { acceptedEpoch, currentEpoch } = server.disk
    applyRecord(server.disk, record)
    const { disk } = server
    if (record.kind === RecordKind.INSTALL) server.applied = disk.base
    if (disk.acceptedEpoch < acceptedEpoch || disk.currentEpoch < currentEpoch) {
      throw new Violation('A9', `an epoch of server ${sid} goes back`)
    }
    if (disk.currentEpoch > disk.acceptedEpoch) {
      throw new Violation('A9', `server ${sid} is in an epoch that it has not accepted`)
    }
    // A12: what was acked stays.
    const isCut = record.kind === RecordKind.TRUNCATE || record.kind === RecordKind.INSTALL
    if (isCut) this.#checkQuorums(`server ${sid} cut its log`)
  }

  /** A10: the last committed entry is durable at some member of every quorum, with the right past. */
  #checkQuorums(when: string): void {
    if (this.#lastCommitted === 0n) return
    const lacks = (sid: ServerId): boolean =>
      !holdsCommitted(this.#of(sid).disk, this.#lastCommitted, this.#committed)
    if (isQuorum(this.#quorum, lacks)) {
      const what = formatHex(this.#lastCommitted)
      throw new Violation('A10', `${when}: a quorum does not hold ${what}, which is committed`)
    }
  }

  #onApply(sid: ServerId, server: Tracked, zxid: Zxid, hash: number, txn: Uint8Array): void {
    if (this.#broadcast.get(zxid) !== String(txn)) {
      throw new Violation(
        'A1',
        `server ${sid} applies ${formatHex(zxid)}, which nobody proposed so`,
      )
    }
    if (!follows(zxid, server.applied.zxid)) {
      throw new Violation('A3', `server ${sid} applies ${formatHex(zxid)} out of order`)
    }
    const known = this.#committed.get(zxid)
    if (known !== undefined && known !== hash) {
      throw new Violation('A2', `server ${sid} has another history at ${formatHex(zxid)}`)
    }
    if (known === undefined && zxid < this.#lastCommitted) {
      throw new Violation('A4', `server ${sid} applies ${formatHex(zxid)}, others did not`)
    }
    this.#committed.set(zxid, hash)
    server.applied = { zxid, hash }
    if (zxid > lastOf(server.disk)) {
      throw new Violation('A16', `server ${sid} applies what its disk does not hold`)
    }
    if (zxid > this.#lastCommitted) {
      this.#lastCommitted = zxid
      this.#checkQuorums(`server ${sid} applied`)
    }
  }

  #onPacket(
    sid: ServerId,
    server: Tracked,
    packet: Extract<HistoryEvent, { kind: 'packet' }>['packet'],
  ): void {
    const { disk } = server
    switch (packet.kind) {
      case PacketKind.LEADERINFO:
        if (disk.acceptedEpoch !== packet.epoch) {
          throw new Violation('A9', `server ${sid} offers an epoch that its disk does not know`)
        }
        break
      case PacketKind.ACKEPOCH:
        if (disk.acceptedEpoch !== server.handed.acceptedEpoch) {
          throw new Violation('A9', `server ${sid} promises what its disk does not hold yet`)
        }
        if (packet.lastZxid !== lastOf(disk)) {
          throw new Violation('A15', `server ${sid} names a log end that its disk does not hold`)
        }
        if (packet.currentEpoch !== -1 && packet.currentEpoch !== disk.currentEpoch) {
          throw new Violation('A15', `server ${sid} names an epoch that its disk does not hold`)
        }
        break
      case PacketKind.NEWLEADER:
        if (!this.#newLeaders.has(epochOf(packet.zxid))) {
          const log = copyOf(server.disk)
          this.#newLeaders.set(epochOf(packet.zxid), { end: lastOf(log), log })
        }
        break
      case PacketKind.COMMIT:
      case PacketKind.INFORM:
        if (server.isEstablished && packet.zxid > this.#lastCommitSent) {
          this.#onCommitSent(sid, packet.zxid)
        }
        break
      case PacketKind.ACK:
        this.#onAck(sid, server, packet.zxid)
        break
      default:
        break
    }
  }

  /** A10 at the moment of the decision: a quorum holds durably what is called committed. */
  #onCommitSent(sid: ServerId, zxid: Zxid): void {
    this.#lastCommitSent = zxid
    const holds = (voter: ServerId): boolean => {
      const { disk } = this.#of(voter)
      return hashAt(disk, zxid) !== null || disk.base.zxid > zxid
    }
    if (isQuorum(this.#quorum, holds)) return
    throw new Violation('A10', `server ${sid} commits ${formatHex(zxid)}, no quorum holds it`)
  }

  /** A13 on the wire: what a learner is sent goes on where its log, TRUNC or the snapshot ends, and is what was proposed. */
  #onStream(sid: ServerId, stream: number, packet: Packet): void {
    switch (packet.kind) {
      case PacketKind.ACKEPOCH:
        this.#streams.set(stream, counterOf(packet.lastZxid) === 0 ? null : packet.lastZxid)
        break
      case PacketKind.TRUNC:
      case PacketKind.SNAP:
        this.#streams.set(stream, counterOf(packet.zxid) === 0 ? null : packet.zxid)
        break
      case PacketKind.PROPOSAL:
      case PacketKind.INFORM: {
        const { zxid, txn } = packet
        if (this.#broadcast.get(zxid) !== String(txn)) {
          throw new Violation('A1', `server ${sid} sends ${formatHex(zxid)}, not proposed so`)
        }
        const last = this.#streams.get(stream) ?? null
        if (last !== null && !follows(zxid, last)) {
          const what = `${formatHex(zxid)} after ${formatHex(last)}`
          throw new Violation('A13', `server ${sid} sends a hole: ${what}`)
        }
        this.#streams.set(stream, zxid)
        break
      }
      case PacketKind.NEWLEADER:
        this.#unacked.add(stream)
        break
      case PacketKind.ACK:
        // Leaders of ZooKeeper 3.8.0 to 3.8.4 lose a learner whose first ACK is another one (ZOOKEEPER-4685).
        if (this.#unacked.delete(stream) && counterOf(packet.zxid) !== 0) {
          throw new Violation('A14', `server ${sid} acks a proposal before NEWLEADER`)
        }
        break
      default:
        break
    }
  }

  /** C5: who leads by the word of a quorum holds everything that anybody had applied before it was asked. */
  #onConfirmed(sid: ServerId, server: Tracked, token: number): void {
    const asked = this.#asked.get(token) ?? (0n as Zxid)
    if (server.isEstablished && lastOf(server.handed) >= asked) return
    throw new Violation('C5', `server ${sid} is confirmed, but lacks ${formatHex(asked)}`)
  }

  #onAck(sid: ServerId, server: Tracked, zxid: Zxid): void {
    const { disk } = server
    if (epochOf(zxid) < disk.acceptedEpoch) {
      throw new Violation('A9', `server ${sid} acks for an epoch older than it has promised`)
    }
    if (counterOf(zxid) !== 0) {
      if (lastOf(disk) < zxid) {
        throw new Violation('A12', `server ${sid} acks ${formatHex(zxid)} before it is durable`)
      }
      return
    }
    if (disk.currentEpoch !== epochOf(zxid)) {
      throw new Violation('A12', `server ${sid} acks an epoch that its disk is not in`)
    }
    const leader = this.#newLeaders.get(epochOf(zxid))
    if (leader === undefined) throw new Violation('A14', `server ${sid} acks an unknown leader`)
    const wanted = hashAt(leader.log, leader.end)
    const held = hashAt(disk, leader.end)
    if (held !== wanted && !(disk.base.zxid > leader.end)) {
      throw new Violation('A14', `server ${sid} acks NEWLEADER without the leader's history`)
    }
  }

  #onVote(
    sid: ServerId,
    server: Tracked,
    sent: Extract<HistoryEvent, { kind: 'vote' }>['notification'],
  ): void {
    if (sent.state !== PeerState.LOOKING || sent.vote.leader !== sid) return
    const { disk } = server
    if (sent.vote.peerEpoch > disk.currentEpoch || sent.vote.zxid > lastOf(disk)) {
      throw new Violation('A15', `server ${sid} votes with more than its disk holds`)
    }
  }

  #onRole(
    sid: ServerId,
    server: Tracked,
    change: Extract<HistoryEvent, { kind: 'role' }>['change'],
  ): void {
    if (server.isEstablished && change.reason.includes('no zxid left')) {
      if (server.proposed !== null && server.proposed > server.applied.zxid) {
        throw new Violation('A10', `server ${sid} hands over with proposals outstanding`)
      }
    }
    server.isEstablished = false
    if (!this.#hasLiar && REFUSED_LEADER.test(change.reason)) {
      throw new Violation('P1', `server ${sid} refuses a correct leader: ${change.reason}`)
    }
    if (change.role !== Role.LEADING || !change.serving) return
    const known = this.#leaders.get(change.epoch)
    if (known !== undefined) {
      throw new Violation('A8', `servers ${known} and ${sid} both lead epoch ${change.epoch}`)
    }
    this.#leaders.set(change.epoch, sid)
    server.isEstablished = true
    server.proposed = null
    // Entries of later epochs may be committed already: a leader can be late, and deposed before it begins.
    let wanted = 0n as Zxid
    for (const zxid of this.#committed.keys()) {
      if (epochOf(zxid) < change.epoch && zxid > wanted) wanted = zxid
    }
    if (wanted !== 0n && !holdsCommitted(server.disk, wanted, this.#committed)) {
      throw new Violation(
        'A11',
        `server ${sid} leads without ${formatHex(wanted)}, which is committed`,
      )
    }
  }
}

function copyOf(disk: DiskImage): DiskImage {
  return { ...disk, entries: [...disk.entries], old: [...disk.old] }
}

/** Chain hash of a log at `zxid`, or null if it does not hold it as an entry or as its start. */
function hashAt(disk: DiskImage, zxid: Zxid): number | null {
  if (disk.base.zxid === zxid) return disk.base.hash
  let hash = disk.base.hash
  for (const entry of disk.entries) {
    hash = chain(hash, entry)
    if (entry.zxid === zxid) return hash
  }
  return null
}
