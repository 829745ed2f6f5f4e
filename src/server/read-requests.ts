import type { Zxid } from '../base/index.ts'
import {
  AddWatchMode,
  type AuthId,
  decodeAddWatch,
  decodeMultiRead,
  decodePath,
  decodeSasl,
  decodeSetWatches,
  decodeSetWatches2,
  decodeWatches,
  ErrorCode,
  type InputReader,
  OpCode,
  type OutputBuffer,
  Perms,
  type ReadOp,
  WatcherType,
  writeAddWatchResponse,
  writeGetAclResponse,
  writeGetAllChildrenNumberResponse,
  writeGetChildren2Response,
  writeGetDataResponse,
  writeMultiEnd,
  writeMultiError,
  writeMultiGetChildren,
  writeMultiGetData,
  writePathResponse,
  writeReplyHeader,
  writeSaslResponse,
  writeStatResponse,
  writeStringsResponse,
  writeWhoAmIResponse,
  Xid,
} from '../wire/index.ts'
import {
  type AuthProviders,
  allows,
  type ChangeLookup,
  catchUpWatches,
  type DataTree,
  maskDigests,
  WatchKind,
  type WatchTable,
  type Znode,
} from '../znodes/index.ts'
import { type ClientConnection, Phase } from './client-connection.ts'
import type { NamespaceSizes } from './metrics/index.ts'
import type { ReplicatedState } from './replicated-state.ts'

/** Every opcode that {@link ReadRequests.execute} answers. */
const READ_OPCODES: ReadonlySet<number> = new Set([
  OpCode.getData,
  OpCode.exists,
  OpCode.getChildren,
  OpCode.getChildren2,
  OpCode.ping,
  OpCode.sync,
  OpCode.getACL,
  OpCode.multiRead,
  OpCode.setWatches,
  OpCode.setWatches2,
  OpCode.addWatch,
  OpCode.checkWatches,
  OpCode.removeWatches,
  OpCode.getEphemerals,
  OpCode.getAllChildrenNumber,
  OpCode.whoAmI,
  OpCode.sasl,
])
/** Of a Stat: it counts as read with whatever is read of a znode (`DataTree.STAT_OVERHEAD_BYTES`). */
const STAT_BYTES = 68
const LENGTH_BYTES = 4
const READ_OR_ADMIN = Perms.read | Perms.admin
const WATCHER_TYPES: ReadonlySet<number> = new Set(Object.values(WatcherType))

/** The requests that make no transaction: answered from memory, at the zxid applied last. */
export class ReadRequests {
  readonly #state: ReplicatedState
  readonly #tree: DataTree
  readonly #watches: WatchTable
  readonly #providers: AuthProviders
  readonly #sizes: NamespaceSizes
  readonly #lookup: ChangeLookup = { find: (path) => this.#find(path) }

  constructor(
    state: ReplicatedState,
    watches: WatchTable,
    providers: AuthProviders,
    { reads }: { readonly reads: NamespaceSizes },
  ) {
    this.#state = state
    this.#tree = state.tree
    this.#watches = watches
    this.#providers = providers
    this.#sizes = reads
  }

  knows(opcode: number): boolean {
    return READ_OPCODES.has(opcode)
  }

  /**
   * Runs one request and writes its reply frame.
   * @returns false, with nothing written, when `opcode` is not a read.
   * @throws DecodeError when the body is malformed; then nothing is written either, but events that setWatches
   *   had already made stay.
   */
  execute(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    reader: InputReader,
    ids: readonly AuthId[],
  ): boolean {
    switch (opcode) {
      case OpCode.getData:
        this.#getData(connection, xid, reader, ids)
        return true
      case OpCode.exists:
        this.#exists(connection, xid, reader, ids)
        return true
      case OpCode.getChildren:
      case OpCode.getChildren2:
        this.#getChildren(connection, opcode, xid, reader, ids)
        return true
      case OpCode.ping:
        this.#replyEmpty(connection, Xid.ping)
        return true
      case OpCode.sync:
        this.#sync(connection, xid, reader)
        return true
      case OpCode.getACL:
        this.#getAcl(connection, xid, reader, ids)
        return true
      case OpCode.multiRead:
        this.#multiRead(connection, xid, reader, ids)
        return true
      case OpCode.setWatches:
      case OpCode.setWatches2:
        this.#setWatches(connection, opcode, xid, reader)
        return true
      case OpCode.addWatch:
        this.#addWatch(connection, xid, reader)
        return true
      case OpCode.checkWatches:
      case OpCode.removeWatches:
        this.#checkOrRemoveWatches(connection, opcode, xid, reader)
        return true
      case OpCode.getEphemerals:
        this.#getEphemerals(connection, xid, reader)
        return true
      case OpCode.getAllChildrenNumber:
        this.#getAllChildrenNumber(connection, xid, reader, ids)
        return true
      case OpCode.whoAmI:
        this.#whoAmI(connection, xid, ids)
        return true
      case OpCode.sasl:
        this.#sasl(connection, xid, reader)
        return true
      default:
        return false
    }
  }

  /** A reply that is a header and nothing else. */
  replyHeader(connection: ClientConnection, xid: number, zxid: Zxid, err: number): void {
    const out = connection.out
    const mark = out.beginFrame()
    writeReplyHeader(out, xid, zxid, err)
    out.endFrame(mark)
  }

  #getData(
    connection: ClientConnection,
    xid: number,
    reader: InputReader,
    ids: readonly AuthId[],
  ): void {
    const path = reader.requiredString()
    const isWatched = reader.bool()
    const node = this.#readable(connection, xid, path, ids)
    if (node === null) return
    if (isWatched) this.#watches.add(path, connection, WatchKind.data)
    this.#sizes.observe(path, node.dataLength + STAT_BYTES)
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writeGetDataResponse(out, node.data, node)
    out.endFrame(mark)
  }

  /** Alone among the reads it refuses a NUL in the path, and watches a znode that does not exist. */
  #exists(
    connection: ClientConnection,
    xid: number,
    reader: InputReader,
    ids: readonly AuthId[],
  ): void {
    const path = reader.requiredString()
    const isWatched = reader.bool()
    if (path.includes('\0')) {
      this.#replyError(connection, xid, ErrorCode.badArguments)
      return
    }
    const node = this.#find(path)
    if (node !== undefined && !allows(node.acl, Perms.read, ids, this.#providers)) {
      this.#replyError(connection, xid, ErrorCode.noAuth)
      return
    }
    if (isWatched) this.#watches.add(path, connection, WatchKind.data)
    if (node === undefined) {
      this.#replyError(connection, xid, ErrorCode.noNode)
      return
    }
    this.#sizes.observe(path, STAT_BYTES)
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writeStatResponse(out, node)
    out.endFrame(mark)
  }

  #getChildren(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    reader: InputReader,
    ids: readonly AuthId[],
  ): void {
    const path = reader.requiredString()
    const isWatched = reader.bool()
    const node = this.#readable(connection, xid, path, ids)
    if (node === null) return
    if (isWatched) this.#watches.add(path, connection, WatchKind.child)
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    const names = this.#tree.childNames(node)
    const begin = out.length
    if (opcode === OpCode.getChildren) writeStringsResponse(out, names)
    else writeGetChildren2Response(out, names, node)
    out.endFrame(mark)
    // Without the lengths that stand before the names.
    const stat = opcode === OpCode.getChildren ? STAT_BYTES : 0
    this.#sizes.observe(path, out.length - begin + stat - LENGTH_BYTES * (names.length + 1))
  }

  #getAcl(
    connection: ClientConnection,
    xid: number,
    reader: InputReader,
    ids: readonly AuthId[],
  ): void {
    const path = reader.requiredString()
    const node = this.#find(path)
    if (node === undefined) {
      this.#replyError(connection, xid, ErrorCode.noNode)
      return
    }
    if (!allows(node.acl, READ_OR_ADMIN, ids, this.#providers)) {
      this.#replyError(connection, xid, ErrorCode.noAuth)
      return
    }
    const isAdmin = allows(node.acl, Perms.admin, ids, this.#providers)
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writeGetAclResponse(out, isAdmin ? node.acl : maskDigests(node.acl), node)
    out.endFrame(mark)
  }

  /** The request has waited until everything proposed before it was applied; any path is echoed. */
  #sync(connection: ClientConnection, xid: number, reader: InputReader): void {
    const path = decodePath(reader)
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writePathResponse(out, path)
    out.endFrame(mark)
  }

  #multiRead(
    connection: ClientConnection,
    xid: number,
    reader: InputReader,
    ids: readonly AuthId[],
  ): void {
    const ops = decodeMultiRead(reader)
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    for (const op of ops) this.#writeReadOp(out, op, ids)
    writeMultiEnd(out)
    out.endFrame(mark)
  }

  /** The watch flag of an op is ignored, as in the original. */
  #writeReadOp(out: OutputBuffer, op: ReadOp, ids: readonly AuthId[]): void {
    const node = op.path === null ? undefined : this.#find(op.path)
    if (op.path === null) writeMultiError(out, ErrorCode.marshallingError)
    else if (node === undefined) writeMultiError(out, ErrorCode.noNode)
    else if (!allows(node.acl, Perms.read, ids, this.#providers)) {
      writeMultiError(out, ErrorCode.noAuth)
    } else if (op.type === OpCode.getData) writeMultiGetData(out, node.data, node)
    else writeMultiGetChildren(out, this.#tree.childNames(node))
  }

  #setWatches(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    reader: InputReader,
  ): void {
    const request =
      opcode === OpCode.setWatches ? decodeSetWatches(reader) : decodeSetWatches2(reader)
    catchUpWatches(this.#watches, this.#lookup, connection, request)
    // Its events may have been too many for the output limit; watches were set after that.
    if (connection.phase === Phase.closed) this.#watches.removeAll(connection)
    this.#replyEmpty(connection, xid)
  }

  #addWatch(connection: ClientConnection, xid: number, reader: InputReader): void {
    const { path, mode } = decodeAddWatch(reader)
    if (
      path === null ||
      (mode !== AddWatchMode.persistent && mode !== AddWatchMode.persistentRecursive)
    ) {
      this.#replyError(connection, xid, ErrorCode.marshallingError)
      return
    }
    const kind =
      mode === AddWatchMode.persistent ? WatchKind.persistent : WatchKind.persistentRecursive
    this.#watches.add(path, connection, kind)
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writeAddWatchResponse(out)
    out.endFrame(mark)
  }

  #checkOrRemoveWatches(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    reader: InputReader,
  ): void {
    const { path, type } = decodeWatches(reader)
    if (!isWatcherType(type)) {
      this.#replyError(connection, xid, ErrorCode.marshallingError)
      return
    }
    const isFound =
      path !== null &&
      (opcode === OpCode.checkWatches
        ? this.#watches.has(path, connection, type)
        : this.#watches.remove(path, connection, type))
    if (isFound) this.#replyEmpty(connection, xid)
    else this.#replyError(connection, xid, ErrorCode.noWatcher)
  }

  /** Of the caller's own session only; null, blank and `/` mean all, anything else is a plain text prefix. */
  #getEphemerals(connection: ClientConnection, xid: number, reader: InputReader): void {
    const prefix = decodePath(reader)
    const all = this.#tree.ephemeralsOf(connection.sessionId)
    const isAll = prefix === null || meansAll(prefix)
    const paths = isAll ? all : [...all].filter((path) => path.startsWith(prefix))
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writeStringsResponse(out, paths)
    out.endFrame(mark)
  }

  #getAllChildrenNumber(
    connection: ClientConnection,
    xid: number,
    reader: InputReader,
    ids: readonly AuthId[],
  ): void {
    const node = this.#readable(connection, xid, reader.requiredString(), ids)
    if (node === null) return
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writeGetAllChildrenNumberResponse(out, this.#tree.descendantCount(node))
    out.endFrame(mark)
  }

  #whoAmI(connection: ClientConnection, xid: number, ids: readonly AuthId[]): void {
    const clients = ids.map((id) => ({
      authScheme: id.scheme,
      user: this.#providers.userName(id),
    }))
    const out = connection.out
    const mark = this.#beginReply(out, xid)
    writeWhoAmIResponse(out, clients)
    out.endFrame(mark)
  }

  /** No SASL is configured: a null token, and the connection stays usable; who sends a null token is cut off. */
  #sasl(connection: ClientConnection, xid: number, reader: InputReader): void {
    if (decodeSasl(reader) === null) {
      connection.destroy()
      return
    }
    const out = connection.out
    const mark = out.beginFrame()
    writeReplyHeader(out, xid, 0n as Zxid, ErrorCode.ok)
    writeSaslResponse(out, null)
    out.endFrame(mark)
  }

  /** The znode if it exists and may be read, else null after the error has been answered. */
  #readable(
    connection: ClientConnection,
    xid: number,
    path: string,
    ids: readonly AuthId[],
  ): Znode | null {
    const node = this.#find(path)
    if (node === undefined) {
      this.#replyError(connection, xid, ErrorCode.noNode)
      return null
    }
    if (!allows(node.acl, Perms.read, ids, this.#providers)) {
      this.#replyError(connection, xid, ErrorCode.noAuth)
      return null
    }
    return node
  }

  /** Reads do not validate paths: a bad one just names no znode, and the empty one is the root. */
  #find(path: string): Znode | undefined {
    return this.#state.find(path === '' ? '/' : path)
  }

  #beginReply(out: OutputBuffer, xid: number): number {
    const mark = out.beginFrame()
    writeReplyHeader(out, xid, this.#tree.lastAppliedZxid, ErrorCode.ok)
    return mark
  }

  #replyEmpty(connection: ClientConnection, xid: number): void {
    this.replyHeader(connection, xid, this.#tree.lastAppliedZxid, ErrorCode.ok)
  }

  #replyError(connection: ClientConnection, xid: number, err: number): void {
    this.replyHeader(connection, xid, this.#tree.lastAppliedZxid, err)
  }
}

function isWatcherType(type: number): type is WatcherType {
  return WATCHER_TYPES.has(type)
}

/** Whether Java's `trim` leaves nothing or `/`: it takes away everything up to U+0020, NUL too, and nothing else. */
function meansAll(prefix: string): boolean {
  let start = 0
  let end = prefix.length
  while (start < end && prefix.charCodeAt(start) <= 0x20) start += 1
  while (start < end && prefix.charCodeAt(end - 1) <= 0x20) end -= 1
  return start === end || (end - start === 1 && prefix.charCodeAt(start) === 0x2f)
}
