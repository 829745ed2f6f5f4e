import type { SessionId, Zxid } from '../base/index.ts'
import type { SnapshotZnode } from '../wire/index.ts'
import type { StorageError } from './storage-error.ts'

/** A znode as the checkpoint keeps it: with what a snapshot says about it. */
export type ZnodeRow = SnapshotZnode

/** What a state amounts to; two states with equal summaries are taken to be the same state. */
export interface StateSummary {
  /** Last transaction in it. */
  readonly zxid: Zxid
  readonly znodes: number
  /** Tree digest, 64 bits. */
  readonly digest: bigint
  /** Digest of the znodes the tree digest leaves out, 64 bits. */
  readonly systemDigest: bigint
  readonly sessions: number
  /** Digest over ids and timeouts of the sessions, 64 bits. */
  readonly sessionsDigest: bigint
}

/** An entry of the log as it is handed out; the bytes are the receiver's own. */
export interface LoggedEntry {
  readonly zxid: Zxid
  /** The transaction, opaque to storage. */
  readonly txn: Uint8Array
}

/** The end of the log, without holes. */
export interface LoggedTail {
  /** Zxid before the first of `entries`: of an entry, of a snapshot that was installed, or 0. */
  readonly base: Zxid
  readonly entries: readonly LoggedEntry[]
}

/** Entries read from disk, without holes. */
export interface EntriesRead {
  /** The last zxid of the log at or before the one asked for; the first entry comes right after it. */
  readonly floor: Zxid
  readonly entries: readonly LoggedEntry[]
}

/** A whole state received from a leader. It stays as it is until it is installed. */
export interface ReceivedState {
  /** What it amounts to, as the state after `zxid`: what the machine's own summary says once it is loaded. */
  summary(zxid: Zxid): StateSummary
  sessions(): Iterable<{ readonly id: SessionId; readonly timeoutMs: number }>
  /** A parent before its children. Asked for once; `return` is called when it is not read to the end. */
  znodes(): IterableIterator<ZnodeRow>
}

/** What replaces the log and the state. */
export interface Install {
  /** The snapshot is the state after this transaction. */
  readonly zxid: Zxid
  readonly snapshot: ReceivedState
  /** What follows the snapshot. Copied. */
  readonly entries: readonly LoggedEntry[]
  readonly currentEpoch: number
  /** Called now and then while it is being written: a large snapshot takes longer than a disk may be silent. */
  readonly onProgress?: () => void
}

/** What is called while a snapshot is written, and when its rows are durable. */
export interface InstallCalls {
  readonly onProgress: () => void
  readonly onWritten: () => void
}

/** The replicated state as storage sees it: it is loaded, replayed into and asked for changes. */
export interface StateMachine {
  /** Zxid of the last transaction in it. Cheap to ask. */
  readonly lastApplied: Zxid
  /** Becomes the state of a new server (zxid 0). All of it counts as changed. */
  reset(): void
  /** Becomes entirely empty, without even the root; rows follow. */
  beginLoad(): void
  /** Rows come in path order, so a parent before its children. */
  loadZnode(row: ZnodeRow): void
  loadSession(id: SessionId, timeoutMs: number): void
  /** All rows are in: this is the state after `zxid`, and nothing of it counts as changed. */
  endLoad(zxid: Zxid): void
  summary(): StateSummary
  /** Applies one logged entry; `bytes` is valid during the call only. Throws when it cannot be applied. */
  replay(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void
  /** Freezes the set of changes since the last checkpoint, at the zxid applied last. */
  beginCheckpoint(): CheckpointSource
}

export const ChangeKind = { znode: 1, znodeGone: 2, session: 3, sessionGone: 4 } as const

/** One difference between the last checkpoint and the frozen state. */
export type CheckpointChange =
  | { readonly kind: typeof ChangeKind.znode; readonly row: ZnodeRow }
  | { readonly kind: typeof ChangeKind.znodeGone; readonly path: string }
  | {
      readonly kind: typeof ChangeKind.session
      readonly id: SessionId
      readonly timeoutMs: number
    }
  | { readonly kind: typeof ChangeKind.sessionGone; readonly id: SessionId }

/** The changes up to one zxid, given out in pieces while later transactions go on. */
export interface CheckpointSource {
  readonly summary: StateSummary
  /** Up to `max` changes, each as it was at `summary.zxid`; empty when all have been given. */
  next(max: number): readonly CheckpointChange[]
  /** Called once. Unless `durable`, the changes belong to the next checkpoint again. */
  end(durable: boolean): void
}

export interface StorageHandlers {
  /**
   * Every entry up to `zxid` survives a power cut. Never inside a call to the storage. Zxids increase unless the log
   * is truncated or replaced.
   */
  onDurable(zxid: Zxid): void
  /** The oldest entries are about to be deleted: the log on disk will begin after `base`. */
  onLogPurged?(base: Zxid): void
  /** A durable write took longer than the options call slow. */
  onSlowWrite?(tookMs: number): void
  /** The disk is nearly full, or is not any more. */
  onFullChange?(isFull: boolean): void
  /** A durable write failed: nothing may be promised any more, the process has to stop. Called once, last. */
  onFatal(error: StorageError): void
}

/** What a start found. */
export interface RecoveryReport {
  /** Nothing was there: this is a new server. */
  readonly isNew: boolean
  /** The last run ended with {@link Storage.close}. */
  readonly wasCleanStop: boolean
  /** Zxid of the checkpoint used, null when the whole log was replayed. */
  readonly checkpointZxid: Zxid | null
  readonly rowsLoaded: number
  readonly entriesReplayed: number
  /** Bytes of an unfinished write that were cut off the end. */
  readonly tornBytes: number
  readonly lastLogged: Zxid
}

export interface StorageStats {
  readonly segments: number
  readonly logBytes: number
  /** Appended and not yet handed to the disk. */
  readonly pendingBytes: number
  readonly groupsWritten: number
  readonly entriesWritten: number
  readonly checkpoints: number
  readonly checkpointZxid: Zxid | null
  readonly checkpointRunning: boolean
  readonly lastCheckpointMs: number
  /** Unix time of the last one; null before the first. */
  readonly lastCheckpointAtMs: number | null
  /** Writes that took longer than the options call slow. */
  readonly slowWrites: number
}
