import { createFourLetterWords } from '../../../src/admin/index.ts'
import {
  type Config,
  DEFAULT_LIMITS,
  defaultConfig,
  type Limits,
} from '../../../src/config/index.ts'
import { type AuditOptions, KeeperServer } from '../../../src/server/index.ts'
import {
  SimDisk,
  type SimDiskOptions,
  type SimEnvironment,
  type SimLogLine,
  SimWorld,
  type WorldOptions,
} from '../../../src/sim/index.ts'
import { exampleProcess } from '../../admin/example-status.ts'
import type { Request } from './requests.ts'
import { type ConnectOptions, type Reply, WireClient } from './wire-client.ts'

const KIB = 1024
export const SERVER_HOST = '10.0.0.1'
export const TICK_MS = 1000

/** Small files, so that a world costs little; and a tick of a second, so sessions last 2 to 20 s. */
export const SMALL_LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  logSegmentBytes: 256 * KIB,
  diskReserveBytes: 64 * KIB,
  diskFreeBytesMin: 64 * KIB,
}

export interface StageOptions {
  readonly seed?: number
  readonly config?: Partial<Omit<Config, 'limits'>>
  readonly limits?: Partial<Limits>
  readonly disk?: SimDiskOptions
  readonly network?: WorldOptions
  readonly audit?: AuditOptions
}

/** A server in a simulated world, and clients on other machines. */
export class Stage {
  readonly world: SimWorld
  readonly disk: SimDisk
  readonly config: Config
  /** How long disk operations take; may be changed at any time. */
  readonly diskLatency: { latencyMsMin: number; latencyMsMax: number }
  readonly logLines: SimLogLine[] = []
  fatal: Error | null = null
  /** How wrong the wall clock of the next server is. */
  wallOffsetMs = 0
  /** Called with every server before it starts. */
  onLaunch: (server: KeeperServer) => void = () => {}
  #env: SimEnvironment | null = null
  #server: KeeperServer | null = null
  readonly #clients: SimEnvironment[] = []
  readonly #audit: AuditOptions | undefined

  constructor(options: StageOptions = {}) {
    this.#audit = options.audit
    this.world = new SimWorld(options.seed ?? 1, {
      ...options.network,
      onLog: (line) => this.logLines.push(line),
    })
    this.diskLatency = { latencyMsMin: 0, latencyMsMax: 1, ...options.disk }
    this.disk = new SimDisk(this.diskLatency)
    this.config = {
      ...defaultConfig({ clientPort: 2181, dataDir: '/data', tickTimeMs: TICK_MS }),
      ...options.config,
      limits: { ...SMALL_LIMITS, ...options.limits },
    }
  }

  /** A world with a server that serves. */
  static open(options: StageOptions = {}): Stage {
    const stage = new Stage(options)
    stage.start()
    return stage
  }

  get server(): KeeperServer {
    if (this.#server === null) throw new Error('no server runs')
    return this.#server
  }

  get env(): SimEnvironment {
    if (this.#env === null) throw new Error('no server runs')
    return this.#env
  }

  get nowMs(): number {
    return this.world.events.nowMs
  }

  /** Starts a process with a server; it has not done anything yet. */
  launch(
    onServing: () => void = () => {},
    env: SimEnvironment = this.world.startProcess(SERVER_HOST, this.disk.open),
  ): KeeperServer {
    this.#env = env
    env.clock.wallOffsetMs = this.wallOffsetMs
    this.fatal = null
    const { config } = this
    const server = new KeeperServer(
      env,
      {
        config,
        fourLetterWords: createFourLetterWords('all', exampleProcess),
        metrics: env.metrics,
        ...(this.#audit === undefined ? {} : { audit: this.#audit }),
      },
      {
        onServing,
        onFatal: (error) => {
          this.fatal = error
        },
      },
    )
    this.#server = server
    this.onLaunch(server)
    server.start()
    return server
  }

  /** Starts a server and waits until it serves. */
  start(): void {
    let isServing = false
    this.launch(() => {
      isServing = true
    })
    this.until(() => isServing || this.fatal !== null)
    if (this.fatal !== null) throw this.fatal
  }

  /** Stops the server in order; returns the error it ended with. */
  stop(): Error | null {
    let result: Error | null | undefined
    this.server.stop((error) => {
      result = error
    })
    this.until(() => result !== undefined)
    this.#env!.stop()
    this.#server = null
    return result ?? null
  }

  /** `kill -9`. */
  kill(): void {
    this.#env?.stop()
    this.#server = null
  }

  /** The power goes. */
  crash(): void {
    if (!this.disk.isDown) this.disk.crash()
    this.kill()
  }

  /** A client on the machine with this number; it begins to connect. */
  client(options: ConnectOptions = {}, machine: number = 1): WireClient {
    this.#clients[machine] ??= this.world.startProcess(`10.0.1.${machine}`, new SimDisk().open)
    const { network } = this.#clients[machine]
    return new WireClient(network, { host: SERVER_HOST, port: 2181 }, options)
  }

  /** A client with a session. */
  session(options: ConnectOptions = {}, machine: number = 1): WireClient {
    const client = this.client(options, machine)
    this.until(() => client.handshake !== null || client.isClosed)
    if (client.handshake === null) throw new Error('the server closed the connection')
    return client
  }

  /** Sends one request and waits for its reply. */
  call(client: WireClient, request: Request): Reply {
    return this.callAll(client, request)[0]!
  }

  /** Sends requests in one write and waits for all replies. */
  callAll(client: WireClient, ...requests: readonly Request[]): Reply[] {
    const sent = client.send(...requests)
    this.until(() => client.isClosed || sent.every(({ reply }) => reply !== null))
    return sent.map(({ type, reply }) => {
      if (reply === null) throw new Error(`no reply to a request of type ${type}`)
      return reply
    })
  }

  /** The answer to a four-letter word. */
  word(word: string): string {
    const client = this.client({ isRaw: true }, 9)
    client.sendBytes(Uint8Array.from(word, (c) => c.charCodeAt(0)))
    this.until(() => client.isClosed)
    return client.text
  }

  /** From now on disk operations take this long. */
  slowDisk(ms: number): void {
    this.diskLatency.latencyMsMin = ms
    this.diskLatency.latencyMsMax = ms
  }

  /** The server's process is stopped (SIGSTOP) for `ms`; `meanwhile` happens in the middle of that. */
  freeze(ms: number, meanwhile: () => void): void {
    this.env.timers.freeze()
    this.runFor(ms / 2)
    meanwhile()
    this.runFor(ms / 2)
    this.env.timers.thaw()
  }

  until(isDone: () => boolean): void {
    const isReached = this.world.events.runUntilDone(isDone)
    if (!isReached) throw new Error(`seed ${this.world.seed}: nothing is left to happen`)
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.nowMs + ms)
  }
}
