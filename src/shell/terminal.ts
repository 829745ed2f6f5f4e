import { createInterface, type Interface } from 'node:readline'
import { type Completions, complete } from './completion.ts'
import type { HistoryFile } from './history-file.ts'
import type { Shell } from './shell.ts'

export interface TerminalStreams {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
}

/** Asks for commands at a prompt until there are no more, and runs them. */
export class Terminal {
  readonly #lines: Interface
  readonly #output: NodeJS.WriteStream
  readonly #history: HistoryFile
  #shell: Shell | null = null
  /** Typed ahead while a command runs. */
  #waiting: string[] = []
  #isBusy = true
  #hasEnded = false
  #end: () => void = () => {}

  constructor({ input, output }: TerminalStreams, history: HistoryFile) {
    this.#output = output
    this.#history = history
    this.#lines = createInterface({
      input,
      output,
      terminal: true,
      history: history.load(),
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: Completions) => void) => {
        void this.#complete(line).then((result) => done(null, result))
      },
    })
  }

  /** Prints what comes at any time: the line that is being written moves below it. */
  announce(text: string): void {
    if (this.#isBusy) {
      this.#output.write(text)
      return
    }
    this.#output.write(`\r\x1b[J${text}`)
    this.#ask(true)
  }

  /** Resolves when the input has ended or the shell was told to quit. */
  async run(shell: Shell): Promise<void> {
    this.#shell = shell
    this.#lines.on('line', (line) => {
      this.#history.add(line)
      this.#waiting.push(line)
      if (!this.#isBusy) void this.#runWaiting(shell)
    })
    this.#lines.on('SIGINT', () => this.#interrupted())
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve
    })
    this.#lines.on('close', () => {
      this.#hasEnded = true
      if (!this.#isBusy) this.#end()
    })
    await shell.session.settled()
    await this.#runWaiting(shell)
    await ended
    this.#lines.close()
  }

  async #runWaiting(shell: Shell): Promise<void> {
    this.#isBusy = true
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      await shell.runLine(line)
      if (shell.isOver) break
    }
    this.#isBusy = false
    if (shell.isOver || this.#hasEnded) this.#end()
    else this.#ask(false)
  }

  #ask(keepsCursor: boolean): void {
    this.#lines.setPrompt(this.#shell!.prompt)
    this.#lines.prompt(keepsCursor)
  }

  /** Ctrl-C takes back what was written; on an empty line it ends the shell. */
  #interrupted(): void {
    if (this.#lines.line === '' && !this.#isBusy) {
      this.#output.write('\n')
      this.#lines.close()
      return
    }
    if (this.#isBusy) return
    this.#output.write('^C\n')
    this.#lines.write(null, { ctrl: true, name: 'e' })
    this.#lines.write(null, { ctrl: true, name: 'u' })
    this.#ask(false)
  }

  async #complete(line: string): Promise<Completions> {
    const shell = this.#shell
    if (shell === null || this.#isBusy) return [[], line]
    return await complete(line, async (path) => {
      if (!shell.session.isConnected) return []
      try {
        const zk = await shell.session.client(path)
        return (await zk.getChildren(path)).children
      } catch {
        return []
      }
    })
  }
}
