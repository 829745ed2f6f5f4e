import { IoError } from '../env/index.ts'
import type { DiskContents, RowsStore, SimFile, SimFolder } from './disk-contents.ts'
import { loseUnsynced } from './disk-contents.ts'
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
import type { SimTimers } from './timers.ts'

export interface SimDiskOptions {
  /** Size of the file system; unlimited unless given. */
  readonly capacityBytes?: number
  /** How long an operation takes, both included; 0 and 1 unless given. */
  readonly latencyMsMin?: number
  readonly latencyMsMax?: number
  /** One operation of so many takes up to `slowMsMax` more; none unless given. */
  readonly slowOneIn?: number
  readonly slowMsMax?: number
}

/** What was on a disk at some time. */
export interface DiskCopy {
  readonly isDamaged: boolean
  readonly folders: ReadonlyMap<string, SimFolder>
  readonly stores: ReadonlyMap<string, RowsStore>
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
  /** Nothing more can be written. */
  isFull = false
  /** Bits have flipped in what it holds. */
  isDamaged = false
  /** Operations take so many times as long. */
  slowness = 1
  readonly #options: SimDiskOptions
  readonly #faults: Fault[] = []
  #user: DiskUser | null = null
  /** Of the last process; null before the first. */
  #random: SimRandom | null = null
  #steps = 0
  #isDown = false
  #isHung = false
  #crashPoint: { readonly step: number; reached(): void } | null = null

  constructor(options: SimDiskOptions = {}) {
    this.#options = options
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  /** Lets the next process use the disk; the one before has ended and holds no locks any more. */
  readonly open: OpenSimDisk = (timers, _clock, random): SimDiskPorts => {
    this.#user?.crash()
    this.#isDown = false
    for (const folder of this.folders.values()) folder.isLocked = false
    for (const store of this.stores.values()) store.isOpen = false
    return this.openBeside(timers, _clock, random)
  }

  /** Lets a second process use the disk while the first still does; a crash takes only the last one along. */
  readonly openBeside: OpenSimDisk = (timers, _clock, random): SimDiskPorts => {
    const user = new DiskUser(this, timers, random, this.#options)
    this.#user = user
    this.#random = random
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
    if (this.isFull) return 0
    if (this.capacityBytes === Number.POSITIVE_INFINITY) {
      return this.otherBytes === Number.POSITIVE_INFINITY ? 0 : this.capacityBytes
    }
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

  /** The power goes: operations under way end half done, what was only in memory may be lost. */
  crash(): void {
    this.#isDown = true
    this.#crashPoint = null
    this.#user?.crash()
    this.#user = null
    if (this.#random === null) return
    for (const file of this.#files()) loseUnsynced(file, this.#random)
  }

  /**
   * The process ends and the machine goes on: operations under way have happened or not, a write perhaps only in the
   * machine's memory, until somebody syncs the file or writes the same place.
   */
  abandon(): void {
    this.#crashPoint = null
    this.#user?.abandon()
    this.#user = null
  }

  /** Calls `reached` instead of completing the durable operation number `count` from now. */
  crashAfter(count: number, reached: () => void): void {
    this.#crashPoint = { step: this.#steps + count, reached }
  }

  /** Nothing completes until `release`. */
  hang(): void {
    this.#isHung = true
  }

  release(): void {
    this.#isHung = false
    this.#user?.releaseHeld()
  }

  get isHung(): boolean {
    return this.#isHung
  }

  /** All content as it is now. */
  copy(): DiskCopy {
    const folders = new Map([...this.folders].map(([path, folder]) => [path, folder.copy()]))
    const stores = new Map([...this.stores].map(([path, store]) => [path, store.copy()]))
    return { isDamaged: this.isDamaged, folders, stores }
  }

  /** Replaces all content by that of an earlier time. No process may use the disk. */
  restore({ isDamaged, folders, stores }: DiskCopy): void {
    this.wipe()
    this.isDamaged = isDamaged
    for (const [path, folder] of folders) this.folders.set(path, folder.copy())
    for (const [path, store] of stores) this.stores.set(path, store.copy())
  }

  /** Removes all content. No process may use the disk. */
  wipe(): void {
    this.folders.clear()
    this.stores.clear()
    this.isDamaged = false
  }

  /**
   * Flips a bit of a file, as far as it is used, or of a value of a store. Both numbers are taken modulo what there is.
   * Returns what was hit; null when there is nothing.
   */
  flipBit(target: number, position: number): string | null {
    const names = [...this.folders].flatMap(([path, { files }]) =>
      [...files].filter(([, { bytes }]) => usedLength(bytes) > 0).map(([name]) => [path, name]),
    )
    const stores = [...this.stores].filter(([, { rows }]) => rows.size > 0)
    const count = names.length + stores.length
    if (count === 0) return null
    this.isDamaged = true
    const index = target % count
    if (index < names.length) {
      const [path, name] = names[index]!
      const { bytes } = this.folders.get(path!)!.files.get(name!)!
      flip(bytes.subarray(0, usedLength(bytes)), position)
      return `${path}/${name}`
    }
    const [path, { rows }] = stores[index - names.length]!
    const [key, value] = [...rows][position % rows.size]!
    // Copies of the disk share values.
    const flipped = value.slice()
    flip(flipped, position)
    rows.set(key, flipped)
    return path
  }

  /** The disk is as good as new, except for its content. */
  heal(): void {
    this.clearFaults()
    this.#crashPoint = null
    this.crashAtStep = Number.POSITIVE_INFINITY
    this.isFull = false
    this.slowness = 1
    this.release()
  }

  *#files(): Iterable<SimFile> {
    for (const folder of this.folders.values()) yield* folder.files.values()
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
    const crashPoint = this.#crashPoint
    if (this.#steps === this.crashAtStep) this.crash()
    else if (crashPoint !== null && this.#steps >= crashPoint.step) {
      this.#crashPoint = null
      crashPoint.reached()
    } else return false
    return true
  }
}

function flip(bytes: Uint8Array, position: number): void {
  if (bytes.length === 0) return
  const bit = position % (bytes.length * 8)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
}

/** Log files are allocated in advance: what follows the last byte that is not zero has not been written. */
function usedLength(bytes: Uint8Array): number {
  let length = bytes.length
  while (length > 0 && bytes[length - 1] === 0) length -= 1
  return length
}

/** One process's use of the disk: its operations under way. */
class DiskUser implements OperationRunner {
  readonly random: SimRandom
  readonly #disk: SimDisk
  readonly #timers: SimTimers
  readonly #options: SimDiskOptions
  readonly #running = new Set<DiskOperation>()
  /** Operations whose time came while the disk hung. */
  #held: DiskOperation[] = []
  #isGone = false

  constructor(disk: SimDisk, timers: SimTimers, random: SimRandom, options: SimDiskOptions) {
    this.#disk = disk
    this.#timers = timers
    this.random = random
    this.#options = options
  }

  /** Runs an operation after its latency, unless the power goes before. */
  run(operation: DiskOperation): void {
    if (this.#isGone) return
    this.#running.add(operation)
    this.#timers.after(this.#latencyMs(), () => this.#complete(operation))
  }

  /** What is under way ends half done. */
  crash(): void {
    this.#end((operation) => operation.crash(this.random))
  }

  /** The process is gone; the operating system finishes what is under way, or has not begun it. */
  abandon(): void {
    this.#end((operation) => {
      if (operation.keepUnsynced === undefined) operation.crash(this.random)
      else operation.keepUnsynced(this.random)
    })
  }

  releaseHeld(): void {
    const held = this.#held
    this.#held = []
    for (const operation of held) this.#timers.after(0, () => this.#complete(operation))
  }

  #latencyMs(): number {
    const { latencyMsMin = 0, latencyMsMax = 1, slowOneIn = 0, slowMsMax = 0 } = this.#options
    const steps = Math.round((latencyMsMax - latencyMsMin) * 8)
    let latencyMs = latencyMsMin + this.random.below(steps + 1) / 8
    if (slowOneIn > 0 && this.random.oneIn(slowOneIn)) {
      latencyMs += this.random.below(Math.round(slowMsMax * 8) + 1) / 8
    }
    return latencyMs * this.#disk.slowness
  }

  #end(endOperation: (operation: DiskOperation) => void): void {
    if (this.#isGone) return
    this.#isGone = true
    for (const operation of this.#running) endOperation(operation)
    this.#running.clear()
    this.#held = []
  }

  #complete(operation: DiskOperation): void {
    if (this.#isGone || !this.#running.has(operation)) return
    if (this.#disk.isHung) {
      this.#held.push(operation)
      return
    }
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
