import { assert, NO_SESSION, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import type { Connection, Environment, IoError, Listener, MetricsReader } from '../env/index.ts'
import type { SessionIdSource } from '../session/index.ts'
import { openStorage, type RecoveryReport, type Storage, StorageError } from '../storage/index.ts'
import { ErrorCode, OpCode, type Txn, type TxnHeader, type WriteRequest } from '../wire/index.ts'
import type { ZabCore } from '../zab/index.ts'
import {
  type ApplyResult,
  AuthProviders,
  DataTree,
  type DataTreeOptions,
  WatchTable,
} from '../znodes/index.ts'
import {
  ClientConnection,
  type ClientWrite,
  type ConnectionHost,
  type ConnectionLimits,
} from './client-connection.ts'
import { ClientPort, type ClientPortHost } from './client-port.ts'
import { ContainerSweeper } from './container-sweeper.ts'
import { Outstanding } from './outstanding.ts'
import type { WaitingRequest } from './pending.ts'
import type { ReplicaObserver } from './replica-observer.ts'
import type { CoreLimits } from './replica-options.ts'
import { ReplicatedState } from './replicated-state.ts'
import { type RunningHost, type RunningParts, runningParts } from './running-parts.ts'
import { ServerStats } from './server-stats.ts'
import type { FourLetterWords, ServerStatus } from './server-status.ts'
import { SessionKeeper } from './session-keeper.ts'
import { serverStatus } from './status.ts'
import { storageOptions } from './storage-options.ts'
import { writeWriteReply } from './write-replies.ts'

/** The id of a server that has no ensemble. */
const STANDALONE_ID: ServerId = 1 as ServerId

/** What whoever runs a server is told. */
export interface ServerHandlers {
  /** Recovery is done and the client port is bound. Called once. */
  onServing(server: KeeperServer): void
  /** The server cannot start, or cannot go on: the process has to end. Called at most once, last. */
  onFatal(error: StorageError | IoError): void
}

export interface ServerOptions {
  readonly config: Config
  readonly fourLetterWords: FourLetterWords
  /** What the metrics sink of the environment has gathered, for `mntr`. */
  readonly metrics: MetricsReader
  /** Sees what a member of an ensemble does. */
  readonly observer?: ReplicaObserver
  /** In place of the core's own limits, for simulations that are to reach them. */
  readonly coreLimits?: CoreLimits
}

/**
 * A server: composes tree, sessions, storage, client port and, in an ensemble, its membership, and carries events
 * between them.
 * Everything runs in turns of one event loop (see turn.ts).
 */
export class KeeperServer implements ConnectionHost, ClientPortHost, RunningHost {
  readonly limits: ConnectionLimits
  readonly state: ReplicatedState
  readonly watches: WatchTable
  readonly stats: ServerStats
  readonly outstanding: Outstanding = new Outstanding()
  readonly startedMs: number

  readonly #env: Environment
  readonly #options: ServerOptions
  readonly #handlers: ServerHandlers
  readonly #providers: AuthProviders
  readonly #treeOptions: DataTreeOptions
  readonly #sessions: SessionKeeper
  readonly #port: ClientPort
  readonly #sweeper: ContainerSweeper
  /** Set once the storage is open. */
  #running: RunningParts | null = null
  #recovery: RecoveryReport | null = null
  #listener: Listener | null = null
  #onStopped: ((error: StorageError | null) => void) | null = null
  #phase: 'running' | 'starting' | 'stopped' | 'stopping' = 'starting'

  constructor(env: Environment, options: ServerOptions, handlers: ServerHandlers) {
    const { config } = options
    const { clock, timers, logger } = env
    this.#env = env
    this.#options = options
    this.#handlers = handlers
    this.startedMs = clock.monotonicMs()
    this.stats = new ServerStats(env.metrics)
    this.limits = {
      frameBytesMax: config.limits.requestFrameBytesMax,
      connectFrameKeptBytesMax: config.limits.connectFrameKeptBytesMax,
      pendingMax: config.limits.outstandingPerConnectionMax,
      pendingBytesMax: config.limits.outstandingBytesPerConnectionMax,
      outstandingMax: config.limits.outstandingMax,
      outstandingBytesMax: config.limits.outstandingBytesMax,
      outputHighWaterBytes: config.limits.outputHighWaterBytes,
      outputBytesMax: config.limits.outputBytesMax,
    }
    this.#providers = new AuthProviders({
      skipAcl: config.skipAcl,
      isDigestEnabled: config.digestAuth,
      superDigest: config.superDigest,
    })
    this.watches = new WatchTable(this.#providers)
    this.#treeOptions = {
      extendedTypesEnabled: config.extendedTypes,
      hashSeed: env.random.uint32(),
    }
    this.state = new ReplicatedState(new DataTree(this.watches, this.#treeOptions))
    this.#sessions = new SessionKeeper(config.tickTimeMs, clock, timers, logger, (sessionId) =>
      this.#closeSession(sessionId),
    )
    this.#port = new ClientPort(this, config.limits, clock, timers, logger, env.metrics)
    this.#sweeper = new ContainerSweeper(
      this.state.tree,
      { ...config.containers, deletesPerMinuteMax: config.limits.containerDeletesPerMinuteMax },
      clock,
      timers,
      (path) => this.#propose({ type: OpCode.deleteContainer, path }, NO_SESSION),
      () => this.writeRefusal() === null,
    )
  }

  /** Recovers the state, then opens the client port. */
  start(): void {
    const handlers = {
      onDurable: (zxid: Zxid) => this.#onDurable(zxid),
      onLogPurged: (base: Zxid) => this.#running?.member?.onLogPurged(base),
      onFatal: (error: StorageError) => this.#fail(error),
    }
    openStorage(
      this.#env,
      storageOptions(this.#options.config),
      this.state,
      handlers,
      (error, storage) => {
        if (error !== null) this.#fail(error)
        else if (storage !== null) this.#onRecovered(storage)
      },
    )
  }

  /**
   * Ends in order: no new clients and requests, everything acknowledged is durable and answered, the folder is
   * released. May be called once, at any time after `start`.
   */
  stop(done: (error: StorageError | null) => void): void {
    assert(this.#phase !== 'stopping', 'stop is called once')
    const wasStopped = this.#phase === 'stopped'
    this.#phase = 'stopping'
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

  get connections(): ReadonlySet<ClientConnection> {
    return this.#port.connections
  }

  /** Its id in its ensemble. */
  get serverId(): ServerId {
    return (this.#options.config.ensemble?.self ?? STANDALONE_ID) as ServerId
  }

  /** Whether clients are served: it runs, and has a leader or is one. */
  get isServing(): boolean {
    return this.#phase === 'running' && this.#parts().service.isServing
  }

  /** Its part in the agreement of its ensemble; null for a server that stands alone, and until recovery is done. */
  get core(): ZabCore | null {
    return this.#running?.member?.core ?? null
  }

  get lastApplied(): Zxid {
    return this.state.lastApplied
  }

  status(): ServerStatus {
    const { config, metrics } = this.#options
    return serverStatus({
      server: this,
      member: this.#running?.member ?? null,
      serverId: this.serverId,
      config,
      metrics,
      nowMs: this.#env.clock.monotonicMs(),
      isServing: this.isServing,
      clientPort: this.#listener?.address.port ?? config.clientPort,
      outstanding: this.outstanding.requests,
      logBytes: this.#running?.storage.stats.logBytes ?? 0,
    })
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
    })
    this.#recovery = storage.recovery
    const tookMs = this.#env.clock.monotonicMs() - this.startedMs
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
    const { member } = this.#parts()
    if (member === null) this.#sweeper.start()
    else member.start()
    this.#handlers.onServing(this)
  }

  onListenError(error: IoError): void {
    this.#fail(error)
  }

  #fail(error: StorageError | IoError): void {
    if (this.#phase === 'stopped') return
    const isStopping = this.#phase === 'stopping'
    this.#phase = 'stopped'
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
    return new ClientConnection(this, socket, this.#env.clock.wallMs())
  }

  onFirstWord(connection: ClientConnection, word: number): boolean {
    const name = this.#options.fourLetterWords.recognize(word)
    if (name === null) return false
    connection.answerText(this.#options.fourLetterWords.answer(name, this.status()))
    return true
  }

  onConnectFrame(
    connection: ClientConnection,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.#phase !== 'running') return
    if (!this.isServing) {
      // A server that looks for a leader: the client tries the next one.
      connection.destroy()
      return
    }
    this.stats.packetsReceived += 1
    this.#env.metrics.count('connection_request_count', 1)
    this.#parts().handshake.onConnectFrame(connection, bytes, start, end)
  }

  onRequestFrame(
    connection: ClientConnection,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (!this.isServing) return
    this.stats.packetsReceived += 1
    const running = this.#parts()
    const nowMs = this.#env.clock.monotonicMs()
    if (connection.session !== null) {
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

  onBadFrame(connection: ClientConnection, length: number): void {
    this.#env.logger.warn('frame length out of range; connection closed', {
      remote: connection.remote.host,
      length,
      max: this.limits.frameBytesMax,
    })
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
    this.#sessions.detach(connection)
    this.watches.removeAll(connection)
    this.#running?.pipeline.forget(connection)
  }

  /* ---------------------------------------------------------------- writes */

  /**
   * Null while writes can be logged. A full disk answers with SystemError, which every client library knows; so does one
   * so slow that clients who ask and go have piled up twice what may be outstanding.
   */
  writeRefusal(): number | null {
    const { requests, bytes } = this.outstanding
    const { outstandingMax, outstandingBytesMax } = this.limits
    const isFlooded = requests >= 2 * outstandingMax || bytes >= 2 * outstandingBytesMax
    return isFlooded ? ErrorCode.systemError : this.#parts().service.refusal()
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

  /**
   * Ends a session as if its client had been silent for its whole timeout. For a server that decides about sessions: one
   * that stands alone, or the leader.
   */
  expireSession(sessionId: SessionId): void {
    this.#sessions.markClosing(sessionId)
    this.#closeSession(sessionId)
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
    if (txn.type === OpCode.createSession) this.#sessions.onCreated(header.clientId, txn.timeOut)
    const origin = write?.origin ?? null
    if (write !== null && origin !== null) this.#answer(origin, write, header, result, nowMs)
    if (header.type === OpCode.closeSession) this.#onSessionClosed(header.clientId)
    this.#options.observer?.onApplied(header, txn, this.state.tree)
  }

  #answer(
    origin: ClientConnection,
    write: ClientWrite,
    header: TxnHeader,
    result: ApplyResult,
    nowMs: number,
  ): void {
    const { xid, opcode, admittedMs } = write
    origin.completeWrite(write)
    if (opcode === OpCode.createSession) {
      this.#sessions.track(write.sessionId, origin.timeoutMs)
      this.#parts().handshake.onSessionCreated(origin)
    } else if (result.err === ErrorCode.sessionMoved) {
      // Its client is connected elsewhere by now, and does not listen here (ZOOKEEPER-710).
      origin.closeAfterFlush()
    } else {
      writeWriteReply(origin.out, xid, header.zxid, opcode, result)
      this.stats.recordReply(origin, opcode, xid, header.zxid, admittedMs, nowMs, true)
    }
    origin.runWaiting()
    this.onTurnNeeded(origin)
  }

  /** The closer has its reply in its buffer; a client whose session expired is cut off without one. */
  #onSessionClosed(sessionId: SessionId): void {
    this.#sessions.remove(sessionId)?.closeAfterFlush()
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

  /** Clients find a server that serves; what they were owed may or may not have happened. */
  onRoleEnded(): void {
    this.#sweeper.stop()
    this.#port.destroyAll()
  }

  onPortError(error: IoError): void {
    this.#fail(error)
  }

  #parts(): RunningParts {
    assert(this.#running !== null, 'events come only after recovery')
    return this.#running
  }
}
