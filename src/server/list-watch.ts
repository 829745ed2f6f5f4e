import type { ServerId } from '../base/index.ts'
import type { Logger } from '../env/index.ts'

/** `server.N=…` without what clients use, or a group, or a weight. */
const SERVER = /^server\.(\d+)=([^;]*)/
const GROUPING = /^(group|weight)\.\d+=/

/** The log is not to be filled from outside. */
const LISTS_NAMED_MAX = 100
const DIFFERENCE_LENGTH_MAX = 300

/** What decides about quorums in a list of servers. */
interface ListOfServers {
  /** Role by id. */
  readonly roles: ReadonlyMap<string, string>
  /** Lines of groups and weights, in order. */
  readonly groupings: string
}

/**
 * Notices servers whose list of servers is another one than here, by what they send with their votes. With different
 * lists there can be two quorums that do not meet, or none. Hosts and ports are not compared: a server may have different
 * names in different places, and a wrong one shows by not answering.
 */
export class ListWatch {
  readonly #logger: Logger
  readonly #ownText: string
  readonly #own: ListOfServers
  /** What each member has sent last, if it is not the own text. */
  readonly #seen: Map<ServerId, string> = new Map()
  #named = 0

  /** `ownText`: as `ensembleText` makes it. */
  constructor(ownText: string, logger: Logger) {
    this.#ownText = ownText
    this.#own = parse(ownText)
    this.#logger = logger
  }

  /** Says so once for each list that a member sends; who is no member is named elsewhere. */
  onNotification(from: ServerId, text: string): void {
    if (text === '' || text === this.#ownText || !this.#own.roles.has(`${from}`)) return
    if (this.#seen.get(from) === text) return
    this.#seen.set(from, text)
    const difference = differenceOf(this.#own, parse(text))
    if (difference === '' || this.#named === LISTS_NAMED_MAX) return
    this.#named += 1
    const what =
      'a server has another list of servers; give all of them the same lines server.N, group.N and weight.N'
    this.#logger.warn(what, { sid: from, difference })
  }
}

function parse(text: string): ListOfServers {
  const lines = text.split('\n')
  const roles = new Map<string, string>()
  for (const line of lines) {
    const [, id, peer] = SERVER.exec(line) ?? []
    if (id === undefined) continue
    roles.set(id, peer!.trim().endsWith(':observer') ? 'observer' : 'participant')
  }
  const groupings = lines.filter((line) => GROUPING.test(line)).sort()
  return { roles, groupings: groupings.join(' ') }
}

function differenceOf(here: ListOfServers, there: ListOfServers): string {
  const differences: string[] = []
  for (const [id, role] of here.roles) {
    const other = there.roles.get(id)
    if (other === undefined) differences.push(`server.${id} is missing there`)
    else if (other !== role) differences.push(`server.${id} is ${other} there and ${role} here`)
  }
  for (const id of there.roles.keys()) {
    if (!here.roles.has(id)) differences.push(`server.${id} is missing here`)
  }
  if (here.groupings !== there.groupings) {
    const [ours, theirs] = [here, there].map(({ groupings }) => groupings || 'none')
    differences.push(`groups and weights are ${theirs} there and ${ours} here`)
  }
  return differences.join(', ').slice(0, DIFFERENCE_LENGTH_MAX)
}
