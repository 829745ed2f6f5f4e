import { constants, hostname } from 'node:os'
import { type Grant, Mutex, type MutexOptions } from '../../recipes/index.ts'
import { type ConnectOptions, connect, TimeoutError, type ZooKeeper } from '../client-node/index.ts'
import { ChildCommand } from './child-command.ts'
import { HOLD_EXIT } from './hold-exit-codes.ts'
import { say } from './say.ts'

export interface HoldOptions {
  readonly servers: string
  readonly connection: ConnectOptions
  readonly path: string
  readonly lock: MutexOptions
  /** Of the command; none: it is only held. */
  readonly words: readonly string[]
  /** How long to wait for the grant: 0 not at all, null without end. */
  readonly timeoutMs: number | null
  /** From SIGTERM to SIGKILL when the grant is lost. */
  readonly killAfterMs: number
  readonly isForeground: boolean
  /** After a loss it is tried again. */
  readonly isRepeated: boolean
}

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const
type Forwarded = (typeof SIGNALS)[number]
/** Those by which a user says that this is the end. */
const FINAL: readonly Forwarded[] = ['SIGINT', 'SIGTERM']
/** Those that leave a process alone that does not wait for them. */
const MERE_NOTICES: readonly Forwarded[] = ['SIGUSR1', 'SIGUSR2']

/** Who this is, unless told: for those who look who holds something. */
export function ownId(): string {
  return `${hostname()}:${process.pid}`
}

/**
 * Runs a command, or nothing, while something is held.
 * @returns the exit code of this process; what was held is given back by then
 */
export async function hold(options: HoldOptions): Promise<number> {
  const signals = new SignalInbox()
  let zk: ZooKeeper | null = null
  try {
    zk = await connect(options.servers, { ...options.connection, signal: signals.ending })
    return await holdWith(zk, options, signals)
  } catch (error) {
    if (signals.exitCode !== null) return signals.exitCode
    say((error as Error).message)
    const isLate = error instanceof TimeoutError && error.op === 'acquire'
    return isLate ? HOLD_EXIT.timeout.code : HOLD_EXIT.failure.code
  } finally {
    await zk?.close()
    signals.close()
  }
}

async function holdWith(
  zk: ZooKeeper,
  options: HoldOptions,
  signals: SignalInbox,
): Promise<number> {
  const mutex = new Mutex(zk, options.path, options.lock)
  for (;;) {
    const grant = await acquire(mutex, options.timeoutMs, signals)
    if (grant === null) {
      say(`${options.path} is held by somebody else`)
      return HOLD_EXIT.timeout.code
    }
    const exitCode = await useGrant(zk, grant, options, signals)
    if (exitCode !== null) {
      await grant.release()
      return exitCode
    }
    say(`${options.path} was lost: ${reasonOf(grant.signal)}`)
    if (!options.isRepeated) return HOLD_EXIT.lost.code
    // Its znode may still be there, in the way of the next one.
    await grant.release()
    if (signals.exitCode !== null) return signals.exitCode
  }
}

async function acquire(
  mutex: Mutex,
  timeoutMs: number | null,
  { ending }: SignalInbox,
): Promise<Grant | null> {
  if (timeoutMs === 0) return await mutex.tryAcquire({ signal: ending })
  return await mutex.acquire({ signal: ending, ...(timeoutMs === null ? {} : { timeoutMs }) })
}

/** The exit code, or null when the grant was lost and the command was stopped for it. */
async function useGrant(
  zk: ZooKeeper,
  grant: Grant,
  options: HoldOptions,
  signals: SignalInbox,
): Promise<number | null> {
  const lost = new Promise<null>((resolve) => {
    if (grant.signal.aborted) resolve(null)
    grant.signal.addEventListener('abort', () => resolve(null), { once: true })
  })
  if (grant.signal.aborted) return null
  if (options.words.length === 0) {
    // Whoever reads that may be gone: it is held all the same.
    process.stdout.write(`${grant.path} ${grant.fencingToken}\n`, () => {})
    const ended = signals.untilEnd().then(() => 0)
    return await Promise.race([ended, lost])
  }
  const child = new ChildCommand({
    words: options.words,
    env: {
      ZABKEEPER_FENCING_TOKEN: String(grant.fencingToken),
      ZABKEEPER_GRANT_PATH: grant.path,
      ZABKEEPER_SESSION_ID: `0x${(zk.session?.id ?? 0n).toString(16)}`,
    },
    isForeground: options.isForeground,
  })
  signals.forwardTo(child)
  try {
    const exitCode = await Promise.race([child.ended, lost])
    if (exitCode === null) await child.stop(options.killAfterMs)
    return exitCode
  } finally {
    signals.forwardTo(null)
  }
}

/** The signals of this process: they end the waiting, or go to the command. */
class SignalInbox {
  readonly #ending = new AbortController()
  readonly #listeners = new Map<Forwarded, () => void>()
  #child: ChildCommand | null = null
  #exitCode: number | null = null

  constructor() {
    for (const name of SIGNALS) {
      const listener = (): void => this.#receive(name)
      this.#listeners.set(name, listener)
      process.on(name, listener)
    }
  }

  /** Aborts when this process is to end and no command runs. */
  get ending(): AbortSignal {
    return this.#ending.signal
  }

  /** Once a signal has asked for the end. */
  get exitCode(): number | null {
    return this.#exitCode
  }

  async untilEnd(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.ending.aborted) resolve()
      this.ending.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  forwardTo(child: ChildCommand | null): void {
    this.#child = child
  }

  /** The system's own treatment of signals comes back. */
  close(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener)
  }

  #receive(name: Forwarded): void {
    const exitCode = 128 + constants.signals[name]
    if (this.#child !== null) {
      this.#child.signal(name)
      if (FINAL.includes(name)) this.#exitCode = exitCode
    } else if (!MERE_NOTICES.includes(name)) {
      // Who asks twice does not want to wait for a server.
      if (this.ending.aborted) process.exit(exitCode)
      this.#exitCode = exitCode
      this.#ending.abort(new Error(name))
    }
  }
}

function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : String(signal.reason)
}
