import { counterOf, epochOf, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import type { ReplicaObserver } from '../server/index.ts'
import type { Txn, TxnHeader } from '../wire/index.ts'
import {
  type Entry,
  type LinkId,
  type Notification,
  type Packet,
  PacketKind,
  PeerState,
  type PersistRecord,
  type PersistToken,
  RecordKind,
  Role,
  type RoleChange,
} from '../zab/index.ts'
import type { DataTree } from '../znodes/index.ts'
import { type HistoryEvent, hashBytes, type RoleChangeEvent } from './history.ts'

export type Append = (event: HistoryEvent) => void

/** What the recorder of a server needs to know of the world. */
export interface RecorderContext {
  readonly server: ServerId
  readonly incarnation: number
  nowMs(): number
  readonly append: Append
  /** Asked once, by the recovery: whether the disk is what this server left there. */
  diskFound(): 'kept' | 'replaced'
  onTrace(line: string): void
}

/** Writes down what one process of a server does, as the events of a history. */
export class ServerRecorder implements ReplicaObserver {
  readonly #context: RecorderContext
  readonly #server: ServerId
  readonly #incarnation: number
  /** By zxid, of what the log holds and is not applied yet. */
  readonly #hashes: Map<Zxid, number> = new Map()
  #role: RoleChangeEvent['role'] = 'looking'
  #isEstablished = false
  /** Epoch being led or followed. */
  #epoch = 0
  #acceptedEpoch = 0
  #hasAckedNewLeader = false
  #lastLogged: Zxid = 0n as Zxid
  #lastCommitted: Zxid = 0n as Zxid

  constructor(context: RecorderContext) {
    this.#context = context
    this.#server = context.server
    this.#incarnation = context.incarnation
  }

  onRecovered(found: Parameters<ReplicaObserver['onRecovered']>[0]): void {
    for (const entry of found.entries) this.#hashes.set(entry.zxid, hashOf(entry))
    this.#lastLogged = found.lastLogged
    this.#acceptedEpoch = found.acceptedEpoch
    this.#context.append({
      kind: 'restart',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      recovered: {
        lastZxid: found.lastLogged,
        acceptedEpoch: found.acceptedEpoch,
        currentEpoch: found.currentEpoch,
        checkpointZxid: found.lastApplied,
        checkpointDigest: found.digest,
      },
      disk: this.#context.diskFound(),
    })
  }

  onVoted({ state, vote }: Notification): void {
    this.#context.append({
      kind: 'vote',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      leader: vote.leader,
      zxid: vote.zxid,
      peerEpoch: vote.peerEpoch,
      electionEpoch: vote.electionEpoch,
      isLooking: state === PeerState.LOOKING,
    })
  }

  onSent(_link: LinkId, packet: Packet): void {
    switch (packet.kind) {
      case PacketKind.LEADERINFO:
        this.#promise(packet.epoch)
        break
      case PacketKind.ACKEPOCH:
        this.#promise(this.#acceptedEpoch)
        break
      case PacketKind.ACK:
        this.#acked(packet.zxid)
        break
      case PacketKind.COMMIT:
      case PacketKind.INFORM:
        this.#committed(packet.zxid)
        break
      default:
        break
    }
  }

  onPersist(record: PersistRecord): void {
    const { token } = record
    switch (record.kind) {
      case RecordKind.APPEND: {
        const { zxid } = record.entry
        const hash = hashOf(record.entry)
        this.#note(zxid, hash)
        if (this.#role === 'leading' && this.#isEstablished) {
          this.#context.append({
            kind: 'broadcast',
            atMs: this.#context.nowMs(),
            server: this.#server,
            incarnation: this.#incarnation,
            epoch: this.#epoch,
            zxid,
            hash,
          })
        }
        this.#context.append({
          kind: 'append',
          atMs: this.#context.nowMs(),
          server: this.#server,
          incarnation: this.#incarnation,
          token,
          zxid,
          hash,
        })
        break
      }
      case RecordKind.TRUNCATE:
        this.#lastLogged = record.zxid
        this.#context.append({
          kind: 'truncate',
          atMs: this.#context.nowMs(),
          server: this.#server,
          incarnation: this.#incarnation,
          token,
          zxid: record.zxid,
        })
        break
      case RecordKind.ACCEPTED_EPOCH:
        this.#acceptedEpoch = record.epoch
        this.#context.append({
          kind: 'epochAccepted',
          atMs: this.#context.nowMs(),
          server: this.#server,
          incarnation: this.#incarnation,
          token,
          epoch: record.epoch,
        })
        break
      case RecordKind.CURRENT_EPOCH:
        this.#context.append({
          kind: 'epochCurrent',
          atMs: this.#context.nowMs(),
          server: this.#server,
          incarnation: this.#incarnation,
          token,
          epoch: record.epoch,
        })
        break
      case RecordKind.INSTALL:
        this.#install(record)
        break
      default:
        break
    }
  }

  #install(record: Extract<PersistRecord, { kind: typeof RecordKind.INSTALL }>): void {
    const { token, zxid, currentEpoch } = record
    const entries = record.entries.map((entry) => ({ zxid: entry.zxid, hash: hashOf(entry) }))
    this.#lastLogged = zxid
    for (const entry of entries) this.#note(entry.zxid, entry.hash)
    const snapshot = record.snapshot as { summary(zxid: Zxid): { readonly digest: bigint } }
    const { digest } = snapshot.summary(zxid)
    this.#context.append({
      kind: 'install',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      token,
      zxid,
      digest,
      currentEpoch,
      entries,
    })
  }

  onDurable(token: PersistToken): void {
    this.#context.append({
      kind: 'durable',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      token,
    })
  }

  onRole(change: RoleChange): void {
    const { epoch, leader, serving } = change
    this.#role = ROLE_NAMES[change.role]
    this.#epoch = epoch
    this.#isEstablished = change.role === Role.LEADING && serving
    if (!serving) this.#hasAckedNewLeader = false
    this.#lastCommitted = 0n as Zxid
    this.#context.append({
      kind: 'roleChange',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      role: this.#role,
      epoch,
      leader,
      serving,
    })
    if (this.#isEstablished) {
      this.#context.append({
        kind: 'established',
        atMs: this.#context.nowMs(),
        server: this.#server,
        incarnation: this.#incarnation,
        epoch,
        lastZxid: this.#lastLogged,
      })
    }
  }

  onApplied(header: TxnHeader, txn: Txn, tree: DataTree): void {
    const { zxid } = header
    if (this.#isEstablished) this.#committed(zxid)
    const hash = this.#hashes.get(zxid) ?? 0
    this.#hashes.delete(zxid)
    const digest = tree.digest()
    this.#context.append({
      kind: 'apply',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      zxid,
      hash,
      header,
      txn,
      digest,
    })
  }

  onTouched(sessionId: SessionId): void {
    this.#context.append({
      kind: 'sessionTouch',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      sessionId,
    })
  }

  onSnapshotTaken(zxid: Zxid, digest: bigint): void {
    this.#context.append({
      kind: 'snapshot',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      zxid,
      digest,
    })
  }

  onTrace(line: string): void {
    this.#context.onTrace(line)
  }

  #note(zxid: Zxid, hash: number): void {
    this.#hashes.set(zxid, hash)
    this.#lastLogged = zxid
  }

  #promise(epoch: number): void {
    this.#context.append({
      kind: 'promise',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      epoch,
    })
  }

  /** ACK of epoch:0 answers NEWLEADER, and a second time UPTODATE. */
  #acked(zxid: Zxid): void {
    if (counterOf(zxid) !== 0) {
      this.#context.append({
        kind: 'ack',
        atMs: this.#context.nowMs(),
        server: this.#server,
        incarnation: this.#incarnation,
        epoch: this.#acceptedEpoch,
        zxid,
      })
    } else if (!this.#hasAckedNewLeader) {
      this.#hasAckedNewLeader = true
      this.#context.append({
        kind: 'newLeaderAck',
        atMs: this.#context.nowMs(),
        server: this.#server,
        incarnation: this.#incarnation,
        epoch: epochOf(zxid),
      })
    }
  }

  /** Once for each zxid of this leader's epoch, though every learner is told. */
  #committed(zxid: Zxid): void {
    if (!this.#isEstablished || epochOf(zxid) !== this.#epoch || zxid <= this.#lastCommitted) return
    this.#lastCommitted = zxid
    this.#context.append({
      kind: 'commit',
      atMs: this.#context.nowMs(),
      server: this.#server,
      incarnation: this.#incarnation,
      epoch: this.#epoch,
      zxid,
    })
  }
}

const ROLE_NAMES: Readonly<Record<Role, RoleChangeEvent['role']>> = {
  [Role.LOOKING]: 'looking',
  [Role.FOLLOWING]: 'following',
  [Role.LEADING]: 'leading',
  [Role.OBSERVING]: 'observing',
}

function hashOf({ txn }: Entry): number {
  return hashBytes(txn)
}
