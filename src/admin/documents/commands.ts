import type { AdminAnswer, AdminCommand, AdminContext } from './admin-document.ts'
import { eventsAnswer } from './event-documents.ts'
import {
  dumpAnswer,
  hashAnswer,
  watchesAnswer,
  watchesByPathAnswer,
  watchSummaryAnswer,
} from './inventory-documents.ts'
import {
  leaderAnswer,
  observersAnswer,
  votingViewAnswer,
  zabStateAnswer,
} from './quorum-documents.ts'
import {
  configurationAnswer,
  connectionsAnswer,
  dirsAnswer,
  isReadOnlyAnswer,
  lastSnapshotAnswer,
  monitorAnswer,
  serverStatsAnswer,
  statsAnswer,
} from './server-documents.ts'
import {
  environmentAnswer,
  initialConfigurationAnswer,
  setTraceMaskAnswer,
  systemPropertiesAnswer,
  traceMaskAnswer,
} from './start-documents.ts'

type Answer = (context: AdminContext) => AdminAnswer

/** A command, its other names, and what it answers: nothing but that it is done, unless given. */
type Row = readonly [name: string, aliases: readonly string[], answer: Answer]

const DONE: AdminAnswer = { data: [] }

const WITH_SERVER: readonly Row[] = [
  ['configuration', ['conf', 'config'], configurationAnswer],
  ['connection_stat_reset', ['crst'], done(({ control }) => control.resetConnectionStats())],
  ['connections', ['cons'], connectionsAnswer],
  ['dirs', [], dirsAnswer],
  ['dump', [], dumpAnswer],
  ['hash', [], hashAnswer],
  ['initial_configuration', ['icfg'], initialConfigurationAnswer],
  ['is_read_only', ['isro'], isReadOnlyAnswer],
  ['last_snapshot', ['lsnp'], lastSnapshotAnswer],
  ['leader', ['lead'], leaderAnswer],
  ['monitor', ['mntr'], monitorAnswer],
  ['observer_connection_stat_reset', ['orst'], done(({ control }) => control.resetObserverStats())],
  ['observers', ['obsr'], observersAnswer],
  ['ruok', [], () => DONE],
  ['server_stats', ['srvr'], serverStatsAnswer],
  ['stat_reset', ['srst'], done(({ control }) => control.resetStats())],
  ['stats', ['stat'], statsAnswer],
  ['voting_view', [], votingViewAnswer],
  ['watch_summary', ['wchs'], watchSummaryAnswer],
  ['watches', ['wchc'], watchesAnswer],
  ['watches_by_path', ['wchp'], watchesByPathAnswer],
]

const WITHOUT_SERVER: readonly Row[] = [
  ['environment', ['env', 'envi'], environmentAnswer],
  ['events', [], eventsAnswer],
  ['get_trace_mask', ['gtmk'], traceMaskAnswer],
  ['set_trace_mask', ['stmk'], setTraceMaskAnswer],
  ['system_properties', ['sysp'], systemPropertiesAnswer],
  ['zabstate', [], zabStateAnswer],
]

/** Every command of Apache ZooKeeper's admin server that is a question, or a word to the server, and our `events`. */
export const ADMIN_COMMANDS: readonly AdminCommand[] = [
  ...WITH_SERVER.map((row) => commandOf(row, false)),
  ...WITHOUT_SERVER.map((row) => commandOf(row, true)),
].sort((a, b) => (a.name < b.name ? -1 : 1))

const BY_NAME: ReadonlyMap<string, AdminCommand> = new Map(
  ADMIN_COMMANDS.flatMap((command) =>
    [command.name, ...command.aliases].map((name) => [name, command] as const),
  ),
)

export function findAdminCommand(nameOrAlias: string): AdminCommand | undefined {
  return BY_NAME.get(nameOrAlias)
}

function commandOf([name, aliases, answer]: Row, needsNoServer: boolean): AdminCommand {
  return { name, aliases, needsNoServer, answer }
}

function done(action: (context: AdminContext) => void): Answer {
  return (context) => {
    action(context)
    return DONE
  }
}
