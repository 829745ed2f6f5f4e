import path from 'node:path'
import { expect } from 'vitest'
import type { Endpoint } from '../../../../bench/servers/index.ts'
import { Program } from '../../clients/support/index.ts'

const SCRIPT = path.join(import.meta.dirname, 'kazoo-crowd.py')
const LIFETIME_MS = 3_600_000

/** Clients of kazoo's with ephemerals and watches, in a process of their own. */
export class KazooCrowd {
  readonly #program: Program
  #checks = 0

  static async start(
    python: string,
    servers: readonly Endpoint[],
    clients: number,
  ): Promise<KazooCrowd> {
    const hosts = servers.map(({ host, port }) => `${host}:${port}`).join(',')
    const args = [SCRIPT, hosts, String(clients)]
    const program = new Program(python, args, { timeoutMs: LIFETIME_MS })
    await program.waitFor('ready')
    return new KazooCrowd(program)
  }

  private constructor(program: Program) {
    this.#program = program
  }

  /** Every client still has its first session and its ephemeral, and every watch fires. */
  async check(): Promise<void> {
    this.#checks++
    this.#program.writeLine(`check ${this.#checks}`)
    await this.#program.waitFor(new RegExp(`^ok ${this.#checks}$`, 'm'))
  }

  async finish(): Promise<void> {
    this.#program.endInput()
    const { code, output } = await this.#program.finished()
    expect(output).toMatch(/^end$/m)
    expect(code).toBe(0)
  }

  kill(): void {
    this.#program.kill()
  }
}
