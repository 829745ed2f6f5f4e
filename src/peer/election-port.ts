import { assert, type ServerId } from '../base/index.ts'
import type { Address, Connection, ConnectionHandler } from '../env/index.ts'
import { DecodeError, OutputBuffer } from '../wire/index.ts'
import { type Notification, PeerState } from '../zab/index.ts'
import { Deadlines } from './deadlines.ts'
import { ElectionConnection, type ElectionConnectionHost } from './election-connection.ts'
import {
  DEFAULT_ELECTION_PORT_LIMITS,
  type ElectionHandler,
  ElectionPortError,
  type ElectionPortLimits,
  type ElectionPortOptions,
} from './election-options.ts'
import { ElectionPeer } from './election-peer.ts'
import { IGNORE, refuse } from './ignore.ts'
import { addressText, encodeInitialMessage, type Introduction } from './initial-message.ts'
import { Listeners, type ListenersHandler } from './listeners.ts'
import { readNotification, writeNotification } from './notification.ts'
import { PeerAddresses } from './peer-addresses.ts'
import type { PeerEnvironment } from './peer-environment.ts'

/** The log is not to be filled from outside. */
const STRANGERS_NAMED_MAX = 100
const ADDRESSES_NAMED_MAX = 100
/** As long as that says enough. */
const ADDRESS_LENGTH_MAX = 100
/** Dials in vain that are usual while servers start. */
const DIALS_UNTOLD = 3
const NO_ANSWER_TO_KNOCK =
  'it does not connect back: is this server in its list, with this address?'
/** What a server that listens on all of its addresses may call itself. */
const WILDCARD = /^(?:0\.0\.0\.0|\[::\]|\[0:0:0:0:0:0:0:0\]|):\d+$/

/**
 * The port on which servers tell each other whom they vote for (`electionPort`, upstream's `QuorumCnxManager`). Of two
 * servers the one with the larger id opens the connection that is kept; the other one may only knock, upon which it is
 * connected to. Messages may get lost: of those that wait for the same server only the newest is sent.
 *
 * An id is believed as it is said, as by the original: the port must not be reachable by strangers. It dials nobody but
 * members at their configured addresses.
 */
export class ElectionPort {
  readonly #env: PeerEnvironment
  readonly #options: ElectionPortOptions
  readonly #limits: ElectionPortLimits
  readonly #handler: ElectionHandler
  readonly #connectionHost: ElectionConnectionHost
  readonly #peers: Map<ServerId, ElectionPeer> = new Map()
  /** Accepted connections that have not said who they are. */
  readonly #introductions: Deadlines<ElectionConnection>
  /** Replaced connections that the other end may still have in use. */
  readonly #retired: Deadlines<ElectionConnection>
  readonly #initialMessage: Uint8Array
  readonly #out = new OutputBuffer()
  #strangers = 0
  /** Ids that no other server of the configuration has, and that the log has named already. */
  readonly #named = new Set<ServerId>()
  /** What members have called themselves, and the list here does not. */
  readonly #namedAddresses = new Set<string>()
  #listeners: Listeners | null = null
  #isStarted = false
  #isStopped = false

  constructor(env: PeerEnvironment, options: ElectionPortOptions, handler: ElectionHandler) {
    this.#env = env
    this.#options = options
    this.#limits = { ...DEFAULT_ELECTION_PORT_LIMITS, ...options.limits }
    this.#handler = handler
    this.#connectionHost = this.#newConnectionHost()
    const { self, members, listen, isMultiAddress = false } = options
    this.#initialMessage = encodeInitialMessage(self, members.get(self) ?? listen, isMultiAddress)
    for (const [sid, all] of members) {
      if (sid === self) continue
      const addresses = new PeerAddresses(all, this.#limits.addressWaitMs)
      this.#peers.set(sid, new ElectionPeer(sid, addresses))
    }
    this.#introductions = new Deadlines(env, this.#limits.introductionTimeoutMs, (connection) => {
      const fields = { remote: connection.remote }
      this.#env.logger.info('a server did not say who it is on the election port; closed', fields)
      connection.destroy()
    })
    this.#retired = new Deadlines(env, this.#limits.freshMs, (connection) => connection.destroy())
  }

  /** Begins to listen. Once only; messages may be sent before. */
  start(): void {
    assert(!this.#isStarted, 'the election port is started once')
    this.#isStarted = true
    const handler: ListenersHandler = {
      onListening: (address: Address) => this.#handler.onElectionListening(address),
      onConnection: (socket) => this.#onConnection(socket),
      onError: (error) => this.#handler.onPortError(new ElectionPortError(error)),
    }
    const { bindTries, bindRetryMs } = this.#limits
    const { listen } = this.#options
    this.#listeners = new Listeners(this.#env, listen, handler, bindTries, bindRetryMs)
  }

  /** Closes everything, without a word to the handler and for good. */
  stop(): void {
    this.#isStopped = true
    this.#listeners?.close()
    for (const connections of [this.#introductions, this.#retired]) {
      for (const connection of connections.keys()) connection.destroy()
      connections.clear()
    }
    for (const peer of this.#peers.values()) {
      peer.setTimer(null)
      peer.connection?.destroy()
      peer.connection = null
    }
  }

  /**
   * Sends a notification, on the connection with that server or as soon as there is one. One that is not in the
   * configuration gets it only while it is connected. To itself a server sends nothing.
   */
  send(to: ServerId, notification: Notification): void {
    const peer = this.#peers.get(to)
    if (peer === undefined || this.#isStopped) return
    peer.last = this.#encode(notification)
    peer.isQuestion = notification.state === PeerState.LOOKING
    peer.isWaiting = true
    // Whether it is really gone shows by dialling it again.
    if (peer.isQuestion && this.#isSilent(peer)) {
      if (peer.connection?.isHeard === false) peer.addresses?.onUseless()
      this.#dial(peer)
    }
    if (peer.connection !== null) {
      this.#write(peer, peer.connection)
      return
    }
    // Somebody wants to be heard now: another round of tries.
    if (peer.failures >= this.#limits.triesMax) peer.failures = this.#limits.triesMax - 1
    this.#dial(peer)
  }

  #encode(notification: Notification): Uint8Array {
    const mark = this.#out.beginFrame()
    writeNotification(this.#out, notification)
    this.#out.endFrame(mark)
    return this.#out.take()
  }

  /* ---------------------------------------------------------------- the connection with a server */

  /** Writes what waits, unless something before it has not left yet. */
  #write(peer: ElectionPeer, connection: ElectionConnection): void {
    if (peer.last === null || !peer.isWaiting || !connection.isIdle) return
    peer.isWaiting = false
    connection.write(peer.last)
    if (peer.isQuestion) peer.unansweredSinceMs ??= this.#nowMs()
  }

  /**
   * A peer that has gone without a word (its machine, or the network) shows only by not answering. There is no
   * heartbeat on this port, but who is asked again and again while LOOKING answers, or asks the same sooner or later.
   * Of an earlier election questions may be left that nobody had to answer.
   */
  #isSilent(peer: ElectionPeer): boolean {
    const { silenceMs, questionGapMs } = this.#limits
    const nowMs = this.#nowMs()
    if (nowMs - peer.askedMs > questionGapMs) peer.unansweredSinceMs = null
    peer.askedMs = nowMs
    if (peer.connection === null || peer.addresses === null) return false
    return peer.unansweredSinceMs !== null && nowMs - peer.unansweredSinceMs >= silenceMs
  }

  /** Takes a connection for the one that is kept, and sends the last message on it: it may have been lost before. */
  #adopt(peer: ElectionPeer, connection: ElectionConnection): void {
    if (this.#limits.keepAliveMs !== null) connection.keepAlive(this.#limits.keepAliveMs)
    const old = peer.connection
    peer.connection = connection
    peer.connectedMs = this.#nowMs()
    peer.unansweredSinceMs = null
    peer.dial = null
    peer.setTimer(null)
    peer.isUp = true
    peer.isMissed = false
    peer.isWaiting = peer.last !== null
    this.#write(peer, connection)
    if (old === null) return
    // The smaller server closes the old one when it gets the new one. If the end of the old one were there first, it
    // would take it for a loss.
    if (peer.sid < this.#options.self) this.#retired.add(old)
    else old.destroy()
  }

  #disconnect(peer: ElectionPeer): void {
    peer.connection?.destroy()
    peer.connection = null
    peer.unansweredSinceMs = null
  }

  #onLost(connection: ElectionConnection, reason: string): void {
    const { sid, remote } = connection
    this.#env.logger.debug('election connection ended', { sid, remote, reason })
    if (sid === null) {
      this.#introductions.delete(connection)
      return
    }
    this.#retired.delete(connection)
    const peer = this.#peers.get(sid)
    if (peer === undefined || peer.connection !== connection) return
    this.#disconnect(peer)
    if (peer.addresses === null) {
      this.#peers.delete(sid)
      this.#strangers -= 1
      return
    }
    if (!connection.isHeard) {
      peer.failures += 1
      peer.addresses.onUseless()
    }
    // What was written last may have been lost with it. Only questions are worth asking again.
    if (peer.isQuestion) peer.isWaiting = true
    this.#dialLater(peer)
    this.#reportDown(peer)
  }

  #reportDown(peer: ElectionPeer): void {
    if (!peer.isUp) return
    peer.isUp = false
    this.#handler.onPeerDown(peer.sid)
  }

  #onFrame(connection: ElectionConnection, bytes: Uint8Array, start: number, end: number): void {
    const sid = connection.sid!
    const peer = this.#peers.get(sid)
    if (peer === undefined || peer.connection !== connection) return
    connection.isHeard = true
    peer.failures = 0
    peer.unansweredSinceMs = null
    let notification: Notification
    try {
      notification = readNotification(bytes, start, end)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#env.logger.debug('notification dropped', { sid, reason: error.message })
      return
    }
    this.#handler.onNotification(sid, notification)
  }

  /* ---------------------------------------------------------------- accepting */

  #onConnection(socket: Connection): ConnectionHandler {
    if (this.#isStopped) return refuse(socket)
    if (this.#introductions.size >= this.#limits.introductionsMax)
      this.#introductions.expireOldest()
    const connection = new ElectionConnection(this.#connectionHost, socket, null)
    this.#introductions.add(connection)
    return connection
  }

  #onIntroduced(connection: ElectionConnection, { sid, addresses }: Introduction): void {
    this.#introductions.delete(connection)
    const peer = this.#peers.get(sid) ?? null
    if (peer !== null) this.#compareAddresses(peer, connection, addresses)
    if (sid > this.#options.self && peer !== null) {
      this.#adopt(peer, connection)
    } else if (sid > this.#options.self && Number.isSafeInteger(sid)) {
      this.#onStranger(connection, sid)
    } else {
      connection.destroy()
      if (peer !== null) this.#onKnock(peer)
      else this.#nameStranger(connection, sid)
    }
  }

  /** A server that may be about to join: it is answered, not dialled. */
  #onStranger(connection: ElectionConnection, sid: ServerId): void {
    this.#nameStranger(connection, sid)
    if (this.#strangers >= this.#limits.strangersMax) {
      connection.destroy()
      return
    }
    this.#strangers += 1
    const peer = new ElectionPeer(sid, null)
    this.#peers.set(sid, peer)
    this.#adopt(peer, connection)
  }

  /** Once for each: it comes again and again. An operator forgot its line here, or gave it a wrong id there. */
  #nameStranger({ remote }: ElectionConnection, sid: ServerId): void {
    if (this.#named.has(sid) || this.#named.size >= STRANGERS_NAMED_MAX) return
    this.#named.add(sid)
    const what =
      sid === this.#options.self
        ? 'another server says that it has the id of this one; see to it that each has its own in myid'
        : 'a server that is not in the configuration takes part in elections; its vote does not count'
    this.#env.logger.warn(what, { sid, remote })
  }

  /** Only said: (1) a server may have one name here and another one there; (2) or two servers have the same id. */
  #compareAddresses(
    { sid, addresses }: ElectionPeer,
    { remote }: ElectionConnection,
    told: readonly string[],
  ): void {
    if (addresses === null || told.length === 0) return
    const known = addresses.all.map(addressText)
    if (told.some((one) => known.includes(one) || WILDCARD.test(one))) return
    const text = told.join('|').slice(0, ADDRESS_LENGTH_MAX)
    const name = `${sid} ${text}`
    if (this.#namedAddresses.has(name) || this.#namedAddresses.size >= ADDRESSES_NAMED_MAX) return
    this.#namedAddresses.add(name)
    const what =
      'a server names another address than the list here; if it is not the same server, two have one id in myid'
    this.#env.logger.warn(what, { sid, remote, told: text, listed: known.join('|') })
  }

  /** A smaller server wants a connection, which is for this one to open. */
  #onKnock(peer: ElectionPeer): void {
    if (peer.dial !== null) return
    // 1. This server has connected while the other one knocked.
    const ageMs = this.#nowMs() - peer.connectedMs
    if (peer.connection !== null && ageMs < this.#limits.freshMs) return
    // 2. The other one has lost the connection, or was started anew, which did not show here yet.
    peer.failures = 0
    peer.setTimer(null)
    this.#dial(peer)
  }

  /* ---------------------------------------------------------------- dialling */

  #dial(peer: ElectionPeer): void {
    const { addresses } = peer
    if (addresses === null || peer.dial !== null || peer.timer !== null) return
    const dial = {}
    peer.dial = dial
    const deadlineMs = this.#nowMs() + this.#limits.connectTimeoutMs + addresses.spreadMs
    peer.setTimer(
      this.#env.timers.at(deadlineMs, () => this.#onDialFailed(peer, dial, 'no answer')),
    )
    addresses.connect(this.#env, {
      onOpen: (socket) => this.#onDialled(peer, dial, socket),
      onError: (error) => this.#onDialFailed(peer, dial, error.message),
    })
  }

  #onDialled(peer: ElectionPeer, dial: object, socket: Connection): ConnectionHandler {
    if (this.#isStopped || peer.dial !== dial) return refuse(socket)
    socket.write(this.#initialMessage)
    if (peer.sid < this.#options.self) {
      const connection = new ElectionConnection(this.#connectionHost, socket, peer.sid)
      this.#adopt(peer, connection)
      return connection
    }
    // A knock: the dial goes on until the other one has connected, or time is up.
    socket.end()
    const deadlineMs = this.#nowMs() + this.#limits.knockTimeoutMs
    const onLate = (): void => {
      if (peer.dial === dial) peer.addresses?.onUseless()
      this.#onDialFailed(peer, dial, NO_ANSWER_TO_KNOCK)
    }
    peer.setTimer(this.#env.timers.at(deadlineMs, onLate))
    return IGNORE
  }

  #onDialFailed(peer: ElectionPeer, dial: object, reason: string): void {
    if (this.#isStopped || peer.dial !== dial) return
    const { sid } = peer
    this.#env.logger.debug('election port not reached', { sid, reason, tries: peer.failures + 1 })
    peer.dial = null
    peer.failures += 1
    peer.setTimer(null)
    if (peer.failures >= DIALS_UNTOLD && !peer.isMissed) {
      peer.isMissed = true
      this.#env.logger.warn('a server is not reached for elections', { sid, reason })
    }
    // It was to be replaced because nothing is heard on it.
    if (peer.connection !== null) {
      this.#disconnect(peer)
      if (peer.isQuestion) peer.isWaiting = true
    }
    this.#dialLater(peer)
    this.#reportDown(peer)
  }

  /** With a part left to chance, so that two servers do not knock at the same times for ever. */
  #dialLater(peer: ElectionPeer): void {
    const { retryMsMin, retryMsMax, triesMax } = this.#limits
    if (!peer.isWaiting || peer.timer !== null || peer.failures >= triesMax) return
    const waitMs = Math.min(retryMsMin * 2 ** peer.failures, retryMsMax)
    const part = this.#env.random.uint32() / 2 ** 32
    const atMs = this.#nowMs() + waitMs * (0.75 + part / 2)
    peer.setTimer(
      this.#env.timers.at(atMs, () => {
        peer.setTimer(null)
        if (peer.connection === null) this.#dial(peer)
      }),
    )
  }

  #nowMs(): number {
    return this.#env.clock.monotonicMs()
  }

  #newConnectionHost(): ElectionConnectionHost {
    return {
      frameBytesMax: this.#limits.frameBytesMax,
      onIntroduced: (connection, introduction) => this.#onIntroduced(connection, introduction),
      onFrame: (connection, bytes, start, end) => this.#onFrame(connection, bytes, start, end),
      onDrain: (connection) => {
        const peer = connection.sid === null ? undefined : this.#peers.get(connection.sid)
        if (peer?.connection === connection) this.#write(peer, connection)
      },
      onLost: (connection, reason) => this.#onLost(connection, reason),
    }
  }
}
