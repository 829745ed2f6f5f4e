import path from 'node:path'
import { Program } from '../../../clients/support/index.ts'
import { SMALL_JVM, type SystemInstall, until } from '../../support/index.ts'
import { type Kafka, PROGRAMS } from './cluster.ts'

/** What the program says about every record it has sent, after it has read them all. */
export type Count = Readonly<Record<string, number>>

/** What `result` says when all is well, beside how many records there were. */
export const NOTHING_WRONG: Count = {
  failed: 0,
  missing: 0,
  twice: 0,
  disordered: 0,
  misplaced: 0,
  groupMissing: 0,
}

const LIMIT_MS = 3_600_000

/** `programs/Traffic.java` at work: an idempotent producer with acks=all, and a consumer group that reads along. */
export class Traffic {
  readonly #program: Program

  constructor(
    kafka: Kafka,
    install: SystemInstall,
    topic: string,
    partitions: number,
    perSecond: number,
  ) {
    const log = `-Dlog4j.configuration=file:${path.join(PROGRAMS, 'quiet.properties')}`
    const args = [kafka.bootstrap, topic, String(partitions), String(perSecond)]
    this.#program = new Program(
      'java',
      [
        ...[...SMALL_JVM, log, '-cp', install.classPath],
        ...[path.join(PROGRAMS, 'Traffic.java'), ...args],
      ],
      { timeoutMs: LIMIT_MS },
    )
  }

  get acknowledged(): number {
    return this.#state()[0]
  }

  get consumed(): number {
    return this.#state()[1]
  }

  /** The longest time without an acknowledgement since {@link mark}, in ms. */
  get gapMs(): number {
    return this.#state()[2]
  }

  mark(): void {
    this.#program.writeLine('mark')
  }

  /** Waits until so many more are acknowledged, and the group has read so many more. */
  async more(count: number = 300): Promise<void> {
    const [acknowledged, consumed] = this.#state()
    await this.#until(`${count} more records`, () => {
      const now = this.#state()
      return now[0] >= acknowledged + count && now[1] >= consumed + count
    })
  }

  /** Stops producing, has everything read from the beginning, and returns what was found. */
  async finish(): Promise<Count> {
    this.#program.writeLine('stop')
    await this.#until('a result', () => this.#program.stdout.includes('\nresult '), 900_000)
    const { stdout, output } = await this.#program.finished()
    const line = /^result (.*)$/m.exec(stdout)?.[1]
    if (line === undefined) throw new Error(`no result:\n${output.slice(-3000)}`)
    const pairs = line.split(' ').map((one) => one.split('='))
    return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]))
  }

  get output(): string {
    return `--- traffic\n${this.#program.stderr.slice(-3000)}\n${this.#program.stdout.slice(-200)}`
  }

  kill(): void {
    this.#program.kill()
  }

  async #until(what: string, isSo: () => boolean, limitMs?: number): Promise<void> {
    let end: string | null = null
    void this.#program.finished().then(
      () => (end = 'it ended'),
      (error: unknown) => (end = String(error)),
    )
    await until(
      what,
      () => {
        if (isSo()) return true
        if (end !== null) throw new Error(`traffic, before ${what}: ${end}`)
        return false
      },
      limitMs,
    )
  }

  #state(): [acknowledged: number, consumed: number, gapMs: number] {
    const last = this.#program.stdout
      .slice(-400)
      .match(/^at (\d+) (\d+) (\d+)$/gm)
      ?.at(-1)
    const [, acknowledged, consumed, gap] = (last ?? 'at 0 0 0').split(' ').map(Number)
    return [acknowledged!, consumed!, gap!]
  }
}
