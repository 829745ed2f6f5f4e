import path from 'node:path'
import type { Command } from 'commander'
import { formatHex } from '../base/index.ts'
import {
  type BackupReport,
  backUpFolder,
  backUpServer,
  count,
  lookAtFolder,
  MaintenanceError,
  notOurs,
  openArchive,
  rangeOf,
  size,
  verifyChain,
} from '../maintenance/index.ts'
import { EXIT } from './exit-codes.ts'
import { progressPrinter } from './import-text.ts'
import { type FolderFlags, readFolder } from './maintenance-folder.ts'
import { MAINTENANCE_CODES, print, runTool } from './maintenance-run.ts'

interface BackupFlags extends FolderFlags {
  readonly to?: string
  readonly list?: string
  readonly verify?: string
  readonly server?: string
  readonly auth?: string
  readonly json?: boolean
}

const HELP = `The data folder is only read; its server may run or not. A backup holds the state of the last checkpoint and every
transaction after it, as files that Apache ZooKeeper understands too, with their SHA-256 in backup.json. Backups into
the same folder go on where the last one ended, so that restore can go back to any transaction in between.

  zabkeeper backup /var/lib/zabkeeper --to /backup/zk
  zabkeeper backup zoo.cfg --to /backup/zk-$(date +%F).tar
  zabkeeper backup --server 127.0.0.1:8080 --auth "Bearer <token>" --to /backup/zk
  zabkeeper backup --list /backup/zk
  zabkeeper backup --verify /backup/zk

--server fetches the state from the admin port of a server, ours or an Apache ZooKeeper 3.9: a state only, without
transactions.

Everything is read again and compared at the end. When a backup fails nothing of it is left.

${MAINTENANCE_CODES}`

export function addBackup(program: Command): void {
  program
    .command('backup')
    .description('back a data folder up')
    .argument('[dataDir]', 'data folder of a server, or its zoo.cfg')
    .helpOption('-h, --help', 'print this help')
    .option('--log-dir <folder>', 'its dataLogDir, if its configuration has one')
    .option('--to <folder or file.tar>', 'where to: a folder is added to, a file must be new')
    .option('--server <host:port>', 'instead of a data folder: the admin port of a running server')
    .option('--auth <text>', 'Authorization for it (or ZABKEEPER_ADMIN_AUTH): "Bearer <token>"')
    .option('--list <backup>', 'say what can be restored from a backup')
    .option('--verify <backup>', 'compare every file of a backup with its checksum')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `\n${HELP}`)
    .action((where: string | undefined, flags: BackupFlags) => {
      runTool(() => runBackup(where, flags))
    })
}

async function runBackup(where: string | undefined, flags: BackupFlags): Promise<number> {
  if (flags.list !== undefined) return await list(flags.list, false)
  if (flags.verify !== undefined) return await list(flags.verify, true)
  if (flags.to === undefined || (where === undefined) === (flags.server === undefined)) {
    const what = 'give a data folder or --server, and with --to where its backup goes'
    throw new MaintenanceError(what, true)
  }
  if (flags.server !== undefined) return await runServerBackup(flags.server, flags.to, flags)
  return await runFolderBackup(where!, flags.to, flags)
}

async function runServerBackup(
  address: string,
  place: string,
  flags: BackupFlags,
): Promise<number> {
  const to = path.resolve(place)
  const authorization = flags.auth ?? process.env['ZABKEEPER_ADMIN_AUTH'] ?? null
  const report = await backUpServer({ address, authorization }, to, progressPrinter())
  await print(flags.json === true ? reportJson(to, report) : describe(address, to, report))
  return EXIT.ok.code
}

async function runFolderBackup(where: string, place: string, flags: BackupFlags): Promise<number> {
  const { dataDir, logDir } = readFolder(where, flags)
  const folder = lookAtFolder(dataDir, logDir)
  if (folder.kind !== 'ours') throw notOurs(folder)
  const to = path.resolve(place)
  const report = await backUpFolder(folder, to, progressPrinter())
  await print(flags.json === true ? reportJson(to, report) : describe(dataDir, to, report))
  return EXIT.ok.code
}

async function list(backup: string, isVerified: boolean): Promise<number> {
  for (const chain of openArchive(backup)) {
    const verified = isVerified
      ? `, ${size(await verifyChain(chain, progressPrinter()))} verified`
      : ''
    await print(`${rangeOf(chain)}${verified}\n`)
  }
  return EXIT.ok.code
}

function describe(from: string, to: string, report: BackupReport): string {
  const { chain, isContinued, snapshot, log, firstZxid, lastZxid, verifiedBytes } = report
  const lines = [
    `backed up ${from} to ${to}`,
    isContinued
      ? `  chain     ${chain}, continued`
      : `  chain     ${chain}, begun: its history is not in the backup yet`,
    snapshot === null
      ? '  state     nothing new: that of the checkpoint is there already'
      : `  state     ${snapshot.file}, ${size(snapshot.bytes)}: ${count(snapshot.znodes, 'znode')}, ${count(snapshot.sessions, 'session')}`,
    log === null
      ? '  log       nothing new'
      : `  log       ${log.file}, ${size(log.bytes)}: ${count(log.entries, 'transaction')} up to zxid ${formatHex(log.lastZxid)}`,
    `  restores  zxid ${formatHex(firstZxid)} to ${formatHex(lastZxid)}`,
    `  verified  ${size(verifiedBytes)} read again and compared`,
  ]
  return `${lines.join('\n')}\n`
}

function reportJson(to: string, report: BackupReport): string {
  const text = JSON.stringify({ to, ...report }, (_, value: unknown) =>
    typeof value === 'bigint' ? formatHex(value) : value,
  )
  return `${text}\n`
}
