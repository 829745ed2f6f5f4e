import { assert, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import type { Clock } from '../env/index.ts'
import { SessionIdSource } from '../session/index.ts'
import type { Storage } from '../storage/index.ts'
import { ErrorCode, type WriteRequest } from '../wire/index.ts'
import type { ClientConnection } from './client-connection.ts'
import { createSessionOf, ownWriteOf } from './own-writes.ts'
import type { WaitingRequest } from './pending.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { ReceivedSnapshot } from './snapshot-sink.ts'
import { type SessionHost, takeUpSession } from './take-up-session.ts'
import type { ProposalLog, WriteOrigin, WritePipeline } from './write-pipeline.ts'
import type { WriteService } from './write-service.ts'

/** The rest of the server, to whom the end and the beginning of its service are told. */
export interface StandaloneHost extends SessionHost {
  /** Clients are served from now on. */
  onRoleBegun(isLeader: boolean, ids: SessionIdSource): void
  /** Clients are not served any more: what they were owed will not be answered. */
  onRoleEnded(): void
}

/** What a server that stands alone is made of. */
export interface StandaloneParts {
  readonly serverId: ServerId
  readonly storage: Storage
  readonly state: ReplicatedState
  readonly pipeline: WritePipeline
  readonly sessions: SessionKeeper
  readonly clock: Clock
}

/** A server without an ensemble: what its own log holds durably is committed. */
export class Standalone implements WriteService, ProposalLog {
  readonly isReadOnly = false
  readonly #host: StandaloneHost
  readonly #serverId: ServerId
  readonly #state: ReplicatedState
  readonly #storage: Storage
  readonly #pipeline: WritePipeline
  readonly #sessions: SessionKeeper
  readonly #clock: Clock
  #isRestoring = false

  constructor(
    host: StandaloneHost,
    { serverId, storage, state, pipeline, sessions, clock }: StandaloneParts,
  ) {
    this.#host = host
    this.#serverId = serverId
    this.#state = state
    this.#storage = storage
    this.#pipeline = pipeline
    this.#sessions = sessions
    this.#clock = clock
  }

  get isServing(): boolean {
    return !this.#isRestoring
  }

  get nextZxid(): Zxid {
    return BigInt.asIntN(64, this.#pipeline.lastLogged + 1n) as Zxid
  }

  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.#storage.append(zxid, bytes, start, end)
  }

  flush(): void {
    this.#storage.flush()
  }

  /** Everything up to `zxid` survives a power cut. */
  onDurable(zxid: Zxid): void {
    this.#pipeline.applyUpTo(zxid, this.#clock.monotonicMs())
    this.#storage.checkpointIfDue()
  }

  refusal(): ErrorCode | null {
    return this.#storage.isFull || this.#isRestoring ? ErrorCode.systemError : null
  }

  write(request: WriteRequest, origin: WriteOrigin): void {
    this.#pipeline.propose(request, origin, this)
  }

  /** A write of the server itself. */
  propose(request: WriteRequest, sessionId: SessionId): void {
    if (this.#isRestoring) return
    this.write(request, ownWriteOf(request, sessionId, this.#clock.monotonicMs()))
  }

  sync(_connection: ClientConnection, request: WaitingRequest): void {
    request.notBefore = this.#pipeline.lastLogged
    request.isConfirmed = true
  }

  awaitTurn(connection: ClientConnection): void {
    this.#pipeline.awaitTurn(connection)
  }

  openSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    const nowMs = this.#clock.monotonicMs()
    const { request, origin } = createSessionOf(connection, sessionId, timeoutMs, nowMs)
    this.write(request, origin)
  }

  takeUpSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    takeUpSession(this.#host, this.#sessions, connection, sessionId, timeoutMs)
  }

  /* ---------------------------------------------------------------- restore */

  /**
   * Puts a whole state, that of `zxid` once, in the place of this server's own. Clients are cut first, what they wrote
   * becomes durable, then the log begins anew with the state, and only then it is shown. A crash in between leaves the
   * one or the other. The zxid never goes back: clients have seen the last one, and would be turned away.
   */
  restore(snapshot: ReceivedSnapshot, zxid: Zxid, done: (zxid: Zxid) => void): void {
    this.#isRestoring = true
    this.#host.onRoleEnded()
    this.#storage.flush()
    this.#storage.whenDurable(() => {
      const last = this.#pipeline.lastLogged
      assert(last === this.#state.lastApplied, 'nothing is logged while a state is restored')
      this.#pipeline.leaveRole()
      const next = zxid > last ? zxid : ((last + 1n) as Zxid)
      const { currentEpoch } = this.#storage
      this.#storage.install({ zxid: next, snapshot, entries: [], currentEpoch }, () => {
        this.#show(snapshot, next)
        done(next)
      })
      this.#storage.flush()
    })
  }

  #show(snapshot: ReceivedSnapshot, zxid: Zxid): void {
    const { sessions } = this.#state
    const before = sessions.highestIdOf(this.#serverId)
    snapshot.moveInto(this.#state, zxid)
    this.#sessions.startDeciding(sessions)
    this.#isRestoring = false
    const after = sessions.highestIdOf(this.#serverId)
    const isBefore = after === null || (before !== null && before > after)
    const ids = new SessionIdSource(this.#serverId, this.#clock.wallMs(), isBefore ? before : after)
    this.#host.onRoleBegun(true, ids)
  }
}
