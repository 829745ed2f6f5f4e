import type { ServerId, Zxid } from '../base/index.ts'
import type { Address, Environment, IoError, TimerHandle } from '../env/index.ts'
import {
  type ElectionHandler,
  ElectionPort,
  type ForwardedRequest,
  LearnerPort,
  type LearnerPortHandler,
  type Revalidation,
  type RevalidationAnswer,
  type SnapshotSink,
  type Touches,
} from '../peer/index.ts'
import type { Storage } from '../storage/index.ts'
import type { TxnEntry } from '../wire/index.ts'
import {
  type Entry,
  type Input,
  InputKind,
  type LinkId,
  type Notification,
  type Outbox,
  type Packet,
  PacketKind,
  type PersistRecord,
  type PersistToken,
  RecordKind,
  Role,
  type RoleChange,
  ZabCore,
} from '../zab/index.ts'
import type { DataTreeOptions } from '../znodes/index.ts'
import { type EventHistory, ReplicaEvents } from './events/index.ts'
import { ListWatch } from './list-watch.ts'
import { ReplicaMetrics, type ZxidTimes } from './metrics/index.ts'
import { observerStatuses } from './observed-link.ts'
import { ObserverMaster, type ObserverMasterHost } from './observer-master.ts'
import { type Duties, drain } from './outbox-duties.ts'
import { decodeReceived, ReceivedEntries } from './received-entry.ts'
import type { ReplicaObserver } from './replica-observer.ts'
import type { ReplicaOptions } from './replica-options.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { ObserverStatus } from './server-status.ts'
import { newSnapshotSink, type ReceivedSnapshot } from './snapshot-sink.ts'
import { beginSnapshot } from './snapshot-source.ts'

/** The rest of a member of an ensemble, as its replica sees it. */
export interface ReplicaHost {
  /** Something has to leave at the end of this turn. */
  schedule(): void
  /** An entry of another server's making is in the log. */
  onLogged(entry: TxnEntry): void
  onTruncated(zxid: Zxid): void
  /** Everything up to `zxid` is committed and durable here. */
  onCommitted(zxid: Zxid): void
  /** A whole state is on its way to the disk; the entries follow it in the log. */
  onInstalling(entries: readonly TxnEntry[]): void
  /** It is durable, and the state from now on. */
  onInstalled(snapshot: ReceivedSnapshot, zxid: Zxid): void
  onRole(change: RoleChange): void
  /** Leader: a learner forwards a request. */
  onRequest(link: LinkId, request: ForwardedRequest): void
  /** Leader: a client of a learner wants to take up its session. */
  onRevalidation(link: LinkId, revalidation: Revalidation): void
  /** Leader: sessions that a learner has heard something in. */
  onTouches(touches: Touches): void
  /** Leader: whether it led when `confirm` was called with this token. */
  onConfirmed(token: number, isLeader: boolean): void
  /** Learner: the answer to a revalidation. */
  onRevalidated(answer: RevalidationAnswer): void
  /** Learner: the answer to its oldest sync, valid once everything committed up to now is applied. */
  onSynced(): void
  /** Learner: sessions it has heard something in since the last call. */
  takeTouches(): Touches
  onPortError(error: IoError): void
}

/** Whose observers may be served here. */
type Host = ObserverMasterHost & ReplicaHost

/**
 * Runs the Zab core of a server: steps it with what happens, and does what it asks for at the end of the turn, in the
 * order of its outbox (docs/zab.md: duties of the caller).
 */
export class Replica implements ElectionHandler, LearnerPortHandler {
  readonly core: ZabCore
  readonly events: ReplicaEvents
  readonly metrics: ReplicaMetrics
  readonly #env: Environment
  /** Null unless the configuration has a port for observers, and this server a vote. */
  readonly observerMaster: ObserverMaster | null
  readonly #host: Host
  readonly #storage: Storage
  readonly #state: ReplicatedState
  readonly #election: ElectionPort
  readonly #learners: LearnerPort
  readonly #observer: ReplicaObserver | null
  readonly #treeOptions: DataTreeOptions
  readonly #snapshotSizeFactor: number
  readonly #received = new ReceivedEntries()
  readonly #lists: ListWatch
  #timer: TimerHandle | null = null
  #timerMs = Number.POSITIVE_INFINITY
  #isListening = false
  #isStopped = false
  /** What is done with each item of a field of the outbox; made once, not every turn. */
  readonly #duties: Duties = {
    vote: ({ to, notification }) => {
      this.#observer?.onVoted(notification)
      this.events.onVote(notification)
      this.#election.send(to, notification)
    },
    connect: ({ link, to }) => this.#learners.connect(link, to),
    send: ({ link, packet }) => this.#send(link, packet),
    close: ({ link, reason }) => {
      this.events.onLinkClosed(link, reason)
      // What is closed with a role of this server is told by that.
      const isDropped = this.core.role === Role.LEADING
      if (isDropped) this.#env.logger.info('the leader gives a learner up', { link, reason })
      this.#learners.close(link)
    },
    commit: (zxid) => {
      this.#host.onCommitted(zxid)
      this.observerMaster?.onApplied(zxid)
    },
    changeRole: (change) => this.#changeRole(change),
    takeSnapshot: ({ link }) => this.#takeSnapshot(link),
    readEntries: (request) => this.#readEntries(request),
    deliver: ({ link, packet }) => this.#deliver(link, packet),
    confirm: (token) => this.#host.onConfirmed(token, true),
    refuse: (token) => this.#host.onConfirmed(token, false),
    warn: (text) => this.#env.logger.warn(text),
    trace: (line) => this.#trace(line),
  }

  constructor(
    env: Environment,
    options: ReplicaOptions,
    storage: Storage,
    state: ReplicatedState,
    host: Host,
    observer: ReplicaObserver | null,
    history: EventHistory,
    committedAt: ZxidTimes,
  ) {
    this.#env = env
    this.#host = host
    this.#storage = storage
    this.#state = state
    this.#observer = observer
    this.#treeOptions = options.tree
    this.#snapshotSizeFactor = options.snapshotSizeFactor ?? Number.POSITIVE_INFINITY
    this.#lists = new ListWatch(options.core.ensemble.text, env.logger)
    this.core = new ZabCore(options.core, env.clock.monotonicMs())
    this.events = new ReplicaEvents(history, env.clock, this.core)
    this.metrics = new ReplicaMetrics(env.metrics, env.clock, this.core, committedAt)
    this.#election = new ElectionPort(env, options.election, this)
    this.#learners = new LearnerPort(env, options.learner, this)
    const { core, observerMaster: master } = options
    const { entries } = core.recovered
    this.observerMaster =
      master === null ? null : new ObserverMaster(env, master, state, entries, host)
  }

  /** Of an observer: the server that it is connected to, which need not be the leader. */
  get learnerMaster(): ServerId | null {
    return this.#learners.currentMaster ?? this.core.leader
  }

  /** Observers that are served here, by a leader or by a follower in its place. */
  observers(): readonly ObserverStatus[] {
    if (this.core.role !== Role.LEADING) return this.observerMaster?.observers() ?? []
    const synced = this.core.learnerViews.filter(
      ({ role, state }) => role === 'observer' && state === 'synced',
    )
    return observerStatuses(synced, this.#learners)
  }

  resetObserverStats(): void {
    this.observerMaster?.resetObserverStats()
    for (const { link, role } of this.core.learnerViews) {
      if (role === 'observer') this.#learners.resetStatus(link)
    }
  }

  start(): void {
    this.#election.start()
    this.#host.schedule()
  }

  /** Nothing goes to other servers any more. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#election.stop()
    this.#learners.stop()
    this.observerMaster?.stop()
  }

  step(input: Input): void {
    if (this.#isStopped) return
    this.core.step(input, this.#env.clock.monotonicMs())
    this.#host.schedule()
  }

  /* ---------------------------------------------------------------- election port */

  onElectionListening(address: Address): void {
    this.#env.logger.info('listening for elections', { host: address.host, port: address.port })
  }

  onNotification(from: ServerId, notification: Notification): void {
    this.#lists.onNotification(from, notification.config)
    this.step({ kind: InputKind.NOTIFICATION, from, notification })
  }

  onPeerDown(sid: ServerId): void {
    this.step({ kind: InputKind.PEER_DOWN, sid })
  }

  onPortError(error: IoError): void {
    this.#host.onPortError(error)
  }

  /* ---------------------------------------------------------------- learner port */

  onLearnerListening(address: Address): void {
    this.#env.logger.debug('listening for learners', { host: address.host, port: address.port })
  }

  allotLink(): LinkId {
    return this.core.allotLink()
  }

  onLinkAccepted(link: LinkId): void {
    this.step({ kind: InputKind.LINK_ACCEPTED, link })
  }

  onLinkOpened(link: LinkId): void {
    this.step({ kind: InputKind.LINK_OPENED, link })
  }

  onLinkClosed(link: LinkId, reason: string): void {
    this.#env.logger.info('a link between leader and learner has ended', { link, reason })
    this.events.onLinkLost(link, reason)
    this.step({ kind: InputKind.LINK_CLOSED, link })
  }

  onLinkProgress(link: LinkId): void {
    this.step({ kind: InputKind.LINK_PROGRESS, link })
  }

  newSnapshotSink(statement: Uint8Array | null): SnapshotSink {
    return newSnapshotSink(this.#treeOptions, statement)
  }

  /** An entry that cannot be read must not reach the log: its link ends before the core has seen it. */
  onPacket(link: LinkId, packet: Packet): void {
    if (packet.kind === PacketKind.PROPOSAL || packet.kind === PacketKind.INFORM) {
      const entry = decodeReceived(packet)
      if (typeof entry === 'string') {
        const fields = { fault: entry }
        this.#env.logger.error('a leader sent an entry that cannot be read; link closed', fields)
        this.#learners.close(link)
        this.step({ kind: InputKind.LINK_CLOSED, link })
        return
      }
      this.#received.add(packet, entry)
      this.metrics.onEntry(packet.kind, packet.zxid, entry.header.time)
    }
    if (packet.kind >= PacketKind.UPTODATE) this.events.onReceived(link, packet)
    this.metrics.onReceived(link, packet)
    this.step({ kind: InputKind.PACKET, link, packet })
  }

  /* ---------------------------------------------------------------- end of turn */

  /** Does everything that the core asks for, and what comes of it, until it asks for nothing more. */
  flush(): void {
    if (this.#isStopped) return
    while (this.#drain()) {
      // What was delivered may have led to proposals, and those to packets.
    }
    if (this.core.role === Role.LEADING) this.metrics.onCommitted(this.core.knownCommitted)
    this.#storage.flush()
    this.#learners.flush()
    this.observerMaster?.flush()
    this.#arm()
  }

  /** In the order of the outbox's fields; whether there was anything. */
  #drain(): boolean {
    const { outbox } = this.core
    const observer = this.#observer
    const duties = this.#duties
    let count = drain(outbox.notifications, duties.vote)
    count += drain(outbox.connects, duties.connect)
    count += drain(outbox.packets, duties.send)
    count += drain(outbox.closes, duties.close)
    count += this.#persist(outbox.persists)
    // Whoever watches learns that a leader is established before what that commits is applied, and that a role has ended
    // after what it committed is.
    if (observer !== null) {
      for (const change of outbox.roleChanges) if (change.serving) observer.onRole(change)
    }
    count += drain(outbox.commits, duties.commit)
    count += drain(outbox.roleChanges, duties.changeRole)
    count += drain(outbox.snapshotRequests, duties.takeSnapshot)
    count += drain(outbox.entryRequests, duties.readEntries)
    count += drain(outbox.deliveries, duties.deliver)
    count += drain(outbox.confirmed, duties.confirm)
    count += drain(outbox.unconfirmed, duties.refuse)
    count += drain(outbox.warnings, duties.warn)
    count += drain(outbox.traces, duties.trace)
    return count > 0
  }

  #send(link: LinkId, packet: Packet): void {
    // A learner answers a ping with the sessions that it has heard of.
    const isAnswer = packet.kind === PacketKind.PING && this.core.role !== Role.LEADING
    const sent = isAnswer ? { ...packet, touches: this.#host.takeTouches() } : packet
    this.#observer?.onSent(link, sent)
    if (packet.kind >= PacketKind.UPTODATE) this.events.onSent(link, packet)
    this.metrics.onSent(packet)
    this.#learners.send(link, sent)
  }

  #changeRole(change: RoleChange): void {
    this.events.onRole(change)
    this.metrics.onRole(change)
    if (!change.serving) {
      this.#observer?.onRole(change)
      this.#received.clear()
    }
    if (change.serving) this.#learners.onServing()
    this.#listenForLearners(change.role === Role.LEADING)
    this.#host.onRole(change)
    if (change.serving && change.role === Role.FOLLOWING) this.observerMaster?.start(change.epoch)
    else this.observerMaster?.stop()
  }

  /** Whoever dials a server that does not lead is refused at once, and tries again or elsewhere. */
  #listenForLearners(isLeading: boolean): void {
    if (isLeading === this.#isListening) return
    this.#isListening = isLeading
    if (isLeading) this.#learners.start()
    else this.#learners.stopListening()
  }

  #trace(line: string): void {
    this.#observer?.onTrace(line)
    this.#env.logger.debug(line)
  }

  #deliver(link: LinkId, packet: Packet): void {
    switch (packet.kind) {
      case PacketKind.REQUEST:
        this.#host.onRequest(link, packet.body as ForwardedRequest)
        break
      case PacketKind.REVALIDATE:
        if (this.core.role === Role.LEADING) {
          this.#host.onRevalidation(link, packet.body as Revalidation)
        } else this.#host.onRevalidated(packet.body as RevalidationAnswer)
        break
      case PacketKind.SYNC:
        this.#host.onSynced()
        break
      case PacketKind.PING:
        this.#host.onTouches((packet.touches ?? []) as Touches)
        break
      default:
        break
    }
  }

  #takeSnapshot(link: LinkId): void {
    const snapshot = beginSnapshot(this.#state)
    const zxid = this.#state.lastApplied
    this.#observer?.onSnapshotTaken(zxid, this.#state.tree.digest())
    this.step({ kind: InputKind.SNAPSHOT_READY, link, zxid, snapshot })
  }

  /** For a learner that lacks more than is in memory. */
  #readEntries({ link, after, upTo, maxBytes }: Outbox['entryRequests'][number]): void {
    const share = Math.floor(this.#snapshotSizeFactor * this.#state.tree.dataBytes)
    // All of it is in memory at once: of a large state even a small part is too much.
    const bytes = Math.min(maxBytes, share)
    this.#storage.readEntries(after, upTo, bytes, (problem, read) => {
      if (read === null) {
        const reason = problem ?? 'nothing was read'
        this.step({ kind: InputKind.ENTRIES_FAILED, link, reason })
      } else this.step({ kind: InputKind.ENTRIES_READY, link, ...read })
    })
  }

  /** The log on disk begins after `base` from now on. */
  onLogPurged(base: Zxid): void {
    this.step({ kind: InputKind.LOG_PURGED, base })
  }

  /* ---------------------------------------------------------------- the disk */

  #persist(records: PersistRecord[]): number {
    const { length } = records
    if (length === 0) return 0
    const last = records[length - 1]!.token
    for (const record of records) {
      this.#observer?.onPersist(record)
      this.#write(record)
    }
    records.length = 0
    this.#storage.whenDurable(() => this.#onDurable(last))
    return length
  }

  #onDurable(token: PersistToken): void {
    this.#observer?.onDurable(token)
    this.step({ kind: InputKind.DURABLE, token })
  }

  #write(record: PersistRecord): void {
    switch (record.kind) {
      case RecordKind.APPEND:
        this.#append(record.entry)
        break
      case RecordKind.TRUNCATE:
        this.#storage.truncate(record.zxid, () => {})
        this.#host.onTruncated(record.zxid)
        this.observerMaster?.onTruncated(record.zxid)
        break
      case RecordKind.ACCEPTED_EPOCH:
        this.#storage.setAcceptedEpoch(record.epoch, () => {})
        break
      case RecordKind.CURRENT_EPOCH:
        this.#storage.setCurrentEpoch(record.epoch, () => {})
        break
      case RecordKind.INSTALL:
        this.#install(record)
        break
      default:
        break
    }
  }

  /** What this server proposed itself is known to the pipeline already. */
  #append(logged: Entry): void {
    const { zxid, txn } = logged
    this.observerMaster?.onLogged(logged)
    this.#storage.append(zxid, txn, 0, txn.length)
    const entry = this.#received.take(logged)
    if (entry !== undefined) this.#host.onLogged(entry)
  }

  #install(record: Extract<PersistRecord, { kind: typeof RecordKind.INSTALL }>): void {
    const snapshot = record.snapshot as ReceivedSnapshot
    const { zxid, entries, currentEpoch } = record
    const decoded = this.#received.takeBehind(zxid, entries)
    const onProgress = (): void => this.step({ kind: InputKind.PERSIST_PROGRESS })
    const install = { zxid, snapshot, entries, currentEpoch, onProgress }
    this.#host.onInstalling(decoded)
    this.observerMaster?.onInstalling(zxid, entries)
    this.#storage.install(install, () => this.#host.onInstalled(snapshot, zxid))
  }

  /* ---------------------------------------------------------------- time */

  /** The timer may fire early, which does no harm: so it is only ever moved forward. */
  #arm(): void {
    const deadlineMs = this.core.nextDeadlineMs()
    if (deadlineMs >= this.#timerMs) return
    this.#timer?.cancel()
    this.#timerMs = deadlineMs
    this.#timer = this.#env.timers.at(deadlineMs, this.#onDeadline)
  }

  /** Timers run before sockets are read: what peers have sent in time must count first. */
  readonly #onDeadline = (): void => {
    this.events.history.noteTimer(this.#timerMs)
    this.#timer = null
    this.#timerMs = Number.POSITIVE_INFINITY
    this.#env.timers.endOfTurn(this.#onTimeout)
  }

  readonly #onTimeout = (): void => {
    this.step({ kind: InputKind.TIMEOUT })
  }
}
