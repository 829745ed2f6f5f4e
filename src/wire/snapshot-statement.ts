import type { SessionId, Zxid } from '../base/index.ts'
import { DecodeError } from './decode-error.ts'
import { InputReader } from './input-reader.ts'
import { OutputBuffer } from './output-buffer.ts'

/**
 * What a server of ours says about the snapshot that it sends, in the data of the SNAP packet: that is null upstream and
 * read by nobody. So the receiver can check what it got, and knows what the stream has no place for.
 *
 * ustring "zabkeeper", int version 1, long zxid, long znodes, long treeDigest, long systemDigest, int sessions,
 * long sessionsDigest, int n, n × long sessionId
 */
export interface SnapshotStatement {
  /** The state is exactly the one after this transaction. */
  readonly zxid: Zxid
  readonly znodes: number
  readonly digest: bigint
  /** Of the znodes that the tree digest leaves out. */
  readonly systemDigest: bigint
  readonly sessions: number
  readonly sessionsDigest: bigint
  /** Closed sessions that are remembered because their server has given out no higher id. */
  readonly endedSessions: readonly SessionId[]
}

const NAME = 'zabkeeper'
const VERSION = 1

export function encodeSnapshotStatement(statement: SnapshotStatement): Uint8Array {
  const out = new OutputBuffer()
  out.append(HEAD, 0, HEAD.length)
  out.int64(statement.zxid)
  out.int64Number(statement.znodes)
  out.int64(statement.digest)
  out.int64(statement.systemDigest)
  out.int32(statement.sessions)
  out.int64(statement.sessionsDigest)
  out.int32(statement.endedSessions.length)
  for (const sessionId of statement.endedSessions) out.int64(sessionId)
  return out.take()
}

/** Null when the bytes are somebody else's, or of a version that is not known here. */
export function decodeSnapshotStatement(bytes: Uint8Array): SnapshotStatement | null {
  const reader = new InputReader()
  reader.reset(bytes, 0, bytes.length)
  if (!reader.skipIfNext(HEAD)) return null
  const statement = {
    zxid: reader.int64() as Zxid,
    znodes: reader.int64Number(),
    digest: reader.int64(),
    systemDigest: reader.int64(),
    sessions: reader.int32(),
    sessionsDigest: reader.int64(),
  }
  const count = reader.vectorCount(8)
  const endedSessions: SessionId[] = []
  for (let i = 0; i < count; i++) endedSessions.push(reader.int64() as SessionId)
  if (reader.remaining > 0) {
    throw new DecodeError(`${reader.remaining} bytes behind the statement of a snapshot`)
  }
  return { ...statement, endedSessions }
}

const HEAD: Uint8Array = encodeHead()

function encodeHead(): Uint8Array {
  const out = new OutputBuffer()
  out.string(NAME)
  out.int32(VERSION)
  return out.take()
}
