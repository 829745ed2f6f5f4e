import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../bench/servers/index.ts'
import { connect, NoNodeError, type ZooKeeper } from '../../src/client-node/index.ts'
import { discardServer, startServer } from '../compat/clients/support/index.ts'
import { CuttableProxy } from './support/cuttable-proxy.ts'

/** A campaign: `ZABKEEPER_MEMORY_OPERATIONS=1000000 ZABKEEPER_MEMORY_RECONNECTS=10000`. */
const OPERATIONS = Number(process.env['ZABKEEPER_MEMORY_OPERATIONS'] ?? 20_000)
const RECONNECTS = Number(process.env['ZABKEEPER_MEMORY_RECONNECTS'] ?? 100)
const LIMIT_MS = 60_000 + OPERATIONS + RECONNECTS * 500

const PARTS = 10
/** Caches and compiled code have their size by then. */
const WARM_PART = 3
const GROWTH_BYTES_MAX = 1024 * 1024
const AT_ONCE = 200
/** Requests of one `doAll`, with those of the two closes. */
const OPERATIONS_EACH = 9

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is in use after a collection. Finalizers need turns of their own. */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  return process.memoryUsage().heapUsed
}

/** Does the work in parts; the heap must have the same size after each of them. */
async function staysFlat(total: number, work: (count: number) => Promise<void>): Promise<void> {
  const sizes: number[] = []
  for (let part = 0; part < PARTS; part++) {
    await work(Math.ceil(total / PARTS))
    sizes.push(await heapBytes())
  }
  const warm = Math.min(...sizes.slice(0, WARM_PART))
  const growth = Math.min(...sizes.slice(-WARM_PART)) - warm
  console.log(`${total}: ${sizes.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(' ')} MiB`)
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX)
}

describe('the memory of a client', { timeout: LIMIT_MS }, () => {
  let server: ServerProcess
  let zk: ZooKeeper

  beforeAll(async () => {
    server = await startServer({ kind: 'zabkeeper' })
  })

  afterAll(async () => {
    await discardServer(server)
  })

  /** One of each: reads, writes, watches that fire, that stay, that are taken away, failures, signals. */
  async function doAll(path: string): Promise<void> {
    const { signal } = new AbortController()
    await zk.create(path, 'x', { mode: 'ephemeral', signal })
    const { watch } = await zk.getData(path, { watch: true })
    const missing = await zk.exists(`${path}/a`, { watch: true })
    const lasting = await zk.watch(path, { recursive: true })
    await zk.setData(path, 'y')
    await watch.fired
    await lasting.next()
    await Promise.all([missing.watch.close(), lasting.close()])
    // vitest's expect keeps the promises it has seen.
    const error = await zk.getData(`${path}/a`).catch((reason) => reason)
    if (!(error instanceof NoNodeError)) throw error
    await zk.transaction().check(path, 1).delete(path).commit()
  }

  test(`is the same after ${OPERATIONS} operations`, async () => {
    zk = await connect(server.address)
    await staysFlat(OPERATIONS, async (count) => {
      let done = 0
      const worker = async (id: number): Promise<void> => {
        while (done < count) {
          await doAll(`/w${id}`)
          done += OPERATIONS_EACH
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, (_, id) => worker(id)))
    })
    expect([zk.watchCount, zk.inFlight, zk.waiting]).toEqual([0, 0, 0])
    await zk.close()
  })

  test(`is the same after ${RECONNECTS} reconnects`, async () => {
    const proxy = await CuttableProxy.open(server.options.port)
    zk = await connect(`127.0.0.1:${proxy.port}`, { sessionTimeoutMs: 30_000 })
    await zk.create('/r')
    const lasting = await zk.watch('/r')
    const { watch } = await zk.exists('/none', { watch: true })
    await staysFlat(RECONNECTS, async (count) => {
      for (let done = 0; done < count; done++) {
        const write = zk.setData('/r', 'x').catch(() => {})
        proxy.cut()
        await Promise.all([write, zk.getData('/r')])
        while ((await lasting.next()).value?.type !== 'gap') {}
      }
    })
    expect(zk.watchCount).toBe(2)
    await Promise.all([lasting.close(), watch.close()])
    await zk.close()
    proxy.close()
  })
})
