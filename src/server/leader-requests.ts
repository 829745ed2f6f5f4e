import { assert, formatHex, NO_ZXID, type SessionId, type Zxid } from '../base/index.ts'
import type { Clock, Logger } from '../env/index.ts'
import type { ForwardedRequest, Revalidation, Touches } from '../peer/index.ts'
import {
  DecodeError,
  decodeWriteRequest,
  ErrorCode,
  InputReader,
  OpCode,
  type WriteRequest,
} from '../wire/index.ts'
import { InputKind, type LinkId, PacketKind } from '../zab/index.ts'
import { BufferSizes } from './buffer-sizes.ts'
import { type ClientConnection, Phase } from './client-connection.ts'
import { createSessionOf, ownWriteOf } from './own-writes.ts'
import type { WaitingRequest } from './pending.ts'
import type { Replica } from './replica.ts'
import type { SessionKeeper } from './session-keeper.ts'
import { OWN, SessionOwners } from './session-owners.ts'
import { SyncQueue } from './sync-queue.ts'
import { type SessionHost, takeUpSession } from './take-up-session.ts'
import {
  type ProposalLog,
  pendingWriteOf,
  type WriteOrigin,
  type WritePipeline,
} from './write-pipeline.ts'

/** What the leader of an ensemble does for its own clients and for those of its learners. Lives as long as the role. */
export class LeaderRequests implements ProposalLog {
  readonly proposalSizes: BufferSizes = new BufferSizes()
  readonly #host: SessionHost
  readonly #replica: Replica
  readonly #pipeline: WritePipeline
  readonly #sessions: SessionKeeper
  readonly #owners: SessionOwners
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #isDiskFull: () => boolean
  readonly #reader: InputReader = new InputReader()
  readonly #syncs: SyncQueue
  /** Learners whose clients want a session that is being closed. */
  readonly #awaitingEnd: Map<SessionId, LinkId[]> = new Map()

  constructor(
    host: SessionHost,
    replica: Replica,
    pipeline: WritePipeline,
    sessions: SessionKeeper,
    clock: Clock,
    logger: Logger,
    isDiskFull: () => boolean,
  ) {
    this.#host = host
    this.#replica = replica
    this.#pipeline = pipeline
    this.#sessions = sessions
    const { events } = replica
    this.#owners = new SessionOwners(sessions, events.history, (link) => events.peerOf(link))
    sessions.whoServes = (sessionId) => this.#owners.whoServes(sessionId)
    this.#clock = clock
    this.#logger = logger
    this.#isDiskFull = isDiskFull
    this.#syncs = new SyncQueue((token) => replica.step({ kind: InputKind.CONFIRM, token }))
  }

  /** With the takings of sessions that wait for the same. */
  get pendingSyncs(): number {
    return this.#syncs.length
  }

  /* ---------------------------------------------------------------- the log */

  get nextZxid(): Zxid | null {
    return this.#replica.core.nextZxid
  }

  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    // Not `slice`: of a Node buffer that is no copy.
    const txn = new Uint8Array(bytes.subarray(start, end))
    this.proposalSizes.record(txn.length)
    const nowMs = this.#clock.monotonicMs()
    this.#replica.metrics.onProposed(zxid, nowMs)
    const given = this.#replica.core.propose(txn, nowMs)
    assert(given === zxid, 'a proposal gets the zxid that it was prepared with')
  }

  /* ---------------------------------------------------------------- own clients */

  write(request: WriteRequest, origin: WriteOrigin): void {
    if (this.nextZxid === null) {
      // At the end of the zxid's counter: the role ends in a moment, and with it the connection.
      origin.connection?.owe(pendingWriteOf(origin, NO_ZXID))
      return
    }
    const { sessionId, opcode } = origin
    const isChecked = opcode !== OpCode.closeSession && opcode !== OpCode.createSession
    const ownership = isChecked ? this.#owners.check(sessionId, OWN) : ErrorCode.ok
    const isOwned = ownership === ErrorCode.ok || this.#sessions.isLocal(sessionId)
    if (origin.sessionError !== ErrorCode.ok || isOwned) {
      this.#pipeline.propose(request, origin, this)
    } else this.#pipeline.propose(request, { ...origin, sessionError: ownership }, this)
  }

  /** A local session of this server becomes one of the ensemble. */
  upgrade(sessionId: SessionId, timeoutMs: number): void {
    this.#owners.set(sessionId, OWN)
    this.propose({ type: OpCode.createSession, timeOut: timeoutMs }, sessionId)
  }

  /** A write of the server itself. */
  propose(request: WriteRequest, sessionId: SessionId): void {
    // At the end of the zxid's counter the next leader does it.
    if (this.nextZxid === null) return
    this.#pipeline.propose(request, ownWriteOf(request, sessionId, this.#clock.monotonicMs()), this)
  }

  sync(request: WaitingRequest): void {
    this.#syncs.add(this.#pipeline.lastLogged, (notBefore) => {
      request.notBefore = notBefore
      request.isConfirmed = true
    })
  }

  openSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    // From now on, not from when it is applied: a learner may have applied it before, and its client moved on.
    this.#sessions.track(sessionId, timeoutMs)
    this.#owners.set(sessionId, OWN)
    const nowMs = this.#clock.monotonicMs()
    const { request, origin } = createSessionOf(connection, sessionId, timeoutMs, nowMs)
    this.write(request, origin)
  }

  takeUpSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    this.#whenSure(() => {
      if (connection.phase !== Phase.connecting) return
      const isTaken = takeUpSession(this.#host, this.#sessions, connection, sessionId, timeoutMs)
      if (isTaken) this.#owners.set(sessionId, OWN)
    })
  }

  /**
   * Sessions go on by the word of a leader that a quorum has confirmed. Upstream's answers at once, and may have been
   * deposed without its knowledge: (1) it calls a session over that a later leader has made; (2) or it lets a session go on
   * here, and what is still under way on the connection that the client has left is carried out by the later leader.
   */
  #whenSure(decide: () => void): void {
    this.#syncs.add(this.#pipeline.lastLogged, decide)
  }

  /* ---------------------------------------------------------------- learners */

  onRequest(link: LinkId, forwarded: ForwardedRequest): void {
    const { sessionId, cxid, opcode, ids } = forwarded
    if (opcode === OpCode.sync) {
      const { core } = this.#replica
      core.expectSync(link)
      this.#syncs.add(this.#pipeline.lastLogged, () => core.answerSync(link))
      return
    }
    // At the end of the zxid's counter: the role ends in a moment, and with it the learner's link.
    if (this.nextZxid === null) return
    const origin: WriteOrigin = {
      connection: null,
      sessionId,
      xid: cxid,
      opcode,
      ids,
      ...this.#errorsOf(link, forwarded),
      bytes: forwarded.body.length,
      admittedMs: this.#clock.monotonicMs(),
      audit: null,
    }
    const request = this.#decode(opcode, forwarded.body)
    const error = request === null ? ErrorCode.marshallingError : this.#refusalOf(request, origin)
    if (request === null || error !== null) {
      this.#pipeline.proposeRefusal(error!, origin, this)
      return
    }
    if (request.type === OpCode.createSession) this.#sessions.track(sessionId, request.timeOut)
    else if (request.type === OpCode.closeSession) this.#sessions.markClosing(sessionId)
    this.#pipeline.propose(request, origin, this)
  }

  /**
   * A learner does not know that the leader's disk is full, and its client waits for an answer: that can only be an error
   * transaction. It takes less of what is left of the log than the write would, and all of one turn take one group.
   * Sessions come and go also then: whoever is told so wants to go on reading.
   */
  #refusalOf({ type }: WriteRequest, { sessionError }: WriteOrigin): ErrorCode | null {
    if (!this.#isDiskFull() || sessionError !== ErrorCode.ok) return null
    const isOfSession = type === OpCode.createSession || type === OpCode.closeSession
    return isOfSession ? null : ErrorCode.systemError
  }

  /** What may be a local session of the learner may do everything but own ephemerals. */
  #errorsOf(
    link: LinkId,
    forwarded: ForwardedRequest,
  ): Pick<WriteOrigin, 'ephemeralError' | 'sessionError'> {
    const error = this.#admit(link, forwarded)
    const { sessionId } = forwarded
    if (error !== ErrorCode.sessionExpired || this.#sessions.find(sessionId) !== undefined) {
      return { sessionError: error, ephemeralError: ErrorCode.ok }
    }
    const isLocal = this.#sessions.local?.mayBeElsewhere(sessionId) === true
    return { sessionError: isLocal ? ErrorCode.ok : error, ephemeralError: error }
  }

  /** Who owns the session now, and whether the request may be made in it. */
  #admit(link: LinkId, { sessionId, opcode }: ForwardedRequest): ErrorCode {
    if (opcode === OpCode.createSession) this.#owners.set(sessionId, link)
    else if (opcode !== OpCode.closeSession) return this.#owners.check(sessionId, link)
    return ErrorCode.ok
  }

  /** Null for what no client library sends: it is answered with an error transaction, as the learner waits for one. */
  #decode(opcode: number, body: Uint8Array): WriteRequest | null {
    this.#reader.reset(body, 0, body.length)
    try {
      if (opcode === OpCode.createSession) {
        return { type: OpCode.createSession, timeOut: this.#reader.int32() }
      }
      return decodeWriteRequest(opcode, this.#reader)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#logger.warn('a learner forwarded a request that cannot be read', {
        opcode,
        reason: error.message,
      })
      return null
    }
  }

  /**
   * A session that is being closed is over only once that is committed: this leader may fall before, and then the session
   * lives on with its ephemerals, though its client would have been told otherwise. Until then nobody is answered.
   */
  onRevalidation(link: LinkId, revalidation: Revalidation): void {
    this.#whenSure(() => this.#revalidate(link, revalidation))
  }

  #revalidate(link: LinkId, { sessionId, timeoutMs }: Revalidation): void {
    const session = this.#sessions.find(sessionId)
    if (session?.isClosing === true) {
      const waiting = this.#awaitingEnd.get(sessionId)
      if (waiting === undefined) this.#awaitingEnd.set(sessionId, [link])
      else waiting.push(link)
      return
    }
    if (session !== undefined) {
      this.#sessions.track(sessionId, timeoutMs)
      this.#owners.set(sessionId, link)
    }
    this.#answerRevalidation(link, sessionId, session !== undefined)
  }

  #answerRevalidation(link: LinkId, sessionId: SessionId, isValid: boolean): void {
    this.#replica.core.relay(link, { kind: PacketKind.REVALIDATE, body: { sessionId, isValid } })
  }

  onTouches(touches: Touches): void {
    for (const { sessionId } of touches) this.#sessions.touchById(sessionId)
  }

  onConfirmed(token: number): void {
    this.#syncs.onConfirmed(token)
  }

  onSessionClosed(sessionId: SessionId): void {
    this.#owners.remove(sessionId)
    for (const link of this.#awaitingEnd.get(sessionId) ?? []) {
      this.#answerRevalidation(link, sessionId, false)
    }
    this.#awaitingEnd.delete(sessionId)
    this.#logger.debug('session closed', { sessionId: formatHex(sessionId) })
  }

  /** End of turn, before packets leave. */
  askForConfirmation(): void {
    this.#syncs.ask()
  }

  answerSyncs(applied: Zxid): void {
    this.#syncs.run(applied)
  }
}
