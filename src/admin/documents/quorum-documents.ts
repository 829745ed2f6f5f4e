import { counterOf, epochOf, formatHex } from '../../base/index.ts'
import type { Address } from '../../env/index.ts'
import type { MemberStatus, ObserverStatus } from '../../server/index.ts'
import { formatSocketAddress } from '../numbers.ts'
import type { AdminAnswer, AdminContext } from './admin-document.ts'
import { type JsonObject, jsonObject } from './json.ts'

/** Who leads. A server that stands alone, and one that serves reads only, know of nobody. */
export function leaderAnswer({ status }: AdminContext): AdminAnswer {
  const { quorum } = status
  if (quorum === null || quorum.leader === null) return { error: 'server is not initialized' }
  const leader = quorum.members.find(({ id }) => id === quorum.leader)
  return {
    data: [
      ['is_leader', quorum.leader === quorum.self],
      ['leader_id', quorum.leader],
      ['leader_ip', leader?.quorumAddresses[0]?.host ?? ''],
    ],
  }
}

export function observersAnswer({ status: { quorum } }: AdminContext): AdminAnswer {
  const count = quorum?.leadership?.syncedObservers ?? quorum?.observerCount ?? 0
  return {
    data: [
      ['synced_observers', count],
      ['observers', (quorum?.observers ?? []).map(observer)],
    ],
  }
}

/** The servers that have a vote. */
export function votingViewAnswer({ status: { quorum, isReadOnly } }: AdminContext): AdminAnswer {
  const members = isReadOnly ? [] : (quorum?.members ?? [])
  const voters = members.filter(({ role }) => role === 'participant')
  return {
    data: [
      ['current_config', jsonObject(voters.map((member) => [String(member.id), voter(member)]))],
    ],
  }
}

/** Where this server is in Zab; next to nothing for one that stands alone or has no leader. */
export function zabStateAnswer({ status }: AdminContext): AdminAnswer {
  const { quorum } = status
  const self = quorum?.members.find(({ id }) => id === quorum.self)
  if (quorum === null || self === undefined || !status.isServing || status.isReadOnly) {
    return {
      data: [
        ['voting', false],
        ['zabstate', ''],
      ],
    }
  }
  const zxid = status.lastProcessedZxid
  return {
    data: [
      ['myid', quorum.self],
      ['is_leader', quorum.leader === quorum.self],
      ['quorum_address', addressSet(self.quorumAddresses)],
      ['election_address', addressSet(self.electionAddresses)],
      ['client_address', clientAddress(self)],
      ['voting', self.role === 'participant'],
      ['last_zxid', formatHex(zxid)],
      ['zab_epoch', epochOf(zxid)],
      ['zab_counter', counterOf(zxid)],
      ['zabstate', quorum.zabPhase],
    ],
  }
}

function voter(member: MemberStatus): JsonObject {
  return jsonObject([
    ['server_addresses', member.quorumAddresses.map(hostAndPort)],
    ['election_addresses', member.electionAddresses.map(hostAndPort)],
    ['client_address', clientAddress(member)],
    ['learner_type', member.role],
  ])
}

/** The keys of upstream's `MultipleAddresses`. Its own addresses are taken to be reachable. */
function addressSet(addresses: readonly Address[]): JsonObject {
  const all = addresses.map(hostAndPort)
  const [first = ''] = all
  const ports = [...new Set(addresses.map(({ port }) => port))]
  return jsonObject([
    ['empty', addresses.length === 0],
    ['all_addresses', all],
    ['all_reachable_addresses', all],
    ['one', first],
    ['reachable_address', first],
    ['wildcard_addresses', ports.map((port) => `0.0.0.0:${port}`)],
    ['all_ports', ports],
    ['all_host_strings', addresses.map(({ host }) => host)],
    ['all_reachable_addresses_or_all', all],
    ['reachable_or_one', first],
  ])
}

function observer(status: ObserverStatus): JsonObject {
  return jsonObject([
    ['remote_socket_address', formatSocketAddress(status.remote)],
    ['sid', status.sid],
    ['established', status.establishedMs],
    ['queued_packets', status.queuedPackets],
    ['queued_packets_size', status.queuedBytes],
    ['packets_received', status.packetsReceived],
    ['packets_sent', status.packetsSent],
    ['requests', status.requests],
    ['last_zxid', status.lastZxid],
  ])
}

function clientAddress({ clientAddress: address }: MemberStatus): string {
  if (address === null) return ''
  return hostAndPort({ host: address.host === '' ? '0.0.0.0' : address.host, port: address.port })
}

function hostAndPort({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
