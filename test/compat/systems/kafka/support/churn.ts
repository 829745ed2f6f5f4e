import path from 'node:path'
import { expect } from 'vitest'
import { AskedProgram, readTree, type SystemInstall, until } from '../../support/index.ts'
import { type Kafka, PROGRAMS } from './cluster.ts'
import { CHROOT } from './properties.ts'

const KEPT = 4
const ROUNDS_MS = 900_000

/** `programs/Churn.java`: topics are made, changed and deleted all the time, so that brokers use ZooKeeper. */
export class Churn {
  readonly #program: AskedProgram
  #rounds = 0
  #isEnding = false
  readonly #running: Promise<void>
  #failure: unknown = null

  constructor(kafka: Kafka, install: SystemInstall) {
    const log = `-Dlog4j.configuration=file:${path.join(PROGRAMS, 'quiet.properties')}`
    const source = path.join(PROGRAMS, 'Churn.java')
    const java = [log, '-cp', install.classPath]
    this.#program = new AskedProgram(source, java, [kafka.bootstrap, String(KEPT)])
    this.#running = this.#run()
    // Whoever waits hears of it.
    this.#running.catch((error: unknown) => {
      this.#failure = error
    })
  }

  get rounds(): number {
    return this.#rounds
  }

  /** Waits for so many whole rounds that begin from now on. */
  async more(count: number = 2): Promise<void> {
    const wanted = this.#rounds + count + 1
    const isSo = (): boolean => {
      if (this.#failure !== null) throw this.#failure
      return this.#rounds >= wanted
    }
    await until(`${count} more rounds of topics`, isSo, ROUNDS_MS)
  }

  /** Ends it and compares what ZooKeeper holds with what was acknowledged. */
  async finish(servers: string): Promise<void> {
    this.#isEnding = true
    await this.#running
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

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      await this.#program.ask(`round ${this.#rounds}`)
      this.#rounds += 1
    }
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
