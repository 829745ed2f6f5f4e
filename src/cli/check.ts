import path from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError, parseConnectionString } from '../client-node/index.ts'
import { checkPerf, perfDocument, renderPerf } from '../cluster/index.ts'
import type { Config } from '../config/index.ts'
import type { Address } from '../env/index.ts'
import { onStopSignal, openPlatform } from '../platform/index.ts'
import { type ClusterFlags, printJson, reachOf, runToExit } from './cluster-flags.ts'
import { EXIT } from './exit-codes.ts'
import { loadConfig } from './load-config.ts'
import { readInteger } from './read-integer.ts'
import { addIdentityFlags, readMs } from './server-flags.ts'

interface PerfFlags extends Omit<ClusterFlags, 'servers'> {
  readonly dataDir?: string
  readonly peers?: string
  readonly writes: number
  readonly limit: number
}

const WRITES = 1000
const LIMIT_MS = 10_000
const TIMEOUT_MS = 5000

const HELP = `Before a server is put on a machine, or when one is slow. Measured are
  - the disk: writes as the server's log makes them, each synced before the next, in the folder of the log. What is
    written, about 4 MiB and a few seconds, is gone at the end;
  - the way to the other servers: connections to their client ports;
  - standstills of this process, which are standstills of the machine.
Each is good, fair or bad, and the line says what that goes by. A server that runs on the same disk takes part in what is
measured, and is slowed down meanwhile.

  zabkeeper check perf /etc/zookeeper/conf/zoo.cfg
  zabkeeper check perf --data-dir /var/lib/zookeeper --peers zoo2:2181,zoo3:2181

Exit codes:
  0   good or fair
  1   bad, or it could not be measured
  2   wrong arguments or a wrong configuration file`

export function addCheck(program: Command): void {
  const check = program
    .command('check')
    .description('find out whether something is fit for a server')
    .helpOption('-h, --help', 'print this help')
  addIdentityFlags(check.command('perf').description('measure disk, network and clock'))
    .argument('[zoo.cfg]', 'of the server: where its log is, and who the others are')
    .helpOption('-h, --help', 'print this help')
    .option('-d, --data-dir <folder>', 'the folder to write in, in place of that of the file')
    .option('--peers <servers>', 'client ports of the other servers: host:port,host:port')
    .option(
      '--writes <number>',
      'small writes at most',
      (text) => readInteger(text, 1, 100_000),
      WRITES,
    )
    .option('--limit <ms>', 'no further write is begun after it', readMs, LIMIT_MS)
    .option('-t, --timeout <ms>', 'how long a server may take to answer', readMs, TIMEOUT_MS)
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${HELP}`)
    .action((file: string | undefined, flags: PerfFlags) => runToExit(() => checkHere(file, flags)))
}

async function checkHere(file: string | undefined, flags: PerfFlags): Promise<number> {
  const { dataDir, peers } = flags
  const overrides = dataDir === undefined ? {} : { dataDir }
  const { config } = loadConfig(file, overrides)
  const others = peers === undefined ? othersOf(config) : readPeers(peers)
  const stopping = new AbortController()
  onStopSignal(() => stopping.abort())
  const report = await checkPerf({
    disk: {
      folder: dataDir === undefined ? config.dataLogDir : path.resolve(dataDir),
      logFile: openPlatform().logFile,
      writesMax: flags.writes,
      limitMs: flags.limit,
      signal: stopping.signal,
    },
    peers: others.addresses,
    reach: reachOf({ ...flags, servers: '' }),
    acksNeeded: others.acksNeeded,
    tickTimeMs: config.tickTimeMs,
    signal: stopping.signal,
  })
  if (flags.json === true) printJson(perfDocument(report))
  else process.stdout.write(renderPerf(report))
  return report.grade === 'bad' ? EXIT.failure.code : EXIT.ok.code
}

interface Others {
  readonly addresses: readonly Address[]
  /** How many of them have to have a write of this server before it counts; 0 where that says nothing. */
  readonly acksNeeded: number
}

/** A server without a client port in its line has, as far as one can know here, the same as this one. */
function othersOf({ ensemble, clientPort }: Config): Others {
  if (ensemble === null) return { addresses: [], acksNeeded: 0 }
  const { members, self, groups } = ensemble
  const voters = members.filter(({ role }) => role === 'participant')
  const isVoter = voters.some(({ id }) => id === self)
  const addresses = members
    .filter(({ id }) => id !== self)
    .map(({ host, client }) => ({
      host: client === null || client.host === '' ? host : client.host,
      port: client?.port ?? clientPort,
    }))
  const counts = isVoter && groups.length === 0 && voters.length === members.length
  return { addresses, acksNeeded: counts ? Math.floor(voters.length / 2) : 0 }
}

function readPeers(text: string): Others {
  const { servers } = parseConnectionString(text)
  if (typeof servers === 'string') throw new InvalidArgumentError('INVALID_ARGUMENT', SRV_PEERS)
  return { addresses: servers, acksNeeded: Math.floor((servers.length + 1) / 2) }
}

const SRV_PEERS = '--peers takes host:port,host:port, no name of SRV records'
