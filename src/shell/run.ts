import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type ConnectOptions, connect } from '../client-node/index.ts'
import { HistoryFile } from './history-file.ts'
import { localTimeZone } from './java-text.ts'
import { Shell } from './shell.ts'
import { Terminal } from './terminal.ts'

export interface RunOptions {
  readonly servers: string
  readonly connection: ConnectOptions
  /** One command; none: from standard input, or asked for at a prompt. */
  readonly words: readonly string[]
  readonly isJson: boolean
  /** Nothing runs before a server answers. */
  readonly waitsForConnection: boolean
  /** Null: what was typed is forgotten. */
  readonly historyFile: string | null
}

/**
 * Runs the shell in this process.
 * @returns the exit code: that of the last command
 * @throws CommandError when the servers are none
 */
export async function runShell(options: RunOptions): Promise<number> {
  const { stdin, stdout } = process
  endWhenNobodyReads()
  const isTerminal = options.words.length === 0 && stdin.isTTY === true && stdout.isTTY === true
  const terminal = isTerminal
    ? new Terminal({ input: stdin, output: stdout }, new HistoryFile(options.historyFile))
    : null
  const shell = new Shell({
    servers: options.servers,
    connection: options.connection,
    open: connect,
    streams: { out: writeOut, err: writeErr },
    announce: terminal === null ? writeOut : (text) => terminal.announce(text),
    isJson: options.isJson,
    timeZone: localTimeZone(),
    readFile: (name) => readFileSync(name, 'utf8'),
  })
  shell.start()
  if (options.waitsForConnection && !(await shell.waitForConnection())) return shell.exitCode
  if (options.words.length > 0) await shell.runWords(options.words)
  else {
    if (!options.isJson) greet(isTerminal)
    if (terminal === null) await runScript(shell)
    else await terminal.run(shell)
  }
  await shell.leave()
  await written()
  return shell.exitCode
}

/** Scripts that cut off the first lines of zkCli find as many here. */
function greet(isTerminal: boolean): void {
  writeOut('Welcome to ZooKeeper!\n')
  if (!isTerminal) writeOut('JLine support is disabled\n')
}

/** Every line of standard input, one after the other. */
async function runScript(shell: Shell): Promise<void> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) {
    await shell.runLine(line)
    if (shell.isOver) return
  }
}

function writeOut(text: string): void {
  process.stdout.write(text)
}

function writeErr(text: string): void {
  process.stderr.write(text)
}

/** `zabkeeper cli ls -R / | head` is no failure. */
function endWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  }
}

async function written(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  await new Promise<void>((resolve) => process.stderr.write('', () => resolve()))
}
