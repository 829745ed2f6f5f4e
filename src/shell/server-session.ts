import {
  type ClientObserver,
  type ConnectionEnd,
  type ConnectOptions,
  isZkError,
  parseConnectionString,
  type StateChange,
  type ZooKeeper,
} from '../client-node/index.ts'
import { CommandError, connectionLoss, toCommandError } from './failures.ts'

/** Connects; `connect` of the client, or one of a test. */
export type Open = (servers: string, options: ConnectOptions) => Promise<ZooKeeper>

/** The part of the prompt in brackets. */
export type SessionState =
  | 'AUTH_FAILED'
  | 'CLOSED'
  | 'CONNECTED'
  | 'CONNECTEDREADONLY'
  | 'CONNECTING'

/** What is told of a connection, in the words of `Watcher.Event.KeeperState`. */
export type KeeperState =
  | 'AuthFailed'
  | 'Closed'
  | 'ConnectedReadOnly'
  | 'Disconnected'
  | 'Expired'
  | 'SyncConnected'

const STATES: ReadonlyMap<string, KeeperState> = new Map<string, KeeperState>([
  ['closed', 'Closed'],
  ['connected', 'SyncConnected'],
  ['lost', 'Expired'],
  ['readonly', 'ConnectedReadOnly'],
  ['suspended', 'Disconnected'],
])

/** Between rounds in which no server answered. */
const RETRY_MS_MAX = 1000
/** Looking for a server never ends by itself: somebody may be watching the prompt. */
const FOREVER_MS = 0x7fff_ffff

/** Waits for nothing: whoever listens is told. */
export interface SessionListener {
  onState(state: KeeperState): void
}

/** One session of the shell, from the first attempt to connect to its close. Commands wait for it here. */
export class ServerSession {
  readonly servers: string
  readonly #options: ConnectOptions
  readonly #listener: SessionListener
  readonly #serverCount: number
  readonly #opened: Promise<ZooKeeper>
  readonly #giveUp = new AbortController()
  /** Why each server could not be reached since {@link begin} or the last connection. */
  readonly #failures = new Map<string, string>()
  #command = new AbortController()
  #zk: ZooKeeper | null = null
  #state: SessionState = 'CONNECTING'
  #isQuiet = false

  /** @throws CommandError when `servers` is no connection string */
  constructor(open: Open, servers: string, options: ConnectOptions, listener: SessionListener) {
    this.servers = servers
    this.#options = options
    this.#listener = listener
    const target = readServers(servers)
    this.#serverCount = typeof target === 'string' ? 1 : target.length
    this.#opened = open(servers, {
      ...options,
      connectTimeoutMs: FOREVER_MS,
      retryDelayMsMax: RETRY_MS_MAX,
      requestTimeoutMs: options.requestTimeoutMs ?? this.#limitMs,
      // Events are printed as they come.
      watchEventsMax: 1,
      signal: this.#giveUp.signal,
      observer: this.#observer(),
    }).then((zk) => {
      this.#zk = zk
      return zk
    })
    this.#opened.catch((error: Error) => this.#cannotOpen(error))
  }

  get state(): SessionState {
    return this.#state
  }

  get isConnected(): boolean {
    return this.#state === 'CONNECTED' || this.#state === 'CONNECTEDREADONLY'
  }

  get isAlive(): boolean {
    return this.#state !== 'CLOSED' && this.#state !== 'AUTH_FAILED'
  }

  /** Begins a command: the signal aborts when no server can be reached any more. */
  begin(): AbortSignal {
    this.#failures.clear()
    this.#command = new AbortController()
    return this.#command.signal
  }

  /** The client, once a server has granted a session. @throws CommandError when none can be reached */
  async client(path: string | null): Promise<ZooKeeper> {
    if (this.#zk !== null) return this.#zk
    try {
      return await this.#openedWithin(this.#command.signal)
    } catch (error) {
      if (isZkError(error)) throw toCommandError(error, path)
      throw connectionLoss(path, (error as Error).message, error)
    }
  }

  /** Waits until a server answers, or that is hopeless. */
  async settled(): Promise<void> {
    await this.client(null).catch(() => {})
  }

  /**
   * Waits for a server, however many attempts it takes.
   * @throws CommandError when none has answered within `connectTimeoutMs`
   */
  async connected(): Promise<void> {
    try {
      await this.#openedWithin(null)
    } catch {
      throw connectionLoss(null, `no server within ${this.#limitMs} ms: ${this.#reasons()}`)
    }
  }

  /** Ends the session. With `isQuiet` nobody is told. */
  async close(isQuiet: boolean = false): Promise<void> {
    this.#isQuiet = isQuiet
    if (this.#zk !== null) await this.#zk.close()
    else this.#giveUp.abort()
    await this.#opened.then(
      (zk) => zk.close(),
      () => {},
    )
    this.#state = 'CLOSED'
  }

  get #limitMs(): number {
    return this.#options.connectTimeoutMs ?? 30_000
  }

  /** @param signal ends the waiting; without one only time does */
  async #openedWithin(signal: AbortSignal | null): Promise<ZooKeeper> {
    const ending = new AbortController()
    const limit = AbortSignal.timeout(this.#limitMs)
    const ends = signal === null ? [limit] : [limit, signal]
    const hopeless = new Promise<never>((_, reject) => {
      for (const end of ends) {
        const giveUp = (): void => reject(new Error(this.#reasons()))
        if (end.aborted) giveUp()
        end.addEventListener('abort', giveUp, { once: true, signal: ending.signal })
      }
    })
    try {
      return await Promise.race([this.#opened, hopeless])
    } finally {
      ending.abort()
    }
  }

  #reasons(): string {
    const reasons = [...this.#failures].map(([server, reason]) => withServer(server, reason))
    return reasons.length === 0 ? `${this.servers} does not answer` : reasons.join('; ')
  }

  #cannotOpen(error: Error): void {
    if (this.#state === 'CONNECTING') this.#state = 'CLOSED'
    this.#command.abort(error)
  }

  #observer(): ClientObserver {
    return {
      wantsRequests: false,
      request: (_, run) => run(),
      state: (change) => this.#changed(change),
      connectionEnd: (end) => this.#ended(end),
      watchEvent: () => {},
    }
  }

  #changed({ state }: StateChange): void {
    if (state === 'connected') this.#state = 'CONNECTED'
    else if (state === 'readonly') this.#state = 'CONNECTEDREADONLY'
    else if (state === 'closed') this.#state = 'CLOSED'
    else this.#state = 'CONNECTING'
    if (state === 'connected' || state === 'readonly') this.#failures.clear()
    const told = STATES.get(state)
    if (told !== undefined && !this.#isQuiet) this.#listener.onState(told)
  }

  /** Once each server has failed, the present command need not wait any longer. */
  #ended({ server, reason }: ConnectionEnd): void {
    // The end of a connection that worked says nothing of the next attempt.
    if (this.#state !== 'CONNECTING') return
    this.#failures.set(server, reason)
    if (this.#failures.size < this.#serverCount) return
    const message = this.#reasons()
    this.#command.abort(new CommandError('CONNECTION_LOSS', message))
  }
}

function readServers(servers: string): readonly unknown[] | string {
  try {
    return parseConnectionString(servers).servers
  } catch (error) {
    throw new CommandError('USAGE', (error as Error).message)
  }
}

/** `host:port: reason`, where the reason does not say it already. */
function withServer(server: string, reason: string): string {
  return reason.includes(server) ? reason : `${server}: ${reason}`
}
