import { counterOf, epochOf, type Zxid } from '../base/index.ts'
import { formatAddress } from '../platform/sockets/index.ts'
import type { ListedServer } from './membership.ts'
import type { ServerReport, ServerState } from './server-report.ts'

/** One server beside the others. */
export interface ServerRow extends ServerReport {
  /** As the ensemble's list has it; null when there is no list. */
  readonly role: ListedServer['role'] | null
  /**
   * Transactions that the leader had executed when it was asked and this server had not. Null for the leader, without one,
   * and across epochs. Both are asked at about the same time: under load a few say nothing.
   */
  readonly lag: number | null
}

/** Several servers at about one moment, and what is wrong with them. */
export interface EnsembleReport {
  readonly servers: readonly ServerRow[]
  /** The one that leads, or stands alone; of several that say so, that of the highest epoch. */
  readonly leader: ServerRow | null
  readonly quorum: QuorumReport | null
  /** What is wrong with single servers, a sentence each. */
  readonly serverProblems: readonly string[]
  /** What does not fit together. */
  readonly ensembleProblems: readonly string[]
}

/** Null for a single server and where nobody tells who belongs to the ensemble. */
export interface QuorumReport {
  readonly voters: number
  readonly servingVoters: number
  /** A server serves: it would not without a leader, nor that one without a quorum. */
  readonly isThere: boolean
  /** How many more voting servers may fail; null where groups and weights decide. */
  readonly spare: number | null
}

/** Whether and how the whole ensemble was asked. */
export interface EnsembleList {
  readonly servers: readonly ListedServer[]
  readonly hasGroups: boolean
}

const SERVING: ReadonlySet<ServerState> = new Set(['follower', 'leader', 'observer', 'standalone'])

/** True when it takes reads and writes. */
export function isServing({ state }: Pick<ServerReport, 'state'>): boolean {
  return SERVING.has(state)
}

/** @param list of the ensemble; null when only some servers were asked. Its servers are in the order of `reports` */
export function compareServers(
  reports: readonly ServerReport[],
  list: EnsembleList | null,
): EnsembleReport {
  const leader = findLeader(reports)
  const servers = reports.map((report, index): ServerRow => {
    const listed = list?.servers[index]
    const lag = report === leader ? null : lagBehind(leader?.zxid ?? null, report.zxid)
    return { ...report, id: listed?.id ?? report.id, role: listed?.role ?? null, lag }
  })
  const shownLeader = leader === null ? null : servers[reports.indexOf(leader)]!
  const quorum = list === null ? null : countVotes(servers, list)
  return {
    servers,
    leader: shownLeader,
    quorum,
    serverProblems: [
      ...servers.flatMap(ownProblem),
      ...servers.flatMap((row, index) => identityProblem(row, reports[index]!)),
    ],
    ensembleProblems: [
      ...leaderProblems(servers, quorum),
      ...epochProblems(servers, shownLeader),
      ...listProblems(servers),
    ],
  }
}

/** All of it; empty when all is well. */
export function problemsOf({ serverProblems, ensembleProblems }: EnsembleReport): string[] {
  return [...serverProblems, ...ensembleProblems]
}

function findLeader(reports: readonly ServerReport[]): ServerReport | null {
  const leaders = reports.filter(({ state }) => state === 'leader')
  const alone = reports.filter(({ state }) => state === 'standalone')
  const epoch = ({ zxid }: ServerReport): number => (zxid === null ? -1 : epochOf(zxid))
  return leaders.sort((a, b) => epoch(b) - epoch(a))[0] ?? (alone.length === 1 ? alone[0]! : null)
}

function lagBehind(leader: Zxid | null, own: Zxid | null): number | null {
  if (leader === null || own === null || epochOf(leader) !== epochOf(own)) return null
  return Math.max(0, counterOf(leader) - counterOf(own))
}

function countVotes(servers: readonly ServerRow[], list: EnsembleList): QuorumReport | null {
  if (list.servers.length === 0) return null
  const voters = servers.filter(({ role }) => role === 'participant')
  const servingVoters = voters.filter(isServing).length
  const majority = Math.floor(voters.length / 2) + 1
  return {
    voters: voters.length,
    servingVoters,
    isThere: servers.some(isServing),
    spare: list.hasGroups ? null : Math.max(0, servingVoters - majority),
  }
}

/* ------------------------------------------------------------------ what may be wrong */

function ownProblem(row: ServerRow): string[] {
  return isServing(row) ? [] : [`${nameOf(row)}: ${row.state}: ${row.reason}`]
}

/** The list says who is at an address, and the server there says who it is. */
function identityProblem(row: ServerRow, report: ServerReport): string[] {
  if (row.role === null || report.id === null || report.id === row.id) return []
  return [`${nameOf(row)}: what answers there is server ${report.id}`]
}

function leaderProblems(servers: readonly ServerRow[], quorum: QuorumReport | null): string[] {
  const leaders = servers.filter(({ state }) => state === 'leader').map(nameOf)
  const alone = servers.filter(({ state }) => state === 'standalone').map(nameOf)
  const problems: string[] = []
  if (leaders.length > 1) {
    const advice =
      'they are of different ensembles, or one has not noticed yet that it was replaced'
    problems.push(`${leaders.join(' and ')} lead: ${advice}`)
  }
  if (alone.length > 0 && servers.length > 1) {
    const what = alone.length === 1 ? 'stands alone' : 'stand alone'
    problems.push(`${alone.join(' and ')} ${what}: the others do not have what is written there`)
  }
  if (quorum?.isThere === false) {
    const { voters, servingVoters } = quorum
    problems.push(`no quorum: ${servingVoters} of ${voters} voting servers serve`)
  }
  return problems
}

/** A learner is in the epoch of its leader from its synchronization on. */
function epochProblems(servers: readonly ServerRow[], leader: ServerRow | null): string[] {
  const current = leader?.zxid ?? null
  if (current === null || leader?.state !== 'leader') return []
  return servers.flatMap((row) => {
    const isLearner = row.state === 'follower' || row.state === 'observer'
    if (!isLearner || row.zxid === null || epochOf(row.zxid) <= epochOf(current)) return []
    const epochs = `epoch ${epochOf(row.zxid)} is later than the leader's, ${epochOf(current)}`
    return [`${nameOf(row)}: its ${epochs}`]
  })
}

/** Client ports are each server's own matter: in files without them everybody knows but its own. */
function listProblems(servers: readonly ServerRow[]): string[] {
  const told = servers.flatMap(({ membership, ...row }) =>
    membership === null ? [] : [{ name: nameOf(row), list: numbersIn(membership) }],
  )
  const first = told[0]
  if (first === undefined) return []
  return told
    .filter(({ list }) => list !== first.list)
    .map(({ name, list }) => `${name} lists other servers than ${first.name}: ${list}`)
}

function numbersIn(membership: string): string {
  const lines = membership.matchAll(/^server\.(\d+)=[^;\n]*?(?::(observer|participant))?(?:;|$)/gm)
  const servers = [...lines].map(([, id, role]) => (role === 'observer' ? `${id} (observer)` : id))
  return servers.join(', ')
}

/** How a server is called in sentences. */
export function nameOf({ id, address }: Pick<ServerReport, 'address' | 'id'>): string {
  return id === null ? formatAddress(address) : `server ${id} (${formatAddress(address)})`
}
