import type { Program } from '../../clients/support/index.ts'

/** What a program says to a line: `value 7`, `failed because`. */
export interface Answer {
  readonly word: string
  readonly rest: string
}

/** A program that answers lines, each `NAME …`, with lines `NAME WORD …`, in any order and several to one name. */
export class LineProgram {
  readonly #program: Program
  readonly #waiting = new Map<string, (answer: Answer) => void>()
  #read = 0
  #names = 0
  /** Why it answers no more. */
  #end: string | null = null

  constructor(program: Program) {
    this.#program = program
    void this.#listen()
  }

  newName(): string {
    this.#names += 1
    return `c${this.#names}`
  }

  /** Sends `NAME TEXT` with a new name and resolves with the answer. */
  async ask(text: string): Promise<Answer> {
    const name = this.newName()
    return await this.say(name, `${name} ${text}`)
  }

  /** Sends a line and resolves with the next answer to the name. */
  say(name: string, line: string): Promise<Answer> {
    if (this.#end !== null) return Promise.resolve({ word: 'failed', rest: this.#end })
    return new Promise((resolve) => {
      this.#waiting.set(name, resolve)
      this.#program.writeLine(line)
    })
  }

  async close(): Promise<void> {
    this.#program.kill()
    await this.#program.finished().catch(() => {})
  }

  async #listen(): Promise<void> {
    for (;;) {
      try {
        await this.#program.waitFor('\n', this.#read)
      } catch (error) {
        this.#end = String(error)
        for (const answer of this.#waiting.values()) answer({ word: 'failed', rest: this.#end })
        return
      }
      const end = this.#program.output.indexOf('\n', this.#read)
      const line = this.#program.output.slice(this.#read, end)
      this.#read = end + 1
      const [, name, word, rest] = /^(c\d+) (\w+) ?(.*)$/.exec(line) ?? []
      this.#waiting.get(name ?? '')?.({ word: word!, rest: rest! })
    }
  }
}
