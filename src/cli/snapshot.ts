import type { Command } from 'commander'
import { formatHex } from '../base/index.ts'
import {
  compareTrees,
  differencesText,
  type LoadedState,
  loadState,
  parseZxid,
  reportState,
  stateJson,
  stateText,
} from '../maintenance/index.ts'
import { EXIT } from './exit-codes.ts'
import { progressPrinter } from './import-text.ts'
import { type FolderFlags, readFolder } from './maintenance-folder.ts'
import { MAINTENANCE_CODES, print, runTool } from './maintenance-run.ts'
import { readInteger } from './read-integer.ts'

interface StatFlags extends FolderFlags {
  readonly zxid?: string
  readonly depth: number
  readonly top: number
  readonly json?: boolean
}

interface CompareFlags {
  readonly max: number
  readonly json?: boolean
}

const STAT_HELP = `A state is the checkpoint with the log after it, of a data folder of ours or of Apache ZooKeeper; a snapshot.<zxid> file of
Apache's (.gz too); or a backup. It is only read, so a server may be running.

  zabkeeper snapshot stat /var/lib/zabkeeper
  zabkeeper snapshot stat /var/lib/zabkeeper --depth 3 --top 20
  zabkeeper snapshot stat /var/lib/zookeeper/version-2/snapshot.1f --json
  zabkeeper snapshot stat /backup/zk --zxid 0x100000020

${MAINTENANCE_CODES}`

const COMPARE_HELP = `Each side is what snapshot stat takes. A znode is shown once, by the first of these that differs: data, acl, owner (session of
an ephemeral), stat (times, versions).

  zabkeeper snapshot compare /srv/member1 /srv/member2

Exit codes:
  0   both are the same
  1   they differ, or one cannot be read
  2   wrong arguments`

export function addSnapshot(program: Command): void {
  const snapshot = program.command('snapshot').description('look at a state on disk')
  snapshot.helpOption('-h, --help', 'print this help')
  snapshot
    .command('stat')
    .description('say what a state is made of')
    .argument('<dataDir>', 'data folder, zoo.cfg, snapshot file, or backup')
    .helpOption('-h, --help', 'print this help')
    .option('--log-dir <folder>', 'the dataLogDir of a data folder, if it has one')
    .option('--zxid <zxid>', 'the state after this transaction (default: the last)')
    .option(
      '--depth <n>',
      'add subtrees up down to this depth',
      (text) => readInteger(text, 1, 64),
      2,
    )
    .option('--top <n>', 'length of each list', (text) => readInteger(text, 0, 1_000_000), 10)
    .option('--json', 'print it as JSON')
    .addHelpText('after', `\n${STAT_HELP}`)
    .action((where: string, flags: StatFlags) => runTool(() => runStat(where, flags)))
  snapshot
    .command('compare')
    .description('say how two states differ')
    .argument('<left>', 'data folder, snapshot file, or backup')
    .argument('<right>', 'the other one')
    .helpOption('-h, --help', 'print this help')
    .option('--max <n>', 'differences to print', (text) => readInteger(text, 0, 1_000_000), 50)
    .option('--json', 'print them as JSON, one a line')
    .addHelpText('after', `\n${COMPARE_HELP}`)
    .action((left: string, right: string, flags: CompareFlags) => {
      runTool(() => runCompare(left, right, flags))
    })
}

async function runStat(where: string, flags: StatFlags): Promise<number> {
  const zxid = flags.zxid === undefined ? null : parseZxid(flags.zxid, '--zxid')
  const loaded = await load(where, flags, zxid)
  const report = reportState(loaded, flags.depth, flags.top)
  await print(flags.json === true ? stateJson(report) : stateText(report))
  return EXIT.ok.code
}

async function runCompare(left: string, right: string, flags: CompareFlags): Promise<number> {
  const a = await load(left, {}, null)
  const b = await load(right, {}, null)
  const differences = compareTrees(a.state.tree.znodes(), b.state.tree.znodes())
  if (flags.json === true) {
    for (const difference of differences.slice(0, flags.max)) {
      await print(`${JSON.stringify(difference)}\n`)
    }
  } else await print(differencesText(a, b, differences, flags.max))
  return differences.length === 0 ? EXIT.ok.code : EXIT.failure.code
}

async function load(
  where: string,
  flags: FolderFlags,
  zxid: ReturnType<typeof parseZxid> | null,
): Promise<LoadedState> {
  const isConfig = /\.cfg$/.test(where)
  const { dataDir, logDir } = isConfig
    ? readFolder(where, flags)
    : { dataDir: where, logDir: flags.logDir ?? null }
  const loaded = await loadState(dataDir, logDir, zxid, progressPrinter())
  for (const remark of loaded.remarks) {
    process.stderr.write(`zabkeeper: ${remark} (up to ${formatHex(loaded.state.lastApplied)})\n`)
  }
  return loaded
}
