import { formatHex, type ServerId, type Zxid } from '../../base/index.ts'
import type { Checker, Run, Watching } from './checker.ts'
import { isQuorum } from './quorums.ts'
import { epochOf } from './zxid.ts'

/* Epochs, votes, quorums. */

/** A8. */
function watchOneLeader(): Watching {
  const leaders = new Map<number, ServerId>()
  return {
    before: {
      established: (event) => {
        const known = leaders.get(event.epoch)
        leaders.set(event.epoch, event.server)
        if (known === undefined) return null
        return `epoch ${event.epoch} has had server ${known} as leader before`
      },
    },
  }
}

/** A9. */
function watchPromises({ servers }: Run): Watching {
  return {
    before: {
      epochAccepted: (event) => {
        const { acceptedEpoch } = servers.of(event.server).handed
        if (event.epoch >= acceptedEpoch) return null
        return `acceptedEpoch goes from ${acceptedEpoch} back to ${event.epoch}`
      },
      epochCurrent: (event) => {
        const { acceptedEpoch, currentEpoch } = servers.of(event.server).handed
        if (event.epoch < currentEpoch) {
          return `currentEpoch goes from ${currentEpoch} back to ${event.epoch}`
        }
        return event.epoch <= acceptedEpoch
          ? null
          : `currentEpoch ${event.epoch} is above acceptedEpoch ${acceptedEpoch}`
      },
      restart: ({ server, recovered, disk }) => {
        const { acceptedEpoch, currentEpoch } = servers.of(server).durable
        if (recovered.currentEpoch > recovered.acceptedEpoch) {
          return `currentEpoch ${recovered.currentEpoch} is above acceptedEpoch ${recovered.acceptedEpoch}`
        }
        if (disk === 'replaced') return null
        if (recovered.acceptedEpoch >= acceptedEpoch && recovered.currentEpoch >= currentEpoch) {
          return null
        }
        return `server ${server} comes back with epochs ${recovered.acceptedEpoch}/${recovered.currentEpoch}, it had ${acceptedEpoch}/${currentEpoch}`
      },
      promise: (event) => {
        const { acceptedEpoch } = servers.of(event.server).durable
        if (acceptedEpoch >= event.epoch) return null
        return `epoch ${event.epoch} is promised, the disk of server ${event.server} has only accepted ${acceptedEpoch}`
      },
      ack: (event) => {
        const { acceptedEpoch } = servers.of(event.server).durable
        if (event.epoch >= acceptedEpoch) return null
        return `server ${event.server} acks in epoch ${event.epoch} after it has promised ${acceptedEpoch}`
      },
    },
  }
}

/** A15, for what a server says of itself while it is elected. */
function watchHonestVotes({ servers }: Run): Watching {
  return {
    before: {
      vote: (event) => {
        if (!event.isLooking || event.leader !== event.server) return null
        const { currentEpoch, log } = servers.of(event.server).durable
        if (event.peerEpoch < currentEpoch) return null
        if (event.peerEpoch === currentEpoch && event.zxid <= log.last) return null
        return `server ${event.server} votes with (${event.peerEpoch}, ${formatHex(event.zxid)}), a crash would leave (${currentEpoch}, ${formatHex(log.last)})`
      },
    },
  }
}

/** A17: who has acked is a quorum, and each two quorums in use have a member in common. */
function watchConfiguration(run: Run): Watching {
  const { servers, options } = run
  /** By epoch: the end of what each voter has acked to its leader. */
  const acked = new Map<number, Map<ServerId, Zxid>>()
  /** The quorums that have committed under the present ensemble and the one before, by their members. */
  let present = new Map<string, ReadonlySet<ServerId>>()
  let previous = new Map<string, ReadonlySet<ServerId>>()
  let lastKey = ''
  const ack = (epoch: number, server: ServerId, zxid: Zxid): null => {
    let byServer = acked.get(epoch)
    if (byServer === undefined) {
      byServer = new Map()
      acked.set(epoch, byServer)
    }
    const known = byServer.get(server)
    if (known === undefined || known < zxid) byServer.set(server, zxid)
    return null
  }
  const isApart = (quorum: ReadonlySet<ServerId>): boolean => {
    for (const others of [present, previous]) {
      for (const other of others.values()) if (![...other].some((id) => quorum.has(id))) return true
    }
    return false
  }
  return {
    before: {
      config: () => {
        previous = present
        present = new Map()
        lastKey = ''
        return null
      },
      ack: (event) => ack(event.epoch, event.server, event.zxid),
      newLeaderAck: (event) =>
        ack(event.epoch, event.server, servers.of(event.server).durable.log.last),
      commit: (event) => {
        const holders = new Set<ServerId>()
        const byServer = acked.get(epochOf(event.zxid))
        for (const id of servers.voters) {
          const zxid = byServer?.get(id)
          const isOwn = id === event.server && servers.of(id).durable.log.holds(event.zxid)
          if (isOwn || (zxid !== undefined && zxid >= event.zxid)) holders.add(id)
        }
        const names = [...holders].join(', ')
        if (!isQuorum(holders, servers.voters, options)) {
          return `${formatHex(event.zxid)} is committed with acks of ${names || 'nobody'} only`
        }
        if (names === lastKey || present.has(names)) return null
        lastKey = names
        if (isApart(holders)) return `the quorum ${names} has nobody in common with an earlier one`
        present.set(names, holders)
        return null
      },
    },
  }
}

export const ZAB_LEADER_CHECKERS: readonly Checker[] = [
  { id: 'A8', title: 'one leader', watch: watchOneLeader },
  { id: 'A9', title: 'epoch promises', watch: watchPromises },
  { id: 'A15', title: 'honest vote', watch: watchHonestVotes },
  { id: 'A17', title: 'configuration', watch: watchConfiguration },
]
