import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type ApacheInstall, findApache, lineOf, type ServerKind } from './apache.ts'
import { fourLetterWord } from './four-letter-word.ts'

export interface ServerOptions {
  readonly kind: ServerKind
  /** Working folder: `zoo.cfg` and, unless `dataDir` is given, the folder `data` are made in it. */
  readonly folder: string
  readonly port: number
  /** Where it listens, 127.0.0.1 unless given. */
  readonly host?: string
  readonly dataDir?: string
  readonly tickTime?: number
  /** More lines of `zoo.cfg`. */
  readonly config?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Put before the command, e.g. `['strace', '-f', …]`. */
  readonly wrapper?: readonly string[]
  /** Arguments of `java` or `node`, e.g. `['-Xmx1g']`. */
  readonly runtimeArguments?: readonly string[]
  /** Takes the place of the installed Apache that `kind` would find. */
  readonly apache?: ApacheInstall
  readonly startTimeoutMs?: number
}

export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export const PROJECT_FOLDER: string = findProjectFolder()

/** The program of this project: as built in `dist`, or another copy named by `ZABKEEPER_PROGRAM`. */
export const ZABKEEPER_PROGRAM: string =
  process.env['ZABKEEPER_PROGRAM'] ?? path.join(PROJECT_FOLDER, 'dist/bin/zabkeeper.js')

/** One standalone server in a process of its own. */
export class ServerProcess {
  readonly options: ServerOptions
  readonly address: string
  /** Everything the process wrote, both streams. */
  output = ''
  #child: ChildProcess | null = null
  #exit: Promise<ExitStatus> = Promise.resolve({ code: null, signal: null })
  #exited = true

  constructor(options: ServerOptions) {
    this.options = options
    this.address = `${this.#host}:${options.port}`
  }

  get #host(): string {
    return this.options.host ?? '127.0.0.1'
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the server was not started')
    return pid
  }

  get running(): boolean {
    return !this.#exited
  }

  get dataDir(): string {
    return this.options.dataDir ?? path.join(this.options.folder, 'data')
  }

  /** Starts the process and waits until it answers requests. Rejects with its output if it ends before. */
  async start(): Promise<void> {
    this.launch()
    await this.ready()
  }

  /** Starts the process without waiting for anything. */
  launch(): void {
    if (!this.#exited) throw new Error('the server is running already')
    const { folder, env, wrapper = [] } = this.options
    mkdirSync(folder, { recursive: true })
    if (this.options.dataDir === undefined) mkdirSync(this.dataDir, { recursive: true })
    const file = path.join(folder, 'zoo.cfg')
    writeFileSync(file, this.#configText())
    const command = [...wrapper, ...this.#command(file)]
    this.output = ''
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#exited = false
    const keep = (chunk: Buffer): void => {
      if (this.output.length < 1 << 20) this.output += chunk.toString()
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    this.#exit = new Promise((resolve) => {
      child.on('error', (error) => {
        this.output += String(error)
      })
      child.on('close', (code, signal) => {
        this.#exited = true
        resolve({ code, signal })
      })
    })
  }

  async ready(): Promise<void> {
    const limit = Date.now() + (this.options.startTimeoutMs ?? 60_000)
    for (;;) {
      if (this.#exited) throw new Error(`the server ended while starting:\n${this.output}`)
      const answer = await fourLetterWord(this.options.port, 'srvr', 2000, this.#host).catch(
        () => '',
      )
      if (answer.startsWith('Zookeeper version')) return
      if (Date.now() > limit) {
        await this.kill()
        throw new Error(`the server did not answer in time:\n${this.output}`)
      }
      await pause(10)
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  /** `kill -9`, and waits for the end. */
  async kill(): Promise<ExitStatus> {
    if (!this.#exited) this.signal('SIGKILL')
    return await this.#exit
  }

  /** Asks for a graceful stop, and waits for the end. */
  async stop(): Promise<ExitStatus> {
    if (!this.#exited) this.signal('SIGTERM')
    return await this.exit(60_000)
  }

  /** Waits until the process has ended by itself; kills it and rejects after `timeoutMs`. */
  async exit(timeoutMs: number): Promise<ExitStatus> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), timeoutMs)
    })
    const status = await Promise.race([this.#exit, late])
    clearTimeout(timer)
    if (status !== null) return status
    await this.kill()
    throw new Error(`the server was still running after ${timeoutMs} ms:\n${this.output}`)
  }

  /** Resident memory of the process in bytes. */
  residentBytes(): number {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024
  }

  #configText(): string {
    const lines = [
      `tickTime=${this.options.tickTime ?? 2000}`,
      `dataDir=${this.dataDir}`,
      `clientPort=${this.options.port}`,
      `clientPortAddress=${this.#host}`,
      'maxClientCnxns=0',
      'admin.enableServer=false',
      '4lw.commands.whitelist=*',
      ...(this.options.config ?? []),
    ]
    return `${lines.join('\n')}\n`
  }

  #command(configFile: string): string[] {
    const { kind, runtimeArguments = [] } = this.options
    if (kind === 'zabkeeper') {
      if (!existsSync(ZABKEEPER_PROGRAM)) {
        throw new Error(`${ZABKEEPER_PROGRAM} is missing: run "npm run build" first`)
      }
      return [process.execPath, ...runtimeArguments, ZABKEEPER_PROGRAM, 'serve', configFile]
    }
    const install = this.options.apache ?? findApache(lineOf(kind)!)
    if (install === null) throw new Error(`${kind} is not installed`)
    return [
      'java',
      '-Dzookeeper.log.threshold=WARN',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      ...runtimeArguments,
      ...['-cp', install.classPath, 'org.apache.zookeeper.server.quorum.QuorumPeerMain'],
      configFile,
    ]
  }
}

/** Why a server of this kind cannot be started here, or null when it can. */
export function missingServer(kind: ServerKind): string | null {
  const line = lineOf(kind)
  if (line === null) {
    return existsSync(ZABKEEPER_PROGRAM) ? null : `${ZABKEEPER_PROGRAM} is missing: npm run build`
  }
  if (findApache(line) === null) return `Apache ZooKeeper ${line} is not installed`
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return folders.some((folder) => existsSync(path.join(folder, 'java'))) ? null : 'java is missing'
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

function findProjectFolder(): string {
  let folder = import.meta.dirname
  // Up from bench/servers or from its compiled form in dist.
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder)
    if (parent === folder) throw new Error('package.json was not found above this program')
    folder = parent
  }
  return folder
}
