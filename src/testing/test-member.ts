import { createFourLetterWords } from '../admin/index.ts'
import { type Config, DEFAULT_LIMITS, defaultConfig, type EnsembleConfig } from '../config/index.ts'
import type { IoError } from '../env/index.ts'
import { readProcess } from '../platform/process/index.ts'
import { KeeperServer } from '../server/index.ts'
import type { SimEnvironment, SimHost } from '../sim/index.ts'
import type { StorageError } from '../storage/index.ts'
import type { LiveEvents } from './live-events.ts'
import type { Settings } from './options.ts'

const MIB = 1024 * 1024

/** The same on every machine of the world. */
export const CLIENT_PORT = 2181
const QUORUM_PORT = 2888
const ELECTION_PORT = 3888

/** What a server does at present. `paused` is alive and does not run. */
export type MemberState = 'paused' | 'running' | 'stopped'

/** A server of the test server, counted from 1. */
export class TestMember {
  readonly id: number
  readonly #host: SimHost
  readonly #events: LiveEvents
  readonly #config: Config
  #server: KeeperServer | null = null
  #fatal: StorageError | IoError | null = null

  constructor(id: number, host: SimHost, events: LiveEvents, settings: Settings) {
    this.id = id
    this.#host = host
    this.#events = events
    this.#config = configOf(id, settings)
    host.clock.wallOffsetMs = settings.wallMs - host.clock.wallMs()
  }

  /** How far its wall clock is from that of the simulated world. */
  get wallOffsetMs(): number {
    return this.#host.clock.wallOffsetMs
  }

  get state(): MemberState {
    if (this.#host.state === 'running' || this.#host.state === 'starting') return 'running'
    return this.#host.state === 'paused' ? 'paused' : 'stopped'
  }

  /** Whether it serves clients: it runs, and has a leader or is one. */
  get isServing(): boolean {
    return this.state === 'running' && this.#server?.isServing === true
  }

  /** Whether it leads; a server that stands alone does. */
  get isLeader(): boolean {
    if (!this.isServing) return false
    const { core } = this.#server!
    return core === null || core.leader === this.id
  }

  /** The running server itself, for what this class does not show; null while it is stopped. */
  get server(): KeeperServer | null {
    return this.#server
  }

  /** Why the server has ended by itself; null for one that has not. */
  get fatal(): Error | null {
    return this.#fatal
  }

  /** Starts it again, with the data it had. Resolves when it serves, which in an ensemble needs a majority. */
  async start(): Promise<void> {
    if (this.state !== 'stopped') throw new Error(`server ${this.id} is ${this.state}`)
    this.launch()
    await this.#events.whenDone(() => this.isServing || this.#fatal !== null)
    if (this.#fatal !== null) throw this.#fatal
  }

  /** Stops it in order, as SIGTERM does: what it has acknowledged is kept, its clients are disconnected. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === null) return
    if (this.state === 'paused') this.resume()
    let isStopped = false
    server.stop(() => {
      isStopped = true
    })
    await this.#events.whenDone(() => isStopped || this.#server !== server)
    if (this.#server === server) this.kill()
  }

  /** Ends it at once, as `kill -9` does; data that was acknowledged stays. */
  kill(): void {
    this.#server = null
    this.#host.crash()
  }

  /** It stands still, as by SIGSTOP: connections stay open, and nothing is answered. */
  pause(): void {
    this.#host.pause()
  }

  resume(): void {
    this.#host.resume()
  }

  /** Begins to start it. */
  launch(): void {
    this.#fatal = null
    this.#host.start((env) => this.#run(env))
  }

  #run(env: SimEnvironment): void {
    const server = new KeeperServer(
      env,
      {
        config: this.#config,
        fourLetterWords: createFourLetterWords('all', readProcess),
        metrics: env.metrics,
      },
      {
        onServing: () => {},
        onFatal: (error) => {
          this.#fatal = error
          this.#server = null
          this.#host.exit()
        },
      },
    )
    this.#server = server
    server.start()
  }
}

export function memberName(id: number): string {
  return `zk${id}`
}

export function memberAddress(id: number): string {
  return `10.0.0.${id}`
}

function configOf(id: number, settings: Settings): Config {
  const base = defaultConfig({ clientPort: CLIENT_PORT, dataDir: '/data' })
  return {
    ...base,
    ...settings.config,
    fourLetterWhitelist: 'all',
    limits: {
      ...DEFAULT_LIMITS,
      // What would be on a disk is in memory.
      logSegmentBytes: MIB / 4,
      checkpointLogBytes: 16 * MIB,
      diskReserveBytes: MIB / 4,
      diskFreeBytesMin: MIB,
      // All clients of a test come from one address.
      connectionsPerAddressMax: 0,
    },
    ensemble: settings.servers === 1 ? null : ensembleOf(id, settings.servers),
  }
}

function ensembleOf(self: number, servers: number): EnsembleConfig {
  const ids = Array.from({ length: servers }, (_, index) => index + 1)
  return {
    self,
    members: ids.map((id) => ({
      id,
      host: memberAddress(id),
      quorumPort: QUORUM_PORT,
      electionPort: ELECTION_PORT,
      moreAddresses: [],
      role: 'participant',
      client: null,
    })),
    groups: [],
    weights: new Map(),
    initLimit: 10,
    syncLimit: 5,
    listensOnAllAddresses: false,
    isReadOnlyModeEnabled: false,
    localSessions: { isEnabled: false, isUpgrading: false },
    multiAddress: { isEnabled: false, waitMs: null },
    observerMaster: { port: 0, windowBytesMax: 0 },
  }
}
