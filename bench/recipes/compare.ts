import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ratio, spread, table, whole } from '../report.ts'
import {
  type ApacheInstall,
  freePort,
  PROJECT_FOLDER,
  type ServerKind,
  ServerProcess,
} from '../servers/index.ts'
import { runTwin } from '../twin.ts'
import type { LockOptions, LockResult } from './locks.ts'

export interface RecipesOptions {
  readonly apache: ApacheInstall
  readonly rounds: number
  readonly log: (line: string) => void
}

type LockCase = Omit<LockOptions, 'address' | 'znode'> & { readonly name: string }

/** 500 contenders queue up once: that shows the herd, if there is one. */
const CASES: readonly LockCase[] = [
  { name: 'alone', contenders: 1, sessions: 1, warmup: 1000, grants: 4000 },
  { name: '10 contend', contenders: 10, sessions: 10, warmup: 100, grants: 400 },
  { name: '500 contend', contenders: 500, sessions: 10, warmup: 0, grants: 2 },
]

type Side = 'kazoo' | 'zabkeeper'

/** A Python that has kazoo: Debian puts its package where only its own Python looks. */
const PYTHON = '/usr/bin/python3'

/**
 * Our mutex against kazoo's lock in turn, on the same server: first a zabkeeper, then an Apache ZooKeeper. Each
 * measurement has a znode of its own.
 */
export async function compareRecipes(options: RecipesOptions): Promise<string> {
  const rows = [['lock', 'ours/s', 'kazoo/s', 'ratio median', 'p50 ms', 'kazoo', 'p99 ms', 'kazoo']]
  for (const kind of ['zabkeeper', 'apache-3.9'] as const) {
    rows.push(...(await onServer(kind, options)))
  }
  return table(rows)
}

async function onServer(kind: ServerKind, options: RecipesOptions): Promise<string[][]> {
  const { apache, rounds, log } = options
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-bench-'))
  const server = new ServerProcess({ kind, folder, port: await freePort(), apache })
  const rows: string[][] = []
  try {
    await server.start()
    for (const one of CASES) {
      const results: Record<Side, LockResult[]> = { zabkeeper: [], kazoo: [] }
      for (let round = 0; round < rounds; round++) {
        const order: Side[] = round % 2 === 0 ? ['zabkeeper', 'kazoo'] : ['kazoo', 'zabkeeper']
        for (const side of order) {
          const znode = `/${one.name.replace(' ', '-')}-${side}-${round}`
          const result = await measure(side, { ...one, address: server.address, znode })
          results[side].push(result)
          log(`${kind} ${one.name} ${side}: ${whole(result.grantsPerSecond)} grants/s`)
        }
      }
      rows.push(summary(`${one.name}, on ${kind.split('-')[0]}`, results))
    }
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  return rows
}

function summary(name: string, { zabkeeper, kazoo }: Record<Side, LockResult[]>): string[] {
  const median = (results: readonly LockResult[], key: keyof LockResult): number =>
    spread(results.map((result) => result[key])).median
  const ratios = zabkeeper.map(
    ({ grantsPerSecond }, i) => grantsPerSecond / (kazoo[i]?.grantsPerSecond ?? 0),
  )
  const ms = (results: readonly LockResult[], key: keyof LockResult): string =>
    median(results, key).toFixed(2)
  return [
    ...[name, whole(median(zabkeeper, 'grantsPerSecond')), whole(median(kazoo, 'grantsPerSecond'))],
    ratio(spread(ratios).median),
    ...[ms(zabkeeper, 'p50Ms'), ms(kazoo, 'p50Ms'), ms(zabkeeper, 'p99Ms'), ms(kazoo, 'p99Ms')],
  ]
}

/** Runs one of the twins. */
async function measure(side: Side, options: LockOptions): Promise<LockResult> {
  const [command, file] =
    side === 'kazoo'
      ? [PYTHON, path.join(PROJECT_FOLDER, 'bench/recipes/locks.py')]
      : [process.execPath, path.join(import.meta.dirname, 'locks.js')]
  return await runTwin<LockResult>(command, file, options)
}
