import type { ServerId, SessionId, Zxid } from '../../../src/base/index.ts'
import {
  type Model,
  type ModelChange,
  modelStat,
  parentOf,
} from '../../../src/sim/checkers/model.ts'
import type {
  ClientRequest,
  ClientResponse,
  HistoryEvent,
  WatchMode,
} from '../../../src/sim/history.ts'
import {
  type AclEntry,
  type ByteString,
  CreateMode,
  type CreateRequest,
  ErrorCode,
  EventType,
  OpCode,
  type OpResult,
  Perms,
  type Txn,
  type WriteOp,
} from '../../../src/wire/index.ts'

export const OPEN_ACL: readonly AclEntry[] = [{ perms: Perms.all, scheme: 'world', id: 'anyone' }]

/** What a client needs of the builder of the whole history. */
export interface ClientWorld {
  readonly nowMs: number
  readonly lastZxid: Zxid
  readonly model: Model
  push(event: HistoryEvent): void
  touch(server: number, sessionId: SessionId): void
  write(clientId: SessionId, cxid: number, txn: Txn): { readonly zxid: Zxid }
  newConnection(): number
}

/** One client of a healthy history: it asks, and gets what the model says. */
export class ClientBuilder {
  readonly #world: ClientWorld
  readonly client: number
  readonly sessionId: SessionId
  connection = 0
  server: ServerId = 0 as ServerId
  xid = 0
  lastZxid: Zxid = 0n as Zxid
  isConnected = false
  readonly #watches = new Map<string, { readonly mode: WatchMode; readonly path: string }>()

  constructor(world: ClientWorld, client: number) {
    this.#world = world
    this.client = client
    this.sessionId = BigInt(0x1000 + client) as SessionId
  }

  /* ---------------------------------------------------------------- connection */

  connect(server: ServerId, timeoutMs: number): void {
    this.#world.write(this.sessionId, 0, { type: OpCode.createSession, timeOut: timeoutMs })
    this.#accepted(server, 0n as SessionId, timeoutMs)
  }

  disconnect(): void {
    this.isConnected = false
    this.#watches.clear()
    const { sessionId } = this
    this.#world.push({ kind: 'disconnect', ...this.of(), sessionId })
  }

  reconnect(server: number): void {
    this.#accepted(server as ServerId, this.sessionId, 4000)
  }

  of(): { atMs: number; client: number; connection: number } {
    return { atMs: this.#world.nowMs, client: this.client, connection: this.connection }
  }

  #accepted(server: ServerId, askedSessionId: SessionId, timeoutMs: number): void {
    this.server = server
    this.connection = this.#world.newConnection()
    this.isConnected = true
    const { sessionId, lastZxid: lastZxidSeen } = this
    this.#world.touch(server, sessionId)
    const granted = { outcome: 'accepted', sessionId, timeoutMs } as const
    this.#world.push({
      kind: 'connect',
      ...this.of(),
      server,
      askedSessionId,
      lastZxidSeen,
      ...granted,
    })
  }

  /* ---------------------------------------------------------------- requests */

  invoke(request: ClientRequest): number {
    this.xid += 1
    const { sessionId, xid } = this
    this.#world.push({ kind: 'invoke', ...this.of(), sessionId, xid, request })
    this.#world.touch(this.server, sessionId)
    return xid
  }

  answer(xid: number, zxid: Zxid, response: ClientResponse, err: number = ErrorCode.ok): void {
    const { sessionId } = this
    this.#world.push({ kind: 'return', ...this.of(), sessionId, xid, err, zxid, response })
    this.lastZxid = zxid
  }

  create(prefix: string, flags: CreateMode = CreateMode.persistent, data = ''): string {
    const request = createRequest(prefix, flags, data)
    const xid = this.invoke(request)
    const txn = this.#createTxn(request)
    const { zxid } = this.#world.write(this.sessionId, xid, txn)
    this.answer(xid, zxid, { path: txn.path, stat: this.#stat(txn.path) })
    return txn.path
  }

  setData(path: string, data: string): void {
    const request = { type: OpCode.setData, path, data: data as ByteString, version: -1 } as const
    const xid = this.invoke(request)
    const version = this.#world.model.znodeAt(path, this.#world.model.length)!.version + 1
    const { zxid } = this.#world.write(this.sessionId, xid, { ...request, version })
    this.answer(xid, zxid, { stat: this.#stat(path) })
  }

  delete(path: string): void {
    const xid = this.invoke({ type: OpCode.delete, path, version: -1 })
    const { zxid } = this.#world.write(this.sessionId, xid, { type: OpCode.delete, path })
    this.answer(xid, zxid, {})
  }

  /** A write that is refused: its error is a transaction. */
  refused(): void {
    const xid = this.invoke({ type: OpCode.delete, path: '/nothing', version: -1 })
    const { noNode: err } = ErrorCode
    const { zxid } = this.#world.write(this.sessionId, xid, { type: OpCode.error, err })
    this.answer(xid, zxid, {}, err)
  }

  /** Creates and one setData; with `isFailing` the last operation fails, and so all do. */
  multi(paths: readonly string[], changed: string, isFailing = false): void {
    const creates = paths.map((path) => createRequest(path, CreateMode.persistent, 'm'))
    const data = 'multi' as ByteString
    const ops: WriteOp[] = [...creates, { type: OpCode.setData, path: changed, data, version: -1 }]
    const xid = this.invoke({ type: OpCode.multi, ops })
    const model = this.#world.model
    let parentCVersion = model.znodeAt(parentOf(paths[0]!), model.length)!.creates
    const txns: Txn[] = creates.map(({ path }) => {
      parentCVersion += 1
      const acl = OPEN_ACL
      const fields = { path: path!, data: 'm' as ByteString, acl, ephemeral: false, parentCVersion }
      return { type: OpCode.create, ...fields }
    })
    if (isFailing) txns.push({ type: OpCode.error, err: ErrorCode.badVersion })
    else {
      const version = model.znodeAt(changed, model.length)!.version + 1
      txns.push({ type: OpCode.setData, path: changed, data, version })
    }
    const { zxid } = this.#world.write(this.sessionId, xid, { type: OpCode.multi, txns })
    const results = txns.map((txn): OpResult => {
      if (isFailing) {
        const err = txn.type === OpCode.error ? txn.err : ErrorCode.ok
        return { type: OpCode.error, err, path: null, stat: null }
      }
      const stat = txn.type === OpCode.setData ? this.#stat(changed) : null
      const path = txn.type === OpCode.create ? txn.path : null
      return { type: txn.type, err: ErrorCode.ok, path, stat }
    })
    this.answer(xid, zxid, { ops: results })
  }

  getData(path: string, watch = false): void {
    const xid = this.invoke({ type: OpCode.getData, path, watch })
    const { model, lastZxid } = this.#world
    const znode = model.znodeAt(path, model.length)
    if (znode === null) {
      this.answer(xid, lastZxid, {}, ErrorCode.noNode)
      return
    }
    this.answer(xid, lastZxid, { data: znode.data, stat: modelStat(znode) })
    if (watch) this.watched('data', path)
  }

  exists(path: string, watch = false): void {
    const xid = this.invoke({ type: OpCode.exists, path, watch })
    const { model, lastZxid } = this.#world
    const znode = model.znodeAt(path, model.length)
    if (znode === null) this.answer(xid, lastZxid, {}, ErrorCode.noNode)
    else this.answer(xid, lastZxid, { stat: modelStat(znode) })
    if (watch) this.watched(znode === null ? 'exists' : 'data', path)
  }

  getChildren(path: string, names: readonly string[], watch = false): void {
    const xid = this.invoke({ type: OpCode.getChildren2, path, watch })
    const { lastZxid } = this.#world
    this.answer(xid, lastZxid, { children: names, stat: this.#stat(path) })
    if (watch) this.watched('child', path)
  }

  multiRead(paths: readonly string[]): void {
    const ops = paths.map((path) => ({ type: OpCode.getData, path }))
    const xid = this.invoke({ type: OpCode.multiRead, ops })
    const { model, lastZxid } = this.#world
    const reads = paths.map((path) => {
      const znode = model.znodeAt(path, model.length)!
      return { type: OpCode.getData, data: znode.data, stat: modelStat(znode) }
    })
    this.answer(xid, lastZxid, { reads })
  }

  sync(): void {
    const xid = this.invoke({ type: OpCode.sync, path: '/' })
    this.answer(xid, this.#world.lastZxid, { path: '/' })
  }

  addWatch(path: string, mode: 'persistent' | 'persistentRecursive'): void {
    const xid = this.invoke({ type: OpCode.addWatch, path, mode: mode === 'persistent' ? 0 : 1 })
    this.answer(xid, this.#world.lastZxid, {})
    this.watched(mode, path)
  }

  removeWatches(path: string, mode: WatchMode, watcherType: number): void {
    const xid = this.invoke({ type: OpCode.removeWatches, path, watcherType })
    this.#watches.delete(keyOf(mode, path))
    this.answer(xid, this.#world.lastZxid, {})
  }

  /** Renews data watches after a reconnect; the model says which of them have missed something. */
  setWatches(paths: readonly string[]): void {
    const { model, lastZxid } = this.#world
    const lists = { existWatches: [], childWatches: [] }
    const more = { persistentWatches: [], persistentRecursiveWatches: [] }
    const relativeZxid = this.lastZxid
    const { sessionId } = this
    const type = OpCode.setWatches
    const request = { type, relativeZxid, dataWatches: paths, ...lists, ...more }
    this.#world.push({ kind: 'invoke', ...this.of(), sessionId, xid: -8, request })
    for (const path of paths) {
      const znode = model.znodeAt(path, model.length)
      if (znode !== null && znode.mzxid <= relativeZxid) {
        this.#watches.set(keyOf('data', path), { mode: 'data', path })
        continue
      }
      const event = znode === null ? EventType.nodeDeleted : EventType.nodeDataChanged
      const told = { kind: 'watchEvent', ...this.of(), sessionId, path, zxid: null } as const
      this.#world.push({ ...told, type: event })
    }
    this.answer(-8, lastZxid, {})
  }

  close(): void {
    const xid = this.invoke({ type: OpCode.closeSession })
    const { zxid } = this.#world.write(this.sessionId, xid, {
      type: OpCode.closeSession,
      paths: null,
    })
    this.answer(xid, zxid, {})
    this.disconnect()
  }

  /* ---------------------------------------------------------------- watches */

  watched(mode: WatchMode, path: string): void {
    this.#watches.set(keyOf(mode, path), { mode, path })
    const { sessionId, lastZxid: zxid } = this
    this.#world.push({ kind: 'watchSet', ...this.of(), sessionId, path, mode, zxid })
  }

  tell(changes: readonly ModelChange[], zxid: Zxid): void {
    if (!this.isConnected) return
    for (const { type, path } of changes) {
      const matching = [...this.#watches].filter(([, watch]) => isAbout(watch, type, path))
      if (matching.length === 0) continue
      for (const [key, { mode }] of matching) {
        if (!mode.startsWith('persistent')) this.#watches.delete(key)
      }
      const { sessionId } = this
      this.#world.push({ kind: 'watchEvent', ...this.of(), sessionId, type, path, zxid })
    }
  }

  #stat(path: string): ReturnType<typeof modelStat> {
    const { model } = this.#world
    return modelStat(model.znodeAt(path, model.length)!)
  }

  #createTxn({ path: prefix, data, flags }: CreateRequest): Extract<Txn, { ephemeral: boolean }> {
    const { model } = this.#world
    const { creates } = model.znodeAt(parentOf(prefix!), model.length)!
    const isSequential =
      flags === CreateMode.persistentSequential || flags === CreateMode.ephemeralSequential
    const path = isSequential ? prefix! + String(creates).padStart(10, '0') : prefix!
    const ephemeral = flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential
    const fields = { path, data, acl: OPEN_ACL, ephemeral, parentCVersion: creates + 1 }
    return { type: OpCode.create2, ...fields }
  }
}

function createRequest(path: string, flags: CreateMode, data: string): CreateRequest {
  return {
    type: OpCode.create2,
    path,
    data: data as ByteString,
    acl: OPEN_ACL,
    flags,
    ttl: -1n,
  }
}

function keyOf(mode: WatchMode, path: string): string {
  return `${mode === 'exists' ? 'data' : mode} ${path}`
}

function isAbout(
  watch: { readonly mode: WatchMode; readonly path: string },
  type: number,
  path: string,
): boolean {
  const isOfChildren = type === EventType.nodeChildrenChanged
  switch (watch.mode) {
    case 'persistentRecursive':
      if (isOfChildren) return false
      return path === watch.path || watch.path === '/' || path.startsWith(`${watch.path}/`)
    case 'persistent':
      return path === watch.path
    case 'child':
      return path === watch.path && (isOfChildren || type === EventType.nodeDeleted)
    default:
      return path === watch.path && !isOfChildren
  }
}
