import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { until } from './until.ts'

export interface JavaProgramOptions {
  /** In errors, and the name of its log file. */
  readonly name: string
  /** Where it runs and writes: what it says is in `<name>.log`. */
  readonly folder: string
  readonly classPath: string
  readonly mainClass: string
  readonly args?: readonly string[]
  /** `-D…` and the like, after {@link SMALL_JVM}. */
  readonly javaArguments?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Several of them share one small machine. */
export const SMALL_JVM: readonly string[] = [
  ...['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'],
]
const STOP_MS = 120_000
const TAIL = 6000

/** A Java program that runs until it is ended. It may be started again; its folder and log stay. */
export class JavaProgram {
  readonly name: string
  readonly logFile: string
  readonly #options: JavaProgramOptions
  #child: ChildProcess | null = null
  #ended: Promise<void> = Promise.resolve()
  #isRunning = false

  constructor(options: JavaProgramOptions) {
    this.name = options.name
    this.logFile = path.join(options.folder, `${options.name}.log`)
    this.#options = options
  }

  get running(): boolean {
    return this.#isRunning
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`${this.name} was not started`)
    return pid
  }

  /** All that it wrote since it was made, over all its starts. */
  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : ''
  }

  get tail(): string {
    return `--- ${this.name}\n${this.log.slice(-TAIL)}`
  }

  /** Starts the process without waiting for anything. */
  launch(): void {
    if (this.#isRunning) throw new Error(`${this.name} is running already`)
    const { folder, classPath, mainClass, args = [], javaArguments = [], env } = this.#options
    mkdirSync(folder, { recursive: true })
    const log = openSync(this.logFile, 'a')
    const child = spawn(
      'java',
      [...SMALL_JVM, ...javaArguments, '-cp', classPath, mainClass, ...args],
      { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', log, log] },
    )
    closeSync(log)
    this.#child = child
    this.#isRunning = true
    this.#ended = new Promise((resolve) => {
      child.on('error', () => {
        this.#isRunning = false
        resolve()
      })
      child.on('close', () => {
        this.#isRunning = false
        resolve()
      })
    })
  }

  /** Waits until it is so, and rejects with its log when the program ends before or it takes too long. */
  async ready(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
    try {
      await until(`${this.name}: ${what}`, async () => {
        if (!this.#isRunning) throw new Error(`${this.name} ended before: ${what}`)
        return await isSo()
      })
    } catch (error) {
      throw new Error(`${String(error)}\n${this.tail}`, { cause: error })
    }
  }

  signal(name: NodeJS.Signals): void {
    if (this.#isRunning) this.#child?.kill(name)
  }

  /** `kill -9`, and waits for the end. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.#ended
  }

  /** Asks it to end, waits, and kills it when that takes too long, which is an error. */
  async stop(): Promise<void> {
    this.signal('SIGTERM')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(true), STOP_MS)
    })
    const isLate = await Promise.race([late, this.#ended.then(() => false)])
    clearTimeout(timer)
    if (!isLate) return
    await this.kill()
    throw new Error(`${this.name} did not end within ${STOP_MS} ms\n${this.tail}`)
  }
}
