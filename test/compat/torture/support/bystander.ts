import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { ServerProcess } from '../../../../bench/servers/index.ts'

export interface BystanderReport {
  readonly failure: string | null
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Most memory the server had meanwhile, over what it had at the start, in MiB. */
  readonly grownMib: number
}

/** A well-behaved client in a thread of its own, and an eye on the server's memory, while `work` misbehaves. */
export async function withBystander(
  server: ServerProcess,
  work: () => Promise<void>,
): Promise<BystanderReport> {
  const file = path.join(import.meta.dirname, 'healthy-client.mjs')
  const worker = new Worker(file, {
    workerData: { port: server.options.port, pid: server.pid, everyMs: 2 },
  })
  const next = async (): Promise<unknown> =>
    await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  await next()
  const before = server.residentBytes()
  let most = before
  const watch = setInterval(() => {
    if (server.running) most = Math.max(most, server.residentBytes())
  }, 20)
  try {
    await work()
    await sleep(200)
  } finally {
    clearInterval(watch)
  }
  const report = next()
  worker.postMessage('stop')
  const figures = (await report) as Omit<BystanderReport, 'grownMib'>
  return { ...figures, grownMib: (most - before) / 2 ** 20 }
}
