import path from 'node:path'
import { expect } from 'vitest'
import { AskedProgram, readTree, type SystemInstall, until } from '../../support/index.ts'
import { type Kafka, PROGRAMS } from './cluster.ts'
import { CHROOT } from './properties.ts'

const KEPT = 4

/**
 * `programs/Churn.java`: topics are made, changed and deleted, so that brokers use ZooKeeper. Only when asked, and not while
 * a server is ended: a controller whose create was done, and whose answer was lost with the connection, sends it again, is
 * told that the znode exists, and leaves the partition without a leader until there is another controller.
 */
export class Churn {
  readonly #program: AskedProgram
  #rounds = 0

  constructor(kafka: Kafka, install: SystemInstall) {
    const log = `-Dlog4j.configuration=file:${path.join(PROGRAMS, 'quiet.properties')}`
    const source = path.join(PROGRAMS, 'Churn.java')
    const java = [log, '-cp', install.classPath]
    this.#program = new AskedProgram(source, java, [kafka.bootstrap, String(KEPT)])
  }

  get rounds(): number {
    return this.#rounds
  }

  async more(count: number = 2): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.#program.ask(`round ${this.#rounds}`)
      this.#rounds += 1
    }
  }

  /** Compares what ZooKeeper holds with what was acknowledged. */
  async finish(servers: string): Promise<void> {
    const numbers = Array.from({ length: KEPT }, (_, i) => this.#rounds - KEPT + i)
    const wanted = numbers
      .map((one) => `churn-${one} 3 partitions, retention ${1_000_000 + one}`)
      .toSorted()
    // The controller deletes after it has answered.
    await until('all deletions are over', async () => {
      const tree = await readTree(servers, `${CHROOT}/admin/delete_topics`)
      return tree.size === 1
    })
    let found: readonly string[] = []
    await until('what ZooKeeper holds is what was acknowledged', async () => {
      found = await topicsIn(servers)
      return found.join() === wanted.join()
    }).catch(() => {
      // The comparison says more.
    })
    expect(found).toEqual(wanted)
  }

  kill(): void {
    this.#program.kill()
  }
}

/** Of each topic that Churn has made: its partitions that have a leader or had one, and its configuration. */
async function topicsIn(servers: string): Promise<readonly string[]> {
  const tree = await readTree(servers, CHROOT)
  const paths = [...tree.keys()]
  const topics = paths.flatMap((one) => /\/topics\/(churn-\d+)$/.exec(one)?.[1] ?? [])
  return [...new Set(topics)].toSorted().map((name) => {
    const root = `${CHROOT}/brokers/topics/${name}/`
    const states = paths.filter((one) => one.startsWith(root) && one.endsWith('/state'))
    const config = tree.get(`${CHROOT}/config/topics/${name}`)?.data ?? ''
    const retention = /"retention.ms":"(\d+)"/.exec(config)?.[1]
    return `${name} ${states.length} partitions, retention ${retention}`
  })
}
