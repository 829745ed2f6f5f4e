import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ROOT } from '../../tidy/source-files.ts'

export const PROGRAM: string = path.join(ROOT, 'dist', 'bin', 'zabkeeper.js')

/** How a run ended, with everything it said. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** One run of a program, by default of the built `zabkeeper`. */
export class Run {
  stdout = ''
  stderr = ''
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #watchers: Set<() => void> = new Set()
  /** Nobody can say anything more: neither the program nor one that it started. */
  #hasEnded = false

  constructor(args: readonly string[], options: { cwd: string; command?: string }) {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run "npm run build" first`)
    const [command, ...rest] =
      options.command === undefined
        ? [process.execPath, PROGRAM, ...args]
        : [options.command, ...args]
    this.#child = spawn(command!, rest, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout!.on('data', (chunk) => this.#add('stdout', chunk))
    this.#child.stderr!.on('data', (chunk) => this.#add('stderr', chunk))
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (code, signal) => {
        this.#hasEnded = true
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
        for (const watcher of this.#watchers) watcher()
      })
    })
  }

  /** Resolves with the first match in what the run says on standard output; rejects when it ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout)
      if (match !== null) return match
      if (this.#hasEnded) {
        throw new Error(`ended without ${pattern}: ${this.stdout}${this.stderr}`)
      }
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  /** The port of a server that logs JSON, whose line is there to its end by then. */
  async port(): Promise<number> {
    return Number((await this.says(/"clientPort":(\d+).*\n/))[1])
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #add(stream: 'stderr' | 'stdout', chunk: Buffer): void {
    this[stream] += chunk.toString()
    for (const watcher of [...this.#watchers]) watcher()
  }
}

/** A folder of its own and the runs in it; all gone after {@link Scratch.discard}. */
export class Scratch {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'zabkeeper-cli-'))
  readonly #runs: Run[] = []

  run(...args: readonly string[]): Run {
    return this.#keep(new Run(args, { cwd: this.folder }))
  }

  /** Runs another program in the folder. */
  runProgram(command: string, args: readonly string[]): Run {
    return this.#keep(new Run(args, { cwd: this.folder, command }))
  }

  /** Starts a server on a free port of the loopback interface. */
  async serve(...args: readonly string[]): Promise<{ run: Run; port: number }> {
    const run = this.run(
      'serve',
      '--port',
      '0',
      '--host',
      '127.0.0.1',
      '--log-format',
      'json',
      ...args,
    )
    return { run, port: await run.port() }
  }

  async discard(): Promise<void> {
    for (const run of this.#runs) await run.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #keep(run: Run): Run {
    this.#runs.push(run)
    return run
  }
}

/** Sends bytes to a port and resolves with all that comes back until the other side closes. */
export function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

/** For a session of 40 seconds, the longest with ticks of two: its end would be a transaction of its own. */
const CONNECT_REQUEST = Buffer.concat([
  Buffer.from([0, 0, 0, 45]),
  Buffer.alloc(12),
  Buffer.from([0, 0, 0x9c, 0x40]),
  Buffer.alloc(8),
  Buffer.from([0, 0, 0, 16]),
  Buffer.alloc(17),
])

/** Makes a session, which is one transaction, and leaves it behind. */
export function leaveSession(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(CONNECT_REQUEST))
    socket.on('error', reject)
    socket.on('data', () => {
      socket.destroy()
      resolve()
    })
  })
}
