import { createRequire } from 'node:module'
import { connect } from '../../src/client-node/index.ts'
import { answerTwin } from '../twin.ts'

export interface RequestOptions {
  readonly client: 'node-zookeeper-client' | 'zabkeeper'
  readonly operation: 'get' | 'set'
  readonly address: string
  readonly znode: string
  /** Requests under way at any time. */
  readonly depth: number
  readonly warmup: number
  readonly requests: number
}

export interface RequestResult {
  readonly perSecond: number
  /** Processor time of the client's process for each request. */
  readonly cpuUs: number
}

/** Makes one request; resolves with its reply. */
type Request = () => Promise<unknown>

const DATA = Buffer.alloc(100, 'x')

async function ours({ address, znode, operation }: RequestOptions): Promise<Request> {
  const zk = await connect(address)
  await zk.ensurePath(znode)
  await zk.setData(znode, DATA)
  const requests = {
    get: async () => await zk.getData(znode),
    set: async () => await zk.setData(znode, DATA),
  }
  return requests[operation]
}

/** Its callbacks as promises, as its users write it. */
async function theirs({ address, znode, operation }: RequestOptions): Promise<Request> {
  // biome-ignore lint/suspicious/noExplicitAny: it has no types
  const zookeeper: any = createRequire(import.meta.url)('node-zookeeper-client')
  const client = zookeeper.createClient(address)
  await new Promise<void>((resolve) => {
    client.once('connected', resolve)
    client.connect()
  })
  const requests = {
    get: () =>
      new Promise((resolve, reject) => {
        client.getData(znode, (error: Error | null, data: Buffer) =>
          error ? reject(error) : resolve(data),
        )
      }),
    set: () =>
      new Promise((resolve, reject) => {
        client.setData(znode, DATA, (error: Error | null, stat: unknown) =>
          error ? reject(error) : resolve(stat),
        )
      }),
  }
  return requests[operation]
}

async function run(options: RequestOptions): Promise<RequestResult> {
  const request = options.client === 'zabkeeper' ? await ours(options) : await theirs(options)
  const make = async (count: number): Promise<void> => {
    let left = count
    const lane = async (): Promise<void> => {
      while (left-- > 0) await request()
    }
    await Promise.all(Array.from({ length: options.depth }, lane))
  }
  await make(options.warmup)
  const start = performance.now()
  const cpu = process.cpuUsage()
  await make(options.requests)
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - start) / 1000
  return {
    perSecond: options.requests / seconds,
    cpuUs: (user + system) / options.requests,
  }
}

answerTwin(run)
