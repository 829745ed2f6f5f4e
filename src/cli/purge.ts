import type { Command } from 'commander'
import { APACHE_KEEP_MIN, lookAtFolder, planPurge, purge, size } from '../maintenance/index.ts'
import { EXIT } from './exit-codes.ts'
import { type FolderFlags, readFolder } from './maintenance-folder.ts'
import { MAINTENANCE_CODES, print, runTool } from './maintenance-run.ts'
import { readInteger } from './read-integer.ts'

interface PurgeFlags extends FolderFlags {
  readonly keep?: number
  readonly dryRun?: boolean
  readonly json?: boolean
}

const HELP = `A server of ours purges its own log after each checkpoint, so this is about the rest: what other commands left, files of an
Apache ZooKeeper beside ours, and, while the server is stopped, prepared segments and those that the checkpoint has
made superfluous. In a folder of Apache's all but the newest --keep snapshots go, with the logs from before them (at
least ${APACHE_KEEP_MIN}, as zkCleanup.sh does it; the server may run). In a folder of backups all but the last --keep states go.

  zabkeeper purge /var/lib/zabkeeper --dry-run
  zabkeeper purge /var/lib/zookeeper --keep 3
  zabkeeper purge /backup/zk --keep 10

${MAINTENANCE_CODES}`

export function addPurge(program: Command): void {
  program
    .command('purge')
    .description('delete what a data folder does not need')
    .argument('<dataDir>', 'data folder of a server, or its zoo.cfg')
    .helpOption('-h, --help', 'print this help')
    .option('--log-dir <folder>', 'its dataLogDir, if its configuration has one')
    .option(
      '--keep <n>',
      'how many stay: snapshots of Apache (default 3), states of a backup (default 3), folders from before a repair (default 1)',
      (text) => readInteger(text, 0, 1_000_000),
    )
    .option('--dry-run', 'only say what would go')
    .option('--json', 'print it as JSON')
    .addHelpText('after', `\n${HELP}`)
    .action((where: string, flags: PurgeFlags) => runTool(() => runPurge(where, flags)))
}

async function runPurge(where: string, flags: PurgeFlags): Promise<number> {
  const { dataDir, logDir } = readFolder(where, flags)
  const folder = lookAtFolder(dataDir, logDir)
  const keep = flags.keep ?? (folder.kind === 'ours' ? 1 : APACHE_KEEP_MIN)
  const plan = await planPurge(folder, keep)
  const isDry = flags.dryRun ?? false
  if (!isDry) await purge(folder, plan, keep)
  const bytes = plan.leftovers.reduce((sum, each) => sum + each.bytes, 0)
  if (flags.json === true) {
    await print(`${JSON.stringify({ dataDir: folder.dataDir, isDry, bytes, ...plan })}\n`)
    return EXIT.ok.code
  }
  for (const { path, bytes: each, reason } of plan.leftovers) {
    await print(`${isDry ? 'would delete' : 'deleted'} ${path} (${size(each)}): ${reason}\n`)
  }
  for (const kept of plan.kept) await print(`kept ${kept}\n`)
  await print(`${isDry ? 'would free' : 'freed'} ${size(bytes)}\n`)
  return EXIT.ok.code
}
