import { assert, NO_SESSION, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import type { Connection, Environment, IoError, Listener } from '../env/index.ts'
import type { SessionIdSource } from '../session/index.ts'
import { type RecoveryReport, type Storage, StorageError } from '../storage/index.ts'
import { ErrorCode, OpCode, type Txn, type TxnHeader, type WriteRequest } from '../wire/index.ts'
import type { ZabCore } from '../zab/index.ts'
import {
  type ApplyResult,
  type AuthProviders,
  DataTree,
  type DataTreeOptions,
  WatchTable,
} from '../znodes/index.ts'
import { answerWrite } from './answer-write.ts'
import { type Auditor, auditorOf } from './audit/index.ts'
import { authProvidersOf } from './auth-providers.ts'
import {
  ClientConnection,
  type ClientWrite,
  type ConnectionHost,
  type ConnectionLimits,
  connectionLimits,
} from './client-connection.ts'
import { ClientPort, type ClientPortHost } from './client-port.ts'
import { ContainerSweeper, sweeperOptionsOf } from './container-sweeper.ts'
import { ClientEvents, type CloseSessionTxn, EventHistory, StallWatch } from './events/index.ts'
import { localSessionsOf } from './local-sessions.ts'
import { ChangeMetrics, WatchMetrics } from './metrics/index.ts'
import { openState } from './open-state.ts'
import { Outstanding } from './outstanding.ts'
import type { WaitingRequest } from './pending.ts'
import { ReadRequests } from './read-requests.ts'
import { ReplicatedState } from './replicated-state.ts'
import { type RunningHost, type RunningParts, runningParts } from './running-parts.ts'
import { ServerControl } from './server-control.ts'
import type { ServerHandlers, ServerOptions } from './server-options.ts'
import { ServerStats } from './server-stats.ts'
import type { ServerPhase, ServerStatus } from './server-status.ts'
import { SessionKeeper } from './session-keeper.ts'
import { WordDesk } from './word-desk.ts'

/** The id of a server that has no ensemble. */
const STANDALONE_ID: ServerId = 1 as ServerId

/**
 * A server: composes tree, sessions, storage, client port and, in an ensemble, its membership, and carries events
 * between them.
 * Everything runs in turns of one event loop (see turn.ts).
 */
export class KeeperServer implements ConnectionHost, ClientPortHost, RunningHost {
  /** Its id in its ensemble. */
  readonly serverId: ServerId
  readonly limits: ConnectionLimits
  readonly state: ReplicatedState
  readonly watches: WatchTable
  readonly stats: ServerStats
  readonly outstanding: Outstanding
  readonly startedMs: number
  readonly control: ServerControl
  /** What has happened here lately. */
  readonly events: EventHistory
  readonly clientEvents: ClientEvents
  readonly auditor: Auditor | null

  readonly #env: Environment
  readonly #options: ServerOptions
  readonly #handlers: ServerHandlers
  readonly #providers: AuthProviders
  readonly #treeOptions: DataTreeOptions
  readonly #stallWatch: StallWatch
  readonly #sessions: SessionKeeper
  readonly #port: ClientPort
  readonly #sweeper: ContainerSweeper
  readonly #words: WordDesk
  /** What clients read: the state itself, but for a read-only server that has just started. */
  shownState: ReplicatedState
  /** Set once the storage is open. */
  #running: RunningParts | null = null
  #recovery: RecoveryReport | null = null
  #listener: Listener | null = null
  #onStopped: ((error: StorageError | null) => void) | null = null
  #phase: ServerPhase = 'starting'

  constructor(env: Environment, options: ServerOptions, handlers: ServerHandlers) {
    const { config } = options
    const { clock, timers, logger } = env
    this.#env = env
    this.#options = options
    this.#handlers = handlers
    this.serverId = (config.ensemble?.self ?? STANDALONE_ID) as ServerId
    this.startedMs = clock.monotonicMs()
    this.events = new EventHistory(clock, this.serverId)
    this.#stallWatch = new StallWatch(env, config.warnings, this.events)
    this.clientEvents = new ClientEvents(this.events, clock, logger, config.warnings.slowRequestMs)
    this.stats = new ServerStats(env.metrics, this.clientEvents, clock)
    this.limits = connectionLimits(config.limits)
    this.outstanding = new Outstanding(config.tuning.largeRequests)
    this.#providers = authProvidersOf(config)
    this.auditor = auditorOf(options.audit, this.#providers)
    this.watches = new WatchTable(this.#providers, new WatchMetrics(env.metrics))
    this.#treeOptions = {
      extendedTypesEnabled: config.extendedTypes,
      hashSeed: env.random.uint32(),
    }
    const changes = new ChangeMetrics(env.metrics, this.watches)
    this.state = new ReplicatedState(new DataTree(changes, this.#treeOptions))
    this.shownState = this.state
    this.#sessions = new SessionKeeper(
      config.tickTimeMs,
      clock,
      timers,
      logger,
      (sessionId) => this.#closeSession(sessionId),
      localSessionsOf(config, env, (id) => this.onLocalSessionClosed(id), this.events),
      this.events,
    )
    this.control = new ServerControl(this, env, options, this.#sessions, {
      providers: this.#providers,
      treeOptions: this.#treeOptions,
      running: () => this.#running,
    })
    this.#words = new WordDesk(options.fourLetterWords, this.control, this.stats)
    this.#port = new ClientPort(this, config.limits, clock, timers, logger, env.metrics)
    this.#sweeper = new ContainerSweeper(this.state.tree, sweeperOptionsOf(config), clock, timers, {
      deleteContainer: (path) => this.#propose({ type: OpCode.deleteContainer, path }, NO_SESSION),
      mayWrite: () => this.writeRefusal() === null,
    })
  }

  /** Recovers the state, then opens the client port. */
  start(): void {
    openState(this.#env, this.#options.config, this.state, this.events, {
      onDurable: (zxid) => this.#onDurable(zxid),
      onLogPurged: (base) => this.#running?.member?.onLogPurged(base),
      onFatal: (error) => this.#fail(error),
      onOpened: (storage) => this.#onRecovered(storage),
    })
  }

  /**
   * Ends in order: no new clients and requests, everything acknowledged is durable and answered, the folder is
   * released. May be called once, at any time after `start`.
   */
  stop(done: (error: StorageError | null) => void): void {
    assert(this.#phase !== 'stopping', 'stop is called once')
    const wasStopped = this.#phase === 'stopped'
    this.#phase = 'stopping'
    this.events.record({ kind: 'stopping' })
    this.#stallWatch.stop()
    this.#sessions.stop()
    this.#sweeper.stop()
    this.#port.stopListening()
    this.#onStopped = done
    if (wasStopped) this.#finishStop(null)
    else if (this.#running !== null) this.#stopStorage(this.#running.storage)
  }

  #stopStorage(storage: Storage): void {
    this.#running?.member?.stop()
    storage.close(() => {
      this.#port.drain(() => this.#finishStop(null))
    })
  }

  #finishStop(error: StorageError | null): void {
    this.#phase = 'stopped'
    this.#onStopped?.(error)
    this.#onStopped = null
  }

  /** The port that clients use; null until it is bound. */
  get address(): Listener['address'] | null {
    return this.#listener?.address ?? null
  }

  /** What recovery found; null until it is done. */
  get recovery(): RecoveryReport | null {
    return this.#recovery
  }

  get phase(): ServerPhase {
    return this.#phase
  }

  get connections(): ReadonlySet<ClientConnection> {
    return this.#port.connections
  }

  /** Whether clients are served: it runs, and has a leader or is one. */
  get isServing(): boolean {
    return this.#phase === 'running' && this.#parts().service.isServing
  }

  /** Its part in the agreement of its ensemble; null for a server that stands alone, and until recovery is done. */
  get core(): ZabCore | null {
    return this.#running?.member?.core ?? null
  }

  /** Whether clients that ask for no more are served reads, though there is no leader. */
  get isReadOnly(): boolean {
    return this.#phase === 'running' && this.#parts().service.isReadOnly
  }

  get lastApplied(): Zxid {
    return this.shownState.lastApplied
  }

  status(): ServerStatus {
    return this.control.status()
  }

  /* ---------------------------------------------------------------- start and end */

  #onRecovered(storage: Storage): void {
    const { config, coreLimits, observer } = this.#options
    this.#running = runningParts(this, {
      env: this.#env,
      config,
      serverId: this.serverId,
      storage,
      providers: this.#providers,
      treeOptions: this.#treeOptions,
      sessions: this.#sessions,
      observer: observer ?? null,
      coreLimits: coreLimits ?? {},
      events: this.events,
      clientEvents: this.clientEvents,
    })
    this.#recovery = storage.recovery
    const tookMs = this.#env.clock.monotonicMs() - this.startedMs
    this.events.recordStart(config, storage.recovery, tookMs)
    this.#env.metrics.observe('dbinittime', tookMs)
    this.#env.metrics.observe('startup_txns_loaded', storage.recovery.entriesReplayed)
    if (this.#phase === 'stopping') {
      this.#stopStorage(storage)
      return
    }
    this.#env.network.listen(
      { host: config.clientHost, port: config.clientPort },
      { backlog: config.listenBacklog, keepAlive: config.tcpKeepAlive },
      this.#port,
    )
  }

  onListening(listener: Listener): void {
    this.#listener = listener
    if (this.#phase !== 'starting') return
    this.#phase = 'running'
    this.#stallWatch.start()
    const { member } = this.#parts()
    if (member === null) this.#sweeper.start()
    else member.start()
    this.#handlers.onServing()
  }

  onListenError(error: IoError): void {
    this.#fail(error)
  }

  #fail(error: StorageError | IoError): void {
    if (this.#phase === 'stopped') return
    const isStopping = this.#phase === 'stopping'
    this.#phase = 'stopped'
    this.events.record({ kind: 'failed', reason: error.message })
    this.#stallWatch.stop()
    this.#sessions.stop()
    this.#sweeper.stop()
    this.#running?.member?.stop()
    this.#port.stopListening()
    this.#port.destroyAll()
    if (isStopping) this.#finishStop(error instanceof StorageError ? error : null)
    else this.#handlers.onFatal(error)
  }

  /* ---------------------------------------------------------------- connections */

  newConnection(socket: Connection): ClientConnection {
    const { clock } = this.#env
    return new ClientConnection(this, socket, clock.wallMs(), clock.monotonicMs())
  }

  onFirstWord(connection: ClientConnection, word: number): boolean {
    return this.#words.onFirstWord(connection, word)
  }

  onConnectFrame(
    connection: ClientConnection,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.#phase !== 'running') return
    if (!this.isServing && !this.isReadOnly) {
      // A server that looks for a leader: the client tries the next one.
      this.clientEvents.turnedAway(connection.remote, 'this server has no leader')
      this.#env.metrics.count('cnxn_closed_without_zk_server_running', 1)
      connection.destroy()
      return
    }
    this.stats.recordPacket(end - start)
    this.#env.metrics.count('connection_request_count', 1)
    this.#parts().handshake.onConnectFrame(connection, bytes, start, end)
  }

  onRequestFrame(
    connection: ClientConnection,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (!this.isServing && !this.isReadOnly) return
    this.stats.recordPacket(end - start)
    const running = this.#parts()
    const nowMs = this.#env.clock.monotonicMs()
    if (connection.session !== null) {
      this.clientEvents.heard(connection, nowMs)
      this.#sessions.touch(connection.session, nowMs)
      this.#options.observer?.onTouched(connection.sessionId)
    }
    running.processor.admit(connection, bytes, start, end, nowMs)
    running.turn.add(connection)
  }

  onWaitingRequest(connection: ClientConnection, request: WaitingRequest): void {
    const running = this.#parts()
    running.processor.runWaiting(connection, request)
    running.turn.add(connection)
  }

  onBadFrame({ remote }: ClientConnection, length: number): void {
    const fields = { remote: remote.host, length, max: this.limits.frameBytesMax }
    this.#env.logger.warn('frame length out of range; connection closed', fields)
  }

  onTurnNeeded(connection: ClientConnection): void {
    this.#parts().turn.add(connection)
  }

  onServing(connection: ClientConnection): void {
    this.#port.onServing(connection)
    this.onTurnNeeded(connection)
  }

  onHeldBack(connection: ClientConnection): void {
    this.#sessions.noteHeldBack(connection)
  }

  onWritesAbandoned(connection: ClientConnection, lastZxid: Zxid): void {
    if (connection.session !== null) this.#sessions.noteUnfinished(connection.session, lastZxid)
  }

  onClosing(connection: ClientConnection): void {
    this.#port.onClosing(connection)
  }

  onClosed(connection: ClientConnection): void {
    this.#port.onClosed(connection)
    this.clientEvents.closed(connection)
    this.#sessions.detach(connection)
    this.watches.removeAll(connection)
    this.#running?.pipeline.forget(connection)
  }

  /* ---------------------------------------------------------------- writes */

  /**
   * Null while writes can be logged. A full disk answers with SystemError, which every client library knows; so does one
   * that is much too slow.
   */
  writeRefusal(): number | null {
    return this.outstanding.isFlooded(this.limits)
      ? ErrorCode.systemError
      : this.#parts().service.refusal()
  }

  openSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    const { service, turn } = this.#parts()
    service.openSession(connection, sessionId, timeoutMs)
    turn.schedule()
  }

  takeUpSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    const { service, turn } = this.#parts()
    service.takeUpSession(connection, sessionId, timeoutMs)
    turn.schedule()
  }

  onSessionTaken(connection: ClientConnection): void {
    this.#parts().handshake.onSessionTaken(connection)
  }

  onSessionRefused(connection: ClientConnection): void {
    this.#parts().handshake.onSessionRefused(connection)
    this.onTurnNeeded(connection)
  }

  onSessionClosing(connection: ClientConnection): void {
    this.#sessions.markClosing(connection.sessionId)
  }

  /** Ends a session as if its client had been silent for its whole timeout: where that is decided (alone, or leader). */
  expireSession(sessionId: SessionId): void {
    this.#sessions.noteExpired(sessionId, true)
    this.#sessions.markClosing(sessionId)
    this.#closeSession(sessionId)
  }

  isInLocalSession({ sessionId }: ClientConnection): boolean {
    return this.#sessions.isLocal(sessionId)
  }

  onLocalSessionClosed(sessionId: SessionId): void {
    this.clientEvents.localSessionClosed(sessionId)
    this.#sessions.remove(sessionId)?.closeAfterFlush('its session is over')
  }

  #closeSession(sessionId: SessionId): void {
    this.#env.metrics.count('stale_sessions_expired', 1)
    this.#propose({ type: OpCode.closeSession }, sessionId)
  }

  /** A write of the server itself: nobody waits for a reply. */
  #propose(request: WriteRequest, sessionId: SessionId): void {
    const { alone, member, turn } = this.#parts()
    if (alone !== null) alone.propose(request, sessionId)
    else member?.propose(request, sessionId)
    turn.schedule()
  }

  #onDurable(zxid: Zxid): void {
    if (this.#phase !== 'stopped') this.#parts().alone?.onDurable(zxid)
  }

  onApplied(
    header: TxnHeader,
    txn: Txn,
    write: ClientWrite | null,
    result: ApplyResult,
    nowMs: number,
  ): void {
    this.auditor?.onApplied(header, txn, write, result)
    if (txn.type === OpCode.createSession) this.#sessions.onCreated(header.clientId, txn.timeOut)
    const origin = write?.origin ?? null
    if (write !== null && origin !== null) {
      const { handshake } = this.#parts()
      answerWrite(this, this.#sessions, handshake, origin, write, header, result, nowMs)
    }
    if (txn.type === OpCode.closeSession) this.#onSessionClosed(header, txn)
    this.#options.observer?.onApplied(header, txn, this.state.tree)
  }

  /** The closer has its reply in its buffer; a client whose session expired is cut off without one. */
  #onSessionClosed(header: TxnHeader, txn: CloseSessionTxn): void {
    const { clientId: sessionId } = header
    this.clientEvents.sessionClosed(header, txn)
    this.#sessions.remove(sessionId)?.closeAfterFlush('its session is over')
    for (const connection of this.#sessions.takeAwaitingEnd(sessionId)) {
      this.onSessionRefused(connection)
    }
    this.#parts().member?.onSessionClosed(sessionId)
  }

  /* ---------------------------------------------------------------- membership */

  schedule(): void {
    this.#running?.turn.schedule()
  }

  onRoleBegun(isLeader: boolean, ids: SessionIdSource): void {
    this.#parts().handshake.useIds(ids)
    if (isLeader) this.#sweeper.start()
  }

  onReadOnlyBegun(state: ReplicatedState, ids: SessionIdSource): void {
    const { handshake, processor } = this.#parts()
    handshake.useIds(ids)
    if (state === this.state) return
    this.shownState = state
    processor.readFrom(new ReadRequests(state, this.watches, this.#providers, this.stats))
  }

  /** Clients find a server that serves; what they were owed may or may not have happened. */
  onRoleEnded(): void {
    this.#sweeper.stop()
    this.#port.destroyAll()
    if (this.shownState === this.state) return
    this.shownState = this.state
    this.#parts().processor.readFrom(this.#parts().reads)
  }

  onPortError(error: IoError): void {
    this.#fail(error)
  }

  #parts(): RunningParts {
    assert(this.#running !== null, 'events come only after recovery')
    return this.#running
  }
}
