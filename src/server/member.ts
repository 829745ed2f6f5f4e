import { formatHex, NO_SESSION, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import { type Config, type EnsembleConfig, ensembleText } from '../config/index.ts'
import type { Environment, IoError } from '../env/index.ts'
import type { ForwardedRequest, Revalidation, RevalidationAnswer, Touches } from '../peer/index.ts'
import { SessionIdSource, serverIdOf } from '../session/index.ts'
import type { Storage } from '../storage/index.ts'
import {
  type ByteString,
  decodeTxnEntry,
  ErrorCode,
  OpCode,
  type TxnEntry,
  utf8ToByteString,
  type WriteRequest,
} from '../wire/index.ts'
import { type LinkId, Role, type RoleChange, type ZabCore } from '../zab/index.ts'
import { type DataTreeOptions, wantsEphemeral } from '../znodes/index.ts'
import type { BufferSizes } from './buffer-sizes.ts'
import type { ClientConnection } from './client-connection.ts'
import type { EventHistory } from './events/index.ts'
import { LeaderRequests } from './leader-requests.ts'
import { LearnerRequests } from './learner-requests.ts'
import type { ObserverMasterHost } from './observer-master.ts'
import type { WaitingRequest } from './pending.ts'
import type { QuorumSource } from './quorum-status.ts'
import { type ReadOnlyHost, ReadOnlyMode } from './read-only-mode.ts'
import { Replica, type ReplicaHost } from './replica.ts'
import type { ReplicaObserver } from './replica-observer.ts'
import { type CoreLimits, replicaOptions } from './replica-options.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { ObserverStatus } from './server-status.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { ReceivedSnapshot } from './snapshot-sink.ts'
import type { SessionHost } from './take-up-session.ts'
import type { LoggedEntry, WriteOrigin, WritePipeline } from './write-pipeline.ts'
import type { WriteService } from './write-service.ts'

/** The rest of the server as its membership sees it. */
export interface MemberHost extends SessionHost {
  /** Something has to leave at the end of this turn. */
  schedule(): void
  /** Clients are served from now on, in this role. */
  onRoleBegun(isLeader: boolean, ids: SessionIdSource): void
  /** Clients are not served any more: what they were owed will not be answered. */
  onRoleEnded(): void
  /** Without a leader, clients that ask for it are served reads of this state. It ends with `onRoleEnded`. */
  onReadOnlyBegun(state: ReplicatedState, ids: SessionIdSource): void
  onPortError(error: IoError): void
}

/** The parts of a server that its membership works with. */
export interface MemberParts {
  readonly env: Environment
  readonly config: Config
  readonly storage: Storage
  readonly state: ReplicatedState
  readonly treeOptions: DataTreeOptions
  readonly pipeline: WritePipeline
  readonly sessions: SessionKeeper
  readonly observer: ReplicaObserver | null
  readonly coreLimits: CoreLimits
  readonly events: EventHistory
}

/** A server of an ensemble: agrees with the others on writes, in whatever role it has. */
export class Member
  implements WriteService, ReplicaHost, QuorumSource, ReadOnlyHost, ObserverMasterHost
{
  readonly #host: MemberHost
  readonly #env: Environment
  readonly #self: ServerId
  readonly #ensembleText: ByteString
  readonly #storage: Storage
  readonly #state: ReplicatedState
  readonly #pipeline: WritePipeline
  readonly #sessions: SessionKeeper
  readonly #replica: Replica
  /** Null unless it is enabled. */
  readonly #readOnly: ReadOnlyMode | null
  /** Neither while no clients are served. */
  #leading: LeaderRequests | null = null
  #learning: LearnerRequests | null = null
  #roleSinceMs: number

  constructor(host: MemberHost, ensemble: EnsembleConfig, parts: MemberParts) {
    const { env, config, storage, state, pipeline, sessions, coreLimits, observer, events } = parts
    this.#host = host
    this.#env = env
    this.#self = ensemble.self as ServerId
    this.#ensembleText = utf8ToByteString(ensembleText(ensemble, 0n))
    this.#storage = storage
    this.#state = state
    // For read-only mode before there is any leader; an original takes it from its last snapshot.
    this.#showEnsemble()
    this.#pipeline = pipeline
    this.#sessions = sessions
    this.#roleSinceMs = env.clock.monotonicMs()
    this.#readOnly = ensemble.isReadOnlyModeEnabled
      ? new ReadOnlyMode(this, env, config.tickTimeMs, state, parts.treeOptions)
      : null
    const tail = storage.takeTail()
    for (const { zxid, txn } of tail.entries) {
      if (zxid > state.lastApplied) pipeline.logged(decodeTxnEntry(txn, 0, txn.length))
    }
    const seed = env.random.uint32()
    const options = replicaOptions(
      config,
      ensemble,
      storage,
      state.lastApplied,
      tail,
      parts.treeOptions,
      seed,
    )
    const core = { ...options.core, ...coreLimits }
    this.#replica = new Replica(
      env,
      { ...options, core },
      storage,
      state,
      this,
      observer,
      events,
      pipeline.metrics.committedAt,
    )
    const { acceptedEpoch, currentEpoch } = options.core.recovered
    observer?.onRecovered({
      lastLogged: pipeline.lastLogged,
      lastApplied: state.lastApplied,
      acceptedEpoch,
      currentEpoch,
      digest: state.tree.digest(),
      entries: tail.entries,
    })
  }

  start(): void {
    this.#sessions.startReporting()
    this.#replica.start()
    this.#readOnly?.onLooking()
  }

  stop(): void {
    this.#replica.stop()
    this.#readOnly?.end()
    this.#endRole()
  }

  get isServing(): boolean {
    return this.#leading !== null || this.#learning !== null
  }

  get isReadOnly(): boolean {
    return this.#readOnly?.isServing === true
  }

  get core(): ZabCore {
    return this.#replica.core
  }

  /** When the present role began, monotonic. */
  get roleSinceMs(): number {
    return this.#roleSinceMs
  }

  get observerCount(): number | null {
    return this.#learning === null ? null : (this.#replica.observerMaster?.observerCount ?? null)
  }

  get observers(): readonly ObserverStatus[] {
    return this.#replica.observers()
  }

  resetObserverStats(): void {
    this.#replica.resetObserverStats()
  }

  get learnerMaster(): ServerId | null {
    return this.#replica.learnerMaster
  }

  get pendingSyncs(): number {
    return this.#leading?.pendingSyncs ?? 0
  }

  get proposalSizes(): BufferSizes | null {
    return this.#leading?.proposalSizes ?? null
  }

  flush(): void {
    this.#leading?.askForConfirmation()
    this.#replica.flush()
  }

  /* ---------------------------------------------------------------- clients */

  refusal(): ErrorCode | null {
    if (this.isReadOnly) return ErrorCode.notReadOnly
    return this.#leading !== null && this.#storage.isFull ? ErrorCode.systemError : null
  }

  write(
    request: WriteRequest,
    origin: WriteOrigin,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { sessionId } = origin
    const own = this.#sessions.isLocal(sessionId) ? this.#inLocalSession(request, origin) : origin
    if (this.#leading !== null) this.#leading.write(request, own)
    else this.#learning?.write(own, bytes, start, end)
  }

  /** Only the whole ensemble can end what belongs to a session: one that wants an ephemeral is made known, or refused. */
  #inLocalSession(request: WriteRequest, origin: WriteOrigin): WriteOrigin {
    if (!wantsEphemeral(request)) return { ...origin, ephemeralError: ErrorCode.sessionExpired }
    if (!this.#sessions.local!.policy.isUpgrading) {
      return { ...origin, ephemeralError: ErrorCode.ephemeralOnLocalSession }
    }
    // At the end of the zxid's counter: the role ends in a moment, and with it the connection.
    if (this.#leading?.nextZxid !== null) this.#upgrade(origin.connection!)
    return origin
  }

  #upgrade(connection: ClientConnection): void {
    const { sessionId, timeoutMs } = connection
    this.#env.logger.info('a local session becomes one of the ensemble', {
      sessionId: formatHex(sessionId),
    })
    this.#sessions.local!.remove(sessionId)
    connection.session = this.#sessions.track(sessionId, timeoutMs)
    if (this.#leading !== null) this.#leading.upgrade(sessionId, timeoutMs)
    else this.#learning?.upgrade(sessionId, timeoutMs)
  }

  /** A write of the server itself: only a leader makes any. */
  propose(request: WriteRequest, sessionId: SessionId): void {
    this.#leading?.propose(request, sessionId)
  }

  sync(connection: ClientConnection, request: WaitingRequest): void {
    if (this.#leading !== null) this.#leading.sync(request)
    else this.#learning?.sync(connection, request)
    this.#host.schedule()
  }

  awaitTurn(connection: ClientConnection): void {
    this.#pipeline.awaitTurn(connection)
  }

  openSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    const { local } = this.#sessions
    if (local !== null && (local.policy.isDefault || this.isReadOnly)) {
      local.add(sessionId, timeoutMs)
      this.#host.onSessionTaken(connection)
      return
    }
    if (this.#leading !== null) this.#leading.openSession(connection, sessionId, timeoutMs)
    else this.#learning?.openSession(connection, sessionId, timeoutMs)
  }

  takeUpSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    if (this.#sessions.isLocal(sessionId)) {
      this.#sessions.local!.add(sessionId, timeoutMs)
      this.#host.onSessionTaken(connection)
      return
    }
    if (this.isReadOnly) {
      this.#refuseReadOnly(connection, sessionId)
      return
    }
    if (this.#leading !== null) this.#leading.takeUpSession(connection, sessionId, timeoutMs)
    else this.#learning?.takeUpSession(connection, sessionId, timeoutMs)
  }

  /**
   * What became of a session of the ensemble is not known here: the client is turned away, and not told that it is over.
   */
  #refuseReadOnly(connection: ClientConnection, sessionId: SessionId): void {
    const isOver = this.#sessions.local!.hasEnded(sessionId) && !this.#state.sessions.has(sessionId)
    if (isOver) this.#host.onSessionRefused(connection)
    else connection.destroy()
  }

  onSessionClosed(sessionId: SessionId): void {
    this.#leading?.onSessionClosed(sessionId)
    this.#learning?.onSessionClosed(sessionId)
  }

  /* ---------------------------------------------------------------- the log */

  onLogPurged(base: Zxid): void {
    this.#replica.onLogPurged(base)
  }

  schedule(): void {
    this.#host.schedule()
  }

  onLogged(entry: TxnEntry): void {
    this.#pipeline.logged(entry)
  }

  onTruncated(zxid: Zxid): void {
    this.#pipeline.truncated(zxid)
  }

  onCommitted(zxid: Zxid): void {
    this.#pipeline.applyUpTo(zxid, this.#env.clock.monotonicMs())
    this.#answerSyncs()
    this.#storage.checkpointIfDue()
  }

  /** Not when it is done: what is logged meanwhile comes behind these entries and must stay. */
  onInstalling(entries: readonly TxnEntry[]): void {
    this.#pipeline.reset()
    for (const entry of entries) this.#pipeline.logged(entry)
  }

  onInstalled(snapshot: ReceivedSnapshot, zxid: Zxid): void {
    snapshot.moveInto(this.#state, zxid)
    // It came with the last role, and is nothing that clients of a read-only server have watched.
    if (this.core.role === Role.LOOKING) this.#readOnly?.onLooking()
  }

  /* ---------------------------------------------------------------- read-only mode */

  loggedEntries(): readonly LoggedEntry[] {
    const entries: LoggedEntry[] = []
    this.#pipeline.forEachLogged((entry) => {
      entries.push(entry)
    })
    return entries
  }

  onReadOnlyBegun(state: ReplicatedState): void {
    this.#sessions.local!.resume()
    this.#host.onReadOnlyBegun(state, this.#sessionIds())
  }

  onReadOnlyEnded(): void {
    const local = this.#sessions.local!
    this.#host.onRoleEnded()
    if (local.policy.isDefault) local.hold()
    else local.clear()
  }

  /* ---------------------------------------------------------------- roles */

  onRole(change: RoleChange): void {
    this.#endRole()
    this.#env.logger.info('role', {
      role: ROLE_NAMES[change.role],
      serving: change.serving,
      epoch: change.epoch,
      leader: change.leader,
      reason: change.reason,
    })
    this.#roleSinceMs = this.#env.clock.monotonicMs()
    this.#changeReadOnlyMode(change)
    // A later step of the same turn may have ended the role already.
    if (!change.serving || !this.core.isServing) return
    this.#showEnsemble()
    const { clock, logger } = this.#env
    if (change.role === Role.LEADING) {
      this.#sessions.startDeciding(this.#state.sessions)
      this.#leading = new LeaderRequests(
        this.#host,
        this.#replica,
        this.#pipeline,
        this.#sessions,
        clock,
        logger,
        () => this.#storage.isFull,
      )
    } else {
      this.#sessions.startReporting()
      this.#learning = new LearnerRequests(
        this.#host,
        this.#replica,
        this.#pipeline,
        this.#sessions,
        clock,
        this.core.leaderLink!,
        this.#replica.observerMaster,
      )
    }
    this.#sessions.local?.resume()
    this.#host.onRoleBegun(this.#leading !== null, this.#sessionIds())
  }

  #showEnsemble(): void {
    const { configZnode, tree } = this.#state
    configZnode.show(this.#ensembleText, tree, this.#env.clock.wallMs())
  }

  #changeReadOnlyMode({ role, serving }: RoleChange): void {
    if (this.#readOnly === null) return
    if (role === Role.LOOKING) this.#readOnly.onLooking()
    else this.#readOnly.end()
    if (serving) this.#readOnly.onServing()
  }

  #endRole(): void {
    if (!this.isServing) return
    this.#leading = null
    this.#learning = null
    this.#sessions.startReporting()
    this.#host.onRoleEnded()
    this.#sessions.local?.hold()
    this.#pipeline.leaveRole()
  }

  /**
   * Above every id this server is known to have given out: in the state, and in entries that are logged but not applied.
   * What it asked an earlier leader for is in neither if that leader lost it, and then it does not exist.
   */
  #sessionIds(): SessionIdSource {
    let highest = this.#state.sessions.highestIdOf(this.#self)
    const highestLocal = this.#sessions.local?.highestId ?? null
    if (highestLocal !== null && (highest === null || highestLocal > highest)) {
      highest = highestLocal
    }
    this.#pipeline.forEachLogged(({ header: { type, clientId } }) => {
      if (type !== OpCode.createSession || clientId === NO_SESSION) return
      if (serverIdOf(clientId) !== this.#self) return
      if (highest === null || clientId > highest) highest = clientId
    })
    return new SessionIdSource(this.#self, this.#env.clock.wallMs(), highest)
  }

  /* ---------------------------------------------------------------- learners and leader */

  onRequest(link: LinkId, request: ForwardedRequest): void {
    this.#leading?.onRequest(link, request)
  }

  onRevalidation(link: LinkId, revalidation: Revalidation): void {
    this.#leading?.onRevalidation(link, revalidation)
  }

  onTouches(touches: Touches): void {
    this.#leading?.onTouches(touches)
  }

  onObserverRequest(link: LinkId, request: ForwardedRequest): void {
    this.#learning?.onObserverRequest(link, request)
  }

  onObserverRevalidation(link: LinkId, revalidation: Revalidation): void {
    this.#learning?.onObserverRevalidation(link, revalidation)
  }

  onObserverTouches(touches: Touches): void {
    // What an observer has heard of was applied here before: anything else would be kept for nothing.
    const known = touches.filter(({ sessionId }) => this.#state.sessions.has(sessionId))
    this.#learning?.onObserverTouches(known)
  }

  onConfirmed(token: number, isLeader: boolean): void {
    if (!isLeader || this.#leading === null) return
    this.#leading.onConfirmed(token)
    this.#answerSyncs()
  }

  #answerSyncs(): void {
    if (this.#leading === null || this.#leading.pendingSyncs === 0) return
    this.#leading.answerSyncs(this.#state.lastApplied)
    this.#pipeline.runWaiting()
  }

  onRevalidated(answer: RevalidationAnswer): void {
    this.#learning?.onRevalidated(answer)
  }

  onSynced(): void {
    this.#learning?.onSynced(this.core.knownCommitted)
    this.#pipeline.runWaiting()
  }

  takeTouches(): Touches {
    return this.#sessions.takeTouched()
  }

  onPortError(error: IoError): void {
    this.#host.onPortError(error)
  }
}

const ROLE_NAMES: Readonly<Record<Role, string>> = {
  [Role.LOOKING]: 'looking',
  [Role.FOLLOWING]: 'following',
  [Role.LEADING]: 'leading',
  [Role.OBSERVING]: 'observing',
}
