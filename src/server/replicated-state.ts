import { assert, type SessionId, type Zxid } from '../base/index.ts'
import type { CheckpointSource, StateMachine, StateSummary, ZnodeRow } from '../storage/index.ts'
import { decodeTxnEntry, OpCode, type Txn, type TxnHeader } from '../wire/index.ts'
import type { ApplyResult, DataTree, Znode } from '../znodes/index.ts'
import { CheckpointCapture } from './checkpoint-capture.ts'
import { CONFIG_PATH, ConfigZnode } from './config-znode.ts'
import { DigestLog } from './digest-log.ts'
import { SessionTable } from './session-table.ts'

/**
 * What every replica computes from the log: the tree and the sessions, both at `lastApplied`.
 * Storage loads it, replays into it and takes checkpoints of it.
 */
export class ReplicatedState implements StateMachine {
  readonly tree: DataTree
  readonly sessions: SessionTable = new SessionTable()
  readonly digestLog: DigestLog = new DigestLog()
  /** Not replicated: only what clients read here. */
  readonly configZnode: ConfigZnode

  constructor(tree: DataTree, configZnode: ConfigZnode = new ConfigZnode()) {
    this.tree = tree
    this.configZnode = configZnode
  }

  get lastApplied(): Zxid {
    return this.tree.lastAppliedZxid
  }

  /** The znode at `path` as clients see it: valid until the next transaction is applied. */
  find(path: string): Znode | undefined {
    const stored = this.tree.find(path)
    return path === CONFIG_PATH && stored !== undefined ? this.configZnode.of(stored) : stored
  }

  /** Applies the next transaction. A digest that differs from the tree's own is counted by the tree, never fatal. */
  apply(header: TxnHeader, txn: Txn, digest: bigint | null): ApplyResult {
    if (txn.type === OpCode.createSession) this.sessions.create(header.clientId, txn.timeOut)
    else if (txn.type === OpCode.closeSession) this.sessions.close(header.clientId)
    const result = this.tree.apply(header, txn, digest)
    this.digestLog.onApplied(header.zxid, this.tree)
    return result
  }

  /* ---------------------------------------------------------------- StateMachine */

  reset(): void {
    this.tree.reset()
    this.sessions.clear()
    this.digestLog.clear()
  }

  beginLoad(): void {
    this.tree.beginLoad()
    this.sessions.clear()
    this.digestLog.clear()
  }

  loadZnode(row: ZnodeRow): void {
    this.tree.loadZnode(row)
  }

  loadSession(sessionId: SessionId, timeoutMs: number): void {
    this.sessions.load(sessionId, timeoutMs)
  }

  endLoad(zxid: Zxid): void {
    this.tree.endLoad(zxid)
  }

  summary(): StateSummary {
    return {
      zxid: this.lastApplied,
      znodes: this.tree.znodeCount,
      digest: this.tree.digest(),
      systemDigest: this.tree.systemDigest(),
      sessions: this.sessions.size,
      sessionsDigest: this.sessions.digest(),
    }
  }

  replay(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    const entry = decodeTxnEntry(bytes, start, end)
    assert(entry.header.zxid === zxid, 'a log record carries the zxid of its transaction')
    this.apply(entry.header, entry.txn, entry.digest === null ? null : entry.digest.treeDigest)
  }

  beginCheckpoint(): CheckpointSource {
    return new CheckpointCapture(this.summary(), this.tree.changes, this.sessions)
  }
}
