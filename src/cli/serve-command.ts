import { type Command, Option } from 'commander'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../platform/index.ts'
import { addConfigFlags, type ConfigFlags, configRequest } from './config-flags.ts'
import { describeExitCodes } from './exit-codes.ts'
import { serve } from './serve.ts'

interface ServeFlags extends ConfigFlags {
  readonly logFormat?: LogFormat
  readonly logLevel?: LogLevel
}

const SERVE_HELP = `Flags win over the file, except for -D, which it wins over. -D words in SERVER_JVMFLAGS and JVMFLAGS count too.
Without a file on the command line, ZOOCFGDIR and ZOOCFG name one if they are set.

A file with several server.N lines makes the server a member of an ensemble. Which of them it is, it learns from the
file myid in its data folder: one line with that N.

  zabkeeper serve
  zabkeeper serve /etc/zookeeper/zoo.cfg -Dzookeeper.snapCount=50000
  zabkeeper config check /etc/zookeeper/zoo.cfg      what the file means, before it is used`

export function addServe(program: Command): void {
  addConfigFlags(program.command('serve'))
    .description('run a server until it is told to stop')
    .helpOption('-h, --help', 'print this help')
    .addOption(
      new Option(
        '--log-format <format>',
        'form of the log lines (default: text on a terminal, else json)',
      ).choices(LOG_FORMATS),
    )
    .addOption(
      new Option('--log-level <level>', 'least serious lines to log (default: info)').choices(
        LOG_LEVELS,
      ),
    )
    .addHelpText('after', `\n${SERVE_HELP}\n\n${describeExitCodes()}`)
    .action((file: string | undefined, flags: ServeFlags) => {
      serve({
        config: configRequest(file, flags),
        logFormat: flags.logFormat ?? (process.stdout.isTTY ? 'text' : 'json'),
        logLevel: flags.logLevel,
      })
    })
}
