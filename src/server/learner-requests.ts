import { Fifo, NO_ZXID, type SessionId, type Zxid } from '../base/index.ts'
import type { Clock } from '../env/index.ts'
import type { ForwardedRequest, Revalidation, RevalidationAnswer, Touches } from '../peer/index.ts'
import { type AuthId, OpCode, OutputBuffer } from '../wire/index.ts'
import { type LinkId, PacketKind } from '../zab/index.ts'
import { type ClientConnection, Phase } from './client-connection.ts'
import type { ObserverMaster } from './observer-master.ts'
import { createSessionOf, ownWriteOf } from './own-writes.ts'
import type { WaitingRequest } from './pending.ts'
import type { Replica } from './replica.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { SessionHost } from './take-up-session.ts'
import { pendingWriteOf, type WriteOrigin, type WritePipeline } from './write-pipeline.ts'

/** What a follower or observer does for its clients: the leader decides, this server answers. Lives as long as the role. */
export class LearnerRequests {
  readonly #host: SessionHost
  readonly #replica: Replica
  readonly #pipeline: WritePipeline
  readonly #sessions: SessionKeeper
  readonly #clock: Clock
  readonly #link: LinkId
  /** Null unless this server serves observers: their requests go the same way, and are told by their link. */
  readonly #observers: ObserverMaster | null
  /** Syncs on their way to the leader, which answers them in order and without a name. */
  readonly #syncs: Fifo<LinkId | WaitingRequest> = new Fifo()
  /** Connections whose sessions the leader is asked about. */
  readonly #revalidating: Map<SessionId, (ClientConnection | LinkId)[]> = new Map()

  constructor(
    host: SessionHost,
    replica: Replica,
    pipeline: WritePipeline,
    sessions: SessionKeeper,
    clock: Clock,
    link: LinkId,
    observers: ObserverMaster | null,
  ) {
    this.#host = host
    this.#replica = replica
    this.#pipeline = pipeline
    this.#sessions = sessions
    this.#clock = clock
    this.#link = link
    this.#observers = observers
  }

  /** The answer comes with the transaction that the leader makes of it. */
  write(origin: WriteOrigin, bytes: Uint8Array, start: number, end: number): void {
    // Not `slice`: of a Node buffer that is no copy.
    this.#forward(origin, new Uint8Array(bytes.subarray(start, end)), origin.ids)
  }

  #forward(origin: WriteOrigin, body: Uint8Array, ids: readonly AuthId[]): void {
    const write = pendingWriteOf(origin, NO_ZXID)
    this.#pipeline.expect(write)
    origin.connection?.owe(write)
    const { sessionId, xid: cxid, opcode } = origin
    this.#relay({ sessionId, cxid, opcode, body, ids })
  }

  #relay(body: ForwardedRequest): void {
    this.#replica.core.relay(this.#link, { kind: PacketKind.REQUEST, body })
  }

  sync(connection: ClientConnection, request: WaitingRequest): void {
    this.#syncs.push(request)
    this.#relay({
      sessionId: connection.sessionId,
      cxid: request.xid,
      opcode: OpCode.sync,
      body: request.body,
      ids: request.ids,
    })
  }

  /** `committed`: everything the leader had committed when it answered. */
  onSynced(committed: Zxid): void {
    const request = this.#syncs.shift()
    if (request === null) return
    if (typeof request === 'number') {
      this.#observers?.onSynced(request, committed)
      return
    }
    request.notBefore = committed
    request.isConfirmed = true
  }

  openSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    const nowMs = this.#clock.monotonicMs()
    const { origin } = createSessionOf(connection, sessionId, timeoutMs, nowMs)
    this.#forwardCreateSession(origin, timeoutMs)
  }

  /** A local session of this server becomes one of the ensemble; the leader has heard of it before what follows. */
  upgrade(sessionId: SessionId, timeoutMs: number): void {
    const request = { type: OpCode.createSession, timeOut: timeoutMs } as const
    const origin = ownWriteOf(request, sessionId, this.#clock.monotonicMs())
    this.#forwardCreateSession(origin, timeoutMs)
  }

  #forwardCreateSession(origin: WriteOrigin, timeoutMs: number): void {
    const out = new OutputBuffer()
    out.int32(timeoutMs)
    this.#forward(origin, out.take(), [])
  }

  takeUpSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void {
    this.#revalidate(connection, { sessionId, timeoutMs })
  }

  #revalidate(who: ClientConnection | LinkId, body: Revalidation): void {
    const others = this.#revalidating.get(body.sessionId)
    if (others === undefined) this.#revalidating.set(body.sessionId, [who])
    else others.push(who)
    this.#replica.core.relay(this.#link, { kind: PacketKind.REVALIDATE, body })
  }

  onRevalidated(answer: RevalidationAnswer): void {
    const { sessionId, isValid } = answer
    const waiting = this.#revalidating.get(sessionId)
    const connection = waiting?.shift()
    if (waiting === undefined || connection === undefined) return
    if (waiting.length === 0) this.#revalidating.delete(sessionId)
    if (typeof connection === 'number') {
      this.#observers?.onRevalidated(connection, { kind: PacketKind.REVALIDATE, body: answer })
      return
    }
    // Refused meanwhile, as its closeSession was applied, or gone.
    if (connection.phase !== Phase.connecting) return
    if (isValid) {
      this.#sessions.track(sessionId, connection.timeoutMs)
      this.#host.onSessionTaken(connection)
    } else this.#host.onSessionRefused(connection)
  }

  /**
   * The closeSession is applied. An answer of the leader from before may be behind it in this turn: whoever waits for
   * one must not be let in by it.
   */
  onSessionClosed(sessionId: SessionId): void {
    const waiting = this.#revalidating.get(sessionId) ?? []
    for (const connection of waiting) {
      if (typeof connection !== 'number') this.#host.onSessionRefused(connection)
    }
  }

  /* ---------------------------------------------------------------- observers */

  onObserverRequest(link: LinkId, request: ForwardedRequest): void {
    if (request.opcode === OpCode.sync) this.#syncs.push(link)
    this.#relay(request)
  }

  onObserverRevalidation(link: LinkId, revalidation: Revalidation): void {
    this.#revalidate(link, revalidation)
  }

  onObserverTouches(touches: Touches): void {
    this.#sessions.noteTouched(touches)
  }
}
