import { formatHex, makeZxid, type ServerId, type Zxid } from '../../base/index.ts'
import type { LoggedEntry } from '../history.ts'
import type { Checker, Run, Watching } from './checker.ts'
import { isQuorum } from './quorums.ts'
import { ServerLog } from './server-log.ts'
import type { ServerTrack } from './server-track.ts'
import { epochOf, isSuccessor } from './zxid.ts'

/* What the logs hold. */

/** A7. */
function watchPrimaryIntegrity({ index, servers }: Run): Watching {
  const begun = new Set<number>()
  return {
    before: {
      broadcast: (event) => {
        if (begun.has(event.epoch)) return null
        begun.add(event.epoch)
        // The last transaction of an earlier epoch that anybody applies, now or later.
        const position = index.positionOf(makeZxid(event.epoch, 0))
        if (position === 0) return null
        const { zxid, chain } = index.sequence[position - 1]!
        if (servers.of(event.server).handed.log.holdsHistory(zxid, chain)) return null
        return `the leader begins without ${formatHex(zxid)} of an earlier epoch in its log`
      },
    },
  }
}

/** The last transaction that is known to be committed, as the history goes by. */
class LastCommitted {
  zxid: Zxid = 0n as Zxid

  see(zxid: Zxid): boolean {
    if (zxid <= this.zxid) return false
    this.zxid = zxid
    return true
  }
}

/** A10: some member of every quorum holds on its disk what is committed. */
function watchCommittedStays(run: Run): Watching {
  const { index, servers, options } = run
  const committed = new LastCommitted()
  const examine = (): string | null => {
    const { zxid } = committed
    if (zxid === 0n) return null
    const chain = index.committed(zxid)?.chain ?? null
    const lacking = new Set<ServerId>()
    for (const id of servers.voters) {
      const server = servers.of(id)
      const { log } = server.durable
      const holds = chain === null ? log.holds(zxid) : log.holdsHistory(zxid, chain)
      if (!holds && !server.isSuspect) lacking.add(id)
    }
    if (!isQuorum(lacking, servers.voters, options)) return null
    return `servers ${[...lacking].join(', ')} do not hold ${formatHex(zxid)}, which is committed`
  }
  const onCommitted = (event: LoggedEntry | { readonly zxid: Zxid }): string | null =>
    committed.see(event.zxid) ? examine() : null
  const shrinking = new Set<ServerId>()
  return {
    before: {
      truncate: (event) => {
        shrinking.add(event.server)
        return null
      },
      install: (event) => {
        shrinking.add(event.server)
        return null
      },
    },
    after: {
      commit: onCommitted,
      apply: onCommitted,
      durable: (event) => {
        if (!shrinking.has(event.server)) return null
        if (servers.of(event.server).pending.length === 0) shrinking.delete(event.server)
        return examine()
      },
      restart: (event) => {
        shrinking.delete(event.server)
        return examine()
      },
    },
  }
}

/** A11. */
function watchLeaderCompleteness({ index, servers }: Run): Watching {
  /** Last committed zxid of each epoch. */
  const committed = new Map<number, Zxid>()
  const see = (zxid: Zxid): null => {
    const epoch = epochOf(zxid)
    const last = committed.get(epoch)
    if (last === undefined || last < zxid) committed.set(epoch, zxid)
    return null
  }
  return {
    before: {
      commit: (event) => see(event.zxid),
      apply: (event) => see(event.zxid),
      established: (event) => {
        const { log } = servers.of(event.server).handed
        for (const [epoch, zxid] of committed) {
          if (epoch >= event.epoch) continue
          const chain = index.committed(zxid)?.chain ?? null
          const holds = chain === null ? log.holds(zxid) : log.holdsHistory(zxid, chain)
          if (!holds) return `the leader's log lacks ${formatHex(zxid)}, which is committed`
        }
        return null
      },
    },
  }
}

/** A12. */
function watchAckIsDurable({ servers }: Run): Watching {
  return {
    before: {
      ack: (event) => {
        if (servers.of(event.server).durable.log.holds(event.zxid)) return null
        return `${formatHex(event.zxid)} is acked, but not durable in the log of server ${event.server}`
      },
      newLeaderAck: (event) => {
        const { currentEpoch } = servers.of(event.server).durable
        if (currentEpoch >= event.epoch) return null
        return `the leader of epoch ${event.epoch} is acked, but the disk of server ${event.server} is in ${currentEpoch}`
      },
    },
  }
}

/** A13. */
function watchContiguity({ servers }: Run): Watching {
  const follows = (next: Zxid, last: Zxid): string | null =>
    isSuccessor(next, last) ? null : `${formatHex(next)} is logged after ${formatHex(last)}`
  return {
    before: {
      append: (event) => follows(event.zxid, servers.of(event.server).handed.log.last),
      install: (event) => {
        let last = event.zxid
        for (const { zxid } of event.entries) {
          const text = follows(zxid, last)
          if (text !== null) return text
          last = zxid
        }
        return null
      },
    },
  }
}

/** A14: compared when both the leader's history and the learner's ack are known. */
function watchSyncEquality({ servers }: Run): Watching {
  interface Start {
    readonly zxid: Zxid
    readonly chain: number
  }
  const starts = new Map<number, Start>()
  const early = new Map<number, { readonly server: ServerId; readonly log: ServerLog }[]>()
  const compare = (server: ServerId, log: ServerLog, start: Start): string | null =>
    log.holdsHistory(start.zxid, start.chain)
      ? null
      : `server ${server} has acked the leader without its history up to ${formatHex(start.zxid)}`
  return {
    before: {
      newLeaderAck: (event) => {
        const { log } = servers.of(event.server).durable
        const start = starts.get(event.epoch)
        if (start !== undefined) return compare(event.server, log, start)
        const copy = new ServerLog()
        copy.copyFrom(log)
        const acks = early.get(event.epoch)
        if (acks === undefined) early.set(event.epoch, [{ server: event.server, log: copy }])
        else acks.push({ server: event.server, log: copy })
        return null
      },
      established: (event) => {
        const chain = servers.of(event.server).handed.log.chainAt(event.lastZxid)
        if (chain === null || starts.has(event.epoch)) return null
        const start = { zxid: event.lastZxid, chain }
        starts.set(event.epoch, start)
        for (const { server, log } of early.get(event.epoch) ?? []) {
          const text = compare(server, log, start)
          if (text !== null) return text
        }
        return null
      },
    },
  }
}

/** A16. */
function watchRecoverable({ index, servers }: Run): Watching {
  const isOnDisk = (server: ServerTrack, zxid: Zxid): boolean =>
    zxid === server.base || server.durable.log.holds(zxid)
  return {
    before: {
      apply: (event) => {
        if (isOnDisk(servers.of(event.server), event.zxid)) return null
        return `${formatHex(event.zxid)} is applied before it is durable on server ${event.server}`
      },
      restart: (event) => {
        const server = servers.of(event.server)
        const { lastZxid } = event.recovered
        if (event.disk === 'replaced') return null
        if (lastZxid < server.kept) {
          return `server ${server.id} recovers ${formatHex(lastZxid)}, but has acked ${formatHex(server.kept)}`
        }
        if (
          lastZxid > server.handed.log.last &&
          server.handed.log.last >= server.durable.log.last
        ) {
          // Longer than it ever was: a matter of D3.
          return null
        }
        if (server.recoveredRecords(event.recovered, index) >= 0) return null
        return `server ${server.id} recovers ${formatHex(lastZxid)}, its disk held ${formatHex(server.durable.log.last)} for certain`
      },
    },
  }
}

export const ZAB_LOG_CHECKERS: readonly Checker[] = [
  { id: 'A7', title: 'primary integrity', watch: watchPrimaryIntegrity },
  { id: 'A10', title: 'committed never lost', watch: watchCommittedStays },
  { id: 'A11', title: 'leader completeness', watch: watchLeaderCompleteness },
  { id: 'A12', title: 'ack implies durable', watch: watchAckIsDurable },
  { id: 'A13', title: 'contiguity', watch: watchContiguity },
  { id: 'A14', title: 'sync equality', watch: watchSyncEquality },
  { id: 'A16', title: 'memory is recoverable', watch: watchRecoverable },
]
