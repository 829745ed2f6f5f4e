import type { Command } from 'commander'
import { ConfigError } from '../config/index.ts'
import { type CheckReport, checkConfig } from './config-check.ts'
import { addConfigFlags, type ConfigFlags, configRequest } from './config-flags.ts'
import { describeReport } from './config-text.ts'
import { EXIT } from './exit-codes.ts'

interface CheckFlags extends ConfigFlags {
  readonly json?: true
}

const CHECK_HELP = `Reads the file as a start would, looks at the folders it names, and writes nothing.

  zabkeeper config check /etc/zookeeper/zoo.cfg
  zabkeeper config check zoo.cfg -Dzookeeper.snapCount=50000 --json

Exit codes:
  0   a server starts with it; there may be warnings
  1   a server would not start with it
  2   wrong arguments, or there is no such file`

export function addConfig(program: Command): void {
  const group = program
    .command('config')
    .description('explain configuration files')
    .helpOption('-h, --help', 'print this help')
  addConfigFlags(group.command('check'))
    .description('say what a zoo.cfg comes to: values, unknown keys, mistakes and dangers')
    .helpOption('-h, --help', 'print this help')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${CHECK_HELP}`)
    .action((file: string | undefined, flags: CheckFlags) => {
      const report = checkOrExit(file, flags)
      const text = flags.json ? `${JSON.stringify(report, null, 2)}\n` : describeReport(report)
      process.stdout.write(text)
      process.exitCode = report.errors.length === 0 ? EXIT.ok.code : EXIT.failure.code
    })
}

function checkOrExit(file: string | undefined, flags: CheckFlags): CheckReport {
  try {
    return checkConfig(configRequest(file, flags), process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`zabkeeper: ${error.message}\n`)
    process.exit(EXIT.usage.code)
  }
}
