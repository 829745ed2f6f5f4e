import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import type { LoadOptions, LoadResult } from './generator.ts'
import type { PingReport } from './pinger.ts'

/** Runs the load generator in a process of its own and returns what it measured. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const child = start('generator.js', JSON.stringify(options))
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`the load generator ended with code ${code}`)
  return JSON.parse(output) as LoadResult
}

/** The process that measures how long a server stands still. */
export class Pinger {
  readonly #child: ChildProcess
  #lines: string[] = []
  #onLine: (() => void) | null = null

  static async start(port: number): Promise<Pinger> {
    const pinger = new Pinger(start('pinger.js', String(port)))
    await pinger.#line()
    return pinger
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    let rest = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      this.#lines.push(...lines)
      this.#onLine?.()
    })
    child.on('close', () => this.#onLine?.())
  }

  /** Since the report before. */
  async report(): Promise<PingReport> {
    this.#child.stdin?.write('report\n')
    return JSON.parse(await this.#line()) as PingReport
  }

  stop(): void {
    this.#child.kill()
  }

  async #line(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined) return line
      if (this.#child.exitCode !== null) throw new Error('the pinger has ended')
      await new Promise<void>((resolve) => {
        this.#onLine = resolve
      })
    }
  }
}

function start(program: string, argument: string): ChildProcess {
  const file = path.join(import.meta.dirname, program)
  return spawn(process.execPath, [file, argument], { stdio: ['pipe', 'pipe', 'inherit'] })
}
