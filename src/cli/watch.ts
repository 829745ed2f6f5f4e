import type { Command } from 'commander'
import { connect, InvalidArgumentError } from '../client-node/index.ts'
import { eventDocument, renderEvent, watchEvents } from '../cluster/index.ts'
import { onStopSignal } from '../platform/index.ts'
import { runToExit } from './cluster-flags.ts'
import { EXIT } from './exit-codes.ts'
import { readInteger } from './read-integer.ts'
import { say } from './say.ts'
import { addServerFlags, connectOptions, type ServerFlags } from './server-flags.ts'

interface WatchFlags extends ServerFlags {
  readonly recursive?: true
  readonly json?: true
  readonly count?: number
  readonly quiet?: true
}

const HELP = `Prints a line for each event: what happened, the path, and the zxid where the server tells it (3.9 and later). What
happens: created, deleted, changed (its data), children (one came or went; not with --recursive). The watch outlives
lost connections and sessions: a line "gap" then says that events may be missing and that what depends on them has to
be read again. Connections lost and found are told on standard error.

  zabkeeper watch --recursive /services
  zabkeeper watch --json /config | jq -r .path
  zabkeeper watch --count 1 /deploy/go && ./deploy.sh

Ends with SIGTERM or SIGINT.

Exit codes:
  0   stopped by a signal, or after --count events
  1   the watch could not be set, or was lost for good
  2   wrong arguments`

export function addWatch(program: Command): void {
  addServerFlags(program.command('watch').description('print what happens to a znode'))
    .argument('<path>', 'of the znode; it need not exist')
    .helpOption('-h, --help', 'print this help')
    .option('-r, --recursive', 'and to everything below it')
    .option('-n, --count <number>', 'end after so many events', (text) =>
      readInteger(text, 1, 0x7fff_ffff),
    )
    .option('--json', 'print JSON, one document a line')
    .option('-q, --quiet', 'nothing on standard error about connections')
    .addHelpText('after', `\n${HELP}`)
    .action((path: string, flags: WatchFlags) => runToExit(() => watch(path, flags)))
}

async function watch(path: string, flags: WatchFlags): Promise<number> {
  if (!path.startsWith('/')) {
    const problem = `'${path}' is no path of a znode: that begins with a slash`
    throw new InvalidArgumentError('INVALID_ARGUMENT', problem)
  }
  const stopping = new AbortController()
  onStopSignal(() => stopping.abort())
  const options = { ...connectOptions(flags), signal: stopping.signal }
  const client = await connect(flags.servers, options).catch((error: unknown) => {
    if (stopping.signal.aborted) return null
    throw error
  })
  if (client === null) return EXIT.ok.code
  const ending = await watchEvents(client, {
    path,
    isRecursive: flags.recursive === true,
    eventsMax: flags.count ?? null,
    signal: stopping.signal,
    onEvent: (event) => {
      const line =
        flags.json === true
          ? `${JSON.stringify(eventDocument(event, Date.now()))}\n`
          : renderEvent(event)
      process.stdout.write(line)
    },
    onNotice: (text) => {
      if (flags.quiet !== true) say(text)
    },
  })
  await client.close()
  if (ending === 'asked') return EXIT.ok.code
  say(`the watch of ${path} has ended: the client was closed`)
  return EXIT.failure.code
}
