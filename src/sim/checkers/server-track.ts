import type { ServerId, Zxid } from '../../base/index.ts'
import type {
  AppendEvent,
  EpochEvent,
  HistoryEvent,
  InstallEvent,
  Recovered,
  RestartEvent,
  RoleChangeEvent,
  TruncateEvent,
} from '../history.ts'
import type { HistoryIndex } from './history-index.ts'
import { ServerLog } from './server-log.ts'

export type DiskRecordEvent = AppendEvent | EpochEvent | InstallEvent | TruncateEvent

/** What a disk holds. */
export class DiskState {
  readonly log: ServerLog = new ServerLog()
  acceptedEpoch = 0
  currentEpoch = 0

  write(record: DiskRecordEvent, index: HistoryIndex): void {
    switch (record.kind) {
      case 'append':
        this.log.append(record)
        break
      case 'truncate':
        this.log.truncate(record.zxid)
        break
      case 'epochAccepted':
        this.acceptedEpoch = record.epoch
        break
      case 'epochCurrent':
        this.currentEpoch = record.epoch
        break
      default:
        this.log.install(record.zxid, index.chainUpTo(record.zxid))
        for (const entry of record.entries) this.log.append(entry)
        this.currentEpoch = record.currentEpoch
    }
  }

  copyFrom(other: DiskState): void {
    this.log.copyFrom(other.log)
    this.acceptedEpoch = other.acceptedEpoch
    this.currentEpoch = other.currentEpoch
  }
}

/** One server as its events show it. */
export class ServerTrack {
  readonly id: ServerId
  isUp = false
  incarnation = 0
  startedMs = 0
  /** With everything handed to the disk. */
  readonly handed: DiskState = new DiskState()
  /** With what survives a power cut for certain. */
  readonly durable: DiskState = new DiskState()
  /** Handed over and not durable, oldest first. */
  readonly pending: DiskRecordEvent[] = []
  /** State in memory: the greatest zxid applied. */
  applied: Zxid = 0n as Zxid
  /** Zxid that this life of the state in memory began with: a checkpoint or an install. */
  base: Zxid = 0n as Zxid
  /** Counts those lives. */
  life = 0
  /** Everything up to this was acked and is not taken back. */
  acked: Zxid = 0n as Zxid
  /** Whether the disk was replaced, and no leader has brought it up since: it may hold less than was promised. */
  isSuspect = false
  role: RoleChangeEvent['role'] = 'looking'
  roleEpoch = 0
  leader: ServerId | null = null
  isServing = false
  roleSinceMs = 0

  constructor(id: ServerId) {
    this.id = id
  }

  step(event: Extract<HistoryEvent, { readonly incarnation: number }>, index: HistoryIndex): void {
    switch (event.kind) {
      case 'append':
      case 'truncate':
      case 'epochAccepted':
      case 'epochCurrent':
      case 'install':
        this.handed.write(event, index)
        this.pending.push(event)
        break
      case 'durable':
        this.#onDurable(event.token, index)
        break
      case 'ack':
        if (event.zxid > this.acked) this.acked = event.zxid
        break
      case 'newLeaderAck':
        this.isSuspect = false
        break
      case 'apply':
        if (event.zxid > this.applied) this.applied = event.zxid
        break
      case 'crash':
        this.isUp = false
        this.isServing = false
        this.role = 'looking'
        this.leader = null
        this.roleSinceMs = event.atMs
        break
      case 'restart':
        this.#onRestart(event, index)
        break
      case 'roleChange':
        this.role = event.role
        this.roleEpoch = event.epoch
        this.leader = event.leader
        this.isServing = event.serving
        this.roleSinceMs = event.atMs
        break
      default:
        break
    }
  }

  /** How many of the pending records the disk must have kept to look like this; -1 when none will do. */
  recoveredRecords(recovered: Recovered, index: HistoryIndex): number {
    const disk = new DiskState()
    disk.copyFrom(this.durable)
    let found = -1
    for (let kept = 0; kept <= this.pending.length; kept += 1) {
      if (kept > 0) disk.write(this.pending[kept - 1]!, index)
      if (disk.log.last !== recovered.lastZxid) continue
      if (found < 0) found = kept
      const { acceptedEpoch, currentEpoch } = recovered
      if (disk.acceptedEpoch === acceptedEpoch && disk.currentEpoch === currentEpoch) return kept
    }
    return found
  }

  /** What it has acked and must find again, even if all that the disk was given last has reached it, as it may have. */
  get kept(): Zxid {
    let least = this.acked
    for (const record of this.pending) {
      if (record.kind !== 'truncate' && record.kind !== 'install') continue
      const last =
        record.kind === 'install' ? (record.entries.at(-1)?.zxid ?? record.zxid) : record.zxid
      if (last < least) least = last
    }
    return least
  }

  /** A leader that has others forget what they acked answers for it (A10). */
  #write(record: DiskRecordEvent, index: HistoryIndex): void {
    this.durable.write(record, index)
    if (record.kind !== 'truncate' && record.kind !== 'install') return
    if (this.durable.log.last < this.acked) this.acked = this.durable.log.last
  }

  #onDurable(token: number, index: HistoryIndex): void {
    let count = 0
    for (const record of this.pending) {
      if (record.token > token) break
      this.#write(record, index)
      if (record.kind === 'install') {
        this.#begin(record.zxid)
        this.isSuspect = false
      }
      count += 1
    }
    this.pending.splice(0, count)
  }

  #onRestart(event: RestartEvent, index: HistoryIndex): void {
    const { recovered } = event
    const kept = event.disk === 'kept' ? this.recoveredRecords(recovered, index) : -1
    for (const record of this.pending.slice(0, Math.max(kept, 0))) this.#write(record, index)
    this.pending.length = 0
    if (kept < 0) this.#replaceLog(recovered.lastZxid, index)
    this.durable.acceptedEpoch = recovered.acceptedEpoch
    this.durable.currentEpoch = recovered.currentEpoch
    this.handed.copyFrom(this.durable)
    if (event.disk === 'replaced') this.isSuspect = true
    if (this.acked > recovered.lastZxid) this.acked = recovered.lastZxid
    this.isUp = true
    this.incarnation = event.incarnation
    this.startedMs = event.atMs
    this.#begin(recovered.checkpointZxid)
  }

  /** The disk is not what was written: the best guess is that it holds a part of it, else of the common history. */
  #replaceLog(lastZxid: Zxid, index: HistoryIndex): void {
    const { log } = this.durable
    if (log.chainAt(lastZxid) !== null) log.truncate(lastZxid)
    else log.install(lastZxid, index.chainUpTo(lastZxid))
  }

  #begin(zxid: Zxid): void {
    this.base = zxid
    this.applied = zxid
    this.life += 1
  }
}

/** All servers of the world, as far as the history has been walked. */
export class Servers {
  readonly #index: HistoryIndex
  readonly #tracks = new Map<ServerId, ServerTrack>()
  voters: readonly ServerId[] = []
  observers: readonly ServerId[] = []

  constructor(index: HistoryIndex) {
    this.#index = index
  }

  of(id: ServerId): ServerTrack {
    let track = this.#tracks.get(id)
    if (track === undefined) {
      track = new ServerTrack(id)
      this.#tracks.set(id, track)
    }
    return track
  }

  all(): Iterable<ServerTrack> {
    return this.#tracks.values()
  }

  step(event: HistoryEvent): void {
    switch (event.kind) {
      case 'append':
      case 'truncate':
      case 'epochAccepted':
      case 'epochCurrent':
      case 'install':
      case 'durable':
      case 'ack':
      case 'newLeaderAck':
      case 'apply':
      case 'crash':
      case 'restart':
      case 'roleChange':
        this.of(event.server).step(event, this.#index)
        break
      case 'config':
        this.voters = event.voters
        this.observers = event.observers
        break
      default:
        break
    }
  }
}
