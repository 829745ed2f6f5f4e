import path from 'node:path'
import type { Peer } from '../../clients/support/index.ts'
import { Program } from '../../clients/support/index.ts'
import type { Witness } from './witness.ts'

/** Something that is held. */
export interface Held {
  readonly sessionId: bigint
  release(): Promise<void>
}

/** A party with recipes by name: ours, or a program of another language. */
export interface Contenders {
  /** Resolves when it is held; rejects with the reason when it never will be. */
  hold(recipe: string, znode: string): Promise<Held>
  /** So many workers, each with a session of its own, get so many grants each, before the eyes of the witness. */
  contend(recipe: string, znode: string, grants: number, workers: number): Promise<void>
  close(): Promise<void>
}

type Answer = { readonly word: string; readonly rest: string }

/** A program that takes commands line by line; see programs/contender.py. */
export class ProgramContenders implements Contenders {
  readonly #program: Program
  readonly #witness: Witness
  readonly #waiting = new Map<string, (answer: Answer) => void>()
  #read = 0
  /** Why it answers no more. */
  #end: string | null = null
  #names = 0

  constructor(program: Program, witness: Witness) {
    this.#program = program
    this.#witness = witness
    void this.#listen()
  }

  async hold(recipe: string, znode: string): Promise<Held> {
    const name = this.#name()
    const answer = await this.#ask(name, `hold ${name} ${recipe} ${znode}`)
    if (answer.word !== 'held') throw new Error(answer.rest)
    return {
      sessionId: BigInt(answer.rest),
      release: async () => {
        const { word, rest } = await this.#ask(name, `release ${name}`)
        if (word !== 'released') throw new Error(rest)
      },
    }
  }

  async contend(recipe: string, znode: string, grants: number, workers: number): Promise<void> {
    const name = this.#name()
    const { port } = this.#witness
    const command = `contend ${name} ${recipe} ${znode} ${grants} ${workers} ${port}`
    const { word, rest } = await this.#ask(name, command)
    if (word !== 'done') throw new Error(rest)
  }

  async close(): Promise<void> {
    this.#program.kill()
    await this.#program.finished().catch(() => {})
  }

  #name(): string {
    this.#names += 1
    return `c${this.#names}`
  }

  #ask(name: string, command: string): Promise<Answer> {
    if (this.#end !== null) return Promise.resolve({ word: 'failed', rest: this.#end })
    return new Promise((resolve) => {
      this.#waiting.set(name, resolve)
      this.#program.writeLine(command)
    })
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

const LIMIT_MS = 20 * 60_000

export function kazooContenders(
  python: Peer<string>,
  address: string,
  witness: Witness,
): Contenders {
  const file = path.join(import.meta.dirname, '../programs/contender.py')
  const args = ['-B', file, address]
  return new ProgramContenders(new Program(python.found!, args, { timeoutMs: LIMIT_MS }), witness)
}

export function javaContenders(
  classPath: Peer<string>,
  address: string,
  witness: Witness,
): Contenders {
  const file = path.join(import.meta.dirname, '../programs/Contender.java')
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
  const args = [quiet, '-cp', classPath.found!, file, address]
  return new ProgramContenders(new Program('java', args, { timeoutMs: LIMIT_MS }), witness)
}
