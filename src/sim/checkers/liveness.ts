import type { ServerId } from '../../base/index.ts'
import { DISK_HANG_FAULT, PAUSE_FAULT, SUSPEND_FAULT } from '../history.ts'
import type { Checker, Run, Watching } from './checker.ts'
import type { Operation } from './history-index.ts'

/* Progress, once faults have stopped or the core is healthy. */

/** L1: a leader by `leaderMs` after the healing, and what it proposes is committed. */
function watchLeaderExists({ servers, options }: Run): Watching {
  let healedMs: number | null = null
  let hasLed = false
  const leads = (): boolean => {
    for (const server of servers.all()) {
      if (server.isUp && server.isServing && server.role === 'leading') return true
    }
    return false
  }
  return {
    before: {
      end: (event) => {
        if (healedMs === null || hasLed || event.atMs - healedMs < options.leaderMs) return null
        return `no leader serves ${options.leaderMs} ms after the healing`
      },
    },
    after: {
      heal: (event) => {
        healedMs = event.atMs
        hasLed = leads()
        return null
      },
      roleChange: (event) => {
        if (healedMs === null || hasLed || !leads()) return null
        hasLed = true
        const neededMs = event.atMs - healedMs
        if (neededMs <= options.leaderMs) return null
        return `a leader serves only ${neededMs} ms after the healing`
      },
    },
  }
}

/** L2: every server that runs serves, `serveMs` after the healing or its later start, and at the end. */
function watchServersServe({ servers, options }: Run): Watching {
  let healedMs: number | null = null
  /** Servers that are waited for, since when. */
  const waiting = new Map<ServerId, number>()
  const late = (server: ServerId, nowMs: number): string | null => {
    const sinceMs = waiting.get(server)
    if (sinceMs === undefined || nowMs - sinceMs <= options.serveMs) return null
    return `server ${server} does not serve ${nowMs - sinceMs} ms after it could`
  }
  const wait = (server: ServerId, atMs: number): null => {
    if (healedMs !== null && !waiting.has(server)) waiting.set(server, atMs)
    return null
  }
  return {
    after: {
      heal: (event) => {
        healedMs = event.atMs
        for (const server of servers.all()) {
          if (!server.isServing) waiting.set(server.id, event.atMs)
        }
        return null
      },
      restart: (event) => wait(event.server, event.atMs),
      roleChange: (event) => {
        if (!event.serving) return wait(event.server, event.atMs)
        const text = late(event.server, event.atMs)
        waiting.delete(event.server)
        return text
      },
      end: (event) => {
        for (const server of waiting.keys()) {
          const text = late(server, event.atMs)
          if (text !== null) return text
        }
        return null
      },
    },
  }
}

/** L3. */
function watchResources(): Watching {
  return {
    before: {
      end: (event) => {
        for (const { server, gauges } of event.replicas) {
          for (const { name, value, limit } of gauges) {
            if (value > limit)
              return `server ${server} ends with ${name} ${value}, allowed are ${limit}`
          }
        }
        return null
      },
    },
  }
}

/** L4, for requests made after the healing: 99.9 % have a reply or a disconnect in time. */
function watchReplies({ index, options }: Run): Watching {
  const open = new Map<number, Set<Operation>>()
  let isHealed = false
  let count = 0
  let lateCount = 0
  let slowest = ''
  const done = (operation: Operation, nowMs: number): void => {
    const neededMs = nowMs - operation.invokedMs
    if (neededMs <= options.replyMs) return
    lateCount += 1
    slowest = `xid ${operation.xid} of client ${operation.client} took ${neededMs} ms`
  }
  return {
    before: {
      heal: () => {
        isHealed = true
        return null
      },
      invoke: (event, at) => {
        if (!isHealed) return null
        count += 1
        const own = open.get(event.connection)
        const operation = index.operationAt(at)!
        if (own === undefined) open.set(event.connection, new Set([operation]))
        else own.add(operation)
        return null
      },
      return: (event, at) => {
        const operation = index.operationAt(at)
        if (operation === undefined || !open.get(event.connection)?.delete(operation)) return null
        done(operation, event.atMs)
        return null
      },
      disconnect: (event) => {
        for (const operation of open.get(event.connection) ?? []) done(operation, event.atMs)
        open.delete(event.connection)
        return null
      },
    },
    atEnd: () =>
      lateCount > count / 1000 ? `${lateCount} of ${count} requests are late: ${slowest}` : null,
  }
}

/**
 * L5, looked at whenever something happens. The time runs from the first record that the disk does not write: before that
 * nobody can know. A server that is stopped then or during it is not waited for.
 */
function watchHungDisks({ servers, options }: Run): Watching {
  interface Hang {
    /** When a record began to wait; null while none does. */
    waitingMs: number | null
  }
  const hangs = new Map<ServerId, Hang>()
  const stopped = new Set<ServerId>()
  const isOverdue = (server: ServerId, nowMs: number): boolean => {
    const waitingMs = hangs.get(server)?.waitingMs ?? null
    return waitingMs !== null && nowMs - waitingMs > options.diskHangMs
  }
  const leads = (nowMs: number): string | null => {
    for (const [id, { waitingMs }] of hangs) {
      const { isUp, isServing, role } = servers.of(id)
      if (isOverdue(id, nowMs) && isUp && isServing && role === 'leading') {
        return `server ${id} still leads, its disk has not written for ${nowMs - waitingMs!} ms`
      }
    }
    return null
  }
  const onCommit = ({ server, atMs }: { server: ServerId; atMs: number }): string | null =>
    isOverdue(server, atMs) ? `server ${server} still commits, its disk does not write` : null
  const onRecord = ({ server, atMs }: { server: ServerId; atMs: number }): null => {
    const hang = hangs.get(server)
    if (hang !== undefined) hang.waitingMs ??= atMs
    return null
  }
  const onEnd = (nowMs: number, ended: (server: ServerId) => boolean): string | null => {
    const text = leads(nowMs)
    for (const server of [...hangs.keys()]) if (ended(server)) hangs.delete(server)
    return text
  }
  return {
    before: {
      faultBegin: ({ name, server, atMs }) => {
        if (server === null) return null
        if (STOPS.has(name)) {
          stopped.add(server)
          hangs.delete(server)
        } else if (STARTS.has(name)) stopped.delete(server)
        if (name !== DISK_HANG_FAULT || stopped.has(server)) return null
        const isWaiting = servers.of(server).pending.length > 0
        hangs.set(server, { waitingMs: isWaiting ? atMs : null })
        return null
      },
      faultEnd: ({ name, server, atMs }) => {
        if (server !== null && STOPS.has(name)) stopped.delete(server)
        return name === DISK_HANG_FAULT ? onEnd(atMs, (one) => one === server) : null
      },
      heal: (event) => onEnd(event.atMs, () => true),
      crash: (event) => {
        hangs.delete(event.server)
        stopped.delete(event.server)
        return null
      },
      append: onRecord,
      truncate: onRecord,
      epochAccepted: onRecord,
      epochCurrent: onRecord,
      install: onRecord,
      commit: onCommit,
      roleChange: (event) => (hangs.size > 0 ? leads(event.atMs) : null),
      invoke: (event) => (hangs.size > 0 ? leads(event.atMs) : null),
    },
    after: {
      durable: (event) => {
        const hang = hangs.get(event.server)
        if (hang !== undefined && servers.of(event.server).pending.length === 0) {
          hang.waitingMs = null
        }
        return null
      },
    },
  }
}

/** Faults that stop a process, or its clocks. */
const STOPS: ReadonlySet<string> = new Set([PAUSE_FAULT, SUSPEND_FAULT, 'driftMonotonic'])
const STARTS: ReadonlySet<string> = new Set(['healClock'])

export const LIVENESS_CHECKERS: readonly Checker[] = [
  { id: 'L1', title: 'a leader exists', watch: watchLeaderExists },
  { id: 'L2', title: 'servers serve', watch: watchServersServe },
  { id: 'L3', title: 'resources return', watch: watchResources },
  { id: 'L4', title: 'replies come in time', watch: watchReplies },
  { id: 'L5', title: 'a hung disk does not lead', watch: watchHungDisks },
]
