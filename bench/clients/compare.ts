import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ratio, spread, table, whole } from '../report.ts'
import { freePort, ServerProcess } from '../servers/index.ts'
import { runTwin } from '../twin.ts'
import type { RequestOptions, RequestResult } from './requests.ts'

export interface ClientsOptions {
  readonly rounds: number
  readonly log: (line: string) => void
}

type ClientCase = Pick<RequestOptions, 'operation' | 'depth' | 'requests' | 'warmup'>
type Side = RequestOptions['client']

const CASES: readonly ClientCase[] = [
  { operation: 'get', depth: 64, warmup: 20_000, requests: 200_000 },
  { operation: 'set', depth: 64, warmup: 20_000, requests: 100_000 },
  { operation: 'get', depth: 1, warmup: 5000, requests: 20_000 },
]

/** Our client and node-zookeeper-client in turn, with one connection each, on the same zabkeeper server. */
export async function compareClients({ rounds, log }: ClientsOptions): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-bench-'))
  const server = new ServerProcess({ kind: 'zabkeeper', folder, port: await freePort() })
  const rows = [
    ['client', 'ours/s', 'node-zookeeper-client/s', 'ratio median', 'CPU µs a request', 'theirs'],
  ]
  try {
    await server.start()
    const { address } = server
    // The first one of ours makes the znode.
    const setUp = { client: 'zabkeeper', operation: 'set', znode: '/bench', address } as const
    await measure({ ...setUp, depth: 1, warmup: 0, requests: 1 })
    for (const one of CASES) {
      const name = `${one.operation}, ${one.depth} under way`
      const results: Record<Side, RequestResult[]> = { zabkeeper: [], 'node-zookeeper-client': [] }
      for (let round = 0; round < rounds; round++) {
        const sides: Side[] = ['zabkeeper', 'node-zookeeper-client']
        for (const client of round % 2 === 0 ? sides : sides.reverse()) {
          const result = await measure({ ...one, ...{ client, address, znode: '/bench' } })
          results[client].push(result)
          log(`${name} ${client}: ${whole(result.perSecond)}/s`)
        }
      }
      rows.push(summary(name, results))
    }
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  return table(rows)
}

function summary(name: string, results: Record<Side, RequestResult[]>): string[] {
  const { zabkeeper: ours, 'node-zookeeper-client': theirs } = results
  const median = (side: readonly RequestResult[], key: keyof RequestResult): number =>
    spread(side.map((result) => result[key])).median
  const ratios = ours.map(({ perSecond }, i) => perSecond / (theirs[i]?.perSecond ?? 0))
  return [
    ...[name, whole(median(ours, 'perSecond')), whole(median(theirs, 'perSecond'))],
    ...[ratio(spread(ratios).median), median(ours, 'cpuUs').toFixed(1)],
    median(theirs, 'cpuUs').toFixed(1),
  ]
}

async function measure(options: RequestOptions): Promise<RequestResult> {
  const file = path.join(import.meta.dirname, 'requests.js')
  return await runTwin<RequestResult>(process.execPath, file, options)
}
