import { type ChildProcess, spawn } from 'node:child_process'

export interface ProgramResult {
  readonly code: number | null
  /** Standard output and standard error in the order they came. */
  readonly output: string
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Runs a program to its end; kills it and rejects when it takes too long. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const program = new Program(command, args, options)
  program.writeLine(options.input ?? '', '')
  program.endInput()
  return await program.finished()
}

/** A program that is talked to while it runs. */
export class Program {
  output = ''
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  readonly #end: Promise<number | null>
  #failure: Error | null = null
  #changed: (() => void)[] = []
  #ended = false

  constructor(command: string, args: readonly string[], options: RunOptions = {}) {
    const child = spawn(command, args, { env: { ...process.env, ...options.env } })
    this.#child = child
    const timer = setTimeout(() => {
      this.#failure = new Error(`${command} ran for too long`)
      child.kill('SIGKILL')
    }, options.timeoutMs ?? 120_000)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.output += text
      this.#notify()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.output += text
      this.#notify()
    })
    child.stdin.on('error', () => {
      // The program ended without reading its input; its exit code tells.
    })
    child.on('error', (error) => {
      this.#failure = error
    })
    this.#end = new Promise((resolve) => {
      child.on('close', (code) => {
        clearTimeout(timer)
        this.#ended = true
        this.#notify()
        resolve(code)
      })
    })
  }

  writeLine(text: string, end: string = '\n'): void {
    this.#child.stdin?.write(text + end)
  }

  endInput(): void {
    this.#child.stdin?.end()
  }

  /** Waits until the output contains `text` at or after `from`; rejects when the program ends first. */
  async waitFor(text: string | RegExp, from: number = 0): Promise<void> {
    const matches = (): boolean =>
      typeof text === 'string'
        ? this.output.includes(text, from)
        : text.test(this.output.slice(from))
    while (!matches()) {
      if (this.#ended) throw new Error(`the program ended before "${text}":\n${this.output}`)
      await new Promise<void>((resolve) => this.#changed.push(resolve))
    }
  }

  async finished(): Promise<ProgramResult> {
    const code = await this.#end
    if (this.#failure !== null) throw new Error(`${this.#failure.message}\n${this.output}`)
    return { code, output: this.output, stdout: this.stdout, stderr: this.stderr }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  kill(): void {
    this.signal('SIGKILL')
  }

  #notify(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }
}

/** The names a script printed as `ok <name>`, in order. */
export function passedSteps(output: string): string[] {
  return [...output.matchAll(/^ok (.+)$/gm)].map((match) => match[1] ?? '')
}
