import { createBody, frame, int, Op, readBody, setBody, WireClient } from '../client/index.ts'
import { Histogram } from './histogram.ts'
import { LoadConnection, type LoadPlan } from './load-connection.ts'

/** `create` makes sequential znodes below those that the others read and write. */
export type Operation = 'create' | 'get' | 'set'

/** A closed loop of one operation; the generator is a process of its own and takes this as JSON argument. */
export interface LoadOptions {
  readonly port: number
  /** Connections are spread over these servers; only `port` unless given. */
  readonly ports?: readonly number[]
  readonly operation: Operation
  readonly connections: number
  readonly depth: number
  readonly keys: number
  /** Bytes of each value. */
  readonly size: number
  readonly warmupMs: number
  readonly measureMs: number
}

/** What the generator prints as one line of JSON. Latencies in µs, from the write to the reply's arrival. */
export interface LoadResult {
  readonly operationsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
}

const ROOT = '/bench'
const PERSISTENT_SEQUENTIAL = 2

async function run(options: LoadOptions): Promise<LoadResult> {
  const { port, operation, connections, depth, keys, size, warmupMs, measureMs } = options
  await makeZnodes(port, keys, size)
  const requests = Array.from({ length: keys }, (_, key) => request(operation, key, size))
  const latencies: LoadPlan['latencies'] = { current: null }
  const plan: LoadPlan = { depth, requests, latencies }
  const ports = options.ports ?? [port]
  const all: LoadConnection[] = []
  for (let i = 0; i < connections; i++) {
    const connection = new LoadConnection(plan, ports[i % ports.length]!, i * 7919)
    await connection.open()
    connection.onFailure = fail
    all.push(connection)
  }
  for (const connection of all) connection.start()
  await pause(warmupMs)
  const histogram = new Histogram()
  latencies.current = histogram
  const startMs = performance.now()
  const before = completed(all)
  await pause(measureMs)
  const operations = completed(all) - before
  const seconds = (performance.now() - startMs) / 1000
  for (const connection of all) connection.destroy()
  return {
    operationsPerSecond: operations / seconds,
    p50Us: histogram.quantile(0.5),
    p99Us: histogram.quantile(0.99),
    maxUs: histogram.maxUs,
  }
}

function request(operation: Operation, key: number, size: number): Buffer {
  const path = `${ROOT}/${key}`
  switch (operation) {
    case 'get':
      return frame(int(0), int(Op.getData), readBody(path, false))
    case 'set':
      return frame(int(0), int(Op.setData), setBody(path, value(key, size), -1))
    case 'create': {
      const body = createBody(`${path}/n-`, value(key, size), PERSISTENT_SEQUENTIAL)
      return frame(int(0), int(Op.create), body)
    }
  }
}

async function makeZnodes(port: number, keys: number, size: number): Promise<void> {
  const client = await WireClient.open({ port })
  await client.request(Op.create, createBody(ROOT, null, 0))
  const creates = Array.from({ length: keys }, async (_, key) => {
    const { err } = await client.request(
      Op.create,
      createBody(`${ROOT}/${key}`, value(key, size), 0),
    )
    if (err !== 0) throw new Error(`create answered ${err}`)
  })
  await Promise.all(creates)
  await client.close()
}

function value(key: number, size: number): Buffer {
  return Buffer.alloc(size, `${key} `)
}

function completed(all: readonly LoadConnection[]): number {
  return all.reduce((sum, { completed: count }) => sum + count, 0)
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

function fail(reason: string): void {
  process.stderr.write(`load generator: ${reason}\n`)
  process.exit(1)
}

run(JSON.parse(process.argv[2] ?? '{}') as LoadOptions).then(
  (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    process.exit(0)
  },
  (error: unknown) => fail(String(error)),
)
