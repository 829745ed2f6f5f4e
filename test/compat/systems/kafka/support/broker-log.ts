import type { Kafka } from './cluster.ts'

/** A session that was lost, an answer of ZooKeeper's that a broker did not expect, and whatever it calls an error. */
const ODD = /^\[[^\]]*\] (?:ERROR|FATAL) |has expired|Session expired|KeeperErrorCode/

/** Lines of the brokers' logs that tell of trouble with ZooKeeper or of any error, `<broker>: <line>`. */
export function troubles(kafka: Kafka, expected: readonly RegExp[] = []): readonly string[] {
  return kafka.brokers.flatMap(({ id, program }) =>
    program.log
      .split('\n')
      .filter((line) => ODD.test(line) && !expected.some((pattern) => pattern.test(line)))
      .map((line) => `${id}: ${line}`),
  )
}
