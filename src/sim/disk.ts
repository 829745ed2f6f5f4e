import type { Clock, Timers } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import type { DiskContents, RowsStore, SimFolder } from './disk-contents.ts'
import { SimLogFiles } from './disk-log-files.ts'
import {
  type DiskOperation,
  Fault,
  type FaultMatch,
  type OperationKind,
  type OperationRunner,
} from './disk-operation.ts'
import type { OpenSimDisk, SimDiskPorts } from './environment.ts'
import type { SimRandom } from './random.ts'
import { SimRows } from './rows.ts'

export interface SimDiskOptions {
  /** Size of the file system; unlimited unless given. */
  readonly capacityBytes?: number
  /** How long an operation takes, both included; 0 and 1 unless given. */
  readonly latencyMsMin?: number
  readonly latencyMsMax?: number
}

/** Operations after which something else would be found by a start. */
const DURABLE: ReadonlySet<OperationKind> = new Set([
  'create',
  'write',
  'rename',
  'remove',
  'rowsWrite',
  'rowsOpen',
  'rowsDestroy',
])

/** Operations of which a failure may leave a part. */
const LEAVES_TRACES: ReadonlySet<OperationKind> = new Set(['write', 'rowsWrite'])

/**
 * The disk of one simulated machine: folders of log files and stores of rows that outlive the processes using them.
 * It can fail operations, fill up, flip bits, and lose power: what was durable stays; an operation under way may have
 * happened, not happened or, for a write, have reached any subset of its 512-byte sectors.
 */
export class SimDisk implements DiskContents {
  readonly folders: Map<string, SimFolder> = new Map()
  readonly stores: Map<string, RowsStore> = new Map()
  readonly strangers: Map<string, readonly string[]> = new Map()
  readonly forbidden: Set<string> = new Set()
  capacityBytes: number
  /** Bytes that others use on this file system. */
  otherBytes = 0
  /** The power goes just before this durable operation completes, counted from 1. */
  crashAtStep: number = Number.POSITIVE_INFINITY
  readonly #options: SimDiskOptions
  readonly #faults: Fault[] = []
  #user: DiskUser | null = null
  #steps = 0
  #isDown = false

  constructor(options: SimDiskOptions = {}) {
    this.#options = options
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  /** Lets the next process use the disk; the one before has ended and holds no locks any more. */
  readonly open: OpenSimDisk = (timers, clock, random): SimDiskPorts => {
    this.#user?.crash()
    this.#isDown = false
    for (const folder of this.folders.values()) folder.isLocked = false
    for (const store of this.stores.values()) store.isOpen = false
    return this.openBeside(timers, clock, random)
  }

  /** Lets a second process use the disk while the first still does; a crash takes only the last one along. */
  readonly openBeside: OpenSimDisk = (timers, clock, random): SimDiskPorts => {
    const user = new DiskUser(this, timers, clock, random, this.#options)
    this.#user = user
    return { logFile: new SimLogFiles(this, user), rows: new SimRows(this, user) }
  }

  /** Durable operations that completed so far. */
  get steps(): number {
    return this.#steps
  }

  /** The power is off: the process has to be stopped, and another one opens the disk. */
  get isDown(): boolean {
    return this.#isDown
  }

  get freeBytes(): number {
    let used = this.otherBytes
    for (const folder of this.folders.values()) used += folder.usedBytes
    for (const store of this.stores.values()) used += store.usedBytes
    return Math.max(0, this.capacityBytes - used)
  }

  /** Operations that match fail with `code`, from the one after `skip` on, `times` times. */
  injectFault(match: FaultMatch): void {
    this.#faults.push(new Fault(match))
  }

  clearFaults(): void {
    this.#faults.length = 0
  }

  /** The power goes: operations under way end half done. */
  crash(): void {
    this.#isDown = true
    this.#user?.crash()
    this.#user = null
  }

  /** The error an operation has to fail with; null when it may go on. */
  faultFor(kind: OperationKind, name: string): IoError | null {
    for (const fault of this.#faults) {
      const code = fault.take(kind, name)
      if (code !== null) return new IoError(code, `injected into ${kind} of ${name}`)
    }
    return null
  }

  /** Counts a durable operation that is about to complete; true when the power goes instead. */
  countStep(kind: OperationKind): boolean {
    if (!DURABLE.has(kind)) return false
    this.#steps++
    if (this.#steps !== this.crashAtStep) return false
    this.crash()
    return true
  }
}

/** One process's use of the disk: its operations under way. */
class DiskUser implements OperationRunner {
  readonly random: SimRandom
  readonly #disk: SimDisk
  readonly #timers: Timers
  readonly #clock: Clock
  readonly #options: SimDiskOptions
  readonly #running = new Set<DiskOperation>()
  #isGone = false

  constructor(
    disk: SimDisk,
    timers: Timers,
    clock: Clock,
    random: SimRandom,
    options: SimDiskOptions,
  ) {
    this.#disk = disk
    this.#timers = timers
    this.#clock = clock
    this.random = random
    this.#options = options
  }

  /** Runs an operation after its latency, unless the power goes before. */
  run(operation: DiskOperation): void {
    if (this.#isGone) return
    this.#running.add(operation)
    const { latencyMsMin = 0, latencyMsMax = 1 } = this.#options
    const steps = Math.round((latencyMsMax - latencyMsMin) * 8)
    const latencyMs = latencyMsMin + this.random.below(steps + 1) / 8
    this.#timers.at(this.#clock.monotonicMs() + latencyMs, () => this.#complete(operation))
  }

  /** What is under way ends half done. */
  crash(): void {
    if (this.#isGone) return
    this.#isGone = true
    for (const operation of this.#running) operation.crash(this.random)
    this.#running.clear()
  }

  #complete(operation: DiskOperation): void {
    if (this.#isGone || !this.#running.has(operation)) return
    const fault = this.#disk.faultFor(operation.kind, operation.name)
    if (fault === null && this.#disk.countStep(operation.kind)) return
    this.#running.delete(operation)
    if (fault === null) operation.complete()
    else {
      if (LEAVES_TRACES.has(operation.kind)) operation.crash(this.random)
      operation.fail(fault)
    }
  }
}
