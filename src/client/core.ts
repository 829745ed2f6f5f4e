import { NO_SESSION, NO_ZXID, type SessionId } from '../base/index.ts'
import type { Address, Clock } from '../env/index.ts'
import {
  type ByteString,
  type ConnectResponse,
  DecodeError,
  type InputReader,
  OutputBuffer,
  readReplyHeader,
  writeConnectRequest,
  Xid,
} from '../wire/index.ts'
import { Call } from './call.ts'
import type { Identity } from './credentials.ts'
import { Dialing } from './dialing.ts'
import type { ClientState, Effect } from './effects.ts'
import {
  AuthFailedError,
  ClosedError,
  describe,
  ProtocolError,
  SessionLostError,
  TimeoutError,
  type ZkError,
} from './errors.ts'
import { Exchange, type Load } from './exchange.ts'
import { readGreeting } from './greeting.ts'
import type { Settings } from './options.ts'
import { CLOSE, START } from './own-requests.ts'
import type { SaslAnswer } from './sasl.ts'
import { SaslDialogue } from './sasl-dialogue.ts'
import { addressText, type ServerList, type SrvRecord } from './server-list.ts'
import { Session } from './session.ts'
import type { WatchRecord } from './watch-table.ts'
import { WritableSearch } from './writable-search.ts'

const NO_PASSWORD = '\0'.repeat(16) as ByteString

/** Parts of the session timeout: idle for so long, a ping goes out; silent for so long, the server is given up. */
const PING_PART = 1 / 3
const SILENCE_PART = 2 / 3

/**
 * - `idle`: not started, or closed. `pausing`: until the next attempt.
 * - `opening`: a connection is being made, after the servers were looked up if need be.
 * - `greeting`: the handshake is under way. `proving`: so is SASL. `up`: requests may be sent.
 */
type Phase = 'greeting' | 'idle' | 'opening' | 'pausing' | 'proving' | 'up'

/**
 * A client as a state machine: it is told what happens, with the time, and answers with `effects` and with bytes in
 * `out`. It calls nobody and waits for nothing. Whoever drives it takes the effects out after every call.
 */
export class ClientCore {
  readonly effects: Effect[] = []
  readonly out: OutputBuffer = new OutputBuffer()
  readonly #settings: Settings
  readonly #dialing: Dialing
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #exchange: Exchange
  readonly #sasl: SaslDialogue | null
  readonly #search: WritableSearch = new WritableSearch()
  #state: ClientState = 'connecting'
  #session: Session | null = null
  #sessionId: SessionId = NO_SESSION
  #password: ByteString = NO_PASSWORD
  #phase: Phase = 'idle'
  /** End of the pause, or of the time that an attempt has. */
  #phaseEndMs = Number.POSITIVE_INFINITY
  #timeoutMs = 0
  /** The server has no quorum. */
  #isReadOnly = false
  /** A server without a quorum has made the session: no other one knows it. */
  #isProvisional = false
  #greetedAtMs = 0
  #sentAtMs = 0
  #receivedAtMs = 0
  /** Settled by the first connection. */
  #startCall: Call | null = null
  #closeCall: Call | null = null

  constructor(settings: Settings, servers: ServerList, clock: Pick<Clock, 'monotonicMs'>) {
    this.#settings = settings
    this.#dialing = new Dialing(servers, this.effects)
    this.#clock = clock
    this.#exchange = new Exchange(settings, this.effects)
    const { sasl } = settings
    this.#sasl = sasl === null ? null : new SaslDialogue(sasl, this.effects, this.#dialing)
  }

  get state(): ClientState {
    return this.#state
  }

  /** Null before the first connection, and while it is lost. */
  get session(): Session | null {
    return this.#session
  }

  get load(): Load {
    return this.#exchange.load
  }

  /** When {@link tick} has something to do, unless something else happens before. */
  get nextMs(): number {
    const times = [this.#exchange.deadlines.nextMs]
    if (this.#phase === 'up') {
      times.push(this.#sentAtMs + this.#timeoutMs * PING_PART)
      times.push(this.#receivedAtMs + this.#timeoutMs * SILENCE_PART, this.#search.nextMs)
    } else if (this.#phase !== 'idle') times.push(this.#phaseEndMs)
    if (this.#session !== null) times.push(this.#session.sureUntilMs)
    return Math.min(...times)
  }

  /* ---------------------------------------------------------------- what callers do */

  /** Begins to connect; the call is settled by the first connection or the lack of one. */
  start(deadlineMs: number, nowMs: number): Call {
    const call = new Call<unknown>(START, 'user', deadlineMs)
    call.state = 'sent'
    this.#startCall = call
    this.#exchange.deadlines.add(call)
    this.#beginAttempt(nowMs)
    return call
  }

  submit(call: Call): void {
    if (this.#state === 'closed' || this.#closeCall !== null) {
      this.#exchange.reject(call, closedError(call))
    } else this.#exchange.submit(call)
  }

  /** Nobody waits for the call any more. */
  giveUp(call: Call, error: ZkError): void {
    this.#exchange.reject(call, error)
    if (call === this.#startCall) this.#finish('connecting was given up', error)
  }

  release(record: WatchRecord, deadlineMs: number): Call {
    return this.#exchange.release(record, deadlineMs)
  }

  /** Server watches of a path and kinds, with everybody's interest in them. */
  records(path: string, kinds: readonly WatchRecord['kind'][]): WatchRecord[] {
    return this.#exchange.watches.at(path, kinds)
  }

  addIdentity(identity: Identity): void {
    const { call } = identity
    if (call !== null) {
      if (this.#state === 'closed' || this.#closeCall !== null) {
        this.#exchange.reject(call, closedError(call))
        return
      }
      call.state = 'sent'
    }
    this.#exchange.addIdentity(identity, this.out)
  }

  /** Ends the session if a server can be told; the call is settled in any case. */
  close(nowMs: number): Call {
    if (this.#closeCall !== null) return this.#closeCall
    const call = new Call<unknown>(CLOSE, 'close', nowMs + this.#settings.closeTimeoutMs)
    this.#closeCall = call
    this.#exchange.failWaiting(closedError)
    if (this.#phase === 'up') this.#exchange.submit(call)
    else if (this.#state === 'closed') this.#exchange.resolve(call, undefined)
    else this.#finish('closed', null)
    return call
  }

  /** Writes what may be sent now into `out`. */
  pump(nowMs: number): void {
    const before = this.out.length
    if (this.#phase === 'up') this.#exchange.pump(this.out, nowMs, this.#session)
    if (this.out.length > before) this.#sentAtMs = nowMs
  }

  /* ---------------------------------------------------------------- what happens */

  /** What the name of the servers leads to at present. */
  lookedUp(attempt: number, records: readonly SrvRecord[]): void {
    if (this.#isIn('opening', attempt)) this.#dialing.lookedUp(records)
  }

  /** Servers that were found before are good enough. */
  lookUpFailed(attempt: number, reason: string, nowMs: number): void {
    if (!this.#isIn('opening', attempt)) return
    if (!this.#dialing.lookUpFailed(reason)) this.#disconnected(reason, nowMs)
  }

  /** A connection is open. */
  opened(attempt: number, nowMs: number): void {
    if (!this.#isIn('opening', attempt)) {
      this.effects.push({ kind: 'disconnect', attempt, isOrderly: false })
      return
    }
    this.#phase = 'greeting'
    this.#greetedAtMs = nowMs
    const mark = this.out.beginFrame()
    writeConnectRequest(this.out, {
      protocolVersion: 0,
      // After a loss the servers may be other ones, with an empty tree: they must not be refused for ever.
      lastZxidSeen: this.#session === null ? NO_ZXID : this.#exchange.lastZxid,
      timeOut: this.#settings.sessionTimeoutMs,
      sessionId: this.#sessionId,
      passwd: this.#password,
      readOnly: this.#settings.canBeReadOnly,
      hasReadOnly: true,
    })
    this.out.endFrame(mark)
  }

  /** A connection is gone, or could not be made. */
  closed(attempt: number, reason: string, nowMs: number): void {
    if (this.#isOn(attempt)) this.#disconnected(reason, nowMs)
  }

  /** A frame has come. */
  received(attempt: number, reader: InputReader, nowMs: number): void {
    if (attempt !== this.#dialing.attempt) return
    this.#receivedAtMs = nowMs
    try {
      if (this.#phase === 'greeting') this.#greeted(readGreeting(reader), nowMs)
      else if (this.#phase === 'proving') this.#challenged(reader, nowMs)
      else if (this.#phase === 'up') this.#message(reader)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.garbled(attempt, error.message, nowMs)
    }
  }

  /** What came is not the protocol. */
  garbled(attempt: number, problem: string, nowMs: number): void {
    if (!this.#isOn(attempt)) return
    const message = `${this.#dialing.server} sent what cannot be read: ${problem}`
    this.effects.push({ kind: 'log', level: 'warn', message })
    this.#exchange.failOldest(new ProtocolError('PROTOCOL', message))
    this.#drop(problem, nowMs)
  }

  /** The mechanism has an answer for the server. */
  proved(attempt: number, answer: SaslAnswer, nowMs: number): void {
    if (!this.#isIn('proving', attempt)) return
    if (this.#sasl!.answered(answer, this.out)) this.#ready(nowMs)
  }

  /** The mechanism cannot go on with this server. */
  notProved(attempt: number, reason: string, nowMs: number): void {
    if (this.#isIn('proving', attempt)) this.#drop(reason, nowMs)
  }

  /** A server that takes writes has been found while the present one takes none. */
  foundWritable(attempt: number, address: Address, nowMs: number): void {
    if (!this.#isIn('up', attempt) || !this.#isReadOnly) return
    this.#dialing.prefer(address)
    this.#drop(`${addressText(address)} takes writes again`, nowMs)
    this.#phaseEndMs = nowMs
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    for (const call of this.#exchange.deadlines.take(nowMs)) this.#overdue(call, nowMs)
    switch (this.#phase) {
      case 'pausing':
        if (nowMs >= this.#phaseEndMs) this.#beginAttempt(nowMs)
        break
      case 'opening':
      case 'greeting':
      case 'proving':
        if (nowMs >= this.#phaseEndMs) this.#drop('it did not answer in time', nowMs)
        break
      case 'up':
        this.#keepAlive(nowMs)
        break
      default:
    }
    // After the above: whoever is told of the loss finds the connection gone already.
    if (this.#session !== null && nowMs >= this.#session.sureUntilMs) {
      if (this.#phase === 'up') this.#drop('the session may be over', nowMs)
      this.#lose('no server has answered for the length of the session')
    }
  }

  /* ---------------------------------------------------------------- connections */

  /** The attempt is the present one and has not ended. */
  #isOn(attempt: number): boolean {
    return attempt === this.#dialing.attempt && this.#phase !== 'idle' && this.#phase !== 'pausing'
  }

  #isIn(phase: Phase, attempt: number): boolean {
    return attempt === this.#dialing.attempt && this.#phase === phase
  }

  #beginAttempt(nowMs: number): void {
    this.#phase = 'opening'
    this.#phaseEndMs = nowMs + this.#settings.attemptTimeoutMs
    this.#dialing.begin()
  }

  /** Gives the present connection up. */
  #drop(reason: string, nowMs: number): void {
    this.#cut(false)
    this.#disconnected(reason, nowMs)
  }

  #cut(isOrderly: boolean): void {
    this.effects.push({ kind: 'disconnect', attempt: this.#dialing.attempt, isOrderly })
  }

  #disconnected(reason: string, nowMs: number): void {
    const where = `${this.#dialing.server}: ${reason}`
    this.out.reset()
    this.#phase = 'pausing'
    this.#phaseEndMs = nowMs + this.#dialing.failed(reason)
    this.#exchange.disconnected(where)
    if (this.#isProvisional) this.#endProvisional()
    if (this.#closeCall !== null) this.#finish('closed', null)
    else if (this.#state === 'connected' || this.#state === 'readonly') {
      this.#setState('suspended', where)
    }
  }

  #keepAlive(nowMs: number): void {
    if (nowMs >= this.#receivedAtMs + this.#timeoutMs * SILENCE_PART) {
      const silentMs = Math.round(nowMs - this.#receivedAtMs)
      this.#drop(`nothing came for ${silentMs} ms`, nowMs)
    } else if (nowMs >= this.#sentAtMs + this.#timeoutMs * PING_PART) {
      this.#exchange.ping(this.out, nowMs)
      this.#sentAtMs = nowMs
    }
    if (this.#search.isDue(nowMs)) this.#dialing.probe()
  }

  #greeted(response: ConnectResponse, nowMs: number): void {
    const asked = this.#sessionId
    const isRefused = response.timeOut <= 0
    if (isRefused || (asked !== NO_SESSION && response.sessionId !== asked)) {
      if (asked === NO_SESSION) throw new DecodeError('a new session with a timeout of 0')
      this.#forgetSession()
      this.#drop('it does not know the session', nowMs)
      this.#lose('the server has ended the session')
      // Nothing is wrong with the servers.
      if (this.#phase === 'pausing') this.#phaseEndMs = nowMs
      return
    }
    this.#timeoutMs = response.timeOut
    this.#sessionId = response.sessionId
    this.#password = response.passwd ?? NO_PASSWORD
    this.#isReadOnly = response.readOnly
    this.#isProvisional = response.readOnly && (asked === NO_SESSION || this.#isProvisional)
    if (this.#sasl === null) this.#ready(nowMs)
    else {
      // Before anything else: a server may serve only those who have proved themselves.
      this.#phase = 'proving'
      this.#sasl.begin()
    }
  }

  /** @throws DecodeError */
  #challenged(reader: InputReader, nowMs: number): void {
    try {
      if (this.#sasl!.heard(reader)) this.#ready(nowMs)
    } catch (error) {
      if (!(error instanceof AuthFailedError)) throw error
      this.#finish(error.message, error)
    }
  }

  /** The server has accepted the session, and who the client is. */
  #ready(nowMs: number): void {
    this.#phase = 'up'
    this.#sentAtMs = nowMs
    this.#session ??= new Session(this.#sessionId, this.#timeoutMs, this.#clock)
    this.#session.extend(this.#greetedAtMs, this.#timeoutMs, this.#settings.driftMargin)
    this.#dialing.connected()
    this.#search.reset(this.#isReadOnly, nowMs)
    this.#exchange.connected(this.out, nowMs)
    this.#setState(this.#isReadOnly ? 'readonly' : 'connected', this.#dialing.server)
    this.#started()
  }

  #message(reader: InputReader): void {
    const header = readReplyHeader(reader)
    if (header.xid === Xid.notification) this.#exchange.event(header, reader)
    else if (header.xid === Xid.auth) this.#verdict(header.err)
    else {
      const call = this.#exchange.reply(header, reader)
      this.#dialing.succeeded()
      this.#session?.extend(call.sentAtMs, this.#timeoutMs, this.#settings.driftMargin)
      if (call === this.#closeCall) this.#finish('closed', null)
    }
  }

  #verdict(err: number): void {
    const error = this.#exchange.verdict(err)
    if (error !== null) this.#finish(error.message, error)
    else this.#started()
  }

  /** The first connection is complete once the server has accepted the credentials. */
  #started(): void {
    const call = this.#startCall
    if (call === null || this.#exchange.isJudging) return
    this.#startCall = null
    this.#exchange.resolve(call, undefined)
  }

  /* ---------------------------------------------------------------- endings */

  #overdue(call: Call, nowMs: number): void {
    if (call === this.#startCall) {
      this.giveUp(call, this.#dialing.error())
    } else if (call.purpose === 'close') {
      this.#cut(false)
      this.#disconnected('it did not end the session in time', nowMs)
    } else {
      const message = describe('no answer in time', call.request)
      this.#exchange.reject(call, new TimeoutError('TIMEOUT', message, call.details(true)))
    }
  }

  #forgetSession(): void {
    this.#sessionId = NO_SESSION
    this.#password = NO_PASSWORD
  }

  /** Nothing was written in it and no other server has it: that is no loss. */
  #endProvisional(): void {
    const session = this.#session
    this.#isProvisional = false
    this.#forgetSession()
    this.#session = null
    if (session === null) return
    const message = 'the session ended with the connection to a read-only server'
    const error = new SessionLostError('SESSION_LOST', message)
    this.effects.push({ kind: 'sessionEnd', session, error })
  }

  #lose(reason: string): void {
    const session = this.#session
    if (session === null) return
    const error = new SessionLostError('SESSION_LOST', `session lost: ${reason}`)
    this.#session = null
    // First of all: whoever holds something by this session must stop.
    this.effects.push({ kind: 'sessionEnd', session, error })
    this.#setState('lost', reason)
    this.#exchange.failWaiting((call) => {
      const message = describe(`the session was lost (${reason})`, call.request)
      return new SessionLostError('SESSION_LOST', message, call.details(true))
    })
    this.#exchange.endWatches('gap')
    if (!this.#settings.renewSession) this.#finish(reason, error)
  }

  /** Nothing happens any more. `failure` is why, unless somebody wanted it. */
  #finish(reason: string, failure: ZkError | null): void {
    if (this.#state === 'closed') return
    const session = this.#session
    if (this.#isOn(this.#dialing.attempt)) this.#cut(failure === null)
    this.#phase = 'idle'
    this.#session = null
    this.#dialing.abandon()
    this.out.reset()
    this.#exchange.disconnected(reason)
    this.#exchange.failWaiting(closedError)
    if (session !== null) {
      const error = failure ?? new ClosedError('CLOSED', 'the client was closed')
      this.effects.push({ kind: 'sessionEnd', session, error })
    }
    this.#setState('closed', reason)
    this.#exchange.endWatches('removed')
    this.#settleEnds(failure)
  }

  #settleEnds(failure: ZkError | null): void {
    const start = this.#startCall
    this.#startCall = null
    if (start !== null) this.#exchange.reject(start, failure ?? closedError(start))
    if (this.#closeCall !== null) this.#exchange.resolve(this.#closeCall, undefined)
    this.#exchange.abandonIdentities(closedError)
  }

  #setState(state: ClientState, reason: string): void {
    const previous = this.#state
    if (previous === state) return
    this.#state = state
    const change = { state, previous, sessionId: this.#sessionId as bigint, reason }
    this.effects.push({ kind: 'state', change })
  }
}

function closedError(call: Call): ZkError {
  const message = describe('the client is closed', call.request)
  return new ClosedError('CLOSED', message, call.details(false))
}
