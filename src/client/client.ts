import {
  OpCode,
  type OpResult,
  readCreate2Response,
  readMultiResults,
  readStat,
  type WriteOp,
  writeWriteRequest,
} from '../wire/index.ts'
import type { Acl } from './acl.ts'
import { Call, type Request } from './call.ts'
import type { ClientCore } from './core.ts'
import { type Credentials, checkCredentials } from './credentials.ts'
import type { Driver } from './driver.ts'
import type { ClientState, StateChange } from './effects.ts'
import type { ClientEnvironment } from './environment.ts'
import { NodeExistsError } from './errors.ts'
import { MultiRead } from './multi-read.ts'
import type { Settings } from './options.ts'
import { Chroot, checkPath, parentOf } from './paths.ts'
import {
  addWatchRequest,
  countChildrenRequest,
  existsRequest,
  getAclRequest,
  getChildrenRequest,
  getDataRequest,
  getEphemeralsRequest,
  multiReadRequest,
  syncRequest,
  whoAmIRequest,
} from './read-requests.ts'
import { type Reconfiguration, reconfigRequest } from './reconfig.ts'
import { type Data, fromBytes, type ReadData, type Stat, toReadData, toStat } from './records.ts'
import type { Session } from './session.ts'
import { Transaction } from './transaction.ts'
import { OneShotWatch, PersistentWatch } from './watch.ts'
import { type WatchKind, WatchRecord } from './watch-table.ts'
import {
  type CreateOptions,
  createOp,
  deleteOp,
  invalid,
  setAclOp,
  setDataOp,
} from './write-ops.ts'

/** Of every call. */
export interface CallOptions {
  /** Stops waiting; a write that was sent may still be applied (`outcome` of the error). */
  readonly signal?: AbortSignal
  /** Instead of the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number
  /** The call fails with `SESSION_LOST` rather than go out in another session. */
  readonly session?: Session
}

export interface WatchedCall extends CallOptions {
  /** Also sets a watch that fires once, with the next change of what was read. */
  readonly watch: true
}

/** What `removeWatches` takes away. */
export type RemovedKind = 'all' | 'children' | 'data' | 'persistent' | 'recursive'

const REMOVED: Readonly<Record<RemovedKind, readonly WatchKind[]>> = {
  all: ['data', 'exist', 'child', 'persistent', 'recursive'],
  children: ['child'],
  data: ['data', 'exist'],
  persistent: ['persistent'],
  recursive: ['recursive'],
}

const CONFIG_PATH = '/zookeeper/config'
type Path = { readonly path: string; readonly outer: string }

/**
 * A client of ZooKeeper. Made by `connect`; every method that talks to a server returns a promise that fails with a
 * `ZkError` and nothing else. Calls are sent in the order they were made and answered in that order.
 */
export class ZooKeeper implements AsyncDisposable {
  readonly #core: ClientCore
  readonly #driver: Driver
  readonly #chroot: Chroot
  readonly #settings: Settings
  #ended: Promise<unknown> | null = null

  /** For the client. */
  constructor(core: ClientCore, driver: Driver, chroot: Chroot, settings: Settings) {
    this.#core = core
    this.#driver = driver
    this.#chroot = chroot
    this.#settings = settings
  }

  get state(): ClientState {
    return this.#core.state
  }

  /** The session while it is known to live, else null. */
  get session(): Session | null {
    return this.#core.session
  }

  /** Requests whose answers are due; at most `inFlightMax`. */
  get inFlight(): number {
    return this.#core.load.inFlight
  }

  /** Calls that have not been sent yet; at most `queuedCallsMax`. */
  get waiting(): number {
    return this.#core.load.waiting
  }

  /** Watches that are set at present. */
  get watchCount(): number {
    return this.#core.load.watches
  }

  /** The world that the client lives in: what is built on it takes time and chance from here, too. */
  get environment(): Pick<ClientEnvironment, 'clock' | 'logger' | 'random' | 'timers'> {
    return this.#driver.environment
  }

  /** Calls `listener` with every change of state; returns what ends that. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.#driver.onState(listener)
  }

  /* ---------------------------------------------------------------- writes */

  /**
   * Resolves with the path, which differs from the one given in sequential modes.
   * @param data null: none at all, which servers tell from no bytes
   */
  async create(
    path: string,
    data: Data | null = '',
    options: CreateOptions & CallOptions = {},
  ): Promise<{ readonly path: string; readonly stat: Stat }> {
    const op = createOp(this.#chroot, path, data, options)
    const request = { ...this.#write('create', path, op), read: readCreate2Response }
    const created = await this.#send(request, options)
    return { path: this.#chroot.inner(created.path), stat: toStat(created.stat) }
  }

  /** Creates the znode and those above it, the chroot too, unless they are there. */
  async ensurePath(
    path: string,
    options: Pick<CreateOptions, 'acl'> & { mode?: 'container' | 'persistent' } & CallOptions = {},
  ): Promise<void> {
    if (path === '/') {
      if (this.#chroot.prefix === '') return
      const outside = new ZooKeeper(this.#core, this.#driver, new Chroot('/'), this.#settings)
      await outside.ensurePath(this.#chroot.prefix, options)
      return
    }
    if ((await this.exists(path, options)) !== null) return
    await this.ensurePath(parentOf(path), options)
    try {
      await this.create(path, '', options)
    } catch (error) {
      if (!(error instanceof NodeExistsError)) throw error
    }
  }

  /** @param version the znode must have it; -1 for any */
  async setData(
    path: string,
    data: Data,
    version: number = -1,
    options: CallOptions = {},
  ): Promise<Stat> {
    const op = setDataOp(this.#chroot, path, data, version)
    const request = { ...this.#write('setData', path, op), read: readStat }
    return toStat(await this.#send(request, options))
  }

  /** @param version the znode must have it; -1 for any */
  async delete(path: string, version: number = -1, options: CallOptions = {}): Promise<void> {
    const op = deleteOp(this.#chroot, path, version)
    await this.#send({ ...this.#write('delete', path, op), read: () => {} }, options)
  }

  /** @param version compared to the znode's `aversion`; -1 for any */
  async setAcl(
    path: string,
    acl: readonly Acl[],
    version: number = -1,
    options: CallOptions = {},
  ): Promise<Stat> {
    const op = setAclOp(this.#chroot, path, acl, version)
    return toStat(await this.#send({ ...this.#write('setAcl', path, op), read: readStat }, options))
  }

  /** `await zk.transaction().check('/a', 3).setData('/b', 'x').commit()` */
  transaction(): Transaction<readonly [], CallOptions> {
    return new Transaction(this.#chroot, (ops, options = {}) => this.#multi(ops, options))
  }

  /* ---------------------------------------------------------------- reads */

  /** Null when there is no such znode. */
  async exists(path: string, options?: CallOptions): Promise<Stat | null>
  async exists(
    path: string,
    options: WatchedCall,
  ): Promise<{ readonly stat: Stat | null; readonly watch: OneShotWatch }>
  async exists(
    path: string,
    options: CallOptions | WatchedCall = {},
  ): Promise<Stat | null | { readonly stat: Stat | null; readonly watch: OneShotWatch }> {
    const at = this.#path('exists', path)
    const [watch, record] = this.#oneShot(at, 'data', options)
    const found = await this.#send(existsRequest(at, record), options)
    const stat = found === null ? null : toStat(found)
    return watch === undefined ? stat : { stat, watch }
  }

  async getData(path: string, options?: CallOptions): Promise<ReadData>
  async getData(
    path: string,
    options: WatchedCall,
  ): Promise<ReadData & { readonly watch: OneShotWatch }>
  async getData(
    path: string,
    options: CallOptions | WatchedCall = {},
  ): Promise<ReadData & { readonly watch?: OneShotWatch }> {
    const at = this.#path('getData', path)
    const [watch, record] = this.#oneShot(at, 'data', options)
    const { data, stat } = await this.#send(getDataRequest(at, record), options)
    const found = toReadData(data, stat)
    return watch === undefined ? found : { ...found, watch }
  }

  /** Names, in no particular order. */
  async getChildren(
    path: string,
    options?: CallOptions,
  ): Promise<{ readonly children: readonly string[]; readonly stat: Stat }>
  async getChildren(
    path: string,
    options: WatchedCall,
  ): Promise<{
    readonly children: readonly string[]
    readonly stat: Stat
    readonly watch: OneShotWatch
  }>
  async getChildren(
    path: string,
    options: CallOptions | WatchedCall = {},
  ): Promise<{
    readonly children: readonly string[]
    readonly stat: Stat
    readonly watch?: OneShotWatch
  }> {
    const at = this.#path('getChildren', path)
    const [watch, record] = this.#oneShot(at, 'child', options)
    const { children, stat } = await this.#send(getChildrenRequest(at, record), options)
    const found = { children, stat: toStat(stat) }
    return watch === undefined ? found : { ...found, watch }
  }

  async getAcl(
    path: string,
    options: CallOptions = {},
  ): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat }> {
    const { acl, stat } = await this.#send(getAclRequest(this.#path('getAcl', path)), options)
    const entries = acl.map(({ perms, scheme, id }) => ({
      perms,
      scheme: scheme ?? '',
      id: id ?? '',
    }))
    return { acl: entries, stat: toStat(stat) }
  }

  /** Several reads of one state of the tree: `await zk.multiRead().getData('/a').getChildren('/b').run()`. */
  multiRead(): MultiRead<readonly [], CallOptions> {
    return new MultiRead(this.#chroot, (ops, options = {}) =>
      this.#send(multiReadRequest(ops), options),
    )
  }

  /** How many znodes are below, at any depth. */
  async getAllChildrenNumber(path: string, options: CallOptions = {}): Promise<number> {
    return await this.#send(countChildrenRequest(this.#path('getAllChildrenNumber', path)), options)
  }

  /** Paths of this session's ephemeral znodes that begin with `prefix`. */
  async getEphemerals(prefix: string = '/', options: CallOptions = {}): Promise<string[]> {
    const outer = prefix === '/' && this.#chroot.prefix !== '' ? `${this.#chroot.prefix}/` : null
    const at = this.#path('getEphemerals', prefix)
    const request = getEphemeralsRequest({ path: prefix, outer: outer ?? at.outer })
    return (await this.#send(request, options)).map((path) => this.#chroot.inner(path))
  }

  /** Until it resolves, the server catches up with everything that was committed before the call. */
  async sync(path: string = '/', options: CallOptions = {}): Promise<void> {
    await this.#send(syncRequest(this.#path('sync', path)), options)
  }

  /** Who the server holds the client to be. */
  async whoAmI(
    options: CallOptions = {},
  ): Promise<readonly { readonly scheme: string; readonly id: string }[]> {
    const ids = await this.#send(whoAmIRequest(), options)
    return ids.map(({ authScheme, user }) => ({ scheme: authScheme, id: user }))
  }

  /** The ensemble as `/zookeeper/config` has it, whatever the chroot. */
  async getConfig(options?: CallOptions): Promise<ReadData>
  async getConfig(options: WatchedCall): Promise<ReadData & { readonly watch: OneShotWatch }>
  async getConfig(
    options: CallOptions | WatchedCall = {},
  ): Promise<ReadData & { readonly watch?: OneShotWatch }> {
    const at = { path: CONFIG_PATH, outer: CONFIG_PATH }
    const [watch, record] = this.#oneShot(at, 'data', options)
    const { data, stat } = await this.#send(getDataRequest(at, record), options)
    const found = toReadData(data, stat)
    return watch === undefined ? found : { ...found, watch }
  }

  /** Changes the ensemble; resolves with its new configuration. Needs `reconfigEnabled` on the servers. */
  async reconfig(
    change: Reconfiguration,
    options: CallOptions = {},
  ): Promise<{ data: Uint8Array; stat: Stat }> {
    const request = reconfigRequest(change)
    const { data, stat } = await this.#send(request, options)
    return { data: fromBytes(data), stat: toStat(stat) }
  }

  /* ---------------------------------------------------------------- watches */

  /**
   * Sets a watch that stays. It tells of the znode and its children, or with `recursive` of everything at and below
   * the path. `for await (const event of await zk.watch('/a')) …`
   */
  async watch(
    path: string,
    options: CallOptions & { readonly recursive?: boolean } = {},
  ): Promise<PersistentWatch> {
    const at = this.#path('watch', path)
    const kind = options.recursive === true ? 'recursive' : 'persistent'
    const watch = new PersistentWatch(path, this.#chroot, this.#settings.watchEventsMax)
    const record = new WatchRecord(at.outer, kind, watch)
    watch.attach(() => this.#release(record))
    await this.#send(addWatchRequest(at, record), options)
    return watch
  }

  /** Ends this client's watches of a path. */
  async removeWatches(
    path: string,
    kind: RemovedKind = 'all',
    options: Omit<CallOptions, 'session'> = {},
  ): Promise<void> {
    const { outer } = this.#path('removeWatches', path)
    const kinds = REMOVED[kind]
    if (kinds === undefined) throw invalid('removeWatches', path, `kind ${kind} is unknown`)
    const records = this.#core.records(outer, kinds)
    const deadlineMs = this.#deadlineMs('removeWatches', path, options)
    const releases = records.map((record) =>
      this.#driver.result(this.#core.release(record, deadlineMs), options.signal),
    )
    this.#driver.after()
    for (const { sink } of records) sink.deliver('removed', outer, null)
    await Promise.all(releases)
  }

  /* ---------------------------------------------------------------- identity and end */

  /** One more identity for this client, on this and every later connection. */
  async addAuth(
    scheme: string,
    credentials: Credentials['credentials'],
    options: CallOptions = {},
  ): Promise<void> {
    checkCredentials('addAuth', { scheme, credentials })
    const request = { op: 'addAuth', path: null, type: OpCode.auth, isWrite: false } as const
    const call = this.#call({ ...request, write: () => {}, read: () => {} }, options)
    const result = this.#driver.result(call, options.signal)
    if (call.state !== 'settled') {
      this.#core.addIdentity({ credentials: { scheme, credentials }, call: call as Call })
    }
    this.#driver.after()
    await result
  }

  /**
   * Ends the session, so that its ephemeral znodes go at once, and the client. Calls that wait fail with `CLOSED`.
   * Never rejects; when no server can be told, the session ends by its timeout.
   */
  async close(): Promise<void> {
    const call = this.#core.close(this.#driver.nowMs)
    const ended = this.#ended ?? this.#driver.result(call)
    this.#ended = ended
    this.#driver.after()
    await ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /* ---------------------------------------------------------------- */

  async #multi(ops: readonly WriteOp[], options: CallOptions): Promise<OpResult[]> {
    const write: Omit<Request<unknown>, 'read'> = {
      op: 'transaction',
      path: null,
      type: OpCode.multi,
      isWrite: true,
      write: (out) => writeWriteRequest(out, { type: OpCode.multi, ops }),
    }
    return await this.#send({ ...write, read: readMultiResults }, options)
  }

  #write(op: string, path: string, request: WriteOp): Omit<Request<unknown>, 'read'> {
    const write: Request<unknown>['write'] = (out) => writeWriteRequest(out, request)
    return { op, path, type: request.type, isWrite: true, write }
  }

  #path(op: string, path: string): Path {
    checkPath(op, path)
    return { path, outer: this.#chroot.outer(path) }
  }

  #oneShot(
    { path, outer }: Path,
    kind: WatchKind,
    options: CallOptions | WatchedCall,
  ): [OneShotWatch, WatchRecord] | [undefined, undefined] {
    if (!('watch' in options) || !options.watch) return [undefined, undefined]
    const watch = new OneShotWatch(path, this.#chroot)
    const record = new WatchRecord(outer, kind, watch)
    watch.attach(() => this.#release(record))
    return [watch, record]
  }

  #release(record: WatchRecord): Promise<void> {
    const deadlineMs = this.#driver.nowMs + this.#settings.requestTimeoutMs
    const call = this.#core.release(record, deadlineMs)
    const released = this.#driver.result(call).then(ignore, ignore)
    this.#driver.after()
    return released
  }

  #call<T>(request: Request<T>, options: CallOptions): Call<T> {
    const { session } = options
    const pinned = session === undefined ? request : { ...request, session }
    return new Call(pinned, 'user', this.#deadlineMs(request.op, request.path, options))
  }

  #deadlineMs(op: string, path: string | null, options: CallOptions): number {
    const { timeoutMs = this.#settings.requestTimeoutMs } = options
    if (!(timeoutMs > 0)) throw invalid(op, path, `timeoutMs is ${timeoutMs}`)
    return this.#driver.nowMs + timeoutMs
  }

  #send<T>(request: Request<T>, options: CallOptions): Promise<T> {
    const { observer } = this.#driver.environment
    if (observer === undefined || !observer.wantsRequests) return this.#submit(request, options)
    const { op, path } = request
    return observer.request({ op, path }, async () => await this.#submit(request, options))
  }

  #submit<T>(request: Request<T>, options: CallOptions): Promise<T> {
    const call = this.#call(request, options)
    const result = this.#driver.result(call, options.signal)
    // An aborted signal has settled it already.
    if (call.state !== 'settled') this.#core.submit(call as Call)
    this.#driver.after()
    return result
  }
}

function ignore(): void {}
