import type {
  Clock,
  Environment,
  LogFields,
  LogFilePort,
  Logger,
  Network,
  Random,
  RowsPort,
} from '../env/index.ts'
import { MemoryMetrics } from '../env/index.ts'
import { SimClock } from './clock.ts'
import type { EventQueue } from './event-queue.ts'
import type { SimNetwork } from './network.ts'
import type { SimRandom } from './random.ts'
import { SimTimers } from './timers.ts'

/** What the disk of a machine offers to the process that runs there now. */
export interface SimDiskPorts {
  readonly logFile: LogFilePort
  readonly rows: RowsPort
}

/** Opens a machine's disk for a new process, whose `timers` carry the completions. */
export type OpenSimDisk = (timers: SimTimers, clock: Clock, random: SimRandom) => SimDiskPorts

export type LogLevelName = 'debug' | 'info' | 'warn' | 'error'

/** A log line of some process of the world. */
export interface SimLogLine {
  readonly atMs: number
  readonly host: string
  readonly level: LogLevelName
  readonly message: string
  readonly fields: LogFields
}

/** What a process needs to know of its world. */
export interface Surroundings {
  readonly events: EventQueue
  readonly network: SimNetwork
  readonly random: SimRandom
  onLog(line: SimLogLine): void
}

/** The environment of one process in a simulated world, from its start until `stop`. */
export class SimEnvironment implements Environment {
  readonly host: string
  readonly clock: SimClock
  readonly timers: SimTimers
  readonly random: Random
  readonly network: Network
  readonly logFile: LogFilePort
  readonly rows: RowsPort
  readonly logger: Logger
  readonly metrics: MemoryMetrics = new MemoryMetrics()
  readonly #network: SimNetwork

  /** `clock` is the machine's; without it the process has one of its own. */
  constructor(
    host: string,
    surroundings: Surroundings,
    openDisk: OpenSimDisk,
    clock: SimClock = new SimClock(surroundings.events),
  ) {
    const { events, network, random } = surroundings
    this.host = host
    this.clock = clock
    this.timers = new SimTimers(events, clock)
    this.random = random.fork()
    this.network = network.openFor(host, this.timers)
    this.#network = network
    const disk = openDisk(this.timers, this.clock, random.fork())
    this.logFile = disk.logFile
    this.rows = disk.rows
    const log = (level: LogLevelName, message: string, fields: LogFields = {}): void =>
      surroundings.onLog({ atMs: events.nowMs, host, level, message, fields })
    this.logger = {
      debug: (message, fields) => log('debug', message, fields),
      info: (message, fields) => log('info', message, fields),
      warn: (message, fields) => log('warn', message, fields),
      error: (message, fields) => log('error', message, fields),
    }
  }

  /** The process dies, as by `kill -9`: nothing of it runs again, the kernel closes its connections. */
  stop(): void {
    this.timers.stop()
    this.#network.closeAllOf(this.timers)
  }

  /** The process dies with its machine: nobody is told that its connections are gone. */
  vanish(): void {
    this.timers.stop()
    this.#network.forgetAllOf(this.timers)
  }
}
