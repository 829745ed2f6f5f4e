import { type Command, Option } from 'commander'
import { LeaderObserver, type MutexOptions } from '../../recipes/index.ts'
import { connect } from '../client-node/index.ts'
import { EXIT_PROGRAM_FAILURE } from '../platform/index.ts'
import { type HoldOptions, hold, ownId } from './hold.ts'
import { describeHoldExitCodes, HOLD_EXIT } from './hold-exit-codes.ts'
import { readInteger } from './read-integer.ts'
import { say } from './say.ts'
import { addServerFlags, connectOptions, readMs, type ServerFlags } from './server-flags.ts'

interface HoldFlags extends ServerFlags {
  readonly timeout?: number
  readonly layout: 'curator' | 'kazoo'
  readonly strict?: true
  readonly grace?: number
  readonly killAfter: number
  readonly foreground?: true
  readonly id?: string
  readonly observe?: true
}

const ENVIRONMENT = `The command finds in its environment
  ZABKEEPER_FENCING_TOKEN  a number that rises from holder to holder: a store that refuses a smaller one than it has
                           seen is safe from a holder that does not know yet that it has lost
  ZABKEEPER_GRANT_PATH     the znode that stands for it
  ZABKEEPER_SESSION_ID     its session

Signals are passed on to it and to what it has started. When what is held is lost, because no server has answered for
the length of the session, it gets SIGTERM, and SIGKILL after --kill-after.`

const ABOUT = {
  lock: `Without a command the lock is held until SIGTERM or SIGINT; path and fencing token are printed.

  zabkeeper lock /locks/backup --timeout 0 -- pg_dump -f dump.sql`,
  elect: `Without a command leadership is held until SIGTERM or SIGINT; path and fencing token are printed.
With --observe nobody stands: the leaders are printed, a line each.

  zabkeeper elect /leader --id "$HOSTNAME" -- ./leader.sh`,
  run: `As lock, but goes on after a loss: the command is started again when it is its turn. It ends when the command does.

  zabkeeper run /services/scheduler -- ./scheduler`,
}

export function addHoldCommands(program: Command): void {
  add(program, 'lock', 'run a command while holding a lock', (command) =>
    command.addOption(timeout()),
  )
  add(program, 'elect', 'run a command while being the leader', (command) =>
    command
      .addOption(timeout())
      .option('--id <text>', 'what others see of this candidate (default: host:pid)')
      .option('--observe', 'print who leads, and every change'),
  )
  add(program, 'run', 'keep a command running in one place of several', (command) => command)
}

function timeout(): Option {
  const description = 'how long to wait, 0: not at all (default: without end)'
  return new Option('-t, --timeout <ms>', description).argParser((text) =>
    readInteger(text, 0, 0x7fff_ffff),
  )
}

function add(
  program: Command,
  name: keyof typeof ABOUT,
  description: string,
  addOwn: (command: Command) => Command,
): void {
  const command = addOwn(program.command(name).description(description))
    .argument('<path>', 'of the znode whose children contend')
    .argument('[command...]', 'after --, with its arguments')
    .helpOption('-h, --help', 'print this help')
    .addOption(
      new Option(
        '--layout <layout>',
        'whose locks these are: clients of the other kind are refused',
      )
        .choices(['curator', 'kazoo'])
        .default('curator'),
    )
    .option('--strict', 'a broken connection counts as a loss: the command has ended earlier')
    .option('--grace <ms>', 'begin only so long after the holder before', readMs)
    .option('--kill-after <ms>', 'from SIGTERM to SIGKILL after a loss', readMs, 5000)
    .option('--foreground', 'the command reads the terminal; what it starts gets no signals')
  addServerFlags(command)
    .addHelpText('after', `\n${ABOUT[name]}\n\n${ENVIRONMENT}\n\n${describeHoldExitCodes()}`)
    .action((path: string, words: readonly string[], flags: HoldFlags) => {
      const ended =
        flags.observe === true ? observe(path, flags) : hold(settle(name, path, words, flags))
      ended.then(
        (code) => process.exit(code),
        (error) => {
          say(error instanceof Error ? (error.stack ?? error.message) : String(error))
          process.exit(EXIT_PROGRAM_FAILURE)
        },
      )
    })
}

function settle(
  name: string,
  path: string,
  words: readonly string[],
  flags: HoldFlags,
): HoldOptions {
  const { layout, strict, grace, id = ownId() } = flags
  const lock: MutexOptions = {
    ...{ layout, isStrict: strict === true, data: id },
    ...(grace === undefined ? {} : { graceMs: grace }),
  }
  return {
    servers: flags.servers,
    connection: connectOptions(flags),
    path,
    lock,
    words,
    timeoutMs: flags.timeout ?? null,
    killAfterMs: flags.killAfter,
    isForeground: flags.foreground === true,
    isRepeated: name === 'run',
  }
}

/** Prints who leads until a signal ends the process. */
async function observe(path: string, flags: HoldFlags): Promise<number> {
  // Whoever reads has seen enough, as in `… --observe | head -1`.
  process.stdout.on('error', () => process.exit(0))
  try {
    const zk = await connect(flags.servers, connectOptions(flags))
    const leaders = new LeaderObserver(zk, path, { layout: flags.layout, of: 'selector' })
    for await (const leader of leaders) {
      const line = leader === null ? '-' : `${leader.id} ${leader.path} ${leader.fencingToken}`
      process.stdout.write(`${line}\n`)
    }
    await zk.close()
  } catch (error) {
    say((error as Error).message)
    return HOLD_EXIT.failure.code
  }
  return 0
}
