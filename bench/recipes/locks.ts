import { setImmediate as turn } from 'node:timers/promises'
import { Mutex } from '../../recipes/index.ts'
import { connect, type ZooKeeper } from '../../src/client-node/index.ts'
import { answerTwin } from '../twin.ts'

/** What both programs get as JSON argument: `locks.ts` with our recipes, `locks.py` with kazoo's. */
export interface LockOptions {
  readonly address: string
  readonly znode: string
  /** Contenders at once; 1 has the lock for itself. */
  readonly contenders: number
  /** Sessions that they share. */
  readonly sessions: number
  /** Of each contender; not measured. */
  readonly warmup: number
  /** Of each contender. */
  readonly grants: number
}

/** What they print as a line of JSON. */
export interface LockResult {
  readonly grantsPerSecond: number
  /** From asking for the lock until it is held. */
  readonly p50Ms: number
  readonly p99Ms: number
}

async function run(options: LockOptions): Promise<LockResult> {
  const { address, znode, contenders, sessions } = options
  const clients = await Promise.all(
    Array.from({ length: sessions }, () => connect(address, { sessionTimeoutMs: 40_000 })),
  )
  const each = async (grants: number): Promise<number[]> => {
    const waits = Array.from({ length: contenders }, async (_, i) => {
      return await contend(clients[i % sessions]!, znode, grants)
    })
    return (await Promise.all(waits)).flat()
  }
  await each(options.warmup)
  const start = performance.now()
  const waitsMs = (await each(options.grants)).sort((a, b) => a - b)
  const seconds = (performance.now() - start) / 1000
  await Promise.all(clients.map(async (zk) => await zk.close()))
  const quantile = (q: number): number => waitsMs[Math.floor(q * (waitsMs.length - 1))] ?? 0
  return {
    grantsPerSecond: waitsMs.length / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  }
}

/** Takes the lock and gives it back, `grants` times; how long each took, in ms. */
async function contend(zk: ZooKeeper, znode: string, grants: number): Promise<number[]> {
  const mutex = new Mutex(zk, znode)
  const waitsMs: number[] = []
  for (let i = 0; i < grants; i++) {
    const before = performance.now()
    const grant = await mutex.acquire()
    waitsMs.push(performance.now() - before)
    await grant.release()
    // Threads of kazoo let others run here too. Not a timer of 0 ms: that is one of 1 ms.
    await turn()
  }
  return waitsMs
}

answerTwin(run)
