import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { HOLD_EXIT } from './hold-exit-codes.ts'

export interface ChildOptions {
  readonly words: readonly string[]
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>
  /** It shares the terminal; signals go to it alone, not to what it has started. */
  readonly isForeground: boolean
}

/** A command that runs as long as something is held, with this process's input and output. */
export class ChildCommand {
  /** Resolves with the exit code that a shell would show. Never rejects. */
  readonly ended: Promise<number>
  readonly #child: ChildProcess
  readonly #isForeground: boolean
  #killTimer: NodeJS.Timeout | null = null

  constructor({ words, env, isForeground }: ChildOptions) {
    const [command = '', ...args] = words
    this.#isForeground = isForeground
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: 'inherit',
      // A group of its own: what the command has started is stopped with it.
      detached: !isForeground,
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        process.stderr.write(`zabkeeper: ${command} cannot be run: ${error.message}\n`)
        resolve(error.code === 'ENOENT' ? HOLD_EXIT.notFound.code : HOLD_EXIT.cannotRun.code)
      })
      this.#child.once('exit', (code, signal) => {
        if (this.#killTimer !== null) clearTimeout(this.#killTimer)
        resolve(code ?? 128 + constants.signals[signal!])
      })
    })
  }

  /** Passes a signal on. */
  signal(name: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    try {
      process.kill(this.#isForeground ? pid : -pid, name)
    } catch {
      // It ended in this moment.
    }
  }

  /** SIGTERM now, SIGKILL when it still runs after `killAfterMs`. Resolves at its end. */
  async stop(killAfterMs: number): Promise<void> {
    this.signal('SIGTERM')
    this.#killTimer ??= setTimeout(() => this.signal('SIGKILL'), killAfterMs)
    await this.ended
    // What it has left behind in its group has no business going on.
    if (!this.#isForeground) this.#killGroup()
  }

  #killGroup(): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // Nobody is left in it.
    }
  }
}
