import { assert, type ServerId } from '../base/index.ts'
import type { Connection, ConnectionHandler, IoError } from '../env/index.ts'
import type { LinkId, Packet } from '../zab/index.ts'
import { Deadlines } from './deadlines.ts'
import { refuse } from './ignore.ts'
import { LearnerLink, type LinkHost, type LinkStatus, type QueueMetrics } from './learner-link.ts'
import { LearnerMasters } from './learner-masters.ts'
import {
  DEFAULT_LEARNER_PORT_LIMITS,
  type LearnerPortHandler,
  type LearnerPortLimits,
  type LearnerPortOptions,
} from './learner-options.ts'
import { Listeners, type ListenersHandler } from './listeners.ts'
import type { PeerEnvironment } from './peer-environment.ts'

/** Until a port that somebody else has is tried again. */
const BIND_RETRY_MS = 500

/**
 * The port between learners and their leader (`quorumPort`): packets of the core on one side, the byte stream of Apache
 * ZooKeeper on the other. Listens from `start` on; dials whenever it is told to.
 */
export class LearnerPort {
  readonly #env: PeerEnvironment
  readonly #options: LearnerPortOptions
  readonly #limits: LearnerPortLimits
  readonly #handler: LearnerPortHandler
  readonly #linkHost: LinkHost
  /** Every link that the handler knows, until it is lost or closed. */
  readonly #links: Map<LinkId, LearnerLink> = new Map()
  /** Links that have something to send. */
  readonly #turn: LearnerLink[] = []
  /** Accepted connections that have not said who they are. */
  readonly #introductions: Deadlines<LearnerLink>
  readonly #dials: Deadlines<LinkId>
  readonly #accepted: Set<LinkId> = new Set()
  /** Those of them that are of servers outside of the configuration. */
  readonly #strangers: Set<LinkId> = new Set()
  readonly #masters: LearnerMasters
  /** The last dial. */
  #asked: { readonly id: LinkId; readonly leader: ServerId } | null = null
  /** To be reported at the end of the turn. */
  #lost: { readonly id: LinkId; readonly reason: string }[] = []
  #listeners: Listeners | null = null

  constructor(env: PeerEnvironment, options: LearnerPortOptions, handler: LearnerPortHandler) {
    this.#env = env
    this.#options = options
    this.#limits = { ...DEFAULT_LEARNER_PORT_LIMITS, ...options.limits }
    this.#handler = handler
    this.#linkHost = this.#newLinkHost()
    const { introductionTimeoutMs, connectTimeoutMs } = this.#limits
    this.#introductions = new Deadlines(env, introductionTimeoutMs, (link) => {
      this.#env.logger.info('a learner did not say who it is in time; closed', {
        remote: link.remote,
      })
      link.destroy()
    })
    const { self, members, masters = new Map() } = options
    const { addressWaitMs } = this.#limits
    this.#masters = new LearnerMasters(self, members, masters, addressWaitMs)
    const dialTimeoutMs = connectTimeoutMs + (this.#masters.addressesMax - 1) * addressWaitMs
    this.#dials = new Deadlines(env, dialTimeoutMs, (id) => {
      this.#onDialFailed(id, `no answer for ${dialTimeoutMs} ms`)
    })
  }

  /**
   * Begins to listen. To be called when this server begins to lead: a learner that is early must be refused, which it
   * takes for a reason to try again soon; a link that opens and ends is none.
   */
  start(): void {
    assert(this.#listeners === null, 'the learner port is started once, until it is stopped')
    const handler: ListenersHandler = {
      onListening: (address) => this.#handler.onLearnerListening(address),
      onConnection: (socket) => {
        return listeners === this.#listeners ? this.#onConnection(socket) : refuse(socket)
      },
      onError: (error) => this.#handler.onPortError(error),
    }
    // Somebody else may have the port for a while, a connection that the system gave this number to, say. A leader whom
    // nobody reaches falls by itself, and the others have another one.
    const mayPass = (error: IoError): boolean => error.code === 'EADDRINUSE'
    const { listen } = this.#options
    const tries = Number.POSITIVE_INFINITY
    const listeners = new Listeners(this.#env, listen, handler, tries, BIND_RETRY_MS, mayPass)
    this.#listeners = listeners
  }

  /** Accepts nobody any more, until it is started again. Links stay. */
  stopListening(): void {
    this.#listeners?.close()
    this.#listeners = null
    for (const link of this.#introductions.keys()) link.destroy()
    this.#introductions.clear()
  }

  /** Stops listening and closes every link, without a word to the handler. It may start again. */
  stop(): void {
    this.stopListening()
    this.#dials.clear()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
    this.#accepted.clear()
    this.#strangers.clear()
    this.#lost = []
  }

  /** Whom the last dial of a learner reached that may dial others than the leader; null for any other learner. */
  get currentMaster(): ServerId | null {
    return this.#masters.current
  }

  /** The server that was dialled last is of use. */
  onServing(): void {
    this.#masters.onServing()
  }

  /** Dials the learner port of a server; `onLinkOpened` or `onLinkClosed` follows. */
  connect(id: LinkId, to: ServerId): void {
    assert(!this.#links.has(id), 'ids of links are used once')
    const link = new LearnerLink(this.#linkHost, id)
    this.#links.set(id, link)
    const addresses = this.#masters.of(to, this.#env.clock.monotonicMs())
    if (addresses === null) {
      this.#onDialFailed(id, `server ${to} is not in the configuration`)
      return
    }
    this.#asked = { id, leader: to }
    this.#dials.add(id)
    addresses.connect(this.#env, {
      onOpen: (socket) => this.#onDialled(link, id, socket),
      onError: (error) => this.#onDialFailed(id, error.message),
    })
  }

  /** Null for a link that does not stand. */
  statusOf(id: LinkId): LinkStatus | null {
    return this.#links.get(id)?.status() ?? null
  }

  /** Counts anew what {@link LearnerPort.statusOf} tells. */
  resetStatus(id: LinkId): void {
    this.#links.get(id)?.resetStatus()
  }

  /** Puts a packet behind those sent before. Does nothing for a link that is no more. */
  send(id: LinkId, packet: Packet): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    link.send(packet)
    if (link.isInTurn) return
    link.isInTurn = true
    this.#turn.push(link)
  }

  /** Sends what is queued, then ends the link. Nothing of it is reported any more. */
  close(id: LinkId): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#forget(id)
    link.close()
  }

  /** End of a turn: what has been sent leaves, in one write for each link. */
  flush(): void {
    for (const link of this.#turn) {
      link.isInTurn = false
      link.flush()
    }
    this.#turn.length = 0
  }

  /* ---------------------------------------------------------------- accepting */

  #onConnection(socket: Connection): ConnectionHandler {
    const { introductionsMax, acceptedLinksMax } = this.#limits
    if (this.#accepted.size >= acceptedLinksMax) {
      const fields = { remote: socket.remote.host, max: acceptedLinksMax }
      this.#env.logger.warn('too many links on the learner port; closed', fields)
      return refuse(socket)
    }
    if (this.#introductions.size >= introductionsMax) this.#introductions.expireOldest()
    const link = new LearnerLink(this.#linkHost, null)
    this.#introductions.add(link)
    link.open(socket)
    return link
  }

  #onIntroduced(link: LearnerLink, sid: ServerId): void {
    this.#introductions.delete(link)
    const isStranger = !this.#options.members.has(sid)
    // The places of members stay free.
    if (isStranger && this.#strangers.size >= this.#limits.strangersMax) {
      const fields = { sid, remote: link.remote, max: this.#limits.strangersMax }
      this.#env.logger.info('too many learners that are in no list; closed', fields)
      link.destroy()
      return
    }
    const id = this.#handler.allotLink()
    if (isStranger) this.#strangers.add(id)
    link.id = id
    this.#links.set(id, link)
    this.#accepted.add(id)
    this.#handler.onLinkAccepted(id)
  }

  /* ---------------------------------------------------------------- dialling */

  #onDialled(link: LearnerLink, id: LinkId, socket: Connection): ConnectionHandler {
    if (link.isClosed || this.#links.get(id) !== link) return refuse(socket)
    this.#dials.delete(id)
    link.open(socket)
    this.#handler.onLinkOpened(id)
    return link
  }

  #onDialFailed(id: LinkId, reason: string): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    link.destroy()
    this.#reportLost(id, reason)
  }

  /* ---------------------------------------------------------------- end of links */

  #onLost(link: LearnerLink, remote: string, reason: string): void {
    if (link.id !== null) {
      this.#reportLost(link.id, reason)
      return
    }
    this.#introductions.delete(link)
    this.#env.logger.info('a connection on the learner port was no learner', { remote, reason })
  }

  /** Not at once: it may have been noticed inside of a call of the handler. */
  #reportLost(id: LinkId, reason: string): void {
    this.#forget(id)
    this.#lost.push({ id, reason })
    if (this.#lost.length === 1) this.#env.timers.endOfTurn(this.#onLostTurn)
  }

  readonly #onLostTurn = (): void => {
    const lost = this.#lost
    this.#lost = []
    for (const { id, reason } of lost) this.#handler.onLinkClosed(id, reason)
  }

  #forget(id: LinkId): void {
    const isSilent = this.#links.get(id)?.isSilent === true
    if (isSilent && this.#asked?.id === id) this.#masters.onSilent(this.#asked.leader)
    this.#links.delete(id)
    this.#accepted.delete(id)
    this.#strangers.delete(id)
    this.#dials.delete(id)
  }

  #queueMetrics(sid: ServerId): QueueMetrics | null {
    // Of strangers nothing is kept: they may be as many as there are numbers.
    if (!this.#options.members.has(sid)) return null
    const { metrics } = this.#env
    return {
      size: metrics.summarySet('learner_handler_qp_size').of(`${sid}`),
      time: metrics.summarySet('learner_handler_qp_time_ms').of(`${sid}`),
    }
  }

  #newLinkHost(): LinkHost {
    return {
      limits: this.#limits,
      nowMs: () => this.#env.clock.monotonicMs(),
      wallMs: () => this.#env.clock.wallMs(),
      endOfTurn: (task) => this.#env.timers.endOfTurn(task),
      queueMetrics: (sid) => this.#queueMetrics(sid),
      newSnapshotSink: (statement) => this.#handler.newSnapshotSink(statement),
      onIntroduced: (link, sid) => this.#onIntroduced(link, sid),
      onPacket: (link, packet) => this.#handler.onPacket(link.id!, packet),
      onProgress: (link) => this.#handler.onLinkProgress(link.id!),
      onUnknownPacket: (link, type) => {
        this.#env.logger.warn('packet of an unknown type ignored', { link: link.id!, type })
      },
      onLost: (link, remote, reason) => this.#onLost(link, remote, reason),
    }
  }
}
