import { parseArgs } from 'node:util'
import { compareClients } from './clients/compare.ts'
import { comparePairs, PAIR_CASES } from './pairs.ts'
import { compareRecipes } from './recipes/compare.ts'
import {
  type ApacheInstall,
  ApacheNotFound,
  anyApache,
  apacheAt,
  findApache,
} from './servers/index.ts'
import { compareZnodes } from './znodes.ts'

const HELP = `Compares zabkeeper with an installed Apache ZooKeeper, one after the other on this machine.

usage: npm run bench -- [pairs]   [--rounds N] [--seconds S] [--warmup S] [--size BYTES] [--cases A,B]
       npm run bench -- ensemble  [the same]
       npm run bench -- znodes    [--count N] [--size BYTES]
       npm run bench -- recipes   [--rounds N]
       npm run bench -- clients   [--rounds N]

  pairs     operations per second in alternating runs (default)
            cases: ${PAIR_CASES.map(({ name }) => name).join(' ')}
            (CONNECTIONS x requests each connection keeps under way; sets are durable)
  ensemble  the same with three servers on each side, connections spread over them
  znodes    memory per znode, longest standstill while checkpoints are written, and start time
            with a large tree
  recipes   our mutex against kazoo's lock on the same server: one client alone, 10 and 500 that contend
  clients   our client against node-zookeeper-client on the same server; needs no Apache ZooKeeper

  --rounds N         pairs per case (3)
  --seconds S        measured time of each run (4)
  --warmup S         time before that (2). A JVM under load gets faster for some 20 s, ours for 2
  --size BYTES       data of each znode (100)
  --cases A,B        only these cases
  --count N          znodes (1000000)
  --apache FOLDER    an unpacked Apache ZooKeeper release to compare with
  --line 3.8|3.9     take the installed one of this line (default: 3.8, else 3.9)
  --help             print this

Close other programs first: the server and the load generator take about a core each.
`

/** Runs the program; sets the exit code 2 for wrong arguments and 3 when there is no Apache ZooKeeper. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    await run(args)
  } catch (error) {
    if (!(error instanceof ApacheNotFound || error instanceof UsageError)) throw error
    process.stderr.write(`bench: ${error.message}\n`)
    process.exitCode = error instanceof UsageError ? 2 : 3
  }
}

class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args)
  if (values.help === true) {
    process.stdout.write(HELP)
    return
  }
  const what = positionals[0] ?? 'pairs'
  const log = (line: string): void => {
    process.stderr.write(`${line}\n`)
  }
  if (what === 'clients') {
    const rounds = count('rounds', values.rounds, 3)
    process.stdout.write(`${await compareClients({ rounds, log })}\n`)
    return
  }
  const apache = chooseApache(values.apache, values.line)
  const size = count('size', values.size, 100)
  process.stdout.write(
    `zabkeeper against Apache ZooKeeper ${apache.version}, Node ${process.version}\n`,
  )
  if (what === 'pairs' || what === 'ensemble') {
    const servers = what === 'pairs' ? 1 : 3
    const rounds = count('rounds', values.rounds, 3)
    const seconds = count('seconds', values.seconds, 4)
    const cases = chooseCases(values.cases)
    const warmup = count('warmup', values.warmup, 2)
    const options = { servers, apache, cases, rounds, seconds, warmup, size, log }
    process.stdout.write(`${await comparePairs(options)}\n`)
  } else if (what === 'znodes') {
    const znodes = count('count', values.count, 1_000_000)
    process.stdout.write(`${await compareZnodes({ apache, znodes, size, log })}\n`)
  } else if (what === 'recipes') {
    const rounds = count('rounds', values.rounds, 3)
    process.stdout.write(`${await compareRecipes({ apache, rounds, log })}\n`)
  } else
    throw new UsageError(
      `"${what}" is none of pairs, ensemble, znodes, recipes, clients; see --help`,
    )
}

function parse(args: readonly string[]): ReturnType<typeof parseOptions> {
  try {
    return parseOptions(args)
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; see --help`)
  }
}

function parseOptions(args: readonly string[]) {
  const text = { type: 'string' } as const
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ rounds: text, seconds: text, warmup: text, size: text, cases: text, count: text },
      ...{ apache: text, line: text, help: { type: 'boolean', short: 'h' } },
    },
  })
}

function chooseApache(folder: string | undefined, line: string | undefined): ApacheInstall {
  if (folder !== undefined) return apacheAt(folder)
  if (line === undefined) return anyApache()
  if (line !== '3.8' && line !== '3.9') throw new UsageError(`--line is ${line}, not 3.8 or 3.9`)
  const install = findApache(line)
  if (install === null) throw new ApacheNotFound(`no Apache ZooKeeper ${line} is installed`)
  return install
}

function chooseCases(names: string | undefined): typeof PAIR_CASES {
  if (names === undefined) return PAIR_CASES
  return names.split(',').map((name) => {
    const one = PAIR_CASES.find((known) => known.name === name)
    if (one === undefined) throw new UsageError(`there is no case ${name}; see --help`)
    return one
  })
}

function count(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name} is ${text}`)
  return value
}
