import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { ApacheFilesError, exportApacheFiles } from '../apache-files/index.ts'
import { NewFolder, syncFolder } from '../maintenance/index.ts'
import { exitOnProgramFailure, onStopSignal, openPlatform } from '../platform/index.ts'
import { defaultStorageOptions } from '../storage/index.ts'
import { EXIT } from './exit-codes.ts'
import { exitWith } from './import.ts'
import { describeExport, progressPrinter } from './import-text.ts'

interface ExportFlags {
  readonly from: string
  readonly logDir?: string
  readonly to: string
}

const UNFINISHED = 'export.unfinished'
const FILES_FOLDER = 'version-2'

const EXPORT_HELP = `Stop the server first. Its data stays as it is. The new folder is the dataDir of an Apache ZooKeeper 3.8 or 3.9, alone or
as a member of an ensemble; sessions and zxids go on. If its zoo.cfg has a dataLogDir, move version-2/log.* to version-2
of that folder.

  zabkeeper export --from /srv/zabkeeper --to /var/lib/zookeeper

When the export fails there is no new folder.

Exit codes:
  0   exported
  1   failed in a way that is not one of these
  2   wrong arguments
  3   a folder cannot be used: no data there, not empty, not permitted, in use
  10  the disk is full or failed
  11  the data is damaged
  70  a fault in the program itself`

export function addExport(program: Command): void {
  program
    .command('export')
    .description('make a data folder for an Apache ZooKeeper')
    .helpOption('-h, --help', 'print this help')
    .requiredOption('--from <folder>', 'data folder of a server that does not run')
    .option('--log-dir <folder>', 'its dataLogDir, if its configuration has one')
    .requiredOption('--to <folder>', 'dataDir to be made; empty or missing')
    .addHelpText('after', `\n${EXPORT_HELP}`)
    .action((flags: ExportFlags) => runExport(flags))
}

function runExport(flags: ExportFlags): void {
  const platform = openPlatform({ log: { format: 'text', level: 'warn', fd: 2 } })
  exitOnProgramFailure(platform.logger)
  const dataDir = path.resolve(flags.from)
  const dataLogDir = path.resolve(flags.logDir ?? flags.from)
  let folder: NewFolder | null = null
  const end = (error: unknown): never => {
    folder?.discard()
    return exitWith(error)
  }
  try {
    checkSource(dataLogDir)
    const myid = readMyid(dataDir)
    const target = NewFolder.begin(path.resolve(flags.to), UNFINISHED)
    folder = target
    onStopSignal((signal) => {
      target.discard()
      process.exit(signal === 'SIGINT' ? 130 : 143)
    })
    const files = target.subfolder(FILES_FOLDER)
    const source = { ...defaultStorageOptions(dataDir), dataLogDir }
    exportApacheFiles(platform, source, files, progressPrinter(), (error, report) => {
      if (error !== null) return end(error)
      try {
        if (myid !== null) target.write('myid', myid)
        syncFolder(files.path)
        target.commit(myid === null ? [FILES_FOLDER] : ['myid', FILES_FOLDER])
      } catch (fault) {
        return end(fault)
      }
      process.stdout.write(describeExport(flags.from, target.path, report!))
      process.exit(EXIT.ok.code)
    })
  } catch (error) {
    end(error)
  }
}

/** Opening a folder without a log would make a new server of it. */
function checkSource(dataLogDir: string): void {
  const folder = path.join(dataLogDir, 'log')
  let names: readonly string[] = []
  try {
    names = readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (names.some((name) => name.endsWith('.log'))) return
  throw new ApacheFilesError(
    'MISSING',
    'There is no log, so this is no data folder of zabkeeper',
    folder,
    'Give its dataDir with --from, and its dataLogDir with --log-dir',
  )
}

function readMyid(dataDir: string): string | null {
  try {
    return readFileSync(path.join(dataDir, 'myid'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
