import { assert, type SessionId, type Zxid } from '../base/index.ts'
import type { ReplicatedState } from '../server/index.ts'
import {
  Adler32,
  DIGEST_VERSION,
  OutputBuffer,
  SNAPSHOT_END_PATH,
  writeSnapshotAcl,
  writeSnapshotCount,
  writeSnapshotEnd,
  writeSnapshotSession,
  writeSnapshotZnode,
} from '../wire/index.ts'
import type { TreeCapture } from '../znodes/index.ts'

/** "ZKSN", int 2, long -1. */
const MAGIC = 0x5a4b_534e
const VERSION = 2
const DATABASE_ID = -1n

/**
 * The bytes of a file `snapshot.<zxid>` (wire/snapshot-records.ts) with all its seals, in pieces of about `pieceBytes`.
 * The state must not change meanwhile. 3.8 reads up to the digest, which is all it knows.
 */
export function* snapshotFileBytes(
  state: ReplicatedState,
  pieceBytes: number,
): IterableIterator<Uint8Array> {
  const file = new SnapshotFile(state)
  try {
    for (const piece of file.pieces(pieceBytes)) {
      assert(file.zxid === state.lastApplied, 'the state of a snapshot stays as it is')
      yield piece
    }
  } finally {
    file.end()
  }
}

/**
 * A state as it is when this is made, to be written as such a file while transactions go on: the tree keeps what they
 * change until it was given out.
 */
export class SnapshotFile {
  readonly #capture: TreeCapture
  readonly #sessions: readonly (readonly [SessionId, number])[]

  constructor(state: ReplicatedState) {
    const sessions: (readonly [SessionId, number])[] = []
    state.sessions.forEach((sessionId, timeoutMs) => {
      sessions.push([sessionId, timeoutMs])
    })
    this.#sessions = sessions
    this.#capture = state.tree.beginCapture()
  }

  get zxid(): Zxid {
    return this.#capture.zxid
  }

  /** It has been given out, ended, or another state has taken the place of the server's: nothing more can be asked of it. */
  get isOver(): boolean {
    return this.#capture.isOver
  }

  /** To be called when it is of no more use; again is allowed. */
  end(): void {
    this.#capture.end()
  }

  /** All of it, once, in pieces of about `pieceBytes`. Not to be asked for the next one once it {@link isOver}. */
  *pieces(pieceBytes: number): IterableIterator<Uint8Array> {
    const out = new OutputBuffer()
    const adler = new Adler32()
    const capture = this.#capture
    const isPieceFull = (): boolean => out.length >= pieceBytes
    const take = (): Uint8Array => {
      const bytes = out.take()
      adler.update(bytes, 0, bytes.length)
      return bytes
    }
    out.int32(MAGIC)
    out.int32(VERSION)
    out.int64(DATABASE_ID)
    writeSnapshotCount(out, this.#sessions.length)
    for (const [sessionId, timeoutMs] of this.#sessions) {
      writeSnapshotSession(out, sessionId, timeoutMs)
      if (isPieceFull()) yield take()
    }
    writeSnapshotCount(out, capture.aclCount)
    for (let acl = capture.nextAcl(); acl !== null; acl = capture.nextAcl()) {
      writeSnapshotAcl(out, acl.id, acl.list)
      if (isPieceFull()) yield take()
    }
    for (let znode = capture.next(); znode !== null; znode = capture.next()) {
      writeSnapshotZnode(out, znode, capture.aclIdOf(znode))
      if (isPieceFull()) yield take()
    }
    writeSnapshotEnd(out)
    yield take()
    yield* sealedTail(out, take, adler, capture.zxid, capture.digest)
  }
}

function* sealedTail(
  out: OutputBuffer,
  take: () => Uint8Array,
  adler: Adler32,
  zxid: Zxid,
  treeDigest: bigint,
): IterableIterator<Uint8Array> {
  writeSeal(out, adler)
  out.int64(zxid)
  out.int32(DIGEST_VERSION)
  out.int64(treeDigest)
  yield take()
  writeSeal(out, adler)
  out.int64(zxid)
  yield take()
  writeSeal(out, adler)
  yield take()
}

/** A seal is of all bytes before it, earlier seals included: they were taken out. */
function writeSeal(out: OutputBuffer, adler: Adler32): void {
  assert(out.length === 0, 'all that is sealed was added up')
  out.int64Number(adler.value)
  out.string(SNAPSHOT_END_PATH)
}
