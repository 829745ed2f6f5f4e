import type { ServerId, SessionId, Zxid } from '../../base/index.ts'
import { OpCode, type Txn, type TxnHeader } from '../../wire/index.ts'
import type { ClientRequest, History, InvokeEvent, ReturnEvent } from '../history.ts'
import { Model } from './model.ts'
import { chainOf } from './zxid.ts'

/** A transaction of the one history that all servers share. */
export interface Committed {
  readonly zxid: Zxid
  readonly hash: number
  /** Hash of everything up to here. */
  chain: number
  readonly header: TxnHeader
  readonly txn: Txn
  /** When a server first carried it out. */
  readonly atMs: number
}

/** A request of a client and what became of it. */
export interface Operation {
  readonly client: number
  readonly connection: number
  readonly sessionId: SessionId
  readonly xid: number
  readonly request: ClientRequest
  /** Place of the invoke in the history. */
  readonly invokedAt: number
  readonly invokedMs: number
  /** Null while undecided. */
  reply: ReturnEvent | null
  /** The next open request with the same xid; only special xids, e.g. that of pings, are open more than once. */
  next: Operation | null
}

export interface Broadcast {
  readonly server: ServerId
  readonly atMs: number
}

/**
 * What several checkers look up in a whole history: the committed sequence with the model over it, and the operations of
 * clients. Positions count committed transactions from 1; 0 is before the first.
 */
export class HistoryIndex {
  readonly model: Model = new Model()
  /** In zxid order; `sequence[0]` is at position 1. */
  readonly sequence: Committed[] = []
  readonly #positions = new Map<Zxid, number>()
  readonly broadcasts: Map<Zxid, Broadcast> = new Map()
  /** In the order of their invokes. */
  readonly operations: Operation[] = []
  readonly #operationAt: (Operation | undefined)[]
  /** By session, then cxid: the operations that may have become transactions. */
  readonly #byCxid = new Map<SessionId, Map<number, Operation>>()

  constructor(history: History) {
    this.#operationAt = new Array(history.length).fill(undefined)
    this.#collect(history)
    let chain = 0
    for (let i = 0; i < this.sequence.length; i += 1) {
      const committed = this.sequence[i]!
      chain = chainOf(chain, committed.zxid, committed.hash)
      committed.chain = chain
      this.#positions.set(committed.zxid, i + 1)
      this.model.apply(committed.header, committed.txn)
    }
  }

  /** Position of the last committed transaction up to `zxid`. */
  positionOf(zxid: Zxid): number {
    const exact = this.#positions.get(zxid)
    if (exact !== undefined) return exact
    let low = 0
    let high = this.sequence.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.sequence[middle]!.zxid <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Undefined when nobody has ever applied `zxid`. */
  committed(zxid: Zxid): Committed | undefined {
    const position = this.#positions.get(zxid)
    return position === undefined ? undefined : this.sequence[position - 1]
  }

  /** Hash of the committed history up to `zxid`, the entry itself included if there is one. */
  chainUpTo(zxid: Zxid): number {
    const position = this.positionOf(zxid)
    return position === 0 ? 0 : this.sequence[position - 1]!.chain
  }

  /** The operation whose invoke or return stands at this place of the history. */
  operationAt(at: number): Operation | undefined {
    return this.#operationAt[at]
  }

  /** The operation that a transaction comes from; undefined for those of the servers themselves. */
  originOf(header: TxnHeader): Operation | undefined {
    return this.#byCxid.get(header.clientId)?.get(header.cxid)
  }

  #collect(history: History): void {
    const open = new Map<number, Map<number, Operation>>()
    for (let at = 0; at < history.length; at += 1) {
      const event = history[at]!
      switch (event.kind) {
        case 'apply': {
          const { zxid, hash, header, txn, atMs } = event
          this.#insert({ zxid, hash, chain: 0, header, txn, atMs })
          break
        }
        case 'broadcast':
          if (!this.broadcasts.has(event.zxid)) {
            this.broadcasts.set(event.zxid, { server: event.server, atMs: event.atMs })
          }
          break
        case 'invoke':
          this.#invoked(event, at, open)
          break
        case 'return': {
          const byXid = open.get(event.connection)
          const operation = byXid?.get(event.xid)
          if (operation === undefined) break
          if (operation.next === null) byXid!.delete(event.xid)
          else byXid!.set(event.xid, operation.next)
          operation.reply = event
          this.#operationAt[at] = operation
          break
        }
        default:
          break
      }
    }
  }

  #invoked(event: InvokeEvent, at: number, open: Map<number, Map<number, Operation>>): void {
    const { client, connection, sessionId, xid, request } = event
    const operation: Operation = {
      client,
      connection,
      sessionId,
      xid,
      request,
      invokedAt: at,
      invokedMs: event.atMs,
      reply: null,
      next: null,
    }
    this.operations.push(operation)
    this.#operationAt[at] = operation
    let byXid = open.get(connection)
    if (byXid === undefined) {
      byXid = new Map()
      open.set(connection, byXid)
    }
    let last = byXid.get(xid) ?? null
    while (last !== null && last.next !== null) last = last.next
    if (last === null) byXid.set(xid, operation)
    else last.next = operation
    if (!isWrite(request)) return
    let byCxid = this.#byCxid.get(sessionId)
    if (byCxid === undefined) {
      byCxid = new Map()
      this.#byCxid.set(sessionId, byCxid)
    }
    if (!byCxid.has(xid)) byCxid.set(xid, operation)
  }

  /** Nearly always at the end; elsewhere only when a server applies what others left out. */
  #insert(committed: Committed): void {
    const { sequence } = this
    const last = sequence[sequence.length - 1]
    if (last === undefined || committed.zxid > last.zxid) {
      sequence.push(committed)
      this.#positions.set(committed.zxid, sequence.length)
      return
    }
    if (this.#positions.has(committed.zxid)) return
    this.#positions.set(committed.zxid, 0)
    sequence.splice(
      sequence.findLastIndex((other) => other.zxid < committed.zxid) + 1,
      0,
      committed,
    )
  }
}

export function isWrite(request: ClientRequest): boolean {
  switch (request.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
    case OpCode.delete:
    case OpCode.setData:
    case OpCode.setACL:
    case OpCode.multi:
    case OpCode.closeSession:
    case OpCode.reconfig:
      return true
    default:
      return false
  }
}
