import { Fifo, formatHex, NO_SESSION, type SessionId, type Zxid } from '../../base/index.ts'
import type { TimerHandle } from '../../env/index.ts'
import {
  type ByteString,
  type ConnectResponse,
  DecodeError,
  decodeConnectResponse,
  ErrorCode,
  InputReader,
  OpCode,
  type ReplyHeader,
  readReplyHeader,
  readWatcherEvent,
  writeConnectRequest,
  writeRequestHeader,
  Xid,
} from '../../wire/index.ts'
import { Call, type ReplyHandler } from './call.ts'
import { ClientCounters } from './client-counters.ts'
import { ClientHistory } from './client-history.ts'
import { ClientLink, type LinkOwner } from './client-link.ts'
import type { ClientEnvironment, ClientHost, SimClientOptions } from './client-options.ts'
import { LeftLink } from './left-link.ts'
import {
  type Answer,
  isWrite,
  type Operation,
  opcodeOf,
  readAnswer,
  writeOperation,
} from './operation.ts'
import { ServerList, type ServerTarget } from './server-list.ts'
import { WatchBook } from './watch-book.ts'
import { ZxidOrder } from './zxid-order.ts'

const Phase = { stopped: 0, waiting: 1, connecting: 2, handshake: 3, serving: 4 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

const NO_PASSWORD = '\0'.repeat(16) as ByteString
const MAX_XID = 0x7fff_ffff
/**
 * A ZooKeeper client as the libraries are: a list of servers, one session, pings, watches that are set again after a
 * reconnection. It repeats nothing: a request whose connection is lost stays undecided. Every reply is held against
 * what one client alone can know (C2 first in first out, C3 and C4 zxids never go back, C6 one reply for each request,
 * W1 event before data, W2 and W6 no event without a watch, E6 no session after its end).
 */
export class SimClient implements LinkOwner, ReplyHandler {
  readonly number: number
  readonly watches: WatchBook = new WatchBook()
  readonly counters: ClientCounters = new ClientCounters()
  /** Nothing is sent, not even pings; what comes is read. */
  isSilent = false
  readonly #options: SimClientOptions
  readonly #env: ClientEnvironment
  readonly #host: ClientHost
  readonly #servers: ServerList
  readonly #history: ClientHistory
  readonly #zxids = new ZxidOrder()
  readonly #reader = new InputReader()
  #phase: Phase = Phase.stopped
  #link: ClientLink | null = null
  #target: ServerTarget
  #timer: TimerHandle | null = null
  #timerAtMs = Number.POSITIVE_INFINITY
  #deadlineMs = 0
  #lastSentMs = 0
  #lastHeardMs = 0

  #password: ByteString = NO_PASSWORD
  #timeoutMs: number
  #isSessionClosed = false
  #nextXid: number
  /** A setWatches is on its way: events that it makes up may come twice for one path. */
  #isCatchingUp = false
  #hasSynced = false
  readonly #pending = new Fifo<Call>()
  #left: LeftLink | null = null

  constructor(env: ClientEnvironment, options: SimClientOptions, host: ClientHost) {
    this.number = options.number
    this.#env = env
    this.#options = options
    this.#host = host
    this.#history = new ClientHistory(options.number, host)
    this.#servers = new ServerList(options.servers, env.random, options.backoffMsMax)
    this.#target = options.servers[0]!
    this.#timeoutMs = options.timeoutMs
    this.#nextXid = options.firstXid
  }

  /** Whether `request` takes requests now. */
  get isReady(): boolean {
    return this.#phase === Phase.serving && !this.isSilent
  }

  get name(): string {
    return this.#options.name
  }

  get isStopped(): boolean {
    return this.#phase === Phase.stopped
  }

  /** 0 before the first session and between two. */
  get sessionId(): SessionId {
    return this.#history.sessionId
  }

  /** Negotiated; what was asked for before the first handshake. */
  get timeoutMs(): number {
    return this.#timeoutMs
  }

  get lastZxid(): Zxid {
    return this.#zxids.lastZxid
  }

  get nowMs(): number {
    return this.#env.clock.monotonicMs()
  }

  get outstanding(): number {
    return this.#pending.length
  }

  /** A sync was answered on this connection: what earlier connections left undecided is decided. */
  get hasSynced(): boolean {
    return this.#hasSynced
  }

  /** Where it is connected, or tries to be. */
  get target(): ServerTarget {
    return this.#target
  }

  start(): void {
    if (this.#phase === Phase.stopped) this.#connect()
  }

  /** The process ends without a word to its session. */
  stop(): void {
    this.#loseLink()
    this.#left?.drop()
    this.#phase = Phase.stopped
    this.#timer?.cancel()
    this.#timerAtMs = Number.POSITIVE_INFINITY
  }

  /** Breaks the connection and takes the session up elsewhere (or on the same server, if there is no other). */
  move(): void {
    if (this.#phase <= Phase.waiting) return
    this.#loseLink()
    this.#connect()
  }

  /**
   * Takes the session up on another connection while the present one stays; a late write on that one must be refused (E7).
   */
  leave(): void {
    const link = this.#link
    if (this.#phase !== Phase.serving || link === null) return
    this.#link = null
    this.#left?.drop()
    this.#left = new LeftLink(link, this.#history.sessionId, () => {
      this.#fail(`E7: a write on a connection that the session has left was carried out`)
    })
    this.#endConnection()
    this.#connect()
  }

  /** The process is started anew: nothing is said to the session, which has to expire, and another one begins. */
  forget(): void {
    if (this.#phase <= Phase.waiting || this.#isSessionClosed) return
    this.#loseLink()
    this.#endSession(false)
    this.#connectLater()
  }

  /** Sends again, after `isSilent`. */
  speak(): void {
    this.isSilent = false
    if (this.#phase === Phase.waiting) this.#connect()
    else if (this.#phase !== Phase.stopped) this.#watch(this.nowMs)
  }

  /** Hands a request to the connection; it leaves with `flush`. Only while `isReady`. */
  request(
    operation: Operation,
    handler: ReplyHandler,
    tag: number = 0,
    detail: unknown = null,
  ): Call {
    const xid = this.#nextXid
    this.#nextXid = xid === MAX_XID ? 1 : xid + 1
    this.counters.invoked += 1
    return this.#send(operation, xid, handler, tag, detail)
  }

  flush(): void {
    this.#link?.flush()
  }

  /** Replies to the client's own requests. */
  onReply(call: Call): void {
    if (call.answer === null) return
    const { operation, answer } = call
    if (operation.type === OpCode.setWatches || operation.type === OpCode.setWatches2) {
      this.#isCatchingUp = false
      if (answer.err === ErrorCode.ok)
        this.#history.watchesSet(operation, this.watches, answer.zxid)
      else this.#fail(`C6: setWatches was answered with ${answer.err}`)
    } else if (answer.err !== ErrorCode.ok) {
      this.#fail(`C6: request of type ${opcodeOf(operation)} was answered with ${answer.err}`)
    }
  }

  /* ---------------------------------------------------------------- connecting */

  #connect(): void {
    this.#phase = Phase.connecting
    this.#target = this.#servers.next()
    this.#link = new ClientLink(this.#env.network, this.#target, this)
    this.#deadlineMs = this.nowMs + this.#timeoutMs / Math.min(3, this.#options.servers.length + 1)
    this.#wakeAt(this.#deadlineMs)
  }

  #connectLater(): void {
    this.#phase = Phase.waiting
    this.#deadlineMs = this.nowMs + this.#servers.backoffMs()
    this.#wakeAt(this.#deadlineMs)
  }

  onLinkOpen(link: ClientLink): void {
    this.#phase = Phase.handshake
    this.#history.connection = this.#host.nextConnection()
    const mark = link.out.beginFrame()
    writeConnectRequest(link.out, {
      protocolVersion: 0,
      lastZxidSeen: this.#zxids.lastZxid,
      timeOut: this.#options.timeoutMs,
      sessionId: this.#history.sessionId,
      passwd: this.#password,
      readOnly: false,
      hasReadOnly: true,
    })
    link.out.endFrame(mark)
    link.flush()
  }

  #onHandshake(response: ConnectResponse): void {
    const asked = this.#history.sessionId
    const isAccepted = response.timeOut > 0
    const outcome = isAccepted ? 'accepted' : 'expired'
    const granted = isAccepted ? response : null
    this.#history.connect(this.#target, this.#zxids.lastZxid, outcome, granted)
    if (!isAccepted) {
      if (asked === NO_SESSION) this.#fail('E1: a new session was refused as expired')
      else this.counters.expirations += this.#isSessionClosed ? 0 : 1
      this.#loseLink()
      this.#endSession(true)
      this.#connectLater()
      return
    }
    if (this.#isSessionClosed) this.#fail(`E6: the closed session ${formatHex(asked)} was accepted`)
    if (asked !== NO_SESSION && asked !== response.sessionId) {
      this.#fail(`E8: asked for session ${formatHex(asked)}, got ${formatHex(response.sessionId)}`)
    }
    this.#history.sessionId = response.sessionId
    this.#password = response.passwd ?? NO_PASSWORD
    this.#timeoutMs = response.timeOut
    this.#phase = Phase.serving
    this.#servers.onServed()
    this.counters.connects += 1
    this.#zxids.beginConnection()
    this.#lastHeardMs = this.nowMs
    this.#lastSentMs = this.#lastHeardMs
    this.#wakeAt(this.#lastHeardMs + this.#timeoutMs / 3)
    if (asked === NO_SESSION) this.#host.onSessionMade(this.number, response.sessionId)
    if (this.#left?.sessionId === response.sessionId) this.#left.write()
    for (const auth of this.#options.auths) this.#send(auth, Xid.auth, this, 0, null)
    if (!this.watches.isEmpty) this.#resetWatches()
    this.#host.onReady(this.number)
    this.flush()
  }

  #resetWatches(): void {
    const lists = this.watches.request(this.#zxids.lastZxid)
    const { persistentWatches, persistentRecursiveWatches } = lists
    const isOld =
      this.#options.usesOldSetWatches &&
      persistentWatches.length + persistentRecursiveWatches.length === 0
    const type = isOld ? OpCode.setWatches : OpCode.setWatches2
    this.#isCatchingUp = true
    this.counters.watchesReset += 1
    this.#send({ type, ...lists }, Xid.setWatches, this, 0, null)
  }

  #endSession(isOver: boolean): void {
    const ended = this.#history.sessionId
    this.#history.sessionId = NO_SESSION
    this.#password = NO_PASSWORD
    this.#isSessionClosed = false
    this.#zxids.beginSession()
    this.#timeoutMs = this.#options.timeoutMs
    this.#nextXid = this.#options.firstXid
    this.watches.clear()
    this.#host.onSessionEnded(this.number, ended, isOver)
  }

  /* ---------------------------------------------------------------- time */

  #wakeAt(atMs: number): void {
    if (this.#timerAtMs <= atMs) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#env.timers.at(atMs, this.#onTimer)
  }

  readonly #onTimer = (): void => {
    this.#timerAtMs = Number.POSITIVE_INFINITY
    if (this.#phase !== Phase.stopped) this.#watch(this.nowMs)
  }

  #watch(nowMs: number): void {
    if (this.#phase === Phase.serving) {
      if (!this.isSilent) this.#watchSession(nowMs)
    } else if (nowMs < this.#deadlineMs) this.#wakeAt(this.#deadlineMs)
    else if (this.#phase !== Phase.waiting) {
      this.#noteRefusal()
      this.#loseLink()
      this.#connectLater()
    } else if (!this.isSilent) this.#connect()
  }

  #watchSession(nowMs: number): void {
    const timeoutMs = this.#timeoutMs
    const silentAtMs = this.#lastHeardMs + (2 * timeoutMs) / 3
    if (nowMs >= silentAtMs) {
      this.counters.readTimeouts += 1
      this.#loseLink()
      this.#connect()
      return
    }
    if (nowMs >= this.#lastSentMs + timeoutMs / 3) {
      this.#send(PING, Xid.ping, this, 0, null)
      this.flush()
    }
    this.#wakeAt(Math.min(this.#lastSentMs + timeoutMs / 3, silentAtMs))
  }

  /* ---------------------------------------------------------------- requests and replies */

  #send(
    operation: Operation,
    xid: number,
    handler: ReplyHandler,
    tag: number,
    detail: unknown,
  ): Call {
    const call = new Call(operation, xid, handler, tag, detail)
    const { out } = this.#link!
    const mark = out.beginFrame()
    writeRequestHeader(out, xid, opcodeOf(operation))
    writeOperation(out, operation)
    out.endFrame(mark)
    this.#lastSentMs = this.nowMs
    this.#pending.push(call)
    this.#history.invoke(xid, operation)
    return call
  }

  onLinkFrame(link: ClientLink, bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    try {
      if (this.#phase === Phase.handshake) this.#onHandshake(decodeConnectResponse(reader))
      else if (this.#phase === Phase.serving) this.#onMessage(reader)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#fail(`C6: a reply cannot be read: ${error.message}`)
      if (link === this.#link) this.move()
    }
  }

  onLinkRead(_link: ClientLink): void {
    this.#lastHeardMs = this.nowMs
    this.flush()
  }

  onLinkClosed(_link: ClientLink): void {
    this.#noteRefusal()
    this.#loseLink()
    this.#connectLater()
  }

  #onMessage(reader: InputReader): void {
    const header = readReplyHeader(reader)
    if (header.xid === Xid.notification) {
      const { type, path } = readWatcherEvent(reader)
      this.#onEvent(type, path ?? '', header.zxid)
      return
    }
    const call = this.#pending.shift()
    if (call === null || call.xid !== header.xid) {
      this.#fail(`C2: a reply with xid ${header.xid}, but ${call?.xid ?? 'nothing'} is next`)
      if (call !== null) call.handler.onReply(call)
      this.move()
      return
    }
    this.#onAnswer(call, readAnswer(reader, call.operation, header.zxid, header.err), header)
  }

  #onAnswer(call: Call, answer: Answer, header: ReplyHeader): void {
    call.answer = answer
    const { operation } = call
    const { err, zxid } = header
    this.#history.return(call, answer)
    if (call.handler !== this) this.counters.countReply(err)
    const disorder = this.#zxids.reply(zxid, err, isWrite(operation))
    if (disorder !== null) this.#fail(disorder)
    const missed = this.watches.missedBy(operation, answer)
    if (missed !== null) this.#fail(missed)
    const mode = this.watches.arm(operation, answer)
    if (mode !== null && 'path' in operation) this.#history.watchSet(operation.path!, mode, zxid)
    if (err === ErrorCode.ok) this.#noteOk(operation)
    call.handler.onReply(call)
  }

  #noteOk(operation: Operation): void {
    switch (operation.type) {
      case OpCode.sync:
        this.#hasSynced = true
        return
      case OpCode.removeWatches:
        this.watches.disarm(operation.path, operation.watcherType)
        return
      case OpCode.closeSession:
        // The session is tried once more, which has to be refused; that ends it here.
        this.#isSessionClosed = true
        return
      default:
    }
  }

  #onEvent(type: number, path: string, zxid: Zxid): void {
    this.counters.events += 1
    const isMadeUp = zxid <= 0n
    this.#history.watchEvent(type, path, isMadeUp ? null : zxid)
    if (!isMadeUp) {
      const disorder = this.#zxids.event(zxid, path)
      if (disorder !== null) this.#fail(disorder)
    } else if (!this.#isCatchingUp) this.#fail(`W5: an event of ${path} without a zxid`)
    // While watches are set again, a znode that is gone is told for its data and for its children.
    const isWatched = this.watches.take(type, path)
    if (!isWatched && !this.#isCatchingUp) {
      this.#fail(`W2: an event of type ${type} of ${path}, which is not watched`)
    }
    this.#host.onWatchEvent(this.number, type, path)
  }

  /* ---------------------------------------------------------------- the end of a connection */

  #loseLink(): void {
    const link = this.#link
    if (link === null) return
    this.#link = null
    link.drop()
    this.#endConnection()
  }

  #endConnection(): void {
    const wasServing = this.#phase === Phase.serving
    this.#phase = Phase.waiting
    this.#isCatchingUp = false
    this.#hasSynced = false
    if (!wasServing) return
    this.counters.disconnects += 1
    this.#history.disconnect()
    for (let call = this.#pending.shift(); call !== null; call = this.#pending.shift()) {
      if (call.handler !== this) this.counters.countLost(isWrite(call.operation))
      call.handler.onReply(call)
    }
  }

  /** The server closed the connection without an answer to the handshake, or gave none. */
  #noteRefusal(): void {
    if (this.#phase !== Phase.handshake) return
    this.#history.connect(this.#target, this.#zxids.lastZxid, 'refused', null)
  }

  #fail(rule: string): void {
    this.#host.onViolation(this.number, rule)
  }
}

const PING: Operation = { type: OpCode.ping }
