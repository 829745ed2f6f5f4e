import type { IoError } from '../env/index.ts'
import type { SimRandom } from './random.ts'

export type OperationKind =
  | 'entries'
  | 'openFolder'
  | 'list'
  | 'create'
  | 'open'
  | 'read'
  | 'write'
  | 'rename'
  | 'remove'
  | 'freeBytes'
  | 'close'
  | 'rowsOpen'
  | 'rowsDestroy'
  | 'rowsScan'
  | 'rowsWrite'
  | 'rowsClose'

/**
 * Something a process asked the disk to do. Exactly one of its methods is called, `crash` or `keepUnsynced` also
 * before `fail`.
 */
export interface DiskOperation {
  readonly kind: OperationKind
  /** File or store, for faults and messages. */
  readonly name: string
  /** Takes effect and reports. */
  complete(): void
  /** Takes effect in part, as a crash or a failure leaves it. */
  crash(random: SimRandom): void
  /**
   * Takes effect, or not, in the memory of the operating system only: what the end of the process leaves when the
   * machine goes on. Like `crash` unless given.
   */
  keepUnsynced?(random: SimRandom): void
  fail(error: IoError): void
}

/** Runs operations after their latency, unless the power goes before. */
export interface OperationRunner {
  run(operation: DiskOperation): void
}

export interface FaultMatch {
  readonly kind: OperationKind
  /** Which files or stores; all unless given. */
  readonly name?: RegExp
  /** Error code, e.g. `EIO`. */
  readonly code: string
  /** Matching operations to leave alone first. */
  readonly skip?: number
  /** How many fail; 1 unless given. */
  readonly times?: number
}

/** An error waiting for its operation. */
export class Fault {
  readonly #match: FaultMatch
  #skip: number
  #times: number

  constructor(match: FaultMatch) {
    this.#match = match
    this.#skip = match.skip ?? 0
    this.#times = match.times ?? 1
  }

  /** The error code for this operation, or null. */
  take(kind: OperationKind, name: string): string | null {
    if (kind !== this.#match.kind || this.#times === 0) return null
    if (this.#match.name !== undefined && !this.#match.name.test(name)) return null
    if (this.#skip > 0) {
      this.#skip--
      return null
    }
    this.#times--
    return this.#match.code
  }
}
