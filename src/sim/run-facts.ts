import { NO_SESSION, type ServerId, type SessionId } from '../base/index.ts'
import { ErrorCode, OpCode } from '../wire/index.ts'
import type { ClientRequest, History } from './history.ts'

/** What a run came to, in numbers that a scenario can expect something of. Times are of the world, in ms. */
export interface RunFacts {
  /** Leaders that were established. */
  readonly elections: number
  /** Transactions that a leader committed. */
  readonly transactions: number
  /** Processes that died, whoever ended them. */
  readonly deaths: number
  /** States that were received whole. */
  readonly installs: number
  /** Logs that were cut. */
  readonly truncations: number
  /** Sessions that ended without their client's closeSession. */
  readonly expirations: number
  /** Sessions that were taken up again on another connection. */
  readonly revalidations: number
  /** Watch events that clients got. */
  readonly watchEvents: number
  /** Writes that were carried out and answered so. */
  readonly writes: number
  /** Longest time between two such answers, whoever got them, before the healing. */
  readonly writeGapMs: number
  /** Longest time without a leader that serves, from the first one to the healing. */
  readonly leaderlessMs: number
  /** Highest epoch in which a leader was established. */
  readonly epoch: number
}

export const FACT_NAMES: readonly (keyof RunFacts)[] = [
  'elections',
  'transactions',
  'deaths',
  'installs',
  'truncations',
  'expirations',
  'revalidations',
  'watchEvents',
  'writes',
  'writeGapMs',
  'leaderlessMs',
  'epoch',
]

/** Reads the facts out of a history, up to its end: what comes behind that is a test of the restart. */
export function factsOf(history: History): RunFacts {
  const reader = new FactReader()
  for (const event of history) {
    if (event.kind === 'end') break
    reader.read(event)
  }
  return reader.facts()
}

class FactReader {
  readonly #counts = { ...NO_FACTS } as { -readonly [K in keyof RunFacts]: RunFacts[K] }
  readonly #open = new Map<number, Map<number, ClientRequest>>()
  /** Sessions whose client asked for the end. */
  readonly #closing = new Set<SessionId>()
  readonly #ended = new Set<SessionId>()
  readonly #leaders = new Set<ServerId>()
  #isHealed = false
  #lastWriteMs: number | null = null
  /** Since when nobody leads; null while somebody does, and before the first. */
  #leaderlessSinceMs: number | null = null

  facts(): RunFacts {
    let expirations = 0
    for (const sessionId of this.#ended) if (!this.#closing.has(sessionId)) expirations += 1
    return { ...this.#counts, expirations }
  }

  read(event: History[number]): void {
    const counts = this.#counts
    switch (event.kind) {
      case 'established':
        counts.elections += 1
        counts.epoch = Math.max(counts.epoch, event.epoch)
        return
      case 'commit':
        counts.transactions += 1
        return
      case 'crash':
        counts.deaths += 1
        this.#leads(event.server, false, event.atMs)
        return
      case 'install':
        counts.installs += 1
        return
      case 'truncate':
        counts.truncations += 1
        return
      case 'watchEvent':
        counts.watchEvents += 1
        return
      case 'apply':
        if (event.header.type === OpCode.closeSession) this.#ended.add(event.header.clientId)
        return
      case 'roleChange':
        this.#leads(event.server, event.serving && event.role === 'leading', event.atMs)
        return
      case 'connect':
        if (event.outcome === 'accepted' && event.askedSessionId !== NO_SESSION) {
          counts.revalidations += 1
        }
        return
      case 'invoke':
        this.#invoked(event.connection, event.xid, event.request)
        if (event.request.type === OpCode.closeSession) this.#closing.add(event.sessionId)
        return
      case 'return': {
        const request = this.#returned(event.connection, event.xid)
        if (request !== undefined && event.err === ErrorCode.ok) this.#wrote(event.atMs)
        return
      }
      case 'disconnect':
        this.#open.delete(event.connection)
        return
      case 'heal':
        if (this.#hasOpenWrites()) this.#gap(event.atMs)
        this.#endLeaderless(event.atMs)
        this.#isHealed = true
        return
      default:
    }
  }

  #invoked(connection: number, xid: number, request: ClientRequest): void {
    if (!WRITES.has(request.type)) return
    let own = this.#open.get(connection)
    if (own === undefined) {
      own = new Map()
      this.#open.set(connection, own)
    }
    own.set(xid, request)
  }

  #returned(connection: number, xid: number): ClientRequest | undefined {
    const own = this.#open.get(connection)
    const request = own?.get(xid)
    own?.delete(xid)
    return request
  }

  #hasOpenWrites(): boolean {
    for (const own of this.#open.values()) if (own.size > 0) return true
    return false
  }

  #wrote(atMs: number): void {
    this.#counts.writes += 1
    this.#gap(atMs)
    this.#lastWriteMs = atMs
  }

  #gap(atMs: number): void {
    if (this.#isHealed || this.#lastWriteMs === null) return
    this.#counts.writeGapMs = Math.max(this.#counts.writeGapMs, atMs - this.#lastWriteMs)
  }

  #leads(server: ServerId, isLeading: boolean, atMs: number): void {
    if (isLeading) {
      this.#leaders.add(server)
      this.#endLeaderless(atMs)
    } else if (this.#leaders.delete(server) && this.#leaders.size === 0) {
      this.#leaderlessSinceMs = atMs
    }
  }

  #endLeaderless(atMs: number): void {
    const sinceMs = this.#leaderlessSinceMs
    this.#leaderlessSinceMs = null
    if (this.#isHealed || sinceMs === null) return
    this.#counts.leaderlessMs = Math.max(this.#counts.leaderlessMs, atMs - sinceMs)
  }
}

export const NO_FACTS: RunFacts = {
  elections: 0,
  transactions: 0,
  deaths: 0,
  installs: 0,
  truncations: 0,
  expirations: 0,
  revalidations: 0,
  watchEvents: 0,
  writes: 0,
  writeGapMs: 0,
  leaderlessMs: 0,
  epoch: 0,
}

const WRITES: ReadonlySet<ClientRequest['type']> = new Set([
  OpCode.create,
  OpCode.create2,
  OpCode.createContainer,
  OpCode.createTTL,
  OpCode.delete,
  OpCode.setData,
  OpCode.setACL,
  OpCode.multi,
])
