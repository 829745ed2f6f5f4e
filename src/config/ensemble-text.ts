import { addressesOf, type EnsembleConfig, type MemberConfig } from './ensemble.ts'

/** What {@link ensembleText} writes down. */
export type Membership = Pick<EnsembleConfig, 'groups' | 'members' | 'weights'>

/**
 * An ensemble as its servers tell it each other (NEWLEADER, notifications), as `conf` shows it and as
 * `/zookeeper/config` holds it: one line a server, then the groups and weights if there are groups, and at last,
 * without a line end, the version in hex (`QuorumMaj.toString`, `QuorumHierarchical.toString`).
 *
 * @param version the zxid that brought this configuration about; 0 for one that comes from files alone.
 */
export function ensembleText(membership: Membership, version: bigint): string {
  const members = [...membership.members].sort((a, b) => a.id - b.id)
  return [
    ...members.map((member) => `server.${member.id}=${memberText(member)}\n`),
    ...(membership.groups.length === 0 ? [] : groupLines(membership, members)),
    `version=${BigInt.asUintN(64, version).toString(16)}`,
  ].join('')
}

/** `host:quorumPort:electionPort[|…]:role[;clientHost:clientPort]`, with every default written out, in order of hosts. */
export function memberText(member: MemberConfig): string {
  const addresses = [...addressesOf(member)]
    .sort((a, b) => (a.host < b.host ? -1 : Number(a.host > b.host)))
    .map(({ host, quorumPort, electionPort }) => `${hostText(host)}:${quorumPort}:${electionPort}`)
  const peer = `${addresses.join('|')}:${member.role}`
  if (member.client === null) return peer
  const { host, port } = member.client
  return `${peer};${host === '' ? '0.0.0.0' : hostText(host)}:${port}`
}

/** Upstream writes down the weight of every voter, 1 included. */
function groupLines(membership: Membership, members: readonly MemberConfig[]): string[] {
  const groups = [...membership.groups].sort((a, b) => a.id - b.id)
  const voters = members.filter((member) => member.role === 'participant')
  return [
    ...groups.map((group) => {
      const ids = [...group.members].sort((a, b) => a - b)
      return `group.${group.id}=${ids.join(':')}\n`
    }),
    ...voters.map(({ id }) => `weight.${id}=${membership.weights.get(id) ?? 1}\n`),
  ]
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
