import { formatHex, type ServerId, type Zxid } from '../../base/index.ts'
import type { ApplyEvent } from '../history.ts'
import type { Checker, Run, Watching } from './checker.ts'
import type { ServerTrack } from './server-track.ts'
import { epochOf } from './zxid.ts'

/* What is applied, and in which order. */

/** A1. Established leaders and their proposals come first; what is applied was committed by one. */
function watchIntegrity(): Watching {
  const leaders = new Map<number, ServerId>()
  const proposed = new Set<Zxid>()
  let committed = 0n
  const wasProposed = (zxid: Zxid, what: string): string | null =>
    proposed.has(zxid)
      ? null
      : `${formatHex(zxid)} is ${what}, but no established leader has proposed it`
  return {
    before: {
      established: (event) => {
        leaders.set(event.epoch, event.server)
        if (event.lastZxid > committed) committed = event.lastZxid
        return null
      },
      broadcast: (event) => {
        if (leaders.get(epochOf(event.zxid)) === event.server) proposed.add(event.zxid)
        return null
      },
      commit: (event) => {
        if (event.zxid > committed) committed = event.zxid
        return wasProposed(event.zxid, 'committed')
      },
      apply: (event) => {
        if (event.zxid > committed) {
          return `${formatHex(event.zxid)} is applied, but nobody has committed it`
        }
        return wasProposed(event.zxid, 'applied')
      },
    },
  }
}

/** A2. */
function watchAgreement(): Watching {
  const first = new Map<Zxid, ApplyEvent>()
  return {
    before: {
      apply: (event) => {
        const known = first.get(event.zxid)
        if (known === undefined) first.set(event.zxid, event)
        else if (known.hash !== event.hash) {
          return `server ${known.server} has applied something else at ${formatHex(event.zxid)}`
        }
        return null
      },
    },
  }
}

/** A3, within an epoch; {@link watchGlobalPrimaryOrder} has the rest. */
function watchTotalOrder({ servers }: Run): Watching {
  return {
    before: {
      apply: (event) => {
        const { applied } = servers.of(event.server)
        if (event.zxid > applied || epochOf(event.zxid) !== epochOf(applied)) return null
        return `${formatHex(event.zxid)} is applied after ${formatHex(applied)}`
      },
    },
  }
}

/**
 * A4, asked whenever the state in memory ends: by a crash, an install, the end of the history. Transactions that are
 * missing before another one of their epoch are left to {@link watchLocalPrimaryOrder}.
 */
function watchPrefix({ index, servers }: Run): Watching {
  interface Life {
    number: number
    base: number
    last: number
    count: number
  }
  const lives = new Map<ServerId, Life>()
  /** By server: the life in which each position was applied. */
  const stamps = new Map<ServerId, Int32Array>()
  const conclude = (server: ServerTrack): string | null => {
    const life = lives.get(server.id)
    if (life === undefined) return null
    lives.delete(server.id)
    if (life.last - life.base === life.count) return null
    const stamp = stamps.get(server.id)!
    let epoch = -1
    for (let position = life.last; position > life.base; position -= 1) {
      const { zxid } = index.sequence[position - 1]!
      if (stamp[position] === life.number) epoch = epochOf(zxid)
      else if (epochOf(zxid) !== epoch) {
        const last = index.sequence[life.last - 1]!.zxid
        return `server ${server.id} has applied ${formatHex(last)}, but not ${formatHex(zxid)}, as others have`
      }
    }
    return null
  }
  return {
    before: {
      crash: (event) => conclude(servers.of(event.server)),
      apply: (event) => {
        const server = servers.of(event.server)
        let life = lives.get(server.id)
        let text: string | null = null
        if (life === undefined || life.number !== server.life) {
          text = conclude(server)
          const base = index.positionOf(server.base)
          life = { number: server.life, base, last: base, count: 0 }
          lives.set(server.id, life)
        }
        const position = index.positionOf(event.zxid)
        let stamp = stamps.get(server.id)
        if (stamp === undefined) {
          stamp = new Int32Array(index.sequence.length + 1)
          stamps.set(server.id, stamp)
        }
        if (position > life.base && stamp[position] !== life.number) {
          stamp[position] = life.number
          life.count += 1
          life.last = Math.max(life.last, position)
        }
        return text
      },
    },
    atEnd: () => {
      for (const server of servers.all()) {
        const text = conclude(server)
        if (text !== null) return text
      }
      return null
    },
  }
}

/** A5. */
function watchLocalPrimaryOrder({ servers }: Run): Watching {
  const previous = new Map<Zxid, Zxid>()
  const lastOfEpoch = new Map<number, Zxid>()
  return {
    before: {
      broadcast: (event) => {
        const last = lastOfEpoch.get(event.epoch)
        if (last !== undefined) previous.set(event.zxid, last)
        lastOfEpoch.set(event.epoch, event.zxid)
        return null
      },
      apply: (event) => {
        const earlier = previous.get(event.zxid)
        if (earlier === undefined) return null
        const { applied } = servers.of(event.server)
        // In another epoch already, or before it: then order between epochs is at stake, not this one.
        if (epochOf(applied) > epochOf(event.zxid) || applied >= earlier) return null
        return `${formatHex(event.zxid)} is applied without ${formatHex(earlier)}, which its leader proposed before`
      },
    },
  }
}

/** A6. */
function watchGlobalPrimaryOrder({ servers }: Run): Watching {
  return {
    before: {
      apply: (event) => {
        const { applied } = servers.of(event.server)
        if (epochOf(event.zxid) >= epochOf(applied)) return null
        return `${formatHex(event.zxid)} is applied after ${formatHex(applied)} of a later epoch`
      },
    },
  }
}

/** A18, over everything that is proposed or written. */
function watchUniqueness(): Watching {
  const known = new Map<Zxid, number>()
  const see = (zxid: Zxid, hash: number): string | null => {
    const other = known.get(zxid)
    if (other === undefined) known.set(zxid, hash)
    return other === undefined || other === hash ? null : `${formatHex(zxid)} has two contents`
  }
  return {
    before: {
      broadcast: (event) => see(event.zxid, event.hash),
      append: (event) => see(event.zxid, event.hash),
      install: (event) => {
        for (const entry of event.entries) {
          const text = see(entry.zxid, entry.hash)
          if (text !== null) return text
        }
        return null
      },
    },
  }
}

export const ZAB_ORDER_CHECKERS: readonly Checker[] = [
  { id: 'A1', title: 'integrity', watch: watchIntegrity },
  { id: 'A2', title: 'agreement', watch: watchAgreement },
  { id: 'A3', title: 'total order', watch: watchTotalOrder },
  { id: 'A4', title: 'prefix', watch: watchPrefix },
  { id: 'A5', title: 'local primary order', watch: watchLocalPrimaryOrder },
  { id: 'A6', title: 'global primary order', watch: watchGlobalPrimaryOrder },
  { id: 'A18', title: 'zxid uniqueness', watch: watchUniqueness },
]
