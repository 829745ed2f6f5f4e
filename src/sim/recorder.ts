import type { ClientEvent, HistoryEvent, HistoryKind, ServerEvent } from './history.ts'

/**
 * Writes a run down. Besides the events it keeps a hash of everything that happened, which two runs of one seed have in
 * common on every engine: integer arithmetic only.
 */
export class Recorder {
  readonly #events: HistoryEvent[] = []
  readonly #hash = new TraceHash()
  readonly #onEvent: ((event: HistoryEvent, index: number) => void) | null

  /** `onEvent` is told about each event with its place in the history, e.g. to print `describeEvent` of it. */
  constructor(onEvent: ((event: HistoryEvent, index: number) => void) | null = null) {
    this.#onEvent = onEvent
  }

  /** All events so far; grows with the run. */
  get events(): readonly HistoryEvent[] {
    return this.#events
  }

  append(event: HistoryEvent): void {
    this.#events.push(event)
    mixEvent(this.#hash, event)
    this.#onEvent?.(event, this.#events.length - 1)
  }

  /** 16 hex digits over everything recorded so far. */
  traceHash(): string {
    return this.#hash.toString()
  }
}

/** Two 32-bit lanes with different multipliers: a 64-bit hash without bigint arithmetic. */
class TraceHash {
  #low = 0x811c9dc5 | 0
  #high = 0x6b43a9b5 | 0

  int(value: number): void {
    const low = Math.imul(this.#low ^ value, 0x01000193)
    const high = Math.imul(this.#high ^ value, 0x85ebca6b)
    this.#low = low ^ (low >>> 15)
    this.#high = high ^ (high >>> 13)
  }

  /** Any double, by its bits. */
  number(value: number): void {
    if ((value | 0) === value) {
      this.int(value)
      return
    }
    float[0] = value
    this.int(words[0]!)
    this.int(words[1]!)
  }

  long(value: bigint): void {
    bits[0] = value
    this.int(words[0]!)
    this.int(words[1]!)
  }

  text(text: string | null): void {
    if (text === null) {
      this.int(-1)
      return
    }
    this.int(text.length)
    for (let i = 0; i < text.length; i += 1) this.int(text.charCodeAt(i))
  }

  toString(): string {
    return hex(this.#high) + hex(this.#low)
  }
}

// One memory, three views. Every platform that runs Node is little-endian.
const bits = new BigInt64Array(1)
const words = new Int32Array(bits.buffer)
const float = new Float64Array(bits.buffer)

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}

/**
 * Numbers of the kinds, so that the hash does not depend on names or on the order of a type: first those of servers, then
 * those of clients, then those of the world.
 */
const KIND_NUMBERS: Readonly<Record<HistoryKind, number>> = {
  append: 1,
  truncate: 2,
  epochAccepted: 3,
  epochCurrent: 4,
  install: 5,
  durable: 6,
  snapshot: 7,
  crash: 8,
  restart: 9,
  vote: 10,
  promise: 11,
  established: 12,
  broadcast: 13,
  ack: 14,
  newLeaderAck: 15,
  commit: 16,
  apply: 17,
  roleChange: 18,
  sessionTouch: 19,
  connect: 20,
  disconnect: 21,
  invoke: 22,
  return: 23,
  watchSet: 24,
  watchEvent: 25,
  config: 26,
  faultBegin: 27,
  faultEnd: 28,
  heal: 29,
  end: 30,
}

function mixEvent(hash: TraceHash, event: HistoryEvent): void {
  const number = KIND_NUMBERS[event.kind]
  hash.int(number)
  hash.number(event.atMs)
  // By number, because `in` is slow where events have thirty shapes.
  if (number <= KIND_NUMBERS.sessionTouch) {
    const { server, incarnation } = event as ServerEvent
    hash.int(server)
    hash.int(incarnation)
  } else if (number <= KIND_NUMBERS.watchEvent) {
    const { client, connection } = event as ClientEvent
    hash.int(client)
    hash.int(connection)
  }
  switch (event.kind) {
    case 'append':
      hash.int(event.token)
      hash.long(event.zxid)
      hash.int(event.hash)
      return
    case 'truncate':
      hash.int(event.token)
      hash.long(event.zxid)
      return
    case 'epochAccepted':
    case 'epochCurrent':
      hash.int(event.token)
      hash.number(event.epoch)
      return
    case 'install':
      hash.int(event.token)
      hash.long(event.zxid)
      hash.long(event.digest)
      hash.int(event.entries.length)
      return
    case 'durable':
      hash.int(event.token)
      return
    case 'snapshot':
      hash.long(event.zxid)
      hash.long(event.digest)
      return
    case 'restart':
      hash.long(event.recovered.lastZxid)
      hash.number(event.recovered.acceptedEpoch)
      hash.number(event.recovered.currentEpoch)
      hash.long(event.recovered.checkpointZxid)
      hash.long(event.recovered.checkpointDigest)
      return
    case 'vote':
      hash.int(event.leader)
      hash.long(event.zxid)
      hash.number(event.peerEpoch)
      hash.number(event.electionEpoch)
      return
    case 'promise':
    case 'newLeaderAck':
      hash.number(event.epoch)
      return
    case 'established':
      hash.number(event.epoch)
      hash.long(event.lastZxid)
      return
    case 'broadcast':
      hash.long(event.zxid)
      hash.int(event.hash)
      return
    case 'ack':
    case 'commit':
      hash.number(event.epoch)
      hash.long(event.zxid)
      return
    case 'apply':
      hash.long(event.zxid)
      hash.int(event.hash)
      hash.long(event.digest)
      return
    case 'roleChange':
      hash.text(event.role)
      hash.number(event.epoch)
      hash.int(event.serving ? 1 : 0)
      return
    case 'sessionTouch':
      hash.long(event.sessionId)
      return
    case 'connect':
      hash.int(event.server)
      hash.long(event.sessionId)
      hash.long(event.lastZxidSeen)
      hash.text(event.outcome)
      return
    case 'invoke':
      hash.int(event.xid)
      hash.int(event.request.type)
      hash.text('path' in event.request ? event.request.path : null)
      return
    case 'return':
      hash.int(event.xid)
      hash.int(event.err)
      hash.long(event.zxid)
      hash.text(event.response.data ?? null)
      hash.text(event.response.path ?? null)
      hash.int(event.response.children?.length ?? -1)
      hash.long(event.response.stat?.mzxid ?? 0n)
      return
    case 'watchSet':
      hash.text(event.path)
      hash.text(event.mode)
      return
    case 'watchEvent':
      hash.int(event.type)
      hash.text(event.path)
      hash.long(event.zxid ?? -1n)
      return
    case 'faultBegin':
    case 'faultEnd':
      hash.text(event.name)
      hash.int(event.server ?? 0)
      return
    case 'end':
      for (const replica of event.replicas) {
        hash.int(replica.server)
        hash.long(replica.zxid)
        hash.long(replica.digest)
        hash.int(replica.sessions.length)
      }
      return
    default:
      return
  }
}
