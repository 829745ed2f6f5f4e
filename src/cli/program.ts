import { Command, Option } from 'commander'
import { VERSION } from '../admin/index.ts'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../platform/index.ts'
import { addCheck } from './check.ts'
import { describeExitCodes, EXIT } from './exit-codes.ts'
import { addExport } from './export.ts'
import { addHealth } from './health.ts'
import { addHoldCommands } from './hold-commands.ts'
import { addImport } from './import.ts'
import { addMembers } from './members.ts'
import { readInteger } from './read-integer.ts'
import { type ServeOptions, serve } from './serve.ts'
import { addSim } from './sim.ts'
import { addStatus } from './status.ts'
import { addWatch } from './watch.ts'

interface ServeFlags {
  readonly port?: number
  readonly host?: string
  readonly dataDir?: string
  readonly tickTime?: number
  readonly logFormat?: LogFormat
  readonly logLevel: LogLevel
}

const SERVE_HELP = `Flags win over the file.

A file with several server.N lines makes the server a member of an ensemble. Which of them it is, it learns from the
file myid in its data folder: one line with that N.`

/** Runs the command line `argv` (with the two leading entries of `process.argv`). */
export function main(argv: readonly string[]): void {
  buildProgram().parse(argv)
}

function buildProgram(): Command {
  const program = new Command('zabkeeper')
    .description('A coordination server that ZooKeeper clients use as if it were Apache ZooKeeper.')
    .version(VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', `\n${describeExitCodes()}`)
    .showHelpAfterError('(zabkeeper --help shows what there is)')
    // Commander ends with 1 for a wrong command line; 2 is what operators of the original know.
    .exitOverride((stop) => process.exit(stop.exitCode === 0 ? EXIT.ok.code : EXIT.usage.code))
  addServe(program)
  addImport(program)
  addExport(program)
  addSim(program)
  addHoldCommands(program)
  addStatus(program)
  addHealth(program)
  addMembers(program)
  addWatch(program)
  addCheck(program)
  return program
}

function addServe(program: Command): void {
  program
    .command('serve')
    .description('run a server until it is told to stop')
    .argument('[zoo.cfg]', 'configuration file; without one: port 2181, data in ./data')
    .helpOption('-h, --help', 'print this help')
    .option('-p, --port <number>', 'client port, 0 for any free one', readPort)
    .option('--host <address>', 'address to listen on for clients (default: all interfaces)')
    .option('-d, --data-dir <folder>', 'where the data is kept')
    .option('--tick-time <ms>', 'length of a tick; session timeouts are 2 to 20 ticks', readTick)
    .addOption(
      new Option(
        '--log-format <format>',
        'form of the log lines (default: text on a terminal, else json)',
      ).choices(LOG_FORMATS),
    )
    .addOption(
      new Option('--log-level <level>', 'least serious lines to log')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addHelpText('after', `\n${SERVE_HELP}\n\n${describeExitCodes()}`)
    .action((configFile: string | undefined, flags: ServeFlags) => {
      serve(readServeOptions(configFile, flags))
    })
}

function readServeOptions(configFile: string | undefined, flags: ServeFlags): ServeOptions {
  return {
    configFile,
    overrides: {
      ...(flags.port === undefined ? {} : { clientPort: flags.port }),
      ...(flags.host === undefined ? {} : { clientHost: flags.host === '*' ? '' : flags.host }),
      ...(flags.dataDir === undefined ? {} : { dataDir: flags.dataDir }),
      ...(flags.tickTime === undefined ? {} : { tickTimeMs: flags.tickTime }),
    },
    logFormat: flags.logFormat ?? (process.stdout.isTTY ? 'text' : 'json'),
    logLevel: flags.logLevel,
  }
}

function readPort(text: string): number {
  return readInteger(text, 0, 65_535)
}

function readTick(text: string): number {
  return readInteger(text, 1, 0x7fff_ffff)
}
