import type { SessionId } from '../base/index.ts'
import type { OutputBuffer } from './output-buffer.ts'
import type { AclEntry } from './records.ts'
import {
  SNAPSHOT_END_PATH,
  SNAPSHOT_ROOT_PATH,
  SNAPSHOT_SIGNATURE,
  type SnapshotZnode,
} from './snapshot-records.ts'
import { writeAclList } from './structures.ts'

/* The parts of a snapshot in the order they are written; each count goes before its elements. */

export function writeSnapshotCount(out: OutputBuffer, count: number): void {
  out.int32(count)
}

export function writeSnapshotSession(
  out: OutputBuffer,
  sessionId: SessionId,
  timeoutMs: number,
): void {
  out.int64(sessionId)
  out.int32(timeoutMs)
}

export function writeSnapshotAcl(out: OutputBuffer, aclId: number, acl: readonly AclEntry[]): void {
  out.int64Number(aclId)
  writeAclList(out, acl)
}

/** A znode whose ACL is in the table under `aclId`. */
export function writeSnapshotZnode(out: OutputBuffer, znode: SnapshotZnode, aclId: number): void {
  out.string(znode.path === '/' ? SNAPSHOT_ROOT_PATH : znode.path)
  out.byteString(znode.data)
  out.int64Number(aclId)
  out.int64(znode.czxid)
  out.int64(znode.mzxid)
  out.int64Number(znode.ctime)
  out.int64Number(znode.mtime)
  out.int32(znode.version)
  out.int32(znode.storedCversion)
  out.int32(znode.aversion)
  out.int64(znode.storedOwner)
  out.int64(znode.pzxid)
}

/** There are no more znodes. */
export function writeSnapshotEnd(out: OutputBuffer): void {
  out.string(SNAPSHOT_END_PATH)
}

/** What a learner expects behind the last byte of the state. */
export function writeSnapshotSignature(out: OutputBuffer): void {
  out.string(SNAPSHOT_SIGNATURE)
}
