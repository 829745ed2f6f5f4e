import path from 'node:path'
import type { Command } from 'commander'
import { ApacheFilesError, importApacheFiles } from '../apache-files/index.ts'
import { IoError } from '../env/index.ts'
import {
  NewFolder,
  type OpenedSource,
  openApacheSource,
  syncFolder,
  TargetError,
} from '../maintenance/index.ts'
import { exitOnProgramFailure, onStopSignal, openPlatform } from '../platform/index.ts'
import { defaultStorageOptions, StorageError } from '../storage/index.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { describeImport, progressPrinter } from './import-text.ts'
import { exitCodeOfStorage } from './storage-exit-code.ts'

interface ImportFlags {
  readonly from: string
  readonly logDir?: string
  readonly to: string
  readonly salvage?: boolean
}

/** In the order in which they may appear: a folder without its log is refused by a server. */
const NAMES = ['checkpoint', 'log'] as const
const UNFINISHED = 'import.unfinished'

const IMPORT_HELP = `Stop the Apache server first. Its files are only read. The new folder serves alone or, with the same server.N
lines and its myid, as a member of an ensemble; sessions and zxids go on.

  zabkeeper import --from /var/lib/zookeeper --to /srv/zabkeeper
  zabkeeper serve --data-dir /srv/zabkeeper

Everything is verified before it counts: checksums, that no transaction is missing, tree digests. When the import
fails there is no new folder.

Exit codes:
  0   imported
  1   failed in a way that is not one of these
  2   wrong arguments
  3   a folder cannot be used: no data there, not empty, not permitted, in use
  10  the disk is full or failed
  11  the files are damaged, or torn at the end and --salvage was not given
  70  a fault in the program itself`

export function addImport(program: Command): void {
  program
    .command('import')
    .description('make a data folder from the one of an Apache ZooKeeper')
    .helpOption('-h, --help', 'print this help')
    .requiredOption('--from <folder>', 'dataDir of the Apache server')
    .option('--log-dir <folder>', 'its dataLogDir, if zoo.cfg has one')
    .requiredOption('--to <folder>', 'data folder to be made; empty or missing')
    .option(
      '--salvage',
      'take what is there when the end of the log is torn, or a digest is not as stated',
    )
    .addHelpText('after', `\n${IMPORT_HELP}`)
    .action((flags: ImportFlags) => runImport(flags))
}

function runImport(flags: ImportFlags): void {
  const platform = openPlatform({ log: { format: 'text', level: 'warn', fd: 2 } })
  exitOnProgramFailure(platform.logger)
  let folder: NewFolder | null = null
  const end = (error: unknown): never => {
    folder?.discard()
    return exitWith(error)
  }
  try {
    const opened = openApacheSource(path.resolve(flags.from), resolve(flags.logDir), () => {
      return folder!.unfinished
    })
    const target = NewFolder.begin(path.resolve(flags.to), UNFINISHED)
    folder = target
    onStopSignal((signal) => {
      target.discard()
      process.exit(signal === 'SIGINT' ? 130 : 143)
    })
    const storage = defaultStorageOptions(target.unfinished)
    const options = { storage, salvage: flags.salvage ?? false }
    const { source } = opened
    importApacheFiles(platform, source, options, progressPrinter(), (error, report) => {
      if (error !== null) return end(error)
      try {
        complete(target, opened)
      } catch (fault) {
        return end(fault)
      }
      process.stdout.write(describeImport(flags.from, target.path, report!))
      process.exit(EXIT.ok.code)
    })
  } catch (error) {
    end(error)
  }
}

function complete(target: NewFolder, { myid, checkUnchanged }: OpenedSource): void {
  checkUnchanged()
  if (myid !== null) target.write('myid', myid)
  syncFolder(target.unfinished)
  target.commit(myid === null ? NAMES : ['myid', ...NAMES])
}

function resolve(folder: string | undefined): string | null {
  return folder === undefined ? null : path.resolve(folder)
}

/** Ends the process with the reason; for `export` too. */
export function exitWith(error: unknown): never {
  if (!isExpectedError(error)) throw error
  process.stderr.write(`zabkeeper: ${error.message}\n`)
  process.exit(exitCodeOf(error).code)
}

/** Errors of the operating system have a code. */
export function isExpectedError(error: unknown): error is Error {
  return (
    error instanceof ApacheFilesError ||
    error instanceof TargetError ||
    error instanceof StorageError ||
    error instanceof IoError ||
    (error instanceof Error && 'syscall' in error)
  )
}

function exitCodeOf(error: Error): ExitCode {
  if (error instanceof StorageError) return exitCodeOfStorage(error)
  if (error instanceof TargetError) return EXIT.dataFolder
  if (error instanceof ApacheFilesError) {
    return error.code === 'DAMAGED' || error.code === 'TORN' ? EXIT.dataDamaged : EXIT.dataFolder
  }
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
      return EXIT.dataFolder
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EIO':
      return EXIT.diskFailed
    default:
      return EXIT.failure
  }
}
