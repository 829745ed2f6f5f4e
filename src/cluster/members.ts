import { formatAddress } from '../platform/sockets/index.ts'
import type { ListedServer } from './membership.ts'
import type { ServerReport } from './server-report.ts'
import { type Column, renderTable } from './table.ts'

/** A server as the ensemble's list has it, and what it is doing. */
export interface Member extends ListedServer {
  readonly report: ServerReport
}

const COLUMNS: readonly Column<Member>[] = [
  { title: 'ID', align: 'right', cell: ({ id }) => String(id) },
  { title: 'ROLE', align: 'left', cell: ({ role }) => role },
  { title: 'HOST', align: 'left', cell: ({ host }) => host },
  { title: 'QUORUM PORT', align: 'right', cell: ({ quorumPort }) => String(quorumPort) },
  { title: 'ELECTION PORT', align: 'right', cell: ({ electionPort }) => String(electionPort) },
  { title: 'CLIENTS', align: 'left', cell: ({ client }) => formatAddress(client) },
  { title: 'STATE', align: 'left', cell: ({ report }) => report.state },
]

export function renderMembers(members: readonly Member[]): string {
  return renderTable(COLUMNS, members)
}

export function membersDocument(members: readonly Member[]): object {
  return members.map(({ id, role, host, quorumPort, electionPort, client, report }) => ({
    id,
    role,
    host,
    quorumPort,
    electionPort,
    client: formatAddress(client),
    state: report.state,
    reason: report.reason,
  }))
}
