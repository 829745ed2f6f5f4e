import { assert, NO_SESSION, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import type { Connection, Environment, IoError, Listener, MetricsReader } from '../env/index.ts'
import { SessionIdSource, SessionTracker } from '../session/index.ts'
import { openStorage, type RecoveryReport, type Storage, StorageError } from '../storage/index.ts'
import { ErrorCode, OpCode, type WriteRequest } from '../wire/index.ts'
import {
  type ApplyResult,
  AuthProviders,
  DataTree,
  WatchTable,
  WritePreparer,
} from '../znodes/index.ts'
import {
  ClientConnection,
  type ClientProposal,
  type ConnectionHost,
  type ConnectionLimits,
  Phase,
} from './client-connection.ts'
import { ClientPort, type ClientPortHost } from './client-port.ts'
import { ContainerSweeper } from './container-sweeper.ts'
import { Handshake, type HandshakeHost } from './handshake.ts'
import { Outstanding } from './outstanding.ts'
import type { WaitingRequest } from './pending.ts'
import { ReadRequests } from './read-requests.ts'
import { ReplicatedState } from './replicated-state.ts'
import { type RequestHost, RequestProcessor } from './request-processor.ts'
import { ServerStats } from './server-stats.ts'
import type { FourLetterWords, ServerStatus } from './server-status.ts'
import { SessionKeeper } from './session-keeper.ts'
import { serverStatus } from './status.ts'
import { storageOptions } from './storage-options.ts'
import { Turn } from './turn.ts'
import { type CommitHandler, type WriteOrigin, WritePipeline } from './write-pipeline.ts'
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
}

/**
 * A standalone server: composes tree, sessions, storage and client port, and carries events between them.
 * Everything runs in turns of one event loop (see turn.ts).
 */
export class KeeperServer
  implements ConnectionHost, ClientPortHost, HandshakeHost, RequestHost, CommitHandler
{
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
  readonly #sessions: SessionKeeper
  readonly #port: ClientPort
  readonly #sweeper: ContainerSweeper
  /** Set once the storage is open. */
  #running: RunningParts | null = null
  #recovery: RecoveryReport | null = null
  #listener: Listener | null = null
  #onStopped: ((error: StorageError | null) => void) | null = null
  #phase: 'starting' | 'serving' | 'stopping' | 'stopped' = 'starting'

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
    this.state = new ReplicatedState(
      new DataTree(this.watches, {
        extendedTypesEnabled: config.extendedTypes,
        hashSeed: env.random.uint32(),
      }),
    )
    this.#sessions = new SessionKeeper(
      new SessionTracker({ tickMs: config.tickTimeMs }),
      clock,
      timers,
      logger,
      (sessionId) => this.#closeSession(sessionId),
    )
    this.#port = new ClientPort(this, config.limits, clock, timers, logger, env.metrics)
    this.#sweeper = new ContainerSweeper(
      this.state.tree,
      { ...config.containers, deletesPerMinuteMax: config.limits.containerDeletesPerMinuteMax },
      clock,
      timers,
      (path) => this.#proposeOwn({ type: OpCode.deleteContainer, path }, NO_SESSION),
      () => this.writeRefusal() === null,
    )
  }

  /** Recovers the state, then opens the client port. */
  start(): void {
    const handlers = {
      onDurable: (zxid: Zxid) => this.#onDurable(zxid),
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

  get lastApplied(): Zxid {
    return this.state.lastApplied
  }

  status(): ServerStatus {
    const { config, metrics } = this.#options
    return serverStatus({
      server: this,
      serverId: STANDALONE_ID,
      config,
      metrics,
      nowMs: this.#env.clock.monotonicMs(),
      isServing: this.#phase === 'serving',
      clientPort: this.#listener?.address.port ?? config.clientPort,
      outstanding: this.outstanding.requests,
      logBytes: this.#running?.storage.stats.logBytes ?? 0,
    })
  }

  /* ---------------------------------------------------------------- start and end */

  #onRecovered(storage: Storage): void {
    const { clock, timers, logger } = this.#env
    const { config } = this.#options
    const preparer = new WritePreparer(this.state.tree, this.#providers, {
      extendedTypesEnabled: config.extendedTypes,
      enforceQuota: config.enforceQuota,
      reconfigEnabled: config.reconfigEnabled,
    })
    const pipeline = new WritePipeline(this.state, preparer, storage, clock, this.outstanding, this)
    const reads = new ReadRequests(this.state.tree, this.watches, this.#providers)
    const { sessions } = this.state
    sessions.forEach((sessionId, timeoutMs) => {
      this.#sessions.track(sessionId, timeoutMs)
    })
    const highestId = sessions.highestIdOf(STANDALONE_ID)
    const ids = new SessionIdSource(STANDALONE_ID, clock.wallMs(), highestId)
    this.#running = {
      storage,
      pipeline,
      turn: new Turn(timers, storage),
      processor: new RequestProcessor(this, clock, pipeline, reads, this.#providers, this.stats),
      handshake: new Handshake(
        this,
        this.#sessions,
        ids,
        config.minSessionTimeoutMs,
        config.maxSessionTimeoutMs,
        logger,
      ),
    }
    this.#recovery = storage.recovery
    this.#env.metrics.observe('dbinittime', clock.monotonicMs() - this.startedMs)
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
    this.#phase = 'serving'
    this.#sweeper.start()
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
    if (this.#phase !== 'serving') return
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
    if (this.#phase !== 'serving') return
    this.stats.packetsReceived += 1
    const running = this.#parts()
    const nowMs = this.#env.clock.monotonicMs()
    if (connection.session !== null) this.#sessions.touch(connection.session, nowMs)
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
    return isFlooded || this.#parts().storage.isFull ? ErrorCode.systemError : null
  }

  createSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    this.#propose(
      { type: OpCode.createSession, timeOut: timeoutMs },
      {
        connection,
        sessionId,
        xid: 0,
        opcode: OpCode.createSession,
        ids: connection.ids,
        sessionError: ErrorCode.ok,
        bytes: 0,
        admittedMs: this.#env.clock.monotonicMs(),
      },
    )
  }

  onSessionClosing(connection: ClientConnection): void {
    this.#sessions.markClosing(connection.sessionId)
  }

  #closeSession(sessionId: SessionId): void {
    this.#env.metrics.count('stale_sessions_expired', 1)
    this.#proposeOwn({ type: OpCode.closeSession }, sessionId)
  }

  /** A write of the server itself: nobody waits for a reply. */
  #proposeOwn(request: WriteRequest, sessionId: SessionId): void {
    this.#propose(request, {
      connection: null,
      sessionId,
      xid: 0,
      opcode: request.type,
      ids: [],
      sessionError: ErrorCode.ok,
      bytes: 0,
      admittedMs: this.#env.clock.monotonicMs(),
    })
  }

  #propose(request: WriteRequest, origin: WriteOrigin): void {
    const running = this.#parts()
    running.pipeline.propose(request, origin)
    running.turn.schedule()
  }

  #onDurable(zxid: Zxid): void {
    if (this.#phase === 'stopped') return
    const running = this.#parts()
    running.pipeline.onDurable(zxid, this.#env.clock.monotonicMs())
    running.storage.checkpointIfDue()
  }

  onApplied(proposal: ClientProposal, result: ApplyResult, nowMs: number): void {
    const { header } = proposal
    if (header.type === OpCode.createSession) this.#onSessionCreated(proposal)
    const { origin } = proposal
    if (origin !== null && proposal.opcode !== OpCode.createSession) {
      writeWriteReply(origin.out, proposal.xid, header.zxid, proposal.opcode, result)
      this.stats.recordReply(
        origin,
        proposal.opcode,
        proposal.xid,
        header.zxid,
        proposal.admittedMs,
        nowMs,
        true,
      )
    }
    if (origin !== null) {
      origin.completeProposal(proposal)
      origin.runWaiting()
      this.onTurnNeeded(origin)
    }
    if (header.type === OpCode.closeSession) this.#onSessionClosed(header.clientId)
  }

  #onSessionCreated(proposal: ClientProposal): void {
    const { header, txn, origin } = proposal
    assert(txn.type === OpCode.createSession, 'a createSession header has a createSession record')
    this.#sessions.track(header.clientId, txn.timeOut)
    if (origin === null || origin.phase !== Phase.connecting) return
    this.#parts().handshake.onSessionCreated(origin)
  }

  /** The closer has its reply in its buffer; a client whose session expired is cut off without one. */
  #onSessionClosed(sessionId: SessionId): void {
    this.#sessions.remove(sessionId)?.closeAfterFlush()
    for (const connection of this.#sessions.takeAwaitingEnd(sessionId)) {
      this.#parts().handshake.onSessionEnded(connection, sessionId)
    }
  }

  #parts(): RunningParts {
    assert(this.#running !== null, 'events come only after recovery')
    return this.#running
  }
}

/** What exists only once the storage is open. */
interface RunningParts {
  readonly storage: Storage
  readonly pipeline: WritePipeline
  readonly turn: Turn
  readonly processor: RequestProcessor
  readonly handshake: Handshake
}
