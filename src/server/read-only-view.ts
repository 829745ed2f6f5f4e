import type { Timers } from '../env/index.ts'
import { type ChangeEvents, DataTree, type DataTreeOptions } from '../znodes/index.ts'
import { ReplicatedState } from './replicated-state.ts'
import { newSnapshotSink, type SnapshotSink } from './snapshot-sink.ts'
import { beginSnapshot, type SnapshotSource } from './snapshot-source.ts'
import type { LoggedEntry } from './write-pipeline.ts'

/** Of the copy, before others have a turn. */
const TURN_BYTES = 256 * 1024
const TURN_ENTRIES = 1000
/** Nothing changes in a view, so nobody watches it. */
const NO_EVENTS: ChangeEvents = { created: () => {}, deleted: () => {}, dataChanged: () => {} }

/** Makes a copy of a state with entries of the log applied to it, piece by piece: elections go on meanwhile. */
export class ReadOnlyView {
  readonly #source: SnapshotSource
  readonly #sink: SnapshotSink
  readonly #entries: readonly LoggedEntry[]
  readonly #timers: Timers
  readonly #copy: ReplicatedState
  readonly #done: (state: ReplicatedState) => void
  #isCopied = false
  #applied = 0
  #isCancelled = false

  /** `done` is called once, in a later turn, unless it is cancelled. */
  constructor(
    state: ReplicatedState,
    entries: readonly LoggedEntry[],
    options: DataTreeOptions,
    timers: Timers,
    done: (state: ReplicatedState) => void,
  ) {
    this.#source = beginSnapshot(state)
    this.#sink = newSnapshotSink(options, this.#source.statement)
    this.#entries = entries
    this.#timers = timers
    this.#copy = new ReplicatedState(new DataTree(NO_EVENTS, options), state.configZnode)
    this.#done = done
    timers.endOfTurn(this.#goOn)
  }

  cancel(): void {
    this.#isCancelled = true
    this.#source.end()
  }

  readonly #goOn = (): void => {
    if (this.#isCancelled) return
    if (!this.#isCopied) this.#copyPiece()
    else if (this.#applied < this.#entries.length) this.#applyPiece()
    else {
      this.#done(this.#copy)
      return
    }
    this.#timers.endOfTurn(this.#goOn)
  }

  #copyPiece(): void {
    const piece = this.#source.next(TURN_BYTES)
    if (piece !== null) {
      this.#sink.push(piece, 0, piece.length)
      return
    }
    this.#isCopied = true
    this.#sink.result().moveInto(this.#copy, this.#source.zxid)
  }

  #applyPiece(): void {
    const end = Math.min(this.#applied + TURN_ENTRIES, this.#entries.length)
    for (; this.#applied < end; this.#applied += 1) {
      const { header, txn, digest } = this.#entries[this.#applied]!
      this.#copy.apply(header, txn, digest)
    }
  }
}
