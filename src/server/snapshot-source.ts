import type { SessionId, Zxid } from '../base/index.ts'
import {
  encodeSnapshotStatement,
  OutputBuffer,
  writeSnapshotAcl,
  writeSnapshotCount,
  writeSnapshotEnd,
  writeSnapshotSession,
  writeSnapshotSignature,
  writeSnapshotZnode,
} from '../wire/index.ts'
import type { TreeCapture } from '../znodes/index.ts'
import type { ReplicatedState } from './replicated-state.ts'

const NO_BYTES = new Uint8Array(0)

const Phase = { sessions: 0, acls: 1, znodes: 2, done: 3 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

/** The state as it is now, to be sent piece by piece while transactions go on. */
export function beginSnapshot(state: ReplicatedState): SnapshotSource {
  return new SnapshotSource(state)
}

/**
 * The bytes behind a SNAP packet (wire/snapshot-records.ts), with the state after exactly `zxid`. The sessions are
 * copied at the beginning; the tree keeps what transactions change before it was given out.
 */
export class SnapshotSource {
  readonly zxid: Zxid
  /** For the data of the SNAP packet, see `SnapshotStatement`. Peers of other make ignore it. */
  readonly statement: Uint8Array
  readonly #tree: TreeCapture
  readonly #sessions: readonly SessionId[]
  readonly #timeoutsMs: readonly number[]
  #phase: Phase = Phase.sessions
  #sessionIndex = 0
  readonly #out = new OutputBuffer()
  /** Encoded, and more than was asked for. */
  #rest: Uint8Array = NO_BYTES
  #bytesGiven = 0

  constructor(state: ReplicatedState) {
    const { sessions } = state
    const summary = state.summary()
    const ids: SessionId[] = []
    const timeoutsMs: number[] = []
    sessions.forEach((sessionId, timeoutMs) => {
      ids.push(sessionId)
      timeoutsMs.push(timeoutMs)
    })
    const endedSessions: SessionId[] = []
    sessions.forEachEnded((sessionId) => endedSessions.push(sessionId))
    this.zxid = summary.zxid
    this.statement = encodeSnapshotStatement({ ...summary, endedSessions })
    this.#sessions = ids
    this.#timeoutsMs = timeoutsMs
    this.#tree = state.tree.beginCapture()
    writeSnapshotCount(this.#out, ids.length)
  }

  /** How many bytes {@link next} has given. */
  get bytesGiven(): number {
    return this.#bytesGiven
  }

  /**
   * The next piece, of about `maxBytes` and never more than twice that; null after the last. The bytes belong to the
   * caller. Throws once {@link end} was called, or another state was loaded.
   */
  next(maxBytes: number): Uint8Array | null {
    if (this.#rest.length === 0) {
      while (this.#phase !== Phase.done && this.#out.length < maxBytes) this.#step()
      this.#rest = this.#out.take()
    }
    if (this.#rest.length === 0) return null
    const isShort = this.#rest.length <= 2 * maxBytes
    const piece = isShort ? this.#rest : this.#rest.subarray(0, maxBytes)
    this.#rest = this.#rest.subarray(piece.length)
    this.#bytesGiven += piece.length
    return piece
  }

  /** To be called once the bytes are of no more use, all of them given or not; again is allowed. */
  end(): void {
    this.#tree.end()
  }

  /** Writes one element, or the count that stands before the next ones. */
  #step(): void {
    if (this.#phase === Phase.sessions) this.#stepSessions()
    else if (this.#phase === Phase.acls) this.#stepAcls()
    else this.#stepZnodes()
  }

  #stepSessions(): void {
    const index = this.#sessionIndex
    if (index === this.#sessions.length) {
      writeSnapshotCount(this.#out, this.#tree.aclCount)
      this.#phase = Phase.acls
      return
    }
    writeSnapshotSession(this.#out, this.#sessions[index]!, this.#timeoutsMs[index]!)
    this.#sessionIndex = index + 1
  }

  #stepAcls(): void {
    const acl = this.#tree.nextAcl()
    if (acl === null) this.#phase = Phase.znodes
    else writeSnapshotAcl(this.#out, acl.id, acl.list)
  }

  #stepZnodes(): void {
    const znode = this.#tree.next()
    if (znode !== null) {
      writeSnapshotZnode(this.#out, znode, this.#tree.aclIdOf(znode))
      return
    }
    writeSnapshotEnd(this.#out)
    writeSnapshotSignature(this.#out)
    this.#phase = Phase.done
    this.#tree.end()
  }
}
