import { assert } from '../base/index.ts'
import { SimClock } from './clock.ts'
import { type DiskCopy, SimDisk, type SimDiskOptions } from './disk.ts'
import { SimEnvironment, type Surroundings } from './environment.ts'

export interface HostOptions {
  /** A short name, such as `s1`; stands for the address everywhere in the world. */
  readonly name: string
  /** Numeric address. */
  readonly address: string
  readonly disk?: SimDiskOptions
  /** What the monotonic clock shows when the world begins. */
  readonly monotonicOffsetMs?: number
}

/** What a process does when it is started. It runs inside the world: no call returns later than at once. */
export type Program = (env: SimEnvironment, host: SimHost) => void

/**
 * - `off`: without power. Nothing answers.
 * - `idle`: the operating system runs, no process does.
 * - `starting`: a process will run after a while.
 * - `running`, `paused` (SIGSTOP), `suspended` (the whole machine stands still).
 */
export type HostState = 'off' | 'idle' | 'starting' | 'running' | 'paused' | 'suspended'

/** What happened to a machine's process. */
export type HostEventKind =
  | 'start'
  | 'crash'
  | 'powerLoss'
  | 'exit'
  | 'pause'
  | 'resume'
  | 'suspend'

export interface HostEvent {
  readonly kind: HostEventKind
  readonly atMs: number
  readonly host: string
  /** How many processes have run on this machine, the present one included. */
  readonly incarnation: number
}

/**
 * A machine: disk and clocks that outlive its processes, and at most one process at a time. Processes die by
 * `crash` (kill -9, the operating system goes on) or `powerLoss` (nothing goes on), or end by themselves with `exit`.
 */
export class SimHost {
  readonly name: string
  readonly address: string
  readonly disk: SimDisk
  readonly clock: SimClock
  /** The next processes start so much later than they are asked to. */
  startDelayMs = 0
  readonly #surroundings: Surroundings
  readonly #onEvent: (event: HostEvent) => void
  #state: HostState = 'idle'
  #env: SimEnvironment | null = null
  #program: Program | null = null
  #incarnation = 0
  #savedDisk: DiskCopy | null = null

  constructor(
    options: HostOptions,
    surroundings: Surroundings,
    onEvent: (event: HostEvent) => void,
  ) {
    const { name, address, monotonicOffsetMs } = options
    this.name = name
    this.address = address
    this.disk = new SimDisk(options.disk)
    this.clock = new SimClock(surroundings.events, monotonicOffsetMs)
    this.#surroundings = surroundings
    this.#onEvent = onEvent
    surroundings.network.addHost(address, name)
  }

  get state(): HostState {
    return this.#state
  }

  /** A process is there, though perhaps stopped. */
  get hasProcess(): boolean {
    return this.#env !== null
  }

  /** Something has been started here, so `restart` can start it again. */
  get hasProgram(): boolean {
    return this.#program !== null
  }

  /** The environment of the present process, or null. */
  get env(): SimEnvironment | null {
    return this.#env
  }

  get incarnation(): number {
    return this.#incarnation
  }

  /** Starts a process after the machine's start delay; the machine goes on if it was off. */
  start(program: Program): void {
    assert(
      this.#state === 'off' || this.#state === 'idle',
      `${this.name} is ${this.#state}, a process cannot be started`,
    )
    const { events, network } = this.#surroundings
    if (this.#state === 'off') network.setDark(this.address, false)
    this.#program = program
    this.#state = 'starting'
    const incarnation = this.#incarnation + 1
    events.schedule(events.nowMs + this.startDelayMs, () => {
      if (this.#state === 'starting' && this.#incarnation + 1 === incarnation) this.#launch(program)
    })
  }

  /** Starts the program that ran last. */
  restart(): void {
    assert(this.#program !== null, `${this.name} has not run any program`)
    this.start(this.#program)
  }

  /** `kill -9`: the operating system closes the connections and keeps what the process has written. */
  crash(): void {
    this.#wake()
    if (!this.#endProcess('crash')) return
    this.#state = 'idle'
  }

  /** The machine is off: what was not durable is lost, nobody is told that the connections are gone. */
  powerLoss(): void {
    if (this.#state === 'off') return
    this.#wake()
    if (this.#env === null) this.disk.crash()
    this.#endProcess('powerLoss')
    this.#state = 'off'
    this.#surroundings.network.setDark(this.address, true)
  }

  /** The process ends by itself, as after an error that it cannot live with. */
  exit(): void {
    if (this.#endProcess('exit')) this.#state = 'idle'
  }

  /** SIGSTOP: nothing of the process runs; the operating system accepts connections and bytes for it. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#env!.timers.freeze()
    this.#tell('pause')
  }

  /** The whole machine stands still, as a suspended virtual one: its monotonic clock too, and it answers nothing. */
  suspend(): void {
    if (this.#state !== 'running') return
    this.#state = 'suspended'
    this.#env!.timers.freeze()
    this.clock.suspend()
    this.#surroundings.network.setDark(this.address, true)
    this.#tell('suspend')
  }

  /** Ends `pause` or `suspend`. */
  resume(): void {
    if (this.#state !== 'paused' && this.#state !== 'suspended') return
    this.#wake()
    this.#state = 'running'
    this.#env!.timers.thaw()
    this.#tell('resume')
  }

  /** The process dies at the durable write number `writes` from now, which may have happened or not. */
  crashAfter(writes: number, how: 'crash' | 'powerLoss'): void {
    this.disk.crashAfter(writes, () => {
      if (how === 'crash') this.crash()
      else this.powerLoss()
    })
  }

  /** Keeps a copy of the disk for {@link restoreDisk}. */
  saveDisk(): void {
    this.#savedDisk = this.disk.copy()
  }

  /** Somebody restored an old copy of the disk; without one it is empty. No process may be there. */
  restoreDisk(): void {
    assert(this.#env === null, `a process uses the disk of ${this.name}`)
    if (this.#savedDisk === null) this.disk.wipe()
    else this.disk.restore(this.#savedDisk)
  }

  #launch(program: Program): void {
    this.#incarnation += 1
    this.#state = 'running'
    const env = new SimEnvironment(this.address, this.#surroundings, this.disk.open, this.clock)
    this.#env = env
    this.#tell('start')
    program(env, this)
  }

  /** The machine does not stand still any more. */
  #wake(): void {
    if (this.#state !== 'suspended') return
    this.clock.resume()
    this.#surroundings.network.setDark(this.address, false)
  }

  #endProcess(kind: 'crash' | 'powerLoss' | 'exit'): boolean {
    const env = this.#env
    this.#env = null
    if (env === null) {
      // A process that was about to start does not.
      if (this.#state === 'starting') this.#state = 'idle'
      return false
    }
    if (kind === 'powerLoss') {
      env.vanish()
      this.disk.crash()
    } else {
      env.stop()
      this.disk.abandon()
    }
    this.#tell(kind)
    return true
  }

  #tell(kind: HostEventKind): void {
    const { events } = this.#surroundings
    this.#onEvent({
      kind,
      atMs: events.nowMs,
      host: this.name,
      incarnation: this.#incarnation,
    })
  }
}
