import path from 'node:path'
import { Program } from '../../../clients/support/index.ts'
import { SMALL_JVM } from '../../support/index.ts'

const SOURCE = path.join(import.meta.dirname, '../programs/HBaseSession.java')
const RUN_MS = 1_800_000

/** Masters and region servers by their ports. */
export interface HBaseStatus {
  readonly master: string
  readonly backups: readonly string[]
  readonly live: readonly string[]
  readonly dead: readonly string[]
  /** Regions that are neither open nor closed. */
  readonly transitions: number
}

/** HBase's Java client in a process of its own, asked one thing at a time. */
export class HBaseClient {
  readonly #program: Program

  constructor(javaArguments: readonly string[]) {
    const args = [...SMALL_JVM, ...javaArguments, SOURCE]
    this.#program = new Program('java', args, { timeoutMs: RUN_MS })
  }

  /** What the program answers after `ok `; rejects when it says that it failed. */
  async ask(command: string): Promise<string> {
    const from = this.#program.output.length
    this.#program.writeLine(command)
    await this.#program.waitFor(/^(?:ok|failed) .*\n/m, from)
    const [, verdict, answer] = /^(ok|failed) (.*)\n/m.exec(this.#program.output.slice(from))!
    if (verdict === 'failed') throw new Error(answer)
    return answer!
  }

  async status(): Promise<HBaseStatus> {
    const answer = await this.ask('status')
    const [, master, backups, live, dead, transitions] =
      /^master (\S+) backups (\S+) live (\S+) dead (\S+) transitions (\d+)$/.exec(answer)!
    return {
      master: master!,
      backups: portsIn(backups!),
      live: portsIn(live!),
      dead: portsIn(dead!),
      transitions: Number(transitions),
    }
  }

  /** How many rows HBase has acknowledged since the load began. */
  async acknowledged(): Promise<number> {
    return Number((await this.ask('acknowledged')).replace('acknowledged ', ''))
  }

  kill(): void {
    this.#program.kill()
  }
}

function portsIn(text: string): readonly string[] {
  return text === '-' ? [] : text.split(',')
}
