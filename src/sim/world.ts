import type { OpenSimDisk, SimLogLine } from './environment.ts'
import { SimEnvironment } from './environment.ts'
import { EventQueue } from './event-queue.ts'
import type { SimNetworkOptions } from './network.ts'
import { SimNetwork } from './network.ts'
import { SimRandom } from './random.ts'

export interface WorldOptions extends SimNetworkOptions {
  readonly onLog?: (line: SimLogLine) => void
}

/**
 * A world in one thread: machines with processes, a network between them and one virtual time. The same seed
 * and the same program give the same run, event by event.
 */
export class SimWorld {
  readonly seed: number
  readonly events: EventQueue = new EventQueue()
  readonly random: SimRandom
  readonly network: SimNetwork
  readonly #onLog: (line: SimLogLine) => void

  constructor(seed: number, options: WorldOptions = {}) {
    this.seed = seed
    this.random = new SimRandom(seed)
    this.network = new SimNetwork(this.events, this.random.fork(), options)
    this.#onLog = options.onLog ?? (() => {})
  }

  /** Starts a process on the machine `host` (a numeric address). It ends with `stop` of what is returned. */
  startProcess(host: string, openDisk: OpenSimDisk): SimEnvironment {
    const { events, network, random } = this
    const onLog = this.#onLog
    return new SimEnvironment(host, { events, network, random, onLog }, openDisk)
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
