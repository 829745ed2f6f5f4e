import { assert, InvariantError, type Zxid } from '../base/index.ts'
import { type CheckpointMark, encodeMark, RecordKind } from './format.ts'
import { Group } from './group.ts'
import type { LoggedEntry } from './types.ts'

/** Groups whose buffers are kept for reuse: one being filled, one being written. */
const SPARE_GROUPS_MAX = 2
/** Larger buffers are not kept. */
const SPARE_BYTES_MAX = 8 * 1024 * 1024

/** Records that were handed over and are not being written yet, gathered in groups. */
export class GroupQueue {
  readonly #groupBytesMax: number
  #lastAppended: Zxid
  #filling: Group
  /** Full groups, oldest first. */
  readonly #waiting: Group[] = []
  readonly #spare: Group[] = []

  /** `chain` is the checksum of the last record in the log. */
  constructor(groupBytesMax: number, chain: number, lastZxid: Zxid) {
    this.#groupBytesMax = groupBytesMax
    this.#lastAppended = lastZxid
    this.#filling = new Group(lastZxid)
    this.#filling.restart(chain, lastZxid)
  }

  get lastAppended(): Zxid {
    return this.#lastAppended
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#filling.isEmpty
  }

  get pendingBytes(): number {
    let bytes = this.#filling.isEmpty ? 0 : this.#filling.length
    for (const group of this.#waiting) bytes += group.length
    return bytes
  }

  get pendingEntries(): number {
    let { entries } = this.#filling
    for (const group of this.#waiting) entries += group.entries
    return entries
  }

  /** The group that is written last; null when there is none. */
  get last(): Group | null {
    if (!this.#filling.isEmpty) return this.#filling
    return this.#waiting[this.#waiting.length - 1] ?? null
  }

  /** Takes the next group out; null when there is none or it is held back. */
  take(): Group | null {
    const next = this.#waiting[0]
    if (next === undefined) return this.#filling.isEmpty ? null : this.#seal()
    if (next.isHeld) return null
    this.#waiting.shift()
    return next
  }

  /** Gives back a group that was written. */
  recycle(group: Group): void {
    if (this.#spare.length < SPARE_GROUPS_MAX && group.capacity <= SPARE_BYTES_MAX) {
      this.#spare.push(group)
    }
  }

  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    if (zxid <= this.#lastAppended) {
      throw new InvariantError(`zxid ${zxid} does not follow ${this.#lastAppended}`)
    }
    const group = this.#groupFor(end - start)
    group.add(RecordKind.entry, zxid, bytes, start, end)
    group.lastZxid = zxid
    group.entries++
    this.#lastAppended = zxid
  }

  addControl(kind: RecordKind, payload: Uint8Array, done: () => void): void {
    const group = this.#groupFor(payload.length)
    group.add(kind, this.#lastAppended, payload, 0, payload.length)
    group.controls.push({ kind, payload, done })
  }

  /** Starts a group with a record that takes entries back: so its place in the log is known when it is written. */
  beginCut(zxid: Zxid, isInstall: boolean): Group {
    if (!this.#filling.isEmpty) this.#waiting.push(this.#seal())
    const group = this.#filling
    group.cut = { zxid, isInstall }
    group.lastZxid = zxid
    this.#lastAppended = zxid
    return group
  }

  /** Adds one group, held back, that replaces everything before it. */
  addInstall(
    mark: CheckpointMark,
    entries: readonly LoggedEntry[],
    currentEpoch: number,
    done: () => void,
  ): Group {
    const { zxid } = mark.summary
    const group = this.beginCut(zxid, true)
    group.isHeld = true
    const payload = encodeMark(mark)
    group.add(RecordKind.snapshotInstalled, zxid, payload, 0, payload.length)
    group.controls.push({ kind: RecordKind.snapshotInstalled, payload, done: () => {} })
    for (const entry of entries) {
      assert(entry.zxid > this.#lastAppended, `zxid ${entry.zxid} in a snapshot's entries`)
      group.add(RecordKind.entry, entry.zxid, entry.txn, 0, entry.txn.length)
      this.#lastAppended = entry.zxid
    }
    group.lastZxid = this.#lastAppended
    group.entries = entries.length
    const epoch = encodeEpoch(currentEpoch)
    group.add(RecordKind.currentEpoch, this.#lastAppended, epoch, 0, epoch.length)
    group.controls.push({ kind: RecordKind.currentEpoch, payload: epoch, done })
    this.#waiting.push(this.#seal())
    return group
  }

  /** Forgets what is held back. For the end: nothing may be appended any more. */
  dropHeld(): void {
    const held = this.#waiting.findIndex(({ isHeld }) => isHeld)
    if (held < 0) return
    this.#waiting.length = held
    this.#filling.restart(0, this.#lastAppended)
  }

  #groupFor(payloadBytes: number): Group {
    const group = this.#filling
    if (group.isEmpty || group.length + payloadBytes <= this.#groupBytesMax) return group
    this.#waiting.push(this.#seal())
    return this.#filling
  }

  /** Takes the group being filled away and starts another. */
  #seal(): Group {
    const sealed = this.#filling
    this.#filling = this.#spare.pop() ?? new Group(this.#lastAppended)
    this.#filling.restart(sealed.chainAfter, this.#lastAppended)
    return sealed
  }
}

/** Payload of an epoch record. */
export function encodeEpoch(epoch: number): Uint8Array {
  const payload = new Uint8Array(4)
  new DataView(payload.buffer).setUint32(0, epoch)
  return payload
}
