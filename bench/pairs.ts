import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type LoadResult, type Operation, runLoad } from './load/index.ts'
import { ratio, type Spread, spread, table, whole } from './report.ts'
import {
  type ApacheInstall,
  Ensemble,
  freePort,
  type ServerKind,
  ServerProcess,
} from './servers/index.ts'

export interface PairCase {
  readonly name: string
  readonly operation: Operation
  readonly connections: number
  readonly depth: number
}

export const PAIR_CASES: readonly PairCase[] = [
  { name: 'get-64x16', operation: 'get', connections: 64, depth: 16 },
  { name: 'get-64x1', operation: 'get', connections: 64, depth: 1 },
  { name: 'set-64x16', operation: 'set', connections: 64, depth: 16 },
  { name: 'set-64x1', operation: 'set', connections: 64, depth: 1 },
  { name: 'create-64x16', operation: 'create', connections: 64, depth: 16 },
  { name: 'get-1x1', operation: 'get', connections: 1, depth: 1 },
  { name: 'set-1x1', operation: 'set', connections: 1, depth: 1 },
]

export interface PairOptions {
  /** How many servers form an ensemble; 1 stands alone. */
  readonly servers: number
  readonly apache: ApacheInstall
  readonly cases: readonly PairCase[]
  readonly rounds: number
  readonly seconds: number
  /** Seconds under load that are not measured. */
  readonly warmup: number
  /** Bytes of each value. */
  readonly size: number
  readonly log: (line: string) => void
}

type Side = 'zabkeeper' | 'apache'

/** Which Apache it is, {@link PairOptions.apache} says. */
const KINDS: Readonly<Record<Side, ServerKind>> = { zabkeeper: 'zabkeeper', apache: 'apache-3.9' }

/**
 * Measures zabkeeper and Apache ZooKeeper in turn: each measurement has a fresh server with empty data and the machine
 * to itself, and the order changes from round to round, so that drift of the machine falls on both.
 */
export async function comparePairs(options: PairOptions): Promise<string> {
  const rows = [
    ['case', 'zabkeeper/s', 'Apache/s', 'ratio min', 'median', 'max', 'p99 ms', 'Apache'],
  ]
  for (const one of options.cases) {
    const results: Record<Side, LoadResult[]> = { zabkeeper: [], apache: [] }
    for (let round = 0; round < options.rounds; round++) {
      const order: Side[] = round % 2 === 0 ? ['zabkeeper', 'apache'] : ['apache', 'zabkeeper']
      for (const side of order) {
        const result = await measure(side, one, options)
        results[side].push(result)
        options.log(
          `${one.name} round ${round + 1} ${side}: ${whole(result.operationsPerSecond)}/s`,
        )
      }
    }
    rows.push(summary(one.name, results))
  }
  return table(rows)
}

function summary(name: string, { zabkeeper, apache }: Record<Side, LoadResult[]>): string[] {
  const rate = (results: readonly LoadResult[]): Spread =>
    spread(results.map(({ operationsPerSecond }) => operationsPerSecond))
  const p99 = (results: readonly LoadResult[]): string =>
    (spread(results.map(({ p99Us }) => p99Us)).median / 1000).toFixed(2)
  const ratios = spread(
    zabkeeper.map((ours, i) => ours.operationsPerSecond / (apache[i]?.operationsPerSecond ?? 0)),
  )
  return [
    ...[name, whole(rate(zabkeeper).median), whole(rate(apache).median)],
    ...[ratio(ratios.min), ratio(ratios.median), ratio(ratios.max)],
    ...[p99(zabkeeper), p99(apache)],
  ]
}

/** Enough for a server under load, and the same for each. */
const JAVA_ARGUMENTS = ['-Xmx1g']

async function measure(side: Side, one: PairCase, options: PairOptions): Promise<LoadResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-bench-'))
  try {
    if (options.servers === 1) return await measureAlone(side, one, options, folder)
    return await measureEnsemble(side, one, options, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureAlone(
  side: Side,
  one: PairCase,
  options: PairOptions,
  folder: string,
): Promise<LoadResult> {
  const runtimeArguments = side === 'zabkeeper' ? [] : JAVA_ARGUMENTS
  const { apache } = options
  const port = await freePort()
  const server = new ServerProcess({ kind: KINDS[side], folder, port, apache, runtimeArguments })
  try {
    await server.start()
    return await load([port], one, options)
  } finally {
    await server.kill()
  }
}

/** Connections are spread over all servers. */
async function measureEnsemble(
  side: Side,
  one: PairCase,
  options: PairOptions,
  folder: string,
): Promise<LoadResult> {
  const members = Array.from({ length: options.servers }, () => ({ kind: KINDS[side] }))
  const { apache } = options
  const javaArguments = JAVA_ARGUMENTS
  const ensemble = await Ensemble.make({ folder, members, tickTime: 2000, apache, javaArguments })
  try {
    await ensemble.start()
    return await load(ensemble.ports, one, options)
  } finally {
    await ensemble.kill()
  }
}

async function load(
  ports: readonly number[],
  { operation, connections, depth }: PairCase,
  { seconds, warmup, size }: PairOptions,
): Promise<LoadResult> {
  const times = { warmupMs: warmup * 1000, measureMs: seconds * 1000 }
  const port = ports[0]!
  return await runLoad({ port, ports, operation, connections, depth, keys: 1000, size, ...times })
}
