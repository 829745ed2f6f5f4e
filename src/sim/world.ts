import type { OpenSimDisk, SimLogLine, Surroundings } from './environment.ts'
import { SimEnvironment } from './environment.ts'
import { EventQueue } from './event-queue.ts'
import { type HostEvent, type HostOptions, SimHost } from './host.ts'
import type { SimNetworkOptions } from './network.ts'
import { SimNetwork } from './network.ts'
import { SimRandom } from './random.ts'

export interface WorldOptions extends SimNetworkOptions {
  /** In place of a queue that only moves on when it is told to. */
  readonly events?: EventQueue
  readonly onLog?: (line: SimLogLine) => void
  /** Told when a process of a {@link SimHost} starts, stops or stands still. */
  readonly onHostEvent?: (event: HostEvent) => void
}

/**
 * A world in one thread: machines with processes, a network between them and one virtual time. The same seed
 * and the same program give the same run, event by event.
 */
export class SimWorld {
  readonly seed: number
  readonly events: EventQueue
  readonly random: SimRandom
  readonly network: SimNetwork
  readonly #surroundings: Surroundings
  readonly #onHostEvent: (event: HostEvent) => void
  readonly #hosts = new Map<string, SimHost>()

  constructor(seed: number, options: WorldOptions = {}) {
    this.seed = seed
    this.events = options.events ?? new EventQueue()
    this.random = new SimRandom(seed)
    this.network = new SimNetwork(this.events, this.random.fork(), options)
    this.#surroundings = {
      events: this.events,
      network: this.network,
      random: this.random,
      onLog: options.onLog ?? (() => {}),
    }
    this.#onHostEvent = options.onHostEvent ?? (() => {})
  }

  get nowMs(): number {
    return this.events.nowMs
  }

  /** Machines by name, in the order they were added. */
  get hosts(): ReadonlyMap<string, SimHost> {
    return this.#hosts
  }

  /** Adds a machine, on which nothing runs yet. */
  addHost(options: HostOptions): SimHost {
    if (this.#hosts.has(options.name)) throw new Error(`there is a machine ${options.name}`)
    const host = new SimHost(options, this.#surroundings, this.#onHostEvent)
    this.#hosts.set(options.name, host)
    return host
  }

  host(name: string): SimHost {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new Error(`there is no machine ${name}`)
    return host
  }

  /**
   * Starts a process on the machine with the numeric address `host`, with clocks of its own. It ends with `stop`
   * of what is returned.
   */
  startProcess(host: string, openDisk: OpenSimDisk): SimEnvironment {
    return new SimEnvironment(host, this.#surroundings, openDisk)
  }
}

/** A world of one machine, for tests of a single server. */
export function createSimEnvironment(
  seed: number,
  openDisk: OpenSimDisk,
  options: WorldOptions = {},
): { readonly world: SimWorld; readonly env: SimEnvironment } {
  const world = new SimWorld(seed, options)
  return { world, env: world.startProcess('10.0.0.1', openDisk) }
}
