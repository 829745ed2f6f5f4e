import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  createBody,
  type MultiOp,
  multiBody,
  multiSucceeded,
  Op,
  type Reply,
  setBody,
  WireClient,
} from './client/index.ts'
import { Pinger, type PingReport } from './load/index.ts'
import { table, whole } from './report.ts'
import {
  type ApacheInstall,
  fourLetterWord,
  freePort,
  pause,
  ServerProcess,
} from './servers/index.ts'

export interface ZnodesOptions {
  readonly apache: ApacheInstall
  readonly znodes: number
  /** Bytes of each value. */
  readonly size: number
  readonly log: (line: string) => void
}

interface ZnodesResult {
  readonly fillSeconds: number
  readonly fillPings: PingReport
  readonly writesPerSecond: number
  readonly steadyPings: PingReport
  readonly bytesPerZnode: number
  readonly startMs: number
  readonly startBytesPerZnode: number
}

const PER_PARENT = 10_000
const PER_MULTI = 500
const MULTIS_UNDER_WAY = 8
const STEADY_SECONDS = 20
const STEADY_PER_SECOND = 2000
/** Transactions between checkpoints (snapshots), so that several fall into the time of steady writes. */
const SNAP_COUNT = 10_000

/**
 * Fills a server with znodes, goes on writing at a steady rate while it checkpoints, and starts it again. A process
 * beside it pings a thousand times a second: the longest answer tells how long the server stood still.
 */
export async function compareZnodes(options: ZnodesOptions): Promise<string> {
  const ours = await measure('zabkeeper', options)
  const theirs = await measure('apache-3.9', options)
  const rows: [string, (result: ZnodesResult) => string][] = [
    ['fill, s', ({ fillSeconds }) => fillSeconds.toFixed(1)],
    ['  longest ping, ms', ({ fillPings }) => fillPings.max.toFixed(1)],
    ['  p99 ping, ms', ({ fillPings }) => fillPings.p99.toFixed(2)],
    ['steady writes, per s', ({ writesPerSecond }) => whole(writesPerSecond)],
    ['  longest ping, ms', ({ steadyPings }) => steadyPings.max.toFixed(1)],
    ['  p99 ping, ms', ({ steadyPings }) => steadyPings.p99.toFixed(2)],
    [
      '  longest delay of the pinger itself, ms',
      ({ steadyPings }) => steadyPings.ownMax.toFixed(1),
    ],
    ['memory per znode, bytes', ({ bytesPerZnode }) => whole(bytesPerZnode)],
    ['start, s', ({ startMs }) => (startMs / 1000).toFixed(2)],
    ['memory per znode after it, bytes', (result) => whole(result.startBytesPerZnode)],
  ]
  return table([
    [`${whole(options.znodes)} znodes of ${options.size} bytes`, 'zabkeeper', 'Apache'],
    ...rows.map(([name, cell]) => [name, cell(ours), cell(theirs)]),
  ])
}

async function measure(
  kind: 'zabkeeper' | 'apache-3.9',
  { apache, znodes, size, log }: ZnodesOptions,
): Promise<ZnodesResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-bench-'))
  const port = await freePort()
  const server = new ServerProcess({
    ...{ kind, folder, port, apache, config: [`snapCount=${SNAP_COUNT}`] },
    ...{ runtimeArguments: kind === 'zabkeeper' ? [] : ['-Xmx1g'], startTimeoutMs: 120_000 },
  })
  try {
    await server.start()
    const empty = server.residentBytes()
    const pinger = await Pinger.start(port)
    const client = await WireClient.open({ port })
    const fillSeconds = await fill(client, znodes, size)
    const fillPings = await pinger.report()
    log(`${kind}: ${whole(znodes)} znodes in ${fillSeconds.toFixed(1)} s, ${say(fillPings)}`)
    // Let what the fill has set off come to its end.
    await pause(3000)
    await pinger.report()
    const writesPerSecond = await writeSteadily(client, znodes, size)
    const steadyPings = await pinger.report()
    log(`${kind}: ${whole(writesPerSecond)} sets/s, ${say(steadyPings)}`)
    const bytesPerZnode = (server.residentBytes() - empty) / znodes
    pinger.stop()
    client.destroy()
    await server.kill()
    const before = performance.now()
    await server.start()
    const startMs = performance.now() - before
    const count = /zk_znode_count\s+(\d+)/.exec(await fourLetterWord(port, 'mntr', 30_000))?.[1]
    if (Number(count) < znodes) throw new Error(`${kind} holds ${count} znodes after the restart`)
    const startBytesPerZnode = (server.residentBytes() - empty) / znodes
    log(`${kind}: started in ${(startMs / 1000).toFixed(2)} s`)
    return {
      ...{ fillSeconds, fillPings, writesPerSecond, steadyPings },
      ...{ bytesPerZnode, startMs, startBytesPerZnode },
    }
  } catch (error) {
    throw new Error(`${kind}: ${String(error)}\n${server.output}`, { cause: error })
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

function say({ p50, p99, max, ownMax }: PingReport): string {
  const [a, b, c, own] = [p50, p99, max, ownMax].map((ms) => ms.toFixed(2))
  return `ping p50 ${a}, p99 ${b}, max ${c} ms (own delay ${own})`
}

/** Creates everything in multis; returns the seconds it took. */
async function fill(client: WireClient, znodes: number, size: number): Promise<number> {
  const start = performance.now()
  for (let parent = 0; parent * PER_PARENT < znodes; parent++) {
    await client.request(Op.create, createBody(`/p${parent}`, null, 0))
  }
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < znodes) {
      const ops: MultiOp[] = []
      for (; ops.length < PER_MULTI && next < znodes; next++) {
        ops.push({ op: Op.create, body: createBody(pathOf(next), value(next, size), 0) })
      }
      const { err, body } = await client.request(Op.multi, multiBody(ops))
      if (err !== 0 || !multiSucceeded(body)) throw new Error(`multi answered ${err}`)
    }
  }
  await Promise.all(Array.from({ length: MULTIS_UNDER_WAY }, lane))
  return (performance.now() - start) / 1000
}

/** Sets znodes all over the tree at a steady rate; returns the rate it came to. */
async function writeSteadily(client: WireClient, znodes: number, size: number): Promise<number> {
  const start = performance.now()
  let done = 0
  let failure: Error | null = null
  const all: Promise<void>[] = []
  for (let asked = 0; ; ) {
    const seconds = (performance.now() - start) / 1000
    if (seconds >= STEADY_SECONDS) break
    for (; asked < seconds * STEADY_PER_SECOND; asked++) {
      const path = pathOf((asked * 7919) % znodes)
      const set = client.request(Op.setData, setBody(path, value(asked, size), -1))
      const note = ({ err }: Reply): void => {
        if (err === 0) done++
        else failure ??= new Error(`set answered ${err}`)
      }
      const noteLoss = (error: Error): void => {
        failure ??= error
      }
      all.push(set.then(note, noteLoss))
    }
    if (failure !== null) throw failure
    await pause(2)
  }
  await Promise.all(all)
  return done / ((performance.now() - start) / 1000)
}

function pathOf(i: number): string {
  return `/p${Math.floor(i / PER_PARENT)}/node-${i}`
}

function value(i: number, size: number): Buffer {
  return Buffer.alloc(size, `${i} `)
}
