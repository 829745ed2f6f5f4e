import { formatHex } from '../base/index.ts'
import { errorCodeName, OpCode, opCodeName, type Txn } from '../wire/index.ts'
import type { ClientRequest, HistoryEvent } from './history.ts'

/** One readable line for an event: time, who, what. */
export function describeEvent(event: HistoryEvent): string {
  const time = `${event.atMs.toFixed(3).padStart(11)} ms`
  return `${time}  ${whose(event).padEnd(10)} ${whatHappened(event)}`
}

function whose(event: HistoryEvent): string {
  if ('incarnation' in event) return `server ${event.server}`
  if ('client' in event) return `client ${event.client}`
  return 'world'
}

function whatHappened(event: HistoryEvent): string {
  switch (event.kind) {
    case 'append':
      return `append ${formatHex(event.zxid)} (record ${event.token})`
    case 'truncate':
      return `truncate to ${formatHex(event.zxid)} (record ${event.token})`
    case 'epochAccepted':
      return `accepts epoch ${event.epoch} (record ${event.token})`
    case 'epochCurrent':
      return `enters epoch ${event.epoch} (record ${event.token})`
    case 'install':
      return `installs ${formatHex(event.zxid)} and ${event.entries.length} entries (record ${event.token})`
    case 'durable':
      return `durable up to record ${event.token}`
    case 'snapshot':
      return `snapshot at ${formatHex(event.zxid)}, digest ${formatHex(event.digest)}`
    case 'crash':
      return event.lostUnsynced ? 'crash, unsynced data may be lost' : 'crash'
    case 'restart': {
      const { lastZxid, acceptedEpoch, currentEpoch, checkpointZxid } = event.recovered
      const disk = event.disk === 'kept' ? '' : ' on another disk'
      const epochs = `epochs ${acceptedEpoch}/${currentEpoch}`
      return `start ${event.incarnation}${disk}: log to ${formatHex(lastZxid)}, ${epochs}, state at ${formatHex(checkpointZxid)}`
    }
    case 'vote':
      return `votes for ${event.leader} (${event.peerEpoch}, ${formatHex(event.zxid)}) in round ${event.electionEpoch}`
    case 'promise':
      return `promises epoch ${event.epoch}`
    case 'established':
      return `is established in epoch ${event.epoch} after ${formatHex(event.lastZxid)}`
    case 'broadcast':
      return `proposes ${formatHex(event.zxid)}`
    case 'ack':
      return `acks ${formatHex(event.zxid)} in epoch ${event.epoch}`
    case 'newLeaderAck':
      return `acks the leader of epoch ${event.epoch}`
    case 'commit':
      return `commits ${formatHex(event.zxid)} in epoch ${event.epoch}`
    case 'apply':
      return `applies ${formatHex(event.zxid)}: ${describeTxn(event.txn)}`
    case 'roleChange': {
      const serving = event.serving ? ', serving' : ''
      return `is ${event.role} in epoch ${event.epoch}${serving}`
    }
    case 'sessionTouch':
      return `hears session ${formatHex(event.sessionId)}`
    default:
      return describeOutside(event)
  }
}

function describeOutside(
  event: Extract<HistoryEvent, { client: number }> | Extract<HistoryEvent, { kind: WorldKind }>,
): string {
  switch (event.kind) {
    case 'connect': {
      const asked = `connection ${event.connection} to server ${event.server}`
      if (event.outcome !== 'accepted') return `${asked}: ${event.outcome}`
      return `${asked}: session ${formatHex(event.sessionId)}, has seen ${formatHex(event.lastZxidSeen)}`
    }
    case 'disconnect':
      return `connection ${event.connection} is gone`
    case 'invoke':
      return `xid ${event.xid}: ${describeRequest(event.request)}`
    case 'return': {
      const result = event.err === 0 ? 'ok' : errorCodeName(event.err)
      return `xid ${event.xid} returns ${result} at ${formatHex(event.zxid)}`
    }
    case 'watchSet':
      return `watches ${event.path} (${event.mode}) from ${formatHex(event.zxid)}`
    case 'watchEvent': {
      const zxid = event.zxid === null ? 'by setWatches' : `at ${formatHex(event.zxid)}`
      return `event ${event.type} of ${event.path} ${zxid}`
    }
    case 'config':
      return `ensemble ${event.voters.join(', ')}; observers ${event.observers.join(', ')}`
    case 'faultBegin':
    case 'faultEnd': {
      const where = event.server === null ? '' : ` of server ${event.server}`
      return `${event.name}${where} ${event.kind === 'faultBegin' ? 'begins' : 'ends'}`
    }
    case 'heal':
      return 'everything is healed'
    case 'end':
      return `end with ${event.replicas.length} replicas`
    default:
      return 'unknown event'
  }
}

type WorldKind = 'config' | 'end' | 'faultBegin' | 'faultEnd' | 'heal'

function describeRequest(request: ClientRequest): string {
  const path = 'path' in request ? ` ${request.path}` : ''
  return opCodeName(request.type) + path
}

function describeTxn(txn: Txn): string {
  if (txn.type === OpCode.multi) return `multi [${txn.txns.map(describeTxn).join(', ')}]`
  if (txn.type === OpCode.error) return `refused, ${errorCodeName(txn.err)}`
  return 'path' in txn ? `${opCodeName(txn.type)} ${txn.path}` : opCodeName(txn.type)
}
