import type { Kafka } from './cluster.ts'

/** A session that was lost, an answer of ZooKeeper's that a broker did not expect, and whatever it calls an error. */
const ODD = /^\[[^\]]*\] (?:ERROR|FATAL) |has expired|Session expired|KeeperErrorCode/
/**
 * A controller sends what it did not get an answer to again when it has connected to another server. If the lost answer
 * was that the znodes are made, the second is that they exist, which Kafka takes for a failure of the partition.
 */
const SENT_AGAIN = /KeeperErrorCode = NodeExists$|ERROR .* failed to change state for partition /
const CONNECTED = /Session establishment complete on server/
const SENT_AGAIN_MS = 30_000

/** Lines of the brokers' logs that tell of trouble with ZooKeeper or of any error, `<broker>: <line>`. */
export function troubles(kafka: Kafka): readonly string[] {
  return kafka.brokers.flatMap(({ id, program }) => oddLinesOf(program.log, id))
}

function oddLinesOf(log: string, id: number): string[] {
  let nowMs = 0
  let connectedMs = Number.NEGATIVE_INFINITY
  return log.split('\n').flatMap((line) => {
    const time = /^\[(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),(\d{3})\]/.exec(line)
    if (time !== null) nowMs = Date.parse(`${time[1]}T${time[2]}.${time[3]}Z`)
    if (CONNECTED.test(line)) connectedMs = nowMs
    const isSentAgain = SENT_AGAIN.test(line) && nowMs - connectedMs < SENT_AGAIN_MS
    return ODD.test(line) && !isSentAgain ? [`${id}: ${line}`] : []
  })
}
