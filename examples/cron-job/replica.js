// One replica of a service: node replica.js NAME
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'zabkeeper/client'
import { LeaderLatch } from 'zabkeeper/recipes'

const LAST_SLOT = '/examples/cron/last-slot'

const name = process.argv[2] ?? `replica-${process.pid}`
const everyMs = Number(process.env.JOB_EVERY_MS ?? 60_000)

const zk = await connect(process.env.ZOOKEEPER ?? 'localhost:2181', { sessionTimeoutMs: 10_000 })
await zk.ensurePath(LAST_SLOT)
const latch = new LeaderLatch(zk, '/examples/cron/leader', { id: name })

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())

while (!stop.signal.aborted) {
  try {
    const { signal } = await latch.leadership({ signal: stop.signal })
    console.log(`${name} leads`)
    await lead(AbortSignal.any([signal, stop.signal]))
  } catch (error) {
    // A connection that broke, a session that was lost: it stands again.
    if (!stop.signal.aborted) console.log(`${name} pauses: ${error.message}`)
  }
}
await latch.close()
await zk.close()

/** Runs the job at every slot until somebody else may lead. */
async function lead(signal) {
  while (!signal.aborted) {
    const slot = Math.floor(Date.now() / everyMs) + 1
    await sleep(slot * everyMs - Date.now(), undefined, { signal }).catch(() => {})
    if (!signal.aborted && (await claim(slot))) await runJob(slot, signal)
  }
}

/** True for one caller per slot, whoever led meanwhile: the version of the znode decides. */
async function claim(slot) {
  const { data, stat } = await zk.getData(LAST_SLOT)
  const last = Number(new TextDecoder().decode(data))
  if (last >= slot) return false
  try {
    await zk.setData(LAST_SLOT, String(slot), stat.version)
    return true
  } catch (error) {
    // Another one was faster. Or the answer is lost, and this one must not guess.
    if (error.code === 'BAD_VERSION' || error.outcome === 'unknown') return false
    throw error
  }
}

/** The job. One that takes long has to look at the signal. */
async function runJob(slot, signal) {
  signal.throwIfAborted()
  console.log(`${name} runs ${slot}`)
}
