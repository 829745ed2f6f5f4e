import { assert, type Zxid } from '../base/index.ts'
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
  const out = new OutputBuffer()
  const adler = new Adler32()
  const capture = state.tree.beginCapture()
  const isPieceFull = (): boolean => out.length >= pieceBytes
  const take = (): Uint8Array => {
    const bytes = out.take()
    adler.update(bytes, 0, bytes.length)
    return bytes
  }
  try {
    out.int32(MAGIC)
    out.int32(VERSION)
    out.int64(DATABASE_ID)
    writeSessions(out, state)
    writeSnapshotCount(out, capture.aclCount)
    for (let acl = capture.nextAcl(); acl !== null; acl = capture.nextAcl()) {
      writeSnapshotAcl(out, acl.id, acl.list)
      if (isPieceFull()) yield take()
    }
    for (let znode = capture.next(); znode !== null; znode = capture.next()) {
      writeSnapshotZnode(out, znode, capture.aclIdOf(znode))
      if (isPieceFull()) yield take()
    }
    assert(capture.zxid === state.lastApplied, 'the state of a snapshot stays as it is')
    writeSnapshotEnd(out)
    yield take()
    yield* sealedTail(out, take, adler, capture.zxid, capture.digest)
  } finally {
    capture.end()
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

function writeSessions(out: OutputBuffer, { sessions }: ReplicatedState): void {
  writeSnapshotCount(out, sessions.size)
  sessions.forEach((sessionId, timeoutMs) => {
    writeSnapshotSession(out, sessionId, timeoutMs)
  })
}
