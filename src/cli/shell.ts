import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Command } from 'commander'
import type { ConnectOptions } from '../client-node/index.ts'
import { EXIT_PROGRAM_FAILURE } from '../platform/process/index.ts'
import {
  ClientConfigurationError,
  CommandError,
  readClientConfiguration,
  runShell,
  zkCliFlags,
} from '../shell/index.ts'
import { EXIT } from './exit-codes.ts'
import { say } from './say.ts'
import {
  addIdentityFlags,
  addServersFlag,
  connectOptions,
  readMs,
  type ServerFlags,
} from './server-flags.ts'

interface ShellFlags extends ServerFlags {
  readonly readOnly?: true
  readonly waitForConnection?: true
  readonly clientConfiguration?: string
  readonly json?: true
  readonly historyFile: string
}

const NAME = 'cli'
const ZK_CLI_TIMEOUT_MS = 30_000

const ABOUT = `Flags of zkCli.sh work as they are: -server, -timeout, -r, -waitforconnection, -client-configuration.
Without a command, commands come from standard input: a prompt with completion in a terminal, else line by line.

  zabkeeper cli ls -R /app
  zabkeeper cli -server zk1:2181,zk2:2181/app get -s /config
  zabkeeper cli --json get /config | jq -r .text
  zabkeeper cli < script.txt

A wrong command, such as "zabkeeper cli commands", lists all of them.

Exit codes, of the last command:
  0   it did what it should
  1   it failed, wholly or in part
  2   wrong flags or a wrong client configuration
  127 there is no such command`

export function addShell(program: Command): void {
  const command = program
    .command(NAME)
    .description('the shell of ZooKeeper: read and change znodes, as with zkCli.sh')
    .argument('[command...]', 'with its arguments')
    .helpOption('-h, --help', 'print this help')
  const timed = addServersFlag(command)
    .option('--session-timeout <ms>', 'asked for', readMs, ZK_CLI_TIMEOUT_MS)
    .option('--connect-timeout <ms>', 'how long to wait for a server', readMs, ZK_CLI_TIMEOUT_MS)
  addIdentityFlags(timed)
    .option('-r, --read-only', 'a server without a quorum will do, for reading')
    .option('--wait-for-connection', 'run nothing before a server answers')
    .option('--client-configuration <file>', 'properties of the Java client: TLS, limits')
    .option('--json', 'print the result of each command as JSON, one a line')
    .option('--history-file <file>', 'for what is typed in a terminal; "" for none', historyFile())
    .addHelpText('after', `\n${ABOUT}`)
    .action((words: readonly string[], flags: ShellFlags) => {
      run(words, flags).then(
        (code) => process.exit(code),
        (error) => {
          if (error instanceof CommandError) fail(error.message)
          say(error instanceof Error ? (error.stack ?? error.message) : String(error))
          process.exit(EXIT_PROGRAM_FAILURE)
        },
      )
    })
}

/** The words of `zabkeeper cli` as the program's other commands have them: zkCli has flags with one hyphen. */
export function readShellFlags(argv: readonly string[]): readonly string[] {
  if (argv[2] !== NAME) return argv
  try {
    return [...argv.slice(0, 3), ...zkCliFlags(argv.slice(3), VALUED)]
  } catch (error) {
    return fail((error as Error).message)
  }
}

/** Flags that are followed by a value. */
const VALUED: ReadonlySet<string> = new Set([
  ...['-s', '--servers', '--session-timeout', '--connect-timeout', '--auth-file', '--tls-ca'],
  ...['--tls-cert', '--tls-key', '--client-configuration', '--history-file'],
])

async function run(words: readonly string[], flags: ShellFlags): Promise<number> {
  return await runShell({
    servers: flags.servers,
    connection: {
      ...connectOptions(flags),
      ...readConfiguration(flags.clientConfiguration),
      canBeReadOnly: flags.readOnly === true,
    },
    words,
    isJson: flags.json === true,
    waitsForConnection: flags.waitForConnection === true,
    historyFile: flags.historyFile,
  })
}

function readConfiguration(file: string | undefined): Partial<ConnectOptions> {
  if (file === undefined) return {}
  try {
    const { options, unused } = readClientConfiguration(readFileSync(file, 'utf8'), (name) =>
      readFileSync(name),
    )
    if (unused.length > 0) say(`${file}: not used here: ${unused.join(', ')}`)
    return options
  } catch (error) {
    const isRead = error instanceof ClientConfigurationError
    const reason = isRead ? `${file}: ${error.message}` : (error as Error).message
    return fail(`Error while processing ${reason}`)
  }
}

function historyFile(): string {
  return process.env['ZABKEEPER_HISTORY'] ?? path.join(homedir(), '.zabkeeper_history')
}

/** Ends with the code for wrong usage. */
function fail(reason: string): never {
  say(reason)
  process.exit(EXIT.usage.code)
}
