import type { Zxid } from '../base/index.ts'
import type { Environment } from '../env/index.ts'
import { type AuthId, utf8ToByteString } from '../wire/index.ts'
import type { AuthProviders, DataTreeOptions } from '../znodes/index.ts'
import type { ClientConnection } from './client-connection.ts'
import { ownsRoot } from './root-owner.ts'
import type { RunningParts } from './running-parts.ts'
import { type InventorySource, serverInventory } from './server-inventory.ts'
import type { ServerOptions } from './server-options.ts'
import type { ServerStats } from './server-stats.ts'
import type { ServerStatus } from './server-status.ts'
import type { SessionKeeper } from './session-keeper.ts'
import { type ReceivedSnapshot, SnapshotSink } from './snapshot-sink.ts'
import { type StatusSource, serverStatus } from './status.ts'

/** The server, as those who operate it work with it. */
export interface ControlHost extends StatusSource, InventorySource {
  readonly stats: ServerStats
}

/** What the server keeps to itself. */
export interface ControlParts {
  readonly providers: AuthProviders
  readonly treeOptions: DataTreeOptions
  /** What exists only after recovery. */
  readonly running: () => RunningParts | null
}

/** Why a state cannot be restored now; null when it can be tried. */
export type RestoreRefusal = 'disk-full' | 'ensemble' | 'not-serving'

/** Upstream's default (`ZooTrace`). */
const TRACE_MASK = 306n
/** A value may be as long as the file: it is not believed before it is there. */
const VALUE_BYTES_MAX = 0x7fff_ffff

/** What operators may ask of a running server and do to it, beside stopping it. */
export class ServerControl {
  /** Kept for those who set and read it: there is no trace log that it could choose from. */
  traceMask: bigint = TRACE_MASK
  readonly #host: ControlHost
  readonly #env: Environment
  readonly #options: ServerOptions
  readonly #sessions: SessionKeeper
  readonly #parts: ControlParts

  constructor(
    host: ControlHost,
    env: Environment,
    options: ServerOptions,
    sessions: SessionKeeper,
    parts: ControlParts,
  ) {
    this.#host = host
    this.#env = env
    this.#options = options
    this.#sessions = sessions
    this.#parts = parts
  }

  status(): ServerStatus {
    const running = this.#parts.running()
    return serverStatus(this.#host, {
      ...this.#options,
      localSessionCount: this.#sessions.local?.size ?? 0,
      member: running?.member ?? null,
      nowMs: this.#env.clock.monotonicMs(),
      wallMs: this.#env.clock.wallMs(),
      storage: running?.storage ?? null,
      inventory: serverInventory(this.#host, this.#sessions),
    })
  }

  /** `srst`: the server's packets, latencies and reply sizes, and everything that the metrics have gathered. */
  resetStats(): void {
    this.#host.stats.reset()
    this.#options.metrics.reset()
  }

  /** `crst`. */
  resetConnectionStats(): void {
    for (const { stats } of this.#host.connections) stats.reset()
  }

  resetObserverStats(): void {
    this.#parts.running()?.member?.resetObserverStats()
  }

  /** Ends this many of a hundred connections, chosen by chance; how many these were. Their sessions go on elsewhere. */
  shedConnections(percentage: number): number {
    const connections: ClientConnection[] = [...this.#host.connections]
    const count = Math.round((connections.length * percentage) / 100)
    for (let at = 0; at < count; at++) {
      const other = at + (this.#env.random.uint32() % (connections.length - at))
      const chosen = connections[other]!
      connections[other] = connections[at]!
      chosen.destroy()
    }
    return count
  }

  /** The ids that `Authorization: <scheme> <data>` gives to a caller from `address`; null for none. */
  authenticate(scheme: string, data: string, address: string): readonly AuthId[] | null {
    const own: AuthId[] = [{ scheme: 'ip', id: address }]
    return this.#parts.providers.authenticate(scheme, utf8ToByteString(data), own)
  }

  /** Whether the ACL of the root gives one of these ids everything, other than by giving it to everybody. */
  ownsRoot(ids: readonly AuthId[]): boolean {
    const root = this.#host.shownState.tree.find('/')
    return root !== undefined && ownsRoot(root.acl, ids, this.#parts.providers)
  }

  /* ---------------------------------------------------------------- restore */

  /** For a file as Apache ZooKeeper writes them, to be restored: a tree of its own until then. */
  newSnapshotSink(): SnapshotSink {
    const limits = { valueBytesMax: VALUE_BYTES_MAX, bytesMax: Number.POSITIVE_INFINITY }
    return new SnapshotSink({ ...this.#parts.treeOptions, ...limits, form: 'file' }, null)
  }

  get restoreRefusal(): RestoreRefusal | null {
    const running = this.#parts.running()
    if (running === null || !this.#host.isServing) return 'not-serving'
    if (running.member !== null) return 'ensemble'
    return running.storage.isFull ? 'disk-full' : null
  }

  /**
   * Puts a whole state in the place of the server's own, on disk and in memory, and ends all connections. Only while
   * {@link ServerControl.restoreRefusal} is null. `done` gets the zxid of the new state once it is durable and clients
   * are served again; it never comes if the disk fails, which ends the server.
   */
  restore(snapshot: ReceivedSnapshot, zxid: Zxid, done: (zxid: Zxid) => void): void {
    this.#parts.running()!.alone!.restore(snapshot, zxid, done)
  }
}
