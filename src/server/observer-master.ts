import { counterOf, epochOf, formatHex, makeZxid, type ServerId, type Zxid } from '../base/index.ts'
import type { Address, Environment, IoError, TimerHandle } from '../env/index.ts'
import {
  type ForwardedRequest,
  LearnerPort,
  type LearnerPortHandler,
  type LearnerPortOptions,
  type Revalidation,
  type SnapshotSink,
  type Touches,
} from '../peer/index.ts'
import { DecodeError } from '../wire/index.ts'
import { type Entry, type LinkId, type Packet, PacketKind, packetName } from '../zab/index.ts'
import { CommittedWindow } from './committed-window.ts'
import { ObservedLink, ObserverPhase, observerStatuses } from './observed-link.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { ObserverStatus } from './server-status.ts'
import { beginSnapshot } from './snapshot-source.ts'

/** What of the configuration an observer master works with. */
export interface ObserverMasterOptions {
  readonly learner: LearnerPortOptions
  readonly tickMs: number
  /** Ticks that an observer may take to synchronize, and that it may be silent afterwards. */
  readonly initLimit: number
  readonly syncLimit: number
  /** Bytes of committed transactions that are kept for observers that come back or are slow. */
  readonly windowBytesMax: number
  /** The ensemble as text, for NEWLEADER. */
  readonly ensembleText: string
}

/** The follower that serves observers: what they want goes to its leader. */
export interface ObserverMasterHost {
  /** Something has to leave at the end of this turn. */
  schedule(): void
  onObserverRequest(link: LinkId, request: ForwardedRequest): void
  onObserverRevalidation(link: LinkId, revalidation: Revalidation): void
  onObserverTouches(touches: Touches): void
  onPortError(error: IoError): void
}

/**
 * A follower in place of the leader, for observers that dial its `observerMasterPort` (`ObserverMaster`). They are
 * brought to what is committed *and applied here*, and get every further transaction once it is applied here; so an
 * observer never has what its master has not. What its clients ask for goes to the leader as if the follower's own
 * clients had asked.
 */
export class ObserverMaster implements LearnerPortHandler {
  readonly #env: Environment
  readonly #options: ObserverMasterOptions
  readonly #state: ReplicatedState
  readonly #host: ObserverMasterHost
  readonly #port: LearnerPort
  readonly #window: CommittedWindow
  readonly #observers: Map<LinkId, ObservedLink> = new Map()
  #links = 0
  /** Of the leader that is followed; null while none is. */
  #epoch: number | null = null
  #timer: TimerHandle | null = null

  /** `tail`: what the log holds behind the state. */
  constructor(
    env: Environment,
    options: ObserverMasterOptions,
    state: ReplicatedState,
    tail: readonly Entry[],
    host: ObserverMasterHost,
  ) {
    this.#env = env
    this.#options = options
    this.#state = state
    this.#host = host
    this.#port = new LearnerPort(env, options.learner, this)
    this.#window = new CommittedWindow(state.lastApplied, options.windowBytesMax)
    for (const entry of tail) if (entry.zxid > state.lastApplied) this.#window.onLogged(entry)
  }

  /** Observers that are served. */
  get observerCount(): number {
    let count = 0
    for (const { phase } of this.#observers.values()) if (phase === ObserverPhase.active) count += 1
    return count
  }

  /** Those that are served, for the operator. */
  observers(): readonly ObserverStatus[] {
    const active = [...this.#observers.values()].filter(
      ({ phase }) => phase === ObserverPhase.active,
    )
    return observerStatuses(active, this.#port)
  }

  resetObserverStats(): void {
    for (const link of this.#observers.keys()) this.#port.resetStatus(link)
  }

  /** This server follows the leader of `epoch`, and is up to date. */
  start(epoch: number): void {
    this.stop()
    this.#epoch = epoch
    this.#port.start()
    this.#arm()
  }

  /** It does not any more: observers have to look for another server. */
  stop(): void {
    if (this.#epoch === null) return
    this.#epoch = null
    this.#timer?.cancel()
    this.#timer = null
    this.#port.stop()
    this.#observers.clear()
  }

  /** End of turn: what has been sent leaves. */
  flush(): void {
    this.#port.flush()
  }

  /* ---------------------------------------------------------------- the log */

  onLogged(entry: Entry): void {
    const beganMs = this.#nowMs()
    this.#window.onLogged(entry)
    this.#env.metrics.observe('om_proposal_process_time_ms', this.#nowMs() - beganMs)
  }

  onTruncated(zxid: Zxid): void {
    this.#window.onTruncated(zxid)
  }

  /** The state after `zxid` has taken the place of everything before; the entries come behind it. */
  onInstalling(zxid: Zxid, entries: readonly Entry[]): void {
    this.#window.reset(zxid)
    for (const entry of entries) this.#window.onLogged(entry)
  }

  /** Everything up to `zxid` is applied. */
  onApplied(zxid: Zxid): void {
    const beganMs = this.#nowMs()
    this.#window.onCommitted(zxid)
    for (const observer of this.#observers.values()) {
      if (observer.phase === ObserverPhase.waiting) this.#synchronize(observer)
      else if (observer.phase === ObserverPhase.active) this.#inform(observer)
    }
    // Not before: what is sent on at once need not be kept.
    this.#window.trim()
    this.#env.metrics.observe('om_commit_process_time_ms', this.#nowMs() - beganMs)
  }

  /* ---------------------------------------------------------------- observers */

  onLearnerListening({ host, port }: Address): void {
    this.#env.logger.info('listening for observers', { host, port })
  }

  allotLink(): LinkId {
    this.#links += 1
    return this.#links as LinkId
  }

  onLinkAccepted(link: LinkId): void {
    const { initLimit, tickMs } = this.#options
    this.#observers.set(link, new ObservedLink(link, this.#nowMs() + initLimit * tickMs))
  }

  /** It dials nobody. */
  onLinkOpened(): void {}

  onLinkClosed(link: LinkId, reason: string): void {
    const observer = this.#observers.get(link)
    this.#observers.delete(link)
    this.#env.logger.info('an observer has gone', { sid: observer?.sid ?? null, reason })
  }

  onLinkProgress(link: LinkId): void {
    const observer = this.#observers.get(link)
    if (observer !== undefined) this.#heard(observer)
  }

  newSnapshotSink(): SnapshotSink {
    throw new DecodeError('a snapshot from an observer')
  }

  onPortError(error: IoError): void {
    this.#host.onPortError(error)
  }

  onPacket(link: LinkId, packet: Packet): void {
    const observer = this.#observers.get(link)
    if (observer === undefined) return
    const refusal = this.#receive(observer, packet)
    if (refusal === null) {
      this.#heard(observer)
      this.#host.schedule()
    } else this.#drop(observer, `${packetName(packet)}: ${refusal}`)
  }

  /** Why the observer cannot be served, or null. */
  #receive(observer: ObservedLink, packet: Packet): string | null {
    const isActive = observer.phase === ObserverPhase.active
    switch (packet.kind) {
      case PacketKind.OBSERVERINFO:
        return this.#onObserverInfo(observer, packet.sid, packet.acceptedEpoch)
      case PacketKind.FOLLOWERINFO:
        return 'only observers are served here'
      case PacketKind.ACKEPOCH:
        if (observer.phase !== ObserverPhase.promising) return 'out of turn'
        observer.lastZxid = packet.lastZxid
        this.#synchronize(observer)
        return null
      case PacketKind.ACK:
        return this.#onAck(observer, packet.zxid)
      case PacketKind.PING:
        if (isActive) this.#host.onObserverTouches((packet.touches ?? []) as Touches)
        return null
      case PacketKind.REQUEST:
        if (!isActive) return 'out of turn'
        this.#host.onObserverRequest(observer.link, packet.body as ForwardedRequest)
        return null
      case PacketKind.REVALIDATE:
        if (!isActive) return 'out of turn'
        this.#host.onObserverRevalidation(observer.link, packet.body as Revalidation)
        return null
      default:
        return 'not for a leader'
    }
  }

  #onObserverInfo(observer: ObservedLink, sid: ServerId, acceptedEpoch: number): string | null {
    const epoch = this.#epoch!
    if (observer.phase !== ObserverPhase.unknown) return 'says twice who it is'
    if (acceptedEpoch > epoch) return `has promised epoch ${acceptedEpoch}, this is ${epoch}`
    // A server has one link: the older one is the remains of a connection that this side has not seen end.
    for (const other of [...this.#observers.values()]) {
      if (other.sid === sid) this.#drop(other, 'has connected anew')
    }
    observer.sid = sid
    observer.phase = ObserverPhase.promising
    this.#send(observer, { kind: PacketKind.LEADERINFO, epoch })
    return null
  }

  /**
   * A position in the window has the same past in both logs; so has epoch:0, which is in no log. An observer of this
   * epoch that is ahead is waited for: what it has was committed, so it comes here too. Anything else gets the state.
   */
  #synchronize(observer: ObservedLink): void {
    const { lastZxid } = observer
    const applied = this.#state.lastApplied
    if (lastZxid > applied && epochOf(lastZxid) === this.#epoch && counterOf(lastZxid) > 0) {
      observer.phase = ObserverPhase.waiting
      return
    }
    if (this.#window.holds(lastZxid)) {
      this.#env.metrics.count('diff_count', 1)
      this.#send(observer, { kind: PacketKind.DIFF, zxid: applied })
      for (const { zxid, txn } of this.#window.after(lastZxid)) {
        this.#send(observer, { kind: PacketKind.PROPOSAL, zxid, txn })
        this.#send(observer, { kind: PacketKind.COMMIT, zxid })
      }
    } else {
      const snapshot = beginSnapshot(this.#state)
      this.#env.metrics.count('snap_count', 1)
      this.#send(observer, { kind: PacketKind.SNAP, zxid: applied, snapshot })
    }
    this.#env.logger.info('an observer is synchronized', {
      sid: observer.sid,
      lastZxid: formatHex(lastZxid),
      lastApplied: formatHex(applied),
    })
    observer.sentUpTo = applied
    observer.phase = ObserverPhase.synchronizing
    const zxid = makeZxid(this.#epoch!, 0)
    this.#send(observer, { kind: PacketKind.NEWLEADER, zxid, config: this.#options.ensembleText })
  }

  /** The first ACK is that of NEWLEADER, a second one answers UPTODATE. */
  #onAck(observer: ObservedLink, zxid: Zxid): string | null {
    if (zxid !== makeZxid(this.#epoch!, 0)) return 'observers ack nothing else'
    if (observer.phase !== ObserverPhase.synchronizing) return null
    observer.phase = ObserverPhase.active
    this.#send(observer, { kind: PacketKind.UPTODATE })
    this.#inform(observer)
    return null
  }

  /** Sends what has been applied since, then what had to wait for it. */
  #inform(observer: ObservedLink): void {
    if (!this.#window.holds(observer.sentUpTo)) {
      this.#drop(observer, 'is too slow: what it lacks is not kept any more')
      return
    }
    for (const { zxid, txn } of this.#window.after(observer.sentUpTo)) {
      this.#send(observer, { kind: PacketKind.INFORM, zxid, txn })
    }
    observer.sentUpTo = this.#state.lastApplied
    for (let sync = observer.syncs.peek(); sync !== null; sync = observer.syncs.peek()) {
      if (sync > observer.sentUpTo) return
      observer.syncs.shift()
      this.#send(observer, { kind: PacketKind.SYNC, body: null })
    }
  }

  /** The leader's answer to the oldest sync of this observer, valid once everything up to `committed` is applied. */
  onSynced(link: LinkId, committed: Zxid): void {
    const observer = this.#observers.get(link)
    if (observer === undefined) return
    observer.syncs.push(committed)
    this.#inform(observer)
  }

  /** The leader's answer to a revalidation. */
  onRevalidated(link: LinkId, body: Packet & { kind: typeof PacketKind.REVALIDATE }): void {
    const observer = this.#observers.get(link)
    if (observer !== undefined) this.#send(observer, body)
  }

  #send({ link }: ObservedLink, packet: Packet): void {
    this.#port.send(link, packet)
    this.#host.schedule()
  }

  #drop({ link, sid }: ObservedLink, reason: string): void {
    this.#env.logger.warn('an observer is not served any more', { sid, reason })
    this.#observers.delete(link)
    this.#port.close(link)
  }

  /* ---------------------------------------------------------------- time */

  #heard(observer: ObservedLink): void {
    const { initLimit, syncLimit, tickMs } = this.#options
    const ticks = observer.phase === ObserverPhase.active ? syncLimit : initLimit
    observer.deadlineMs = this.#nowMs() + ticks * tickMs
  }

  #arm(): void {
    const atMs = this.#nowMs() + this.#options.tickMs / 2
    this.#timer = this.#env.timers.at(atMs, () => this.#env.timers.endOfTurn(this.#onTick))
  }

  readonly #onTick = (): void => {
    if (this.#epoch === null) return
    const nowMs = this.#nowMs()
    const zxid = this.#state.lastApplied
    for (const observer of [...this.#observers.values()]) {
      if (nowMs >= observer.deadlineMs) this.#drop(observer, 'not heard in time')
      else if (observer.phase === ObserverPhase.active) {
        this.#send(observer, { kind: PacketKind.PING, zxid, touches: null })
      }
    }
    this.#arm()
  }

  #nowMs(): number {
    return this.#env.clock.monotonicMs()
  }
}
