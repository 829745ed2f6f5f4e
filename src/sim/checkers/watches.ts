import { formatHex, type Zxid } from '../../base/index.ts'
import { ErrorCode, EventType, OpCode, type SetWatchesRequest } from '../../wire/index.ts'
import type { Checker, Run, Watching } from './checker.ts'
import type { HistoryIndex } from './history-index.ts'
import type { ModelChange } from './model.ts'
import { type ConnectionWatches, isOneShot, isSetWatches, type Told } from './watch-book.ts'

/* What watches tell, to each connection. */

/** W1, for one-shot watches; W7 has the others. */
function watchEventBeforeData({ index, watches }: Run): Watching {
  return {
    before: {
      return: (event) => {
        const own = watches.of(event.connection)
        if (event.zxid <= 0n || own.nextTrigger === Number.POSITIVE_INFINITY) return null
        const position = index.positionOf(event.zxid)
        if (own.nextTrigger > position) return null
        for (const { path, trigger } of own.overdue(position)) {
          const { zxid } = index.sequence[trigger.position - 1]!
          return `a reply at ${formatHex(event.zxid)} before the event of ${path} at ${formatHex(zxid)}`
        }
        return null
      },
    },
  }
}

/** W2: not twice, and not never. */
function watchOneShot({ index, watches }: Run): Watching {
  return {
    before: {
      watchEvent: (event) => {
        if (event.zxid === null) return null
        const own = watches.of(event.connection)
        if (own.isOver || own.matching(event.type, event.path).length > 0) return null
        if (own.isRemoved(event.type, event.path)) return null
        return own.hasFired(event.type, event.path)
          ? `a second event of ${event.path} for one watch`
          : null
      },
      end: () => {
        for (const own of watches.all()) {
          if (own.isOver) continue
          for (const { path } of own.overdue(index.sequence.length)) {
            return `the event of ${path} has never come`
          }
        }
        return null
      },
    },
  }
}

/** W3. */
function watchOrder({ watches }: Run): Watching {
  const isLate = (connection: number, zxid: Zxid): boolean =>
    zxid > 0n && zxid < watches.of(connection).lastEventZxid
  return {
    before: {
      watchEvent: (event) =>
        event.zxid !== null && isLate(event.connection, event.zxid)
          ? `the event of ${event.path} comes after one of a later transaction`
          : null,
      return: (event) =>
        isLate(event.connection, event.zxid)
          ? `a reply at ${formatHex(event.zxid)} after an event of a later transaction`
          : null,
    },
  }
}

/** W4: what setWatches makes up is what was missed. */
function watchReconnect({ index, watches }: Run): Watching {
  return {
    before: {
      watchEvent: (event) =>
        event.zxid === null && watches.of(event.connection).madeUp === null
          ? `an event of ${event.path} without a transaction, and no setWatches is under way`
          : null,
      return: (event, at) => {
        const request = index.operationAt(at)?.request
        if (request === undefined || !isSetWatches(request.type)) return null
        if (event.err !== ErrorCode.ok) return null
        const told = watches.of(event.connection).madeUp ?? []
        const missed = missedEvents(
          index,
          request as SetWatchesRequest & { type: number },
          event.zxid,
        )
        return difference(told, missed)
      },
    },
  }
}

function missedEvents(index: HistoryIndex, request: SetWatchesRequest, zxid: Zxid): Told[] {
  const position = index.positionOf(zxid)
  const missed: Told[] = []
  const lookAt = (paths: readonly string[], changed: 'mzxid' | 'pzxid', type: EventType): void => {
    for (const path of paths) {
      const znode = index.model.znodeAt(path, position)
      if (znode === null) missed.push({ type: EventType.nodeDeleted, path })
      else if (znode[changed] > request.relativeZxid) missed.push({ type, path })
    }
  }
  lookAt(request.dataWatches, 'mzxid', EventType.nodeDataChanged)
  for (const path of request.existWatches) {
    if (index.model.znodeAt(path, position) !== null) {
      missed.push({ type: EventType.nodeCreated, path })
    }
  }
  lookAt(request.childWatches, 'pzxid', EventType.nodeChildrenChanged)
  return missed
}

function difference(told: readonly Told[], missed: readonly Told[]): string | null {
  const left = told.map(({ type, path }) => `${type} ${path}`)
  for (const { type, path } of missed) {
    const place = left.indexOf(`${type} ${path}`)
    if (place < 0) return `setWatches has not told the missed event ${type} of ${path}`
    left.splice(place, 1)
  }
  return left.length === 0 ? null : `setWatches has made up event ${left[0]}`
}

/** W5: there was such a change, it may be known, and somebody asked for it. */
function watchJustified({ index, watches }: Run): Watching {
  const authenticated = new Set<number>()
  return {
    before: {
      invoke: (event) => {
        if (event.request.type === OpCode.auth) authenticated.add(event.connection)
        return null
      },
      watchEvent: (event) => {
        if (event.zxid === null) return null
        const change = changeOf(index, event.zxid, event.type, event.path)
        if (change === undefined) {
          return `no transaction ${formatHex(event.zxid)} makes event ${event.type} of ${event.path}`
        }
        if (!change.isReadable && !authenticated.has(event.connection)) {
          return `an event of ${event.path}, which the client may not read`
        }
        const own = watches.of(event.connection)
        const { type, path } = event
        if (own.isOver || own.isCovered(path) || own.matching(type, path).length > 0) return null
        return own.hasFired(type, path) || own.isRemoved(type, path)
          ? null
          : `nobody watches ${path}`
      },
    },
  }
}

function changeOf(
  index: HistoryIndex,
  zxid: Zxid,
  type: number,
  path: string,
): ModelChange | undefined {
  if (index.committed(zxid) === undefined) return undefined
  return index.model.changesAt(path, index.positionOf(zxid), type)[0]
}

/** W6. */
function watchRemoval({ watches }: Run): Watching {
  return {
    before: {
      watchEvent: (event) => {
        const own = watches.of(event.connection)
        if (own.isOver)
          return `an event of ${event.path} after the end of the session or connection`
        if (event.zxid === null || own.matching(event.type, event.path).length > 0) return null
        return own.isRemoved(event.type, event.path)
          ? `an event of ${event.path} after its watch was removed`
          : null
      },
    },
  }
}

/** W7. */
function watchContinuity({ index, watches }: Run): Watching {
  const { changes } = index.model
  /** By connection: the first change that was not looked at. */
  const cursors = new Map<ConnectionWatches, number>()
  const examine = (own: ConnectionWatches, position: number): string | null => {
    if (!own.hasPersistent) {
      cursors.delete(own)
      return null
    }
    let cursor = cursors.get(own) ?? 0
    let text: string | null = null
    for (; cursor < changes.length && changes[cursor]!.position <= position; cursor += 1) {
      const change = changes[cursor]!
      if (!isDue(own, change)) continue
      const { type, path } = change
      const alike = index.model.changesAt(path, change.position, type)
      if (own.timesTold(alike[0]!) < alike.length) {
        const { zxid } = index.sequence[change.position - 1]!
        text = `event ${type} of ${path} at ${formatHex(zxid)} has not come`
        break
      }
    }
    cursors.set(own, cursor)
    return text
  }
  return {
    before: {
      watchEvent: (event) => {
        const own = watches.of(event.connection)
        if (event.zxid === null || own.isOver) return null
        const { type, path, zxid } = event
        const alike = index.model.changesAt(path, index.positionOf(zxid), type)
        if (alike.length === 0) return null
        const matching = own.matching(type, path)
        if (matching.some(({ kind }) => !isOneShot(kind))) {
          return own.timesTold(alike[0]!) < alike.length ? null : `event ${type} of ${path} twice`
        }
        if (type !== EventType.nodeChildrenChanged || matching.length > 0) return null
        if (own.hasFired(type, path) || own.isRemoved(type, path)) return null
        return own.isCovered(path) ? `a recursive watch is told of the children of ${path}` : null
      },
      return: (event) =>
        event.zxid <= 0n
          ? null
          : examine(watches.of(event.connection), index.positionOf(event.zxid)),
      end: () => {
        for (const own of watches.all()) {
          const text = own.isOver ? null : examine(own, index.sequence.length)
          if (text !== null) return text
        }
        return null
      },
    },
  }
}

/** Whether a persistent watch that was set before the change asks for it. */
function isDue(own: ConnectionWatches, change: ModelChange): boolean {
  if (!change.isReadable) return false
  return own
    .matching(change.type, change.path)
    .some(({ kind, position }) => !isOneShot(kind) && position < change.position)
}

export const WATCH_CHECKERS: readonly Checker[] = [
  { id: 'W1', title: 'event before data', watch: watchEventBeforeData },
  { id: 'W2', title: 'one shot', watch: watchOneShot },
  { id: 'W3', title: 'order of events', watch: watchOrder },
  { id: 'W4', title: 'reconnect', watch: watchReconnect },
  { id: 'W5', title: 'justified', watch: watchJustified },
  { id: 'W6', title: 'removal', watch: watchRemoval },
  { id: 'W7', title: 'persistent continuity', watch: watchContinuity },
]
