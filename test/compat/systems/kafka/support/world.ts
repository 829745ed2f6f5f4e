import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Ensemble, ServerKind } from '../../../../../bench/servers/index.ts'
import { connect, type ZooKeeper } from '../../../../../src/client-node/index.ts'
import { withEnsemble } from '../../../ensemble/support/index.ts'
import type { JavaProgram, SystemInstall } from '../../support/index.ts'
import { Churn } from './churn.ts'
import { Kafka } from './cluster.ts'
import { Traffic } from './traffic.ts'

export interface World {
  readonly ensemble: Ensemble
  /** `host:port,…` of it. */
  readonly servers: string
  /** For files; it is deleted with the world. */
  readonly folder: string
  readonly kafka: Kafka
  /** More programs, which end with the world. */
  readonly programs: JavaProgram[]
  /** A session of the test's own. */
  readonly client: ZooKeeper
  /** Starts producing and consuming; it ends with the world. */
  traffic(topic: string, partitions: number, perSecond: number): Traffic
  /** Starts making, changing and deleting topics; it ends with the world. */
  churn(): Churn
}

export interface WorldOptions {
  readonly install: SystemInstall
  readonly kind: ServerKind
  readonly ports?: readonly number[]
}

/** Three servers of a kind, and the brokers, which are not started yet. Whatever happens, all processes end. */
export async function withKafka(
  options: WorldOptions,
  use: (world: World) => Promise<void>,
): Promise<void> {
  const { install, kind, ports } = options
  const members = [1, 2, 3].map(() => ({ kind }))
  await withEnsemble({ members }, async (ensemble) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-kafka-'))
    const servers = ensemble.ports.map((port) => `127.0.0.1:${port}`).join(',')
    const kafka = await Kafka.make({
      ...{ install, folder, servers },
      ...(ports === undefined ? {} : { ports }),
    })
    const client = await connect(servers, { sessionTimeoutMs: 18_000 })
    const programs: JavaProgram[] = []
    const running: Traffic[] = []
    const churning: Churn[] = []
    const traffic = (topic: string, partitions: number, perSecond: number): Traffic => {
      const one = new Traffic(kafka, install, topic, partitions, perSecond)
      running.push(one)
      return one
    }
    const churn = (): Churn => {
      const one = new Churn(kafka, install)
      churning.push(one)
      return one
    }
    try {
      await use({ ensemble, servers, folder, kafka, programs, client, traffic, churn })
    } catch (error) {
      const reason = error instanceof Error ? error.stack : String(error)
      const outputs = [kafka.output, ...running.map(({ output }) => output)]
      throw new Error(`${reason}\n${outputs.join('\n')}`, { cause: error })
    } finally {
      for (const one of [...running, ...churning]) one.kill()
      await kafka.kill()
      for (const one of programs) await one.kill()
      await client.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
