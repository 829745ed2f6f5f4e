import type { SessionId, Zxid } from '../base/index.ts'
import type { Clock } from '../env/index.ts'
import type { Storage } from '../storage/index.ts'
import { ErrorCode, type WriteRequest } from '../wire/index.ts'
import type { ClientConnection } from './client-connection.ts'
import { createSessionOf, ownWriteOf } from './own-writes.ts'
import type { WaitingRequest } from './pending.ts'
import type { SessionKeeper } from './session-keeper.ts'
import { type SessionHost, takeUpSession } from './take-up-session.ts'
import type { ProposalLog, WriteOrigin, WritePipeline } from './write-pipeline.ts'
import type { WriteService } from './write-service.ts'

/** A server without an ensemble: what its own log holds durably is committed. */
export class Standalone implements WriteService, ProposalLog {
  readonly isServing = true
  readonly isReadOnly = false
  readonly #host: SessionHost
  readonly #storage: Storage
  readonly #pipeline: WritePipeline
  readonly #sessions: SessionKeeper
  readonly #clock: Clock

  constructor(
    host: SessionHost,
    storage: Storage,
    pipeline: WritePipeline,
    sessions: SessionKeeper,
    clock: Clock,
  ) {
    this.#host = host
    this.#storage = storage
    this.#pipeline = pipeline
    this.#sessions = sessions
    this.#clock = clock
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
    return this.#storage.isFull ? ErrorCode.systemError : null
  }

  write(request: WriteRequest, origin: WriteOrigin): void {
    this.#pipeline.propose(request, origin, this)
  }

  /** A write of the server itself. */
  propose(request: WriteRequest, sessionId: SessionId): void {
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
}
