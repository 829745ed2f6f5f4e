import type { ConnectOptions } from '../client-node/index.ts'
import {
  type Command,
  type CommandContext,
  type Json,
  type ShellControls,
  usageText,
} from './command.ts'
import { COMMAND_LIST, COMMANDS } from './commands/index.ts'
import { CommandError, EXIT_COMMAND_NOT_FOUND, toCommandError, usageError } from './failures.ts'
import { Arguments, parseArguments } from './flags.ts'
import { HeldOutput, type Streams } from './output.ts'
import { type KeeperState, type Open, ServerSession } from './server-session.ts'
import { type ShownEvent, WatchBook } from './watch-book.ts'
import { splitWords } from './words.ts'

/** What the shell needs of the world. */
export interface ShellOptions {
  /** `host:port,host:port/chroot` */
  readonly servers: string
  /** `connectTimeoutMs` limits how long a command waits for a server. */
  readonly connection: ConnectOptions
  readonly open: Open
  readonly streams: Streams
  /** Prints what nobody has asked for at this moment: events. */
  announce(text: string): void
  readonly isJson: boolean
  /** IANA name. */
  readonly timeZone: string
  readFile(name: string): string
}

/** `history` shows so many before the present one. */
const HISTORY_SHOWN = 10
const SILENT: Streams = { out: () => {}, err: () => {} }

/** Runs commands one after the other, in a session that begins with {@link start}. */
export class Shell implements ShellControls {
  printsWatches = true
  readonly #options: ShellOptions
  readonly #lines = new Map<number, string>()
  #count = 0
  #session: ServerSession | null = null
  #watches = new WatchBook(() => {})
  #isKept = false
  #isOver = false
  #exitCode = 0
  /** Of the command that runs. */
  #output: HeldOutput = new HeldOutput(SILENT)
  #hasFailedPartly = false

  constructor(options: ShellOptions) {
    this.#options = options
  }

  /** That of the last command: 0, 1, or 127 for one that does not exist. */
  get exitCode(): number {
    return this.#exitCode
  }

  /** After `quit`. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** `[zk: localhost:2181(CONNECTED) 0] ` */
  get prompt(): string {
    const { servers, state } = this.#present
    return `[zk: ${servers}(${state}) ${this.#count}] `
  }

  get session(): ServerSession {
    return this.#present
  }

  /** Begins to connect. @throws CommandError when the servers are none */
  start(): void {
    this.#begin(this.#options.servers)
    this.#options.streams.out(this.#text(`Connecting to ${this.#options.servers}\n`))
  }

  /** Waits for the first server. @returns false when there was none in time, which is printed */
  async waitForConnection(): Promise<boolean> {
    try {
      await this.#present.connected()
      return true
    } catch (error) {
      await this.#present.close()
      this.#exitCode = this.#fail(toCommandError(error))
      return false
    }
  }

  /** Runs a line that somebody has typed; an empty one is nothing. */
  async runLine(line: string): Promise<void> {
    if (line.trim() === '') return
    this.#lines.set(this.#count, line)
    await this.#run(() => splitWords(line))
    this.#count += 1
  }

  async runWords(words: readonly string[]): Promise<void> {
    await this.#run(() => words)
  }

  /** Ends the session, unless it has ephemeral znodes: those stay until it times out, as with zkCli. */
  async leave(): Promise<void> {
    if (!this.#isKept && this.#present.isAlive) await this.#present.close(true)
  }

  /* ---------------------------------------------------------------- what commands ask of it */

  get recent(): { number: number; line: string | null }[] {
    const first = Math.max(0, this.#count - HISTORY_SHOWN)
    const numbers = Array.from({ length: this.#count - first + 1 }, (_, index) => first + index)
    return numbers.map((number) => ({ number, line: this.#lines.get(number) ?? null }))
  }

  async connect(servers: string | null): Promise<void> {
    const before = this.#present
    const next = servers ?? before.servers
    await this.close()
    this.#begin(next)
  }

  async close(): Promise<void> {
    const session = this.#present
    if (!session.isAlive) return
    // Who sees it end should have seen it begin.
    await session.settled()
    await session.close()
    this.#isKept = false
  }

  async quit(): Promise<void> {
    await this.close()
    this.#isOver = true
  }

  async redo(number: number): Promise<Json> {
    const line = this.#lines.get(number)
    if (line === undefined || number >= this.#count) {
      throw usageError('Command index out of range')
    }
    const words = splitWords(line)
    if (words[0] === 'redo') throw usageError('No redoing redos')
    this.#lines.set(this.#count, line)
    return await this.#dispatch(words, this.#output)
  }

  keepSession(): void {
    this.#isKept = true
  }

  /* ---------------------------------------------------------------- running */

  async #run(read: () => readonly string[]): Promise<void> {
    const { streams, isJson } = this.#options
    const output = new HeldOutput(isJson ? SILENT : streams)
    this.#output = output
    this.#hasFailedPartly = false
    let code: number
    try {
      const words = read()
      const value = await this.#dispatch(words, output)
      await eventsShown()
      output.flush()
      if (isJson) streams.out(`${JSON.stringify(value)}\n`)
      if (this.#isOver) return
      code = this.#hasFailedPartly ? 1 : 0
    } catch (error) {
      const failure = toCommandError(error)
      await eventsShown()
      output.flush()
      code = this.#fail(failure)
    }
    this.#exitCode = code
  }

  /** @throws CommandError, ZkError */
  async #dispatch(words: readonly string[], output: HeldOutput): Promise<Json> {
    const [name = '', ...rest] = words
    const command = COMMANDS.get(name)
    if (command === undefined) throw notFound(name)
    if (command.isOfShell !== undefined) {
      const value = await command.run(this.#context(output), readArguments(command, rest))
      if (!(this.#present.isAlive || this.#isOver)) output.print('Not connected')
      return value
    }
    if (!this.#present.isAlive) {
      output.print('Not connected')
      return { isConnected: false }
    }
    return await command.run(this.#context(output), readArguments(command, rest))
  }

  #context(output: HeldOutput): CommandContext {
    const session = this.#present
    const { isJson, timeZone, readFile } = this.#options
    return {
      output,
      shell: this,
      watches: this.#watches,
      call: { signal: session.begin() },
      timeZone,
      isJson,
      client: (path = null) => session.client(path),
      isConnected: () => session.isConnected,
      failPartly: () => {
        this.#hasFailedPartly = true
      },
      readFile,
    }
  }

  #fail(failure: CommandError): number {
    const { streams, isJson } = this.#options
    if (isJson) {
      const { code, message, path } = failure
      streams.err(`${JSON.stringify({ error: { code, message, path } })}\n`)
    } else streams.err(failure.lines.map((line) => `${line}\n`).join(''))
    return failure.exitCode
  }

  /* ---------------------------------------------------------------- the session */

  get #present(): ServerSession {
    if (this.#session === null) throw new Error('the shell has not been started')
    return this.#session
  }

  #begin(servers: string): void {
    const { open, connection } = this.#options
    this.#watches = new WatchBook((event) => this.#showEvent(event))
    this.#session = new ServerSession(open, servers, connection, {
      onState: (state) => this.#showState(state),
    })
    this.#isKept = false
  }

  #showState(state: KeeperState): void {
    if (!this.#options.isJson) this.#showBlock(`state:${state} type:None path:null zxid: -1`)
  }

  #showEvent({ type, path, zxid }: ShownEvent): void {
    if (!this.#options.isJson) {
      this.#showBlock(`state:SyncConnected type:${type} path:${path} zxid: ${zxid}`)
    } else if (this.printsWatches) {
      const event = { type, path, zxid: String(zxid) }
      this.#options.announce(`${JSON.stringify({ event })}\n`)
    }
  }

  #showBlock(text: string): void {
    if (this.printsWatches) this.#options.announce(`\nWATCHER::\n\nWatchedEvent ${text}\n`)
  }

  #text(text: string): string {
    return this.#options.isJson ? '' : text
  }
}

/** @throws CommandError with the usage of the command */
function readArguments(command: Command, words: readonly string[]): Arguments {
  const args =
    command.isOfShell === undefined
      ? parseArguments(words, command.flags)
      : new Arguments(words, new Map())
  const { length } = args.operands
  if (length < command.operandsMin || length > (command.operandsMax ?? length)) {
    throw usageError(usageText(command))
  }
  return args
}

function notFound(name: string): CommandError {
  const message = `Command not found: Command not found ${name}`
  return new CommandError('COMMAND_NOT_FOUND', message, {
    exitCode: EXIT_COMMAND_NOT_FOUND,
    lines: [...COMMAND_LIST, message],
  })
}

/** What servers have sent together with their last answer is shown first. */
function eventsShown(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
