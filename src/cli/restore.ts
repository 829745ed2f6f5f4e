import type { Command } from 'commander'
import { formatHex } from '../base/index.ts'
import {
  count,
  MaintenanceError,
  type Point,
  parseTime,
  parseZxid,
  type RestoreReport,
  restoreFolder,
  size,
} from '../maintenance/index.ts'
import { EXIT } from './exit-codes.ts'
import { progressPrinter } from './import-text.ts'
import { MAINTENANCE_CODES, print, runTool } from './maintenance-run.ts'
import { readInteger } from './read-integer.ts'
import { runSubtree } from './restore-subtree.ts'

interface RestoreFlags {
  readonly to?: string
  readonly zxid?: string
  readonly time?: string
  readonly keepZxid?: boolean
  readonly above?: string
  readonly dropSessions?: boolean
  readonly myid?: number
  readonly subtree?: string
  readonly at?: string
  readonly servers?: string
  readonly auth: readonly string[]
  readonly overwrite?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

const HELP = `Makes a data folder: for a server that stands alone, or for every member of an ensemble (the same backup with the same
options for each, and --myid N; or for one member, the others start empty once that one has a leader with them).

  zabkeeper restore /backup/zk --to /var/lib/zabkeeper
  zabkeeper restore /backup/zk --to /var/lib/zabkeeper --time 2026-11-21T17:00:00Z
  zabkeeper restore /backup/zk --to /var/lib/zabkeeper --zxid 0x100000020

The server goes on with the zxids of a new epoch, above all that the backup knows: a client that has seen later
transactions than those restored would otherwise be turned away by the server for good. If the ensemble had later epochs
than the backup, say so with --above <zxid>. --keep-zxid leaves the zxids as they are, for a move to another machine.

Sessions come back with their full timeout: clients that still live take them up, others expire, and their ephemerals
go. --drop-sessions ends them all, for a copy that other clients shall use.

With --subtree a part of the backup goes into a running ensemble, through a client: first it is only shown what would be
done; --yes does it. Znodes that are there and differ are changed with --overwrite only; nothing is ever deleted.
Ephemerals are left out, and znodes get new zxids and times.

  zabkeeper restore /backup/zk --subtree /app --servers host1:2181,host2:2181
  zabkeeper restore /backup/zk --subtree /app --at /app-before --servers host1:2181 --yes

${MAINTENANCE_CODES}`

export function addRestore(program: Command): void {
  program
    .command('restore')
    .description('make a data folder from a backup')
    .argument('<backup>', 'what was given to backup --to')
    .helpOption('-h, --help', 'print this help')
    .option('--to <folder>', 'data folder to be made; empty or missing')
    .option('--zxid <zxid>', 'the state after this transaction (default: the last)')
    .option('--time <time>', 'the state of this time, e.g. 2026-11-21T17:00:00Z')
    .option('--keep-zxid', 'do not begin a new epoch')
    .option('--above <zxid>', 'the new epoch is above that of this zxid, too')
    .option('--drop-sessions', 'end all sessions, and delete their ephemerals')
    .option('--myid <N>', 'server id of the member', (text) => readInteger(text, 1, 255))
    .option('--subtree <path>', 'restore this znode and those below it into a running ensemble')
    .option('--at <path>', 'where it goes (default: where it was)')
    .option('--servers <host:port,...>', 'the servers of the running ensemble')
    .option('--auth <scheme:credentials>', 'prove who you are; may be repeated', collect, [])
    .option('--overwrite', 'change znodes that are there and differ')
    .option('--yes', 'with --subtree: do it')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `\n${HELP}`)
    .action((backup: string, flags: RestoreFlags) => runTool(() => runRestore(backup, flags)))
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

async function runRestore(backup: string, flags: RestoreFlags): Promise<number> {
  if (flags.subtree !== undefined || flags.servers !== undefined) {
    return await runSubtree(backup, pointOf(flags), flags)
  }
  if (flags.to === undefined) {
    throw new MaintenanceError('give the data folder to be made with --to', true)
  }
  const report = await restoreFolder(backup, flags.to, {
    point: pointOf(flags),
    keepZxid: flags.keepZxid ?? false,
    above: flags.above === undefined ? null : parseZxid(flags.above, '--above'),
    dropSessions: flags.dropSessions ?? false,
    myid: flags.myid ?? null,
    onProgress: progressPrinter(),
  })
  await print(
    flags.json === true ? reportJson(flags.to, report) : describe(backup, flags.to, report),
  )
  return EXIT.ok.code
}

function pointOf({ zxid, time }: Pick<RestoreFlags, 'time' | 'zxid'>): Point {
  if (zxid !== undefined && time !== undefined) {
    throw new MaintenanceError('--zxid and --time say the same thing: give one of them', true)
  }
  if (zxid !== undefined) return { kind: 'zxid', zxid: parseZxid(zxid, '--zxid') }
  return time === undefined ? { kind: 'last' } : { kind: 'time', ms: parseTime(time, '--time') }
}

function describe(from: string, to: string, report: RestoreReport): string {
  const { zxid, startZxid, znodes, sessions, ephemerals, myid, epoch, chain } = report
  const lines = [
    `restored ${from} (${chain}) into ${to}`,
    `  state     after zxid ${formatHex(zxid)}: ${count(znodes, 'znode')}`,
    startZxid === zxid
      ? '  zxid      as it was'
      : `  zxid      goes on at ${formatHex(startZxid)}, above all that clients of the backed up server have seen`,
    sessions === 0
      ? '  sessions  none'
      : `  sessions  ${sessions} with ${count(ephemerals, 'ephemeral')}; those that nobody takes up expire after their timeout`,
    myid === null ? '  role      stands alone' : `  role      member ${myid}, epoch ${epoch}`,
    `  verified  ${size(report.verifiedBytes)} of the backup, and the new folder as a start reads it`,
  ]
  return `${lines.join('\n')}\n`
}

function reportJson(to: string, report: RestoreReport): string {
  const text = JSON.stringify({ to, ...report }, (_, value: unknown) =>
    typeof value === 'bigint' ? formatHex(value) : value,
  )
  return `${text}\n`
}
