import path from 'node:path'
import type { Peer } from '../../clients/support/index.ts'
import { Program } from '../../clients/support/index.ts'
import { LineProgram } from './line-program.ts'
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

/** A program that takes commands line by line; see programs/contender.py. */
class ProgramContenders implements Contenders {
  readonly #program: LineProgram
  readonly #witness: Witness

  constructor(program: Program, witness: Witness) {
    this.#program = new LineProgram(program)
    this.#witness = witness
  }

  async hold(recipe: string, znode: string): Promise<Held> {
    const name = this.#program.newName()
    const answer = await this.#program.say(name, `hold ${name} ${recipe} ${znode}`)
    if (answer.word !== 'held') throw new Error(answer.rest)
    return {
      sessionId: BigInt(answer.rest),
      release: async () => {
        const { word, rest } = await this.#program.say(name, `release ${name}`)
        if (word !== 'released') throw new Error(rest)
      },
    }
  }

  async contend(recipe: string, znode: string, grants: number, workers: number): Promise<void> {
    const name = this.#program.newName()
    const command = `contend ${name} ${recipe} ${znode} ${grants} ${workers} ${this.#witness.port}`
    const { word, rest } = await this.#program.say(name, command)
    if (word !== 'done') throw new Error(rest)
  }

  async close(): Promise<void> {
    await this.#program.close()
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
