import { assert, formatHex, type SessionId, type Zxid } from '../base/index.ts'
import { REQUEST_FRAME_BYTES_CEILING } from '../config/index.ts'
import type { StateMachine, StateSummary, ZnodeRow } from '../storage/index.ts'
import {
  type AclEntry,
  DecodeError,
  decodeSnapshotStatement,
  type SnapshotDigest,
  type SnapshotHandler,
  SnapshotReader,
  type SnapshotStatement,
  type SnapshotZnode,
} from '../wire/index.ts'
import {
  type ChangeEvents,
  DataTree,
  type DataTreeOptions,
  parentPath,
  type TreeCapture,
} from '../znodes/index.ts'
import type { ReplicatedState } from './replicated-state.ts'
import { ENDED, SessionTable } from './session-table.ts'

export interface SnapshotSinkOptions extends DataTreeOptions {
  /** `file` for a file of an Apache data folder. */
  readonly form?: 'file' | 'learner'
  /** Longest path, data and text of an ACL. */
  readonly valueBytesMax: number
  /** Longest stream. */
  readonly bytesMax: number
}

/**
 * No request is longer, whatever `jute.maxbuffer` its server had, so no znode is. The one of this server says nothing
 * about what is in a tree already.
 */
export const SNAPSHOT_VALUE_BYTES_MAX: number = REQUEST_FRAME_BYTES_CEILING

/**
 * ACL of a znode whose own is missing in a stream: nobody may do anything until a transaction that follows says what
 * it is. An empty list would allow everything.
 */
const NOBODY: readonly AclEntry[] = [{ perms: 0, scheme: 'world', id: 'anyone' }]
const NO_EVENTS: ChangeEvents = { created: () => {}, deleted: () => {}, dataChanged: () => {} }
const SLASH = 0x2f

/**
 * For the stream behind the SNAP packet of `zxid` with `statement` as its data, into a tree like the server's own.
 * Throws `DecodeError` when the two do not go together.
 */
export function newSnapshotSink(
  options: DataTreeOptions,
  statement: Uint8Array | null = null,
  zxid: Zxid | null = null,
): SnapshotSink {
  const bytesMax = Number.POSITIVE_INFINITY
  const all = { ...options, valueBytesMax: SNAPSHOT_VALUE_BYTES_MAX, bytesMax }
  return new SnapshotSink(all, statement, zxid)
}

/**
 * Receives the state of a leader. It becomes a tree of its own beside the one in use, so that a stream that breaks off
 * or is refused has changed nothing (ZOOKEEPER-3642).
 */
export class SnapshotSink implements SnapshotHandler {
  readonly #statement: SnapshotStatement | null
  readonly #reader: SnapshotReader
  readonly #tree: DataTree
  readonly #sessions = new SessionTable()
  #received: ReceivedSnapshot | null = null

  /**
   * `statementBytes`: the data of the SNAP packet. The statement of a server of ours promises exactly the state after
   * `zxid`, and that is checked; the streams of others may run ahead of their zxid, and the transactions that follow
   * repair it. `zxid` is null where only the stream knows it. Throws `DecodeError`.
   */
  constructor(
    options: SnapshotSinkOptions,
    statementBytes: Uint8Array | null,
    zxid: Zxid | null = null,
  ) {
    this.#statement = statementBytes === null ? null : decodeSnapshotStatement(statementBytes)
    const stated = this.#statement?.zxid ?? zxid
    if (zxid !== null && stated !== zxid) {
      throw new DecodeError(
        `a snapshot of ${formatHex(zxid)} is said to be of ${formatHex(stated!)}`,
      )
    }
    this.#tree = new DataTree(NO_EVENTS, options)
    this.#tree.beginLoad()
    this.#reader = new SnapshotReader(this, {
      form: options.form ?? 'learner',
      valueBytesMax: options.valueBytesMax,
      bytesMax: options.bytesMax,
      missingAcl: this.#statement === null ? NOBODY : null,
    })
  }

  get isDone(): boolean {
    return this.#received !== null
  }

  get bytesRead(): number {
    return this.#reader.bytesRead
  }

  /**
   * Takes the next bytes and gives how many of them belong to the stream: fewer than there are only when it is done.
   * Throws `DecodeError`; what was received is then of no use.
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    const size = this.#reader.push(bytes, start, end)
    if (this.#reader.isDone && this.#received === null) this.#finish()
    return size
  }

  /** There are no more bytes: for files, which may lack their last parts. Throws `DecodeError` unless it is whole. */
  end(): void {
    this.#reader.end()
    if (this.#received === null) this.#finish()
  }

  /** Only when {@link isDone}. */
  result(): ReceivedSnapshot {
    assert(this.#received !== null, 'a snapshot is given out when it is whole')
    return this.#received
  }

  /* ---------------------------------------------------------------- SnapshotHandler */

  onSession(sessionId: SessionId, timeoutMs: number): void {
    if (this.#sessions.has(sessionId)) throw new DecodeError(`session ${sessionId} comes twice`)
    // As in SessionTable.create: a live session has a timeout.
    this.#sessions.load(sessionId, Math.max(timeoutMs, 1))
  }

  onAcl(): void {
    // Each znode comes with its list.
  }

  onZnode(znode: SnapshotZnode): void {
    const { path } = znode
    const tree = this.#tree
    if (path.charCodeAt(0) !== SLASH || (path.length > 1 && path.endsWith('/'))) {
      throw new DecodeError(`${path} in a snapshot is no path of a znode`)
    }
    if (tree.find(path) !== undefined) throw new DecodeError(`znode ${path} comes twice`)
    if (path !== '/' && tree.find(parentPath(path)) === undefined) {
      throw new DecodeError(`znode ${path} comes before its parent`)
    }
    tree.loadZnode(znode)
  }

  /* ---------------------------------------------------------------- */

  #finish(): void {
    if (this.#tree.find('/') === undefined) throw new DecodeError('a snapshot without the root')
    const statement = this.#statement
    for (const sessionId of statement?.endedSessions ?? []) {
      if (this.#sessions.has(sessionId)) {
        throw new DecodeError(`session ${sessionId} is said to be closed and is live`)
      }
      this.#sessions.load(sessionId, ENDED)
    }
    const zxid = statement?.zxid ?? null
    const { digest, lastProcessedZxid } = this.#reader
    const received = new ReceivedSnapshot(
      this.#tree,
      this.#sessions,
      zxid,
      digest,
      lastProcessedZxid,
    )
    if (statement !== null) verify(received.summary(statement.zxid), statement)
    this.#received = received
  }
}

/** A whole state, beside the one in use. */
export class ReceivedSnapshot {
  /** The sender's word that this is exactly the state after this transaction; null from senders of other make. */
  readonly zxid: Zxid | null
  /** What the end of a file says; null in a stream of the learner port. */
  readonly fileDigest: SnapshotDigest | null
  /** The zxid that the end of a file of 3.9 names; null where there is none. */
  readonly fileZxid: Zxid | null
  readonly #tree: DataTree
  readonly #sessions: SessionTable

  constructor(
    tree: DataTree,
    sessions: SessionTable,
    zxid: Zxid | null,
    fileDigest: SnapshotDigest | null,
    fileZxid: Zxid | null,
  ) {
    this.#tree = tree
    this.#sessions = sessions
    this.zxid = zxid
    this.fileDigest = fileDigest
    this.fileZxid = fileZxid
  }

  /** What this state amounts to, as the one after `zxid` (of the SNAP packet). */
  summary(zxid: Zxid): StateSummary {
    return {
      zxid,
      znodes: this.#tree.znodeCount,
      digest: this.#tree.digest(),
      systemDigest: this.#tree.systemDigest(),
      sessions: this.#sessions.size,
      sessionsDigest: this.#sessions.digest(),
    }
  }

  /** Rows of the sessions: timeout 0 for a closed one that is remembered. */
  sessions(): readonly { readonly id: SessionId; readonly timeoutMs: number }[] {
    const rows: { readonly id: SessionId; readonly timeoutMs: number }[] = []
    this.#sessions.forEach((id, timeoutMs) => {
      rows.push({ id, timeoutMs })
    })
    this.#sessions.forEachEnded((id) => {
      rows.push({ id, timeoutMs: ENDED })
    })
    return rows
  }

  /** All znodes, a parent before its children, in pieces of any size. */
  znodes(): IterableIterator<ZnodeRow> {
    return rowsOf(this.#tree.beginCapture())
  }

  /** Puts this state in the place of the machine's own, row by row. It stays whole. */
  loadInto(machine: StateMachine, zxid: Zxid): void {
    machine.beginLoad()
    for (const row of this.znodes()) machine.loadZnode(row)
    for (const { id, timeoutMs } of this.sessions()) machine.loadSession(id, timeoutMs)
    machine.endLoad(zxid)
  }

  /** The same at once, however large: the tree itself changes hands and this is of no further use. */
  moveInto(state: ReplicatedState, zxid: Zxid): void {
    state.tree.become(this.#tree)
    state.sessions.clear()
    state.digestLog.clear()
    for (const { id, timeoutMs } of this.sessions()) state.loadSession(id, timeoutMs)
    state.endLoad(zxid)
  }
}

function* rowsOf(capture: TreeCapture): IterableIterator<ZnodeRow> {
  try {
    for (let row = capture.next(); row !== null; row = capture.next()) yield row
  } finally {
    capture.end()
  }
}

/** What the sender says, and what has arrived. */
function verify(found: StateSummary, stated: SnapshotStatement): void {
  check('znodes', found.znodes, stated.znodes)
  check('tree digest', found.digest, stated.digest)
  check('system digest', found.systemDigest, stated.systemDigest)
  check('sessions', found.sessions, stated.sessions)
  check('sessions digest', found.sessionsDigest, stated.sessionsDigest)
}

function check(what: string, found: bigint | number, stated: bigint | number): void {
  if (found === stated) return
  throw new DecodeError(`${what} of the snapshot: ${found} arrived where ${stated} was sent`)
}
