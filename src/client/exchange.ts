import { Fifo, NO_ZXID, type Zxid } from '../base/index.ts'
import {
  DecodeError,
  ErrorCode,
  EventType,
  type InputReader,
  OpCode,
  type OutputBuffer,
  type ReplyHeader,
  readWatcherEvent,
  writeRequestHeader,
  Xid,
} from '../wire/index.ts'
import { Call } from './call.ts'
import { CallQueue } from './call-queue.ts'
import { type Identity, writeIdentity } from './credentials.ts'
import { Deadlines } from './deadlines.ts'
import type { Effect } from './effects.ts'
import {
  AuthFailedError,
  ConnectionLossError,
  describe,
  InvalidArgumentError,
  ProtocolError,
  SessionLostError,
  serverError,
  TooManyRequestsError,
  type ZkError,
} from './errors.ts'
import type { Settings } from './options.ts'
import { PING } from './own-requests.ts'
import type { Session } from './session.ts'
import { releaseRequest } from './watch-release.ts'
import { type RestoreRequest, restoreRequests } from './watch-restore.ts'
import {
  KINDS,
  type WatchEventType,
  type WatchKind,
  type WatchRecord,
  WatchTable,
} from './watch-table.ts'

/** What is encoded at a time. */
const OUTPUT_BYTES_MAX = 256 * 1024
const XID_MAX = 0x7fff_ffff

const EVENT_TYPES: ReadonlyMap<number, WatchEventType> = new Map([
  [EventType.nodeCreated, 'created'],
  [EventType.nodeDeleted, 'deleted'],
  [EventType.nodeDataChanged, 'changed'],
  [EventType.nodeChildrenChanged, 'children'],
])

/** How much there is of each. */
export interface Load {
  readonly inFlight: number
  readonly waiting: number
  readonly watches: number
}

/**
 * The requests and answers of a client, over however many connections: order, the limit of what is under way, watches,
 * identities. It knows nothing of time but what it is told, and nothing of sockets.
 */
export class Exchange {
  readonly watches: WatchTable = new WatchTable()
  readonly deadlines: Deadlines = new Deadlines()
  /** Of the last answer: a server that knows less is refused, so the client never sees an older tree. */
  lastZxid: Zxid = NO_ZXID
  readonly #settings: Settings
  readonly #effects: Effect[]
  readonly #queue = new CallQueue()
  #identities: Identity[]
  /** Sent on this connection and not judged yet. */
  #judged: Fifo<Identity> = new Fifo()
  #isUp = false
  #nextXid = 1

  constructor(settings: Settings, effects: Effect[]) {
    this.#settings = settings
    this.#effects = effects
    this.#identities = settings.auth.map((credentials) => ({ credentials, call: null }))
  }

  get load(): Load {
    const { inFlight, waiting } = this.#queue
    return { inFlight, waiting, watches: this.watches.size }
  }

  get isJudging(): boolean {
    return this.#judged.length > 0
  }

  submit(call: Call): void {
    this.deadlines.add(call)
    if (call.purpose === 'user' && this.#queue.waiting >= this.#settings.queuedCallsMax) {
      const message = describe('too many calls are waiting', call.request)
      this.reject(call, new TooManyRequestsError('TOO_MANY_REQUESTS', message, call.details(true)))
      return
    }
    this.#queue.push(call)
  }

  /** Sends what may be sent now. */
  pump(out: OutputBuffer, nowMs: number, session: Session | null): void {
    if (!this.#isUp) return
    const { inFlightMax } = this.#settings
    while (this.#queue.inFlight < inFlightMax && out.length < OUTPUT_BYTES_MAX) {
      const call = this.#queue.shift()
      if (call === null) return
      this.#sendUnlessVain(call, out, nowMs, session)
    }
  }

  ping(out: OutputBuffer, nowMs: number): void {
    this.#send(new Call<unknown>(PING, 'ping', Number.POSITIVE_INFINITY), Xid.ping, out, nowMs)
  }

  /** A server has accepted the session: identities go first, then the watches, then what waits. */
  connected(out: OutputBuffer, nowMs: number): void {
    this.#isUp = true
    for (const identity of this.#identities) this.#sendIdentity(identity, out)
    this.watches.markStale()
    for (const request of restoreRequests(this.watches, this.lastZxid)) {
      this.#sendNext(new Call<unknown>(request, 'restore', Number.POSITIVE_INFINITY), out, nowMs)
    }
  }

  /** Nothing of what was sent will be answered any more. */
  disconnected(reason: string): void {
    this.#isUp = false
    this.#judged = new Fifo()
    this.#queue.forEachSent((call) => this.#uncount(call))
    this.watches.forgetServer()
    for (const call of this.#queue.connectionLost()) {
      if (call.state === 'settled') continue
      if (call.purpose === 'user') {
        const message = describe(`the connection broke (${reason})`, call.request)
        const error = new ConnectionLossError('CONNECTION_LOSS', message, call.details(true))
        this.reject(call, error)
      } else this.resolve(call, undefined)
    }
  }

  /** Fails everything that waits. */
  failWaiting(makeError: (call: Call) => ZkError): void {
    for (const call of this.#queue.takeWaiting()) this.reject(call, makeError(call))
  }

  /** An answer to a request has come; returns the call. @throws DecodeError */
  reply(header: ReplyHeader, reader: InputReader): Call {
    const call = this.#queue.oldest()
    if (call?.xid !== header.xid) {
      throw new DecodeError(`reply to request ${header.xid}, but ${call?.xid ?? 'none'} is due`)
    }
    this.#queue.answered()
    this.#uncount(call)
    if (header.xid > 0 && header.zxid > 0n) this.lastZxid = header.zxid
    if (call.purpose === 'user') this.#answer(call, header, reader)
    else if (call.purpose === 'restore') this.#restored(call.request as RestoreRequest, header.err)
    else if (call.purpose === 'release') this.#released(call, header.err)
    return call
  }

  /** @throws DecodeError */
  event(header: ReplyHeader, reader: InputReader): void {
    const { type, path } = readWatcherEvent(reader)
    const name = EVENT_TYPES.get(type)
    if (name === undefined || path === null) throw new DecodeError(`event of type ${type}`)
    const zxid = header.zxid > 0n ? header.zxid : null
    for (const { sink } of this.watches.take(type, path)) {
      this.#effects.push({ kind: 'event', sink, type: name, path, zxid })
    }
  }

  /** The server has judged an identity; returns the error if it was refused. @throws DecodeError */
  verdict(err: number): ZkError | null {
    const identity = this.#judged.shift()
    if (identity === null) throw new DecodeError('verdict on credentials that were not sent')
    const { call } = identity
    identity.call = null
    if (err === ErrorCode.ok) {
      if (call !== null) this.resolve(call, undefined)
      return null
    }
    this.#identities = this.#identities.filter((other) => other !== identity)
    const { scheme } = identity.credentials
    const message = `the server refused the credentials of scheme ${JSON.stringify(scheme)}`
    const error = new AuthFailedError('AUTH_FAILED', message, { op: 'addAuth' })
    if (call === null) return error
    this.reject(call, error)
    return null
  }

  /** Credentials for this and every later connection. */
  addIdentity(identity: Identity, out: OutputBuffer): void {
    if (identity.call !== null) this.deadlines.add(identity.call)
    this.#identities.push(identity)
    if (this.#isUp) this.#sendIdentity(identity, out)
  }

  /** The next answer cannot be read: who asked for it is told, or it would be asked for again. */
  failOldest(error: ProtocolError): void {
    const call = this.#queue.oldest()
    if (call !== null && call.purpose === 'user' && call.state === 'sent') {
      const { message } = error
      this.reject(call, new ProtocolError('PROTOCOL', message, call.details(false, error)))
    }
  }

  /** Takes the client's own record of a watch away, and the server's when nobody else needs it. */
  release(record: WatchRecord, deadlineMs: number): Call {
    this.watches.remove(record)
    const call = new Call<unknown>(releaseRequest(record), 'release', deadlineMs)
    if (this.#isUp && !this.watches.isNeeded(record)) this.submit(call)
    else {
      if (this.#isUp) this.watches.leaveToOthers(record)
      this.resolve(call, undefined)
    }
    return call
  }

  /** Ends every watch, or the one-shot ones alone. */
  endWatches(type: 'gap' | 'removed'): void {
    const records = type === 'gap' ? this.watches.takeOneShots() : this.watches.takeAll()
    for (const { sink, path } of records) {
      this.#effects.push({ kind: 'event', sink, type, path, zxid: null })
    }
  }

  reject(call: Call, error: ZkError): void {
    if (call.state === 'settled') return
    this.#settle(call)
    this.#effects.push({ kind: 'reject', call, error })
  }

  resolve(call: Call, value: unknown): void {
    if (call.state === 'settled') return
    this.#settle(call)
    this.#effects.push({ kind: 'resolve', call, value })
  }

  /** Nobody will judge them any more. */
  abandonIdentities(makeError: (call: Call) => ZkError): void {
    for (const { call } of this.#identities) if (call !== null) this.reject(call, makeError(call))
    this.#identities = []
  }

  /* ---------------------------------------------------------------- sending */

  #sendUnlessVain(call: Call, out: OutputBuffer, nowMs: number, session: Session | null): void {
    const { request } = call
    if (request.session !== undefined && request.session !== session) {
      const message = describe('the session it belongs to is over', request)
      const error = new SessionLostError('SESSION_LOST', message, call.details(false))
      this.reject(call, error)
    } else if (call.purpose === 'release' && this.watches.isNeeded(request.watch!)) {
      // Somebody has set the same watch since, or will.
      this.watches.leaveToOthers(request.watch!)
      this.resolve(call, undefined)
    } else this.#sendNext(call, out, nowMs)
  }

  #sendNext(call: Call, out: OutputBuffer, nowMs: number): void {
    const xid = this.#nextXid
    if (!this.#send(call, xid, out, nowMs)) return
    this.#nextXid = xid === XID_MAX ? 1 : xid + 1
    const { watch } = call.request
    if (watch !== undefined && call.purpose === 'user') this.watches.count(watch, 1)
  }

  #send(call: Call, xid: number, out: OutputBuffer, nowMs: number): boolean {
    const { request } = call
    const mark = out.beginFrame()
    writeRequestHeader(out, xid, request.type)
    try {
      request.write(out)
    } catch (error) {
      // Half a request must not reach the server, nor its caller wait for ever.
      this.#refuse(call, out, mark, `it cannot be encoded: ${String(error)}`, error)
      return false
    }
    out.endFrame(mark)
    const size = out.length - mark - 4
    const { requestBytesMax } = this.#settings
    if (size > requestBytesMax) {
      this.#refuse(call, out, mark, `a request of ${size} bytes is over ${requestBytesMax}`)
      return false
    }
    call.xid = xid
    call.state = 'sent'
    call.sentAtMs = nowMs
    call.tries += 1
    this.#queue.sent(call)
    return true
  }

  #refuse(call: Call, out: OutputBuffer, mark: number, problem: string, cause?: unknown): void {
    out.truncate(mark)
    const message = describe(problem, call.request)
    const details = call.details(false, cause)
    this.reject(call, new InvalidArgumentError('INVALID_ARGUMENT', message, details))
  }

  #sendIdentity(identity: Identity, out: OutputBuffer): void {
    const mark = out.beginFrame()
    writeRequestHeader(out, Xid.auth, OpCode.auth)
    writeIdentity(out, identity.credentials)
    out.endFrame(mark)
    this.#judged.push(identity)
  }

  /* ---------------------------------------------------------------- answers */

  #answer(call: Call, header: ReplyHeader, reader: InputReader): void {
    const { request } = call
    const isGood = header.err === ErrorCode.ok || header.err === request.acceptedErr
    if (!isGood) {
      const { op, path, isWrite } = request
      const outcome = isWrite ? 'unknown' : 'not-applied'
      this.reject(call, serverError(header.err, { op, path, zxid: header.zxid, outcome }))
      const { watch } = request
      // It set none, and the one of somebody who relied on that is there still.
      if (watch !== undefined && this.watches.isLeftOver(watch)) {
        this.release(watch, Number.POSITIVE_INFINITY)
      }
      return
    }
    if (request.watch !== undefined) this.#watchIsSet(call, request.watch, header.err)
    if (call.state === 'settled') return
    try {
      this.resolve(call, request.read(reader, header))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const message = describe(`the answer cannot be read: ${error.message}`, request)
      const outcome = request.isWrite ? 'applied' : 'not-applied'
      const details = { ...call.details(false, error), outcome } as const
      this.reject(call, new ProtocolError('PROTOCOL', message, details))
      throw error
    }
  }

  #watchIsSet(call: Call, watch: WatchRecord, err: number): void {
    if (watch.kind === 'data' && err === ErrorCode.noNode) watch.kind = 'exist'
    if (call.state !== 'settled') this.watches.add(watch)
    // The caller gave up meanwhile.
    else this.release(watch, Number.POSITIVE_INFINITY)
  }

  #restored({ lists }: RestoreRequest, err: number): void {
    const isRefused = err !== ErrorCode.ok
    if (isRefused) {
      const message = `the server does not take the watches of the last connection: error ${err}`
      this.#effects.push({ kind: 'log', level: 'warn', message })
    }
    for (const kind of KINDS) {
      const isLasting = kind === 'persistent' || kind === 'recursive'
      if (isRefused || isLasting) this.#markGaps(kind, lists[kind])
    }
  }

  #markGaps(kind: WatchKind, paths: readonly string[]): void {
    for (const path of paths) {
      for (const record of this.watches.at(path, [kind])) {
        if (kind !== 'persistent' && kind !== 'recursive') this.watches.remove(record)
        record.isStale = false
        this.#effects.push({ kind: 'event', sink: record.sink, type: 'gap', path, zxid: null })
      }
    }
  }

  #released(call: Call, err: number): void {
    const watch = call.request.watch!
    const isPersistent = watch.kind === 'persistent' || watch.kind === 'recursive'
    // Before 3.9 a server has one watch for a path, whatever its kind.
    if (err === ErrorCode.marshallingError && isPersistent) {
      if (this.watches.at(watch.path, KINDS).length === 0) {
        this.submit(new Call<unknown>(releaseRequest(watch, true), 'release', call.deadlineMs))
      }
    }
    this.resolve(call, undefined)
  }

  #uncount(call: Call): void {
    const { watch } = call.request
    if (watch !== undefined && call.purpose === 'user') this.watches.count(watch, -1)
  }

  #settle(call: Call): void {
    if (call.state === 'waiting') this.#queue.forget()
    call.state = 'settled'
    this.deadlines.remove(call)
  }
}
