import { Program } from '../../clients/support/index.ts'
import { SMALL_JVM } from './java-program.ts'

const RUN_MS = 1_800_000

/** A Java source file that is run as it is, and answers every line with one line, `ok …` or `failed …`. */
export class AskedProgram {
  readonly #program: Program

  constructor(
    source: string,
    javaArguments: readonly string[],
    ownArguments: readonly string[] = [],
  ) {
    const args = [...SMALL_JVM, ...javaArguments, source, ...ownArguments]
    this.#program = new Program('java', args, { timeoutMs: RUN_MS })
  }

  /** What comes after `ok`; rejects with what comes after `failed`. One at a time. */
  async ask(command: string): Promise<string> {
    const from = this.#program.stdout.length
    this.#program.writeLine(command)
    // Other things may be said in between, on the other stream too.
    let answer: RegExpExecArray | null = null
    while (answer === null) {
      const heard = this.#program.output.length
      answer = /^(ok|failed) (.*)\n/m.exec(this.#program.stdout.slice(from))
      if (answer === null) await this.#program.waitFor(/\n/, heard)
    }
    if (answer[1] === 'failed') throw new Error(answer[2])
    return answer[2]!
  }

  kill(): void {
    this.#program.kill()
  }
}
