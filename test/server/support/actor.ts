import { NO_ZXID, type SessionId, type Zxid } from '../../../src/base/index.ts'
import type { SimRandom } from '../../../src/sim/index.ts'
import { EventType, OpCode, readGetDataResponse } from '../../../src/wire/index.ts'
import {
  closeSession,
  create,
  del,
  exists,
  getData,
  multi,
  ping,
  type Request,
  setData,
  setDataOp,
  sync,
} from './requests.ts'
import type { Stage } from './stage.ts'
import type { Truth } from './truth.ts'
import {
  decode,
  type Message,
  type Reply,
  type WatchEvent,
  type WireClient,
} from './wire-client.ts'

const PATHS = ['/p0', '/p1', '/p2', '/p3', '/p4']
const TIMEOUT_MS = 6000

interface Intent {
  readonly request: Request
  readonly path: string
  /** The znode is watched when the reply says so. */
  readonly isWatched: boolean
}

/**
 * A client that does things at random and holds every answer against what really happened
 * (docs of the properties: C2 first in first out, C3 zxids never go back, C4 one system image, W1 event before data,
 * W2 one shot, W5 justified).
 */
export class Actor {
  readonly name: string
  readonly #stage: Stage
  readonly #truth: Truth
  readonly #random: SimRandom
  #client: WireClient | null = null
  #session: { sessionId: SessionId; password: string } | null = null
  #lastZxid: Zxid = NO_ZXID
  #lastWrite: Zxid = NO_ZXID
  #intents: Intent[] = []
  /** Watched paths of this connection, with the zxid at which the watch was set. */
  readonly #armed = new Map<string, Zxid>()
  #values = 0
  answers = 0
  eventsSeen = 0
  readonly sessionIds: SessionId[] = []

  constructor(name: string, stage: Stage, truth: Truth, random: SimRandom) {
    this.name = name
    this.#stage = stage
    this.#truth = truth
    this.#random = random
  }

  /** Does one thing. */
  act(): void {
    const random = this.#random
    const client = this.#client
    if (client === null || client.isClosed) this.#connect()
    else if (client.handshake === null) return
    else if (random.oneIn(60)) client.destroy()
    else if (random.oneIn(150)) this.#send([{ request: closeSession, path: '', isWatched: false }])
    else {
      const batch: Intent[] = []
      for (let i = random.below(6); i >= 0; i--) batch.push(this.#draw())
      this.#send(batch)
    }
  }

  #send(intents: readonly Intent[]): void {
    this.#intents.push(...intents)
    this.#client!.send(...intents.map(({ request }) => request))
  }

  #draw(): Intent {
    const random = this.#random
    const path = PATHS[random.below(PATHS.length)]!
    const isWatched = random.oneIn(3)
    this.#values += 1
    const value = `${this.name}-${this.#values}${'.'.repeat(random.below(200))}`
    const request = ((): Request => {
      switch (random.below(12)) {
        case 0:
          return create(path, value, { flags: random.below(2) })
        case 1:
          return del(path)
        case 2:
        case 3:
        case 4:
          return setData(path, value)
        case 5: {
          const other = PATHS[(PATHS.indexOf(path) + 1) % PATHS.length]!
          return multi(setDataOp(path, value), setDataOp(other, value))
        }
        case 6:
          return sync(path)
        case 7:
          return ping
        case 8:
          return exists(path, isWatched)
        default:
          return getData(path, isWatched)
      }
    })()
    return { request, path, isWatched }
  }

  #connect(): void {
    const session = this.#session
    this.#intents = []
    this.#armed.clear()
    const client = this.#stage.client(
      { ...session, timeoutMs: TIMEOUT_MS, lastZxidSeen: this.#lastZxid },
      1 + this.#random.below(3),
    )
    this.#client = client
    client.onHandshake = (handshake) => {
      if (handshake.timeOut === 0) {
        this.#check(
          session !== null && this.#truth.closedAt(session.sessionId) !== null,
          'a session is refused only after its closeSession',
        )
        this.#session = null
        this.#lastZxid = NO_ZXID
        this.#lastWrite = NO_ZXID
        return
      }
      if (session === null) {
        this.#session = client.credentials()
        this.sessionIds.push(handshake.sessionId)
      } else this.#check(handshake.sessionId === session.sessionId, 'the same session')
    }
    client.onMessage = (message) => this.#receive(message)
  }

  #receive(message: Message): void {
    if (message.kind === 'event') {
      this.#receiveEvent(message)
      return
    }
    this.answers += 1
    const intent = this.#intents.shift()
    this.#check(intent !== undefined, 'a reply has a request')
    this.#check(message.zxid >= this.#lastZxid, `C3: zxid ${message.zxid} after ${this.#lastZxid}`)
    this.#lastZxid = message.zxid
    for (const [path, since] of this.#armed) {
      const change = this.#truth.firstChangeAfter(path, since)
      const isLate = change !== undefined && change.zxid <= message.zxid
      this.#check(!isLate, `W1: reply at ${message.zxid} before the event of ${path}`)
    }
    this.#receiveReply(intent!, message)
  }

  #receiveReply({ request, path, isWatched }: Intent, reply: Reply): void {
    const { sessionId } = this.#session!
    switch (request.type) {
      case OpCode.getData: {
        const expected = this.#truth.valueAt(path, reply.zxid)
        const data = reply.err === 0 ? decode(reply, readGetDataResponse).data : null
        this.#check(data === expected, `read ${data} of ${path}, ${expected} was there`)
        if (isWatched && reply.err === 0) this.#arm(path, reply.zxid)
        return
      }
      case OpCode.exists: {
        const isThere = this.#truth.valueAt(path, reply.zxid) !== null
        this.#check(isThere === (reply.err === 0), `exists of ${path} says ${reply.err}`)
        if (isWatched) this.#arm(path, reply.zxid)
        return
      }
      case OpCode.sync:
      case OpCode.ping:
        return
      default: {
        this.#check(reply.zxid > this.#lastWrite, 'C2: writes of a session have rising zxids')
        this.#lastWrite = reply.zxid
        const origin = this.#truth.originOf(reply.zxid)
        this.#check(origin === `${sessionId}/${reply.xid}`, `the transaction is of ${origin}`)
        if (request.type === OpCode.closeSession) this.#session = null
      }
    }
    if (this.#session === null) {
      this.#lastZxid = NO_ZXID
      this.#lastWrite = NO_ZXID
    }
  }

  #arm(path: string, zxid: Zxid): void {
    if (!this.#armed.has(path)) this.#armed.set(path, zxid)
  }

  #receiveEvent({ path, type, zxid }: WatchEvent): void {
    this.eventsSeen += 1
    const since = this.#armed.get(path!)
    // The reply that arms the watch may still be on its way only if it came before: order is kept.
    this.#check(since !== undefined, `W2: an event of ${path}, which is not watched`)
    this.#armed.delete(path!)
    const change = this.#truth.firstChangeAfter(path!, since!)
    this.#check(change?.zxid === zxid, `W5: event at ${zxid}, changed at ${change?.zxid}`)
    const before = this.#truth.valueAt(path!, since!)
    const expected =
      change!.value === null
        ? EventType.nodeDeleted
        : before === null
          ? EventType.nodeCreated
          : EventType.nodeDataChanged
    this.#check(type === expected, `W5: event of type ${type} instead of ${expected}`)
  }

  #check(holds: boolean, rule: string): void {
    if (!holds) throw new Error(`seed ${this.#stage.world.seed}, ${this.name}: ${rule}`)
  }
}
