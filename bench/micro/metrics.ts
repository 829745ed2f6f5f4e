import type { Zxid } from '../../src/base/index.ts'
import { MemoryMetrics } from '../../src/env/index.ts'
import { NamespaceSizes, WriteMetrics } from '../../src/server/metrics/index.ts'
import { OpCode } from '../../src/wire/index.ts'

/*
 * What measuring costs in nanoseconds: `node dist/bench/micro/metrics.js` after `npm run build`. A read pays for
 * everything in the line "a read", a write for "a write"; the clock is asked once more for a read, four times for a write.
 */

const ROUNDS = 5_000_000
const WARM_UP = 500_000

const metrics = new MemoryMetrics()
const summary = metrics.summary('readlatency')
const counter = metrics.counter('response_bytes')
const sizes = new NamespaceSizes(metrics.summarySet('read_per_namespace'))
const PATHS = ['/app/nodes/n0000000042', '/other/n1', '/app', '/third/config/a']

measure('one observation', (i) => summary.observe(i & 1023))
measure('one count', (i) => counter.add(i & 7))
measure('one size by namespace', (i) => sizes.observe(PATHS[i & 3]!, 168))
measure('the clock', () => performance.now())

const final = metrics.summary('read_final_proc_time_ms')
const wait = metrics.summary('read_commitproc_time_ms')
const received = metrics.counter('bytes_received_count')
measure('a read', (i) => {
  const nowMs = performance.now()
  received.add(40)
  sizes.observe(PATHS[i & 3]!, 168)
  final.observe(performance.now() - nowMs)
  counter.add(188)
  wait.observe(0)
  summary.observe(0)
})

const outstanding = { requests: 8, waiting: 3, queues: 5, released: 0 }
const totals = { readsAnswered: 0, queuesDrained: 0 }
const writes = new WriteMetrics(metrics, outstanding, totals)
const request = { type: OpCode.closeSession } as const
const txn = { type: OpCode.closeSession, paths: null } as const
measure('a write, alone in its batch', (i) => {
  const beganMs = performance.now()
  writes.onPrepared(request, txn, 2, performance.now() - beganMs)
  writes.beginBatch(beganMs, 1000)
  writes.onCommitted(BigInt(i) as Zxid, 990, beganMs)
  writes.onApplied(2, 0, performance.now())
  writes.endBatch(performance.now())
})

/** By processor time, which others on the machine change less than the clock on the wall. */
function measure(name: string, run: (round: number) => void): void {
  for (let i = 0; i < WARM_UP; i += 1) run(i)
  const began = process.cpuUsage()
  for (let i = 0; i < ROUNDS; i += 1) run(i)
  const { user, system } = process.cpuUsage(began)
  const ns = ((user + system) * 1000) / ROUNDS
  process.stdout.write(`${name.padEnd(32)} ${ns.toFixed(1)} ns\n`)
}
