import type { Command } from 'commander'
import type { SessionId } from '../base/index.ts'
import {
  count,
  dumpLog,
  entryJson,
  entryText,
  MaintenanceError,
  parseZxid,
} from '../maintenance/index.ts'
import { EXIT } from './exit-codes.ts'
import { type FolderFlags, readFolder } from './maintenance-folder.ts'
import { MAINTENANCE_CODES, runTool } from './maintenance-run.ts'

interface DumpFlags extends FolderFlags {
  readonly from?: string
  readonly to?: string
  readonly path?: string
  readonly session?: string
  readonly data?: boolean
  readonly json?: boolean
}

const HELP = `The log is only read, so a server may be running. What is between transactions (epochs, checkpoints, what a leader took
back) is shown with a # in front, damage too; behind damage it goes on with what can be read.

  zabkeeper log dump /var/lib/zabkeeper
  zabkeeper log dump /var/lib/zabkeeper --path /config --data
  zabkeeper log dump /var/lib/zabkeeper --session 0x1000000ab --json
  zabkeeper log dump /var/lib/zookeeper/version-2/log.1        a log of Apache ZooKeeper

Exit codes:
  0   read to the end; an unfinished write there is normal after a stop by force
  1   it cannot be read, or is damaged
  2   wrong arguments`

export function addLog(program: Command): void {
  const log = program.command('log').description('look at a transaction log')
  log.helpOption('-h, --help', 'print this help')
  log
    .command('dump')
    .description('print the transactions of a log')
    .argument(
      '<dataDir>',
      'data folder of a server, its zoo.cfg, or a log.<zxid> of Apache ZooKeeper',
    )
    .helpOption('-h, --help', 'print this help')
    .option('--log-dir <folder>', 'its dataLogDir, if its configuration has one')
    .option('--from <zxid>', 'first transaction to print')
    .option('--to <zxid>', 'last transaction to print')
    .option('--path <path>', 'only what concerns this znode or those below it')
    .option('--session <id>', 'only what this session did')
    .option('--data', 'with the data: as text, in JSON as base64')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', `\n${HELP}`)
    .action((where: string, flags: DumpFlags) => runTool(() => runDump(where, flags)))
  log.addHelpText('after', `\n${MAINTENANCE_CODES}`)
}

async function runDump(where: string, flags: DumpFlags): Promise<number> {
  const isFile = /(^|\/)log\.[0-9a-f]+$/.test(where)
  const { dataDir, logDir } = isFile ? { dataDir: where, logDir: null } : readFolder(where, flags)
  const filter = {
    from: flags.from === undefined ? null : parseZxid(flags.from, '--from'),
    to: flags.to === undefined ? null : parseZxid(flags.to, '--to'),
    path: flags.path === undefined ? null : readPath(flags.path),
    session: flags.session === undefined ? null : readSession(flags.session),
  }
  const showsData = flags.data ?? false
  const isJson = flags.json ?? false
  const report = await dumpLog(dataDir, logDir, filter, {
    entry: (entry) => {
      process.stdout.write(isJson ? entryJson(entry, showsData) : entryText(entry, showsData))
    },
    remark: (text, isFault) => {
      if (isFault) process.stderr.write(`zabkeeper: ${text}\n`)
      else if (isJson) process.stderr.write(`# ${text}\n`)
      else process.stdout.write(`# ${text}\n`)
    },
  })
  const isWhole = report.shown === report.entries
  const shown = isWhole ? '' : `, ${count(report.shown, 'transaction')} shown`
  process.stderr.write(`# ${count(report.entries, 'transaction')} read${shown}\n`)
  return report.isDamaged ? EXIT.failure.code : EXIT.ok.code
}

function readPath(text: string): string {
  if (text.startsWith('/') && (text === '/' || !text.endsWith('/'))) return text
  throw new MaintenanceError(`--path is ${text}: give the path of a znode, such as /config`, true)
}

function readSession(text: string): SessionId {
  if (/^(0x[0-9a-f]{1,16}|\d{1,19})$/i.test(text))
    return BigInt.asIntN(64, BigInt(text)) as SessionId
  throw new MaintenanceError(`--session is ${text}: give a session id such as 0x100000a`, true)
}
