import { WireClient } from '../client/index.ts'
import { Histogram } from './histogram.ts'

/*
 * Sends a ping every millisecond over a session of its own. Any line on its input makes it print what it saw since the
 * line before, as one line of JSON. How late its own timer came is reported too: no gap below that is the server's.
 */

/** Latencies in ms. */
export interface PingReport {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** The longest delay of this process itself. */
  readonly ownMax: number
}

async function run(port: number): Promise<void> {
  const client = await WireClient.open({ port, silent: true })
  const histogram = new Histogram()
  let ownMax = 0
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    ownMax = Math.max(ownMax, now - last - 1)
    last = now
    client.ping().then(() => histogram.add((performance.now() - now) * 1000), fail)
  }, 1)
  process.stdin.on('data', () => {
    const report: PingReport = {
      count: histogram.count,
      p50: histogram.quantile(0.5) / 1000,
      p99: histogram.quantile(0.99) / 1000,
      max: histogram.maxUs / 1000,
      ownMax,
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
    histogram.clear()
    ownMax = 0
  })
  process.stdin.on('end', () => process.exit(0))
  process.stdout.write('ready\n')
}

function fail(error: unknown): void {
  process.stderr.write(`pinger: ${String(error)}\n`)
  process.exit(1)
}

run(Number(process.argv[2])).catch(fail)
