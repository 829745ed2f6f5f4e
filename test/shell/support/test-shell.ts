import { connect, type ZooKeeper } from '../../../src/client-node/index.ts'
import { Shell } from '../../../src/shell/index.ts'

/** What a run of commands has printed. */
export interface Printed {
  readonly stdout: string
  readonly stderr: string
  /** Both, in order. */
  readonly output: string
  readonly exitCode: number
}

export interface TestShellOptions {
  readonly isJson?: boolean
  readonly timeoutMs?: number
  readonly timeZone?: string
  readonly canBeReadOnly?: boolean
  readonly readFile?: (name: string) => string
}

/** Shells in this process. Sessions that a shell leaves behind live until {@link close}. */
export class TestShells {
  readonly #clients: ZooKeeper[] = []

  /** One command, as `zabkeeper cli` runs it. */
  async run(
    servers: string,
    words: readonly string[],
    options: TestShellOptions = {},
  ): Promise<Printed> {
    return await this.#within(servers, options, (shell) => shell.runWords(words))
  }

  /** A script, as `zabkeeper cli` runs its standard input. Between its lines something else may happen. */
  async script(
    servers: string,
    lines: readonly (string | (() => Promise<void>))[],
    options: TestShellOptions = {},
  ): Promise<Printed> {
    return await this.#within(servers, options, async (shell) => {
      for (const line of lines) {
        await (typeof line === 'string' ? shell.runLine(line) : line())
        if (shell.isOver) return
      }
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((zk) => zk.close()))
  }

  async #within(
    servers: string,
    options: TestShellOptions,
    use: (shell: Shell) => Promise<void>,
  ): Promise<Printed> {
    let [stdout, stderr, output] = ['', '', '']
    const out = (text: string): void => {
      stdout += text
      output += text
    }
    const err = (text: string): void => {
      stderr += text
      output += text
    }
    const { timeoutMs = 60_000, isJson = false, timeZone = 'UTC' } = options
    const shell = new Shell({
      servers,
      connection: {
        sessionTimeoutMs: timeoutMs,
        connectTimeoutMs: timeoutMs,
        canBeReadOnly: options.canBeReadOnly === true,
      },
      open: async (string, connectOptions) => {
        const zk = await connect(string, connectOptions)
        this.#clients.push(zk)
        return zk
      },
      streams: { out, err },
      announce: out,
      isJson,
      timeZone,
      readFile: options.readFile ?? (() => ''),
    })
    shell.start()
    await use(shell)
    await shell.leave()
    return { stdout, stderr, output, exitCode: shell.exitCode }
  }
}
