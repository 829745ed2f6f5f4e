import type { Zxid } from '../base/index.ts'
import type { AclEntry, ByteString } from './records.ts'

/*
 * The state as a stream (`SerializeUtils`, `DataTree.serialize`), behind a SNAP packet of the learner port:
 *
 * int n, n × { long sessionId, int timeoutMs }
 * int n, n × { long aclId, vector<ACL> }
 * znodes, the parent before the child: ustring path, buffer data, long aclId, long czxid, long mzxid, long ctime,
 *   long mtime, int version, int cversion, int aversion, long ephemeralOwner, long pzxid
 * ustring "/" in place of a next path
 * ustring "BenWasHere"
 *
 * A file `snapshot.<zxid>` of a data folder is "ZKSN", int 2, long -1, the same up to the "/", a seal, and maybe
 * long zxid, int 2, long treeDigest, a seal, and maybe long lastProcessedZxid, a seal.
 * A seal is long Adler-32 of everything before it, and again ustring "/".
 */

/** The root's path is empty here; the path that users know it by ends the znodes. */
export const SNAPSHOT_ROOT_PATH = ''
export const SNAPSHOT_END_PATH = '/'
export const SNAPSHOT_SIGNATURE = 'BenWasHere'

/** `world:anyone` with all permissions is known under this id without being in the table. */
export const OPEN_ACL_ID = -1

/** What a snapshot says about a znode. */
export interface SnapshotZnode {
  /** The root is `/`. */
  readonly path: string
  readonly data: ByteString | null
  readonly acl: readonly AclEntry[]
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  /** Unix ms. */
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** The number of creates, not what a Stat shows. */
  readonly storedCversion: number
  readonly aversion: number
  /** Session id, container mark, TTL or 0. */
  readonly storedOwner: bigint
}

/** The tree digest at the end of a file. */
export interface SnapshotDigest {
  /** Of the transaction after which the digest was taken; 0 for none. */
  readonly zxid: Zxid
  /** Null when it is of a version that nobody computes any more. */
  readonly treeDigest: bigint | null
}
