import { formatHex, type SessionId, type Zxid } from '../../base/index.ts'
import { CreateMode, ErrorCode, OpCode, type Txn, type WriteOp } from '../../wire/index.ts'
import type { ConnectEvent, InvokeEvent, ReturnEvent } from '../history.ts'
import type { Checker, Run, Watching } from './checker.ts'
import { type HistoryIndex, isWrite, type Operation } from './history-index.ts'
import { modelStat, parentOf } from './model.ts'
import { differences, matchesAt, readsOf, type SeenZnode, statErrors } from './reads.ts'

/* What clients were promised. */

/** Greatest zxid of a write that has returned to anybody, and what it was at each invoke. */
class ReturnedWrites {
  greatest: Zxid = 0n as Zxid

  see({ index }: Run, event: ReturnEvent, at: number): void {
    const operation = index.operationAt(at)
    if (operation === undefined || !isWrite(operation.request)) return
    if (event.zxid > this.greatest) this.greatest = event.zxid
  }
}

/** C1: zxid order agrees with real time, for undecided writes that took effect too. */
function watchLinearizableWrites(run: Run): Watching {
  const { index } = run
  const returned = new ReturnedWrites()
  const floors = new Map<Operation, Zxid>()
  return {
    before: {
      invoke: (event, at) => {
        if (isWrite(event.request)) floors.set(index.operationAt(at)!, returned.greatest)
        return null
      },
      return: (event, at) => {
        returned.see(run, event, at)
        return null
      },
    },
    atEnd: () => {
      for (const { zxid, header } of index.sequence) {
        const operation = index.originOf(header)
        const floor = operation === undefined ? undefined : floors.get(operation)
        if (floor !== undefined && zxid <= floor) {
          return `${nameOf(operation!)} became ${formatHex(zxid)}, though ${formatHex(floor)} had returned before it began`
        }
      }
      return null
    },
  }
}

/** C2: replies in the order of requests, effects too. */
function watchFifo({ index }: Run): Watching {
  const waiting = new Map<number, number[]>()
  return {
    before: {
      invoke: (event) => {
        if (event.xid < 0) return null
        const xids = waiting.get(event.connection)
        if (xids === undefined) waiting.set(event.connection, [event.xid])
        else xids.push(event.xid)
        return null
      },
      return: (event) => {
        const xids = waiting.get(event.connection)
        const place = xids?.indexOf(event.xid) ?? -1
        if (event.xid < 0 || place < 0) return null
        const [first] = xids!.splice(0, place + 1)
        return place === 0 ? null : `xid ${event.xid} is answered before xid ${first}`
      },
      disconnect: (event) => {
        waiting.delete(event.connection)
        return null
      },
    },
    atEnd: () => {
      const last = new Map<number, Operation>()
      for (const { zxid, header } of index.sequence) {
        const operation = index.originOf(header)
        if (operation === undefined) continue
        const before = last.get(operation.connection)
        if (before !== undefined && before.invokedAt > operation.invokedAt) {
          return `${nameOf(operation)} took effect at ${formatHex(zxid)}, after ${nameOf(before)}, which came later`
        }
        last.set(operation.connection, operation)
      }
      return null
    },
  }
}

/**
 * Greatest zxid that each session has seen in a reply. Replies on a connection that the session has left for a newer one
 * count no more: what comes there may be older.
 */
class SeenZxids {
  readonly #seen = new Map<SessionId, Zxid>()
  readonly #owners = new Map<SessionId, number>()

  onConnect({ outcome, sessionId, connection }: ConnectEvent): null {
    if (outcome === 'accepted') this.#owners.set(sessionId, connection)
    return null
  }

  isOwner({ sessionId, connection }: ReturnEvent): boolean {
    return (this.#owners.get(sessionId) ?? connection) === connection
  }

  of(sessionId: SessionId): Zxid {
    return this.#seen.get(sessionId) ?? (0n as Zxid)
  }

  see({ sessionId, zxid }: ReturnEvent): void {
    if (zxid > this.of(sessionId)) this.#seen.set(sessionId, zxid)
  }
}

/** Whether a read fits the model somewhere between what the session had seen and the zxid of the reply. */
function fits(
  index: HistoryIndex,
  read: SeenZnode,
  seen: Zxid,
  zxid: Zxid,
  matches: (position: number) => boolean,
): boolean {
  const upTo = index.positionOf(zxid)
  if (matches(upTo)) return true
  const from = Math.min(index.positionOf(seen), upTo)
  if (matches(from)) return true
  return index.model.versionPositions(read.path, from, upTo).some(matches)
}

/** C3. */
function watchMonotoneReads({ index }: Run): Watching {
  const seen = new SeenZxids()
  return {
    before: {
      connect: (event) => seen.onConnect(event),
      return: (event, at) => {
        if (event.zxid <= 0n || !seen.isOwner(event)) return null
        const last = seen.of(event.sessionId)
        if (event.zxid < last) {
          return `a reply at ${formatHex(event.zxid)} to a session that has seen ${formatHex(last)}`
        }
        const operation = index.operationAt(at)
        for (const read of operation === undefined ? [] : readsOf(operation)) {
          const matches = (position: number): boolean => matchesAt(index, read, position)
          if (!fits(index, read, last, event.zxid, matches)) {
            return `what was read of ${read.path} is no state between ${formatHex(last)} and ${formatHex(event.zxid)}`
          }
        }
        seen.see(event)
        return null
      },
    },
  }
}

/** C4. */
function watchSingleSystemImage({ servers }: Run): Watching {
  const floors = new Map<number, Zxid>()
  return {
    before: {
      connect: (event) => {
        if (event.outcome !== 'accepted') return null
        floors.set(event.connection, event.lastZxidSeen)
        const server = servers.of(event.server)
        // A client that stood still hears late from a server that has been started anew since.
        if (!server.isServing || server.applied >= event.lastZxidSeen) return null
        return `server ${event.server} accepts a client that has seen ${formatHex(event.lastZxidSeen)}, it is at ${formatHex(server.applied)}`
      },
      return: (event) => {
        if (event.zxid <= 0n) return null
        const floor = floors.get(event.connection) ?? (0n as Zxid)
        floors.delete(event.connection)
        if (event.zxid >= floor) return null
        return `the first reply is at ${formatHex(event.zxid)}, the client had seen ${formatHex(floor)}`
      },
    },
  }
}

/** C5, by connection: a later one begins with what this one has seen. */
function watchSync(run: Run): Watching {
  const { index } = run
  const returned = new ReturnedWrites()
  const atSync = new Map<Operation, Zxid>()
  interface Floor {
    readonly zxid: Zxid
    readonly since: number
  }
  /** By connection. */
  const floors = new Map<number, Floor>()
  return {
    before: {
      invoke: (event, at) => {
        if (event.request.type === OpCode.sync) {
          atSync.set(index.operationAt(at)!, returned.greatest)
        }
        return null
      },
      return: (event, at) => {
        returned.see(run, event, at)
        const operation = index.operationAt(at)
        if (operation === undefined) return null
        if (operation.request.type === OpCode.sync) {
          const zxid = atSync.get(operation)
          const known = floors.get(event.connection)?.zxid ?? 0n
          if (event.err === ErrorCode.ok && zxid !== undefined && zxid > known) {
            floors.set(event.connection, { zxid, since: operation.invokedAt })
          }
          return null
        }
        const floor = floors.get(event.connection)
        if (floor === undefined || event.zxid <= 0n || isWrite(operation.request)) return null
        if (operation.invokedAt < floor.since || event.zxid >= floor.zxid) return null
        return `a read at ${formatHex(event.zxid)} after a sync that began when ${formatHex(floor.zxid)} had returned`
      },
    },
  }
}

/** C6. */
function watchCompleteness({ index, options }: Run): Watching {
  const open = new Map<number, Set<Operation>>()
  const closed = new Set<number>()
  let restMs = 0
  return {
    before: {
      connect: (event) => {
        if (event.outcome === 'accepted') open.set(event.connection, new Set())
        return null
      },
      invoke: (event, at) => {
        open.get(event.connection)?.add(index.operationAt(at)!)
        return null
      },
      return: (event, at) => {
        const operation = index.operationAt(at)
        if (operation === undefined) return `xid ${event.xid} is answered, but not open`
        if (closed.has(event.connection)) return 'a reply on a connection that is gone'
        open.get(event.connection)?.delete(operation)
        return null
      },
      disconnect: (event) => {
        open.delete(event.connection)
        closed.add(event.connection)
        return null
      },
      heal: (event) => {
        restMs = event.atMs
        return null
      },
      end: (event) => {
        for (const operations of open.values()) {
          for (const operation of operations) {
            const waitedMs = event.atMs - Math.max(restMs, operation.invokedMs)
            if (waitedMs > options.unansweredMs) {
              return `${nameOf(operation)} has no answer for ${waitedMs} ms on a living connection`
            }
          }
        }
        return null
      },
    },
  }
}

/** C7. */
function watchDurability({ index }: Run): Watching {
  let greatest: { readonly zxid: Zxid; readonly operation: Operation } | null = null
  return {
    before: {
      return: (event, at) => {
        const operation = index.operationAt(at)
        if (event.err !== ErrorCode.ok || operation === undefined) return null
        if (!isWrite(operation.request)) return null
        if (greatest === null || event.zxid > greatest.zxid) {
          greatest = { zxid: event.zxid, operation }
        }
        const header = index.committed(event.zxid)?.header
        if (header?.clientId === event.sessionId && header.cxid === event.xid) return null
        return `${nameOf(operation)} returned ${formatHex(event.zxid)}, which no server has applied as such`
      },
      end: (event) => {
        for (const { server, zxid } of event.replicas) {
          if (greatest !== null && zxid < greatest.zxid) {
            return `server ${server} ends at ${formatHex(zxid)}, without ${nameOf(greatest.operation)}, answered at ${formatHex(greatest.zxid)}`
          }
        }
        return null
      },
    },
  }
}

/** C8. */
function watchAmbiguity({ index }: Run): Watching {
  return {
    atEnd: () => {
      const done = new Map<Operation, Zxid>()
      for (const { zxid, header } of index.sequence) {
        const operation = index.originOf(header)
        if (operation === undefined) continue
        const before = done.get(operation)
        if (before !== undefined) {
          return `${nameOf(operation)} took effect at ${formatHex(before)} and at ${formatHex(zxid)}`
        }
        done.set(operation, zxid)
      }
      return null
    },
  }
}

/** C9: of reads, and of single writes, whose Stat is that after exactly their transaction. */
function watchStats({ index }: Run): Watching {
  const seen = new SeenZxids()
  return {
    before: {
      connect: (event) => seen.onConnect(event),
      return: (event, at) => {
        const operation = index.operationAt(at)
        if (operation === undefined || event.zxid <= 0n || !seen.isOwner(event)) return null
        const last = seen.of(event.sessionId)
        for (const read of readsOf(operation)) {
          const isOther = (position: number): boolean => !matchesAt(index, read, position)
          const matches = (position: number): boolean =>
            !isOther(position) && statErrors(index, read, position).length === 0
          if (fits(index, read, last, event.zxid, matches)) continue
          const errors = statErrors(index, read, index.positionOf(event.zxid))
          if (errors.length > 0 && fits(index, read, last, event.zxid, (at) => !isOther(at))) {
            return `${errors.join(', ')} of ${read.path} differ from the model at ${formatHex(event.zxid)}`
          }
        }
        seen.see(event)
        return writtenStatError(index, operation, event)
      },
    },
  }
}

function writtenStatError(
  index: HistoryIndex,
  { request }: Operation,
  { err, zxid, response }: ReturnEvent,
): string | null {
  const { stat } = response
  if (err !== ErrorCode.ok || stat === undefined || !isWrite(request)) return null
  const path = response.path ?? ('path' in request ? request.path : null)
  if (path === null || path.startsWith('/zookeeper')) return null
  const znode = index.model.znodeAt(path, index.positionOf(zxid))
  if (znode === null) return null
  const errors = differences(stat, modelStat(znode))
  if (errors.length === 0) return null
  return `${errors.join(', ')} of ${path} differ from the model at ${formatHex(zxid)}`
}

const SEQUENTIAL: ReadonlySet<number> = new Set([
  CreateMode.persistentSequential,
  CreateMode.ephemeralSequential,
  CreateMode.persistentSequentialWithTTL,
])

/** C10. */
function watchSequences({ index }: Run): Watching {
  const lastSuffixes = new Map<string, number>()
  const see = (op: WriteOp, txn: Txn, position: number): string | null => {
    if (!('flags' in op) || !SEQUENTIAL.has(op.flags)) return null
    if (!('parentCVersion' in txn) || op.path === null) return null
    const suffix = txn.path.slice(op.path.length)
    if (!/^\d{10,}$/.test(suffix)) return `${txn.path} does not end in a sequence number`
    const parent = parentOf(txn.path)
    // A parent that was deleted and made again counts from 0.
    const key = `${parent}@${index.model.znodeAt(parent, position)?.czxid ?? 0n}`
    const last = lastSuffixes.get(key) ?? -1
    lastSuffixes.set(key, Number(suffix))
    return Number(suffix) > last ? null : `${txn.path} comes after number ${last}`
  }
  return {
    atEnd: () => {
      for (let position = 1; position <= index.sequence.length; position += 1) {
        const { header, txn } = index.sequence[position - 1]!
        const request = index.originOf(header)?.request
        if (request === undefined) continue
        const ops = request.type === OpCode.multi ? request.ops : [request as WriteOp]
        const txns = txn.type === OpCode.multi ? txn.txns : [txn]
        if (txns.some((part) => part.type === OpCode.error)) continue
        for (const [i, op] of ops.entries()) {
          const text = txns[i] === undefined ? null : see(op, txns[i], position)
          if (text !== null) return text
        }
      }
      return null
    },
  }
}

function nameOf({ client, xid }: Pick<InvokeEvent, 'client' | 'xid'>): string {
  return `xid ${xid} of client ${client}`
}

export const CLIENT_CHECKERS: readonly Checker[] = [
  { id: 'C1', title: 'linearizable writes', watch: watchLinearizableWrites },
  { id: 'C2', title: 'FIFO', watch: watchFifo },
  { id: 'C3', title: 'monotone reads', watch: watchMonotoneReads },
  { id: 'C4', title: 'single system image', watch: watchSingleSystemImage },
  { id: 'C5', title: 'sync', watch: watchSync },
  { id: 'C6', title: 'completeness', watch: watchCompleteness },
  { id: 'C7', title: 'durability', watch: watchDurability },
  { id: 'C8', title: 'ambiguity', watch: watchAmbiguity },
  { id: 'C9', title: 'Stat arithmetic', watch: watchStats },
  { id: 'C10', title: 'sequence', watch: watchSequences },
]
