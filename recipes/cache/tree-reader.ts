import {
  type CallOptions,
  join,
  NoAuthError,
  NoNodeError,
  type OneShotWatch,
  type Session,
  type Stat,
  type WatchEvent,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { type ReadJob, ReadQueue } from './read-queue.ts'
import { type Entry, TreeView, type ZnodeChange } from './tree-view.ts'

export interface TreeReaderOptions {
  readonly root: string
  /** Levels below the root that are held; 0: the root alone. */
  readonly depthMax: number
  readonly readsMax: number
  readonly onChange: (change: ZnodeChange) => void
  /** A one-shot watch was lost with its session: what it watched has to be looked at. */
  readonly onGap: () => void
  /** A read failed, all others are given up. */
  readonly onFailure: (error: Error) => void
}

/**
 * Reads znodes into a view. Events say what may have changed, reads say what it is now: what is held always comes from
 * an answer of a server.
 *
 * The order of requests is the order of their answers, and no server of one session answers with an older tree, so
 * the last answer about a znode is the newest.
 */
export class TreeReader {
  readonly view: TreeView
  readonly #zk: ZooKeeper
  readonly #options: TreeReaderOptions
  readonly #queue: ReadQueue
  readonly #releases = new Set<Promise<void>>()
  #isOneShot = false
  /** In the mode of one-shot watches, while the root is missing. */
  #absenceWatch: OneShotWatch | null = null
  /** Of the reads since the last reset. */
  #reading = new AbortController()
  #session: Session | null = null

  constructor(zk: ZooKeeper, options: TreeReaderOptions) {
    this.#zk = zk
    this.#options = options
    this.view = new TreeView(options.root, (entry) => this.#releaseWatches(entry))
    this.#queue = new ReadQueue(options.readsMax, (job) => this.#run(job))
  }

  /** No watch that stays tells of changes: every znode needs watches of its own. */
  useOneShotWatches(): void {
    this.#isOneShot = true
  }

  /** Reads from here on belong to `session`. */
  bind(session: Session): void {
    this.#session = session
  }

  /**
   * Looks at everything: what is held and has another `mzxid` or `pzxid`, and what is not held, is fetched. Resolves
   * also when it was given up by `reset`.
   */
  walk(): Promise<void> {
    this.#queue.add(this.#options.root, 'all', false, true)
    return this.#queue.walked()
  }

  /** Resolves when what was marked as `isOfWalk` has been read. */
  settled(): Promise<void> {
    return this.#queue.walked()
  }

  /** Gives up all reads. */
  reset(): void {
    this.#queue.reset()
    this.#reading.abort()
    this.#reading = new AbortController()
  }

  /** Takes in an event of the watch that stays. */
  onEvent({ type, path, zxid }: WatchEvent): void {
    if (this.#depth(path) > this.#options.depthMax) return
    const entry = this.view.get(path)
    if (zxid !== null && entry !== undefined && !this.#queue.has(path)) {
      const { czxid, mzxid } = entry.znode.stat
      // A read has shown it already.
      if (zxid <= (type === 'deleted' ? czxid : mzxid)) return
      if (type === 'deleted') {
        this.#tell(this.view.remove(path))
        return
      }
    }
    this.#queue.add(path, 'data', false, false)
  }

  /** Lets go of everything. Resolves once the server has let go of the watches. */
  async close(): Promise<void> {
    this.reset()
    this.view.clear()
    this.#release(this.#absenceWatch)
    this.#absenceWatch = null
    await Promise.all(this.#releases)
  }

  /* ---------------------------------------------------------------- reading */

  async #run(job: ReadJob): Promise<void> {
    try {
      const isNew = job.extent === 'none' ? false : await this.#readData(job)
      if (this.#queue.isVain(job) || this.#depth(job.path) >= this.#options.depthMax) return
      const entry = this.view.get(job.path)
      if (entry === undefined) return
      if (this.#mustList(entry, job, isNew)) await this.#list(job)
      else if (job.extent === 'all') this.#walkChildren(job.path, entry)
    } catch (error) {
      if (!this.#queue.isVain(job)) await this.#onFailedRead(job, error as Error)
    }
  }

  #mustList(entry: Entry, job: ReadJob, isNew: boolean): boolean {
    if (job.mustList || (this.#isOneShot && entry.childWatch === null)) return true
    if (!isNew && job.extent !== 'all') return false
    const { pzxid, numChildren } = entry.znode.stat
    // The second: what was listed may not have been read before the last reset.
    return entry.listedZxid !== pzxid || entry.children.size !== numChildren
  }

  #walkChildren(path: string, entry: Entry): void {
    for (const name of entry.children) this.#queue.add(join(path, name), 'all', false, true)
  }

  /** Returns whether the znode was not held before, or only an older one of that name. */
  async #readData(job: ReadJob): Promise<boolean> {
    const { path } = job
    if (job.extent === 'all' && this.view.get(path) !== undefined) {
      const stat = await this.#readStat(path)
      if (this.#queue.isVain(job)) return false
      const entry = this.view.get(path)
      if (stat !== null && entry?.znode.stat.mzxid === stat.mzxid) {
        entry.znode = { ...entry.znode, stat }
        return false
      }
    }
    const isArming = this.#isOneShot && (this.view.get(path)?.dataWatch ?? null) === null
    const found = isArming
      ? await this.#zk.getData(path, { ...this.#callOptions(), watch: true })
      : { ...(await this.#zk.getData(path, this.#callOptions())), watch: null }
    let isNew = false
    if (!this.#queue.isVain(job)) {
      const changes = this.view.put({ path, data: found.data, stat: found.stat })
      isNew = changes.at(-1)?.type === 'created'
      // A leaf needs no listing: the watch tells what is created below it.
      if (isNew && found.stat.numChildren === 0) {
        this.view.get(path)!.listedZxid = found.stat.pzxid
      }
      this.#tell(changes)
    }
    if (found.watch !== null) this.#arm(path, 'dataWatch', found.watch)
    // It was set when the Stat was read, and went with the older znode of that name.
    else if (this.#isOneShot && isNew) this.#queue.add(path, 'data', false, job.isOfWalk)
    return isNew
  }

  async #readStat(path: string): Promise<Stat | null> {
    const isArming = this.#isOneShot && this.view.get(path)?.dataWatch === null
    if (!isArming) return await this.#zk.exists(path, this.#callOptions())
    const { stat, watch } = await this.#zk.exists(path, { ...this.#callOptions(), watch: true })
    if (stat === null) this.#release(watch)
    else this.#arm(path, 'dataWatch', watch)
    return stat
  }

  async #list(job: ReadJob): Promise<void> {
    const { path } = job
    const isArming = this.#isOneShot && this.view.get(path)?.childWatch === null
    const found = isArming
      ? await this.#zk.getChildren(path, { ...this.#callOptions(), watch: true })
      : { ...(await this.#zk.getChildren(path, this.#callOptions())), watch: null }
    if (found.watch !== null) this.#arm(path, 'childWatch', found.watch)
    const entry = this.view.get(path)
    if (this.#queue.isVain(job) || entry === undefined) return
    const { mzxid, pzxid } = found.stat
    if (entry.znode.stat.mzxid === mzxid) entry.znode = { ...entry.znode, stat: found.stat }
    entry.listedZxid = pzxid
    this.#takeInNames(job, entry, new Set(found.children))
  }

  #takeInNames({ path, extent, isOfWalk }: ReadJob, entry: Entry, names: Set<string>): void {
    for (const name of entry.children) {
      if (!names.has(name)) this.#tell(this.view.remove(join(path, name)))
    }
    for (const name of names) {
      const isHeld = entry.children.has(name)
      if (!isHeld) this.#queue.add(join(path, name), 'data', false, isOfWalk)
      else if (extent === 'all') this.#queue.add(join(path, name), 'all', false, true)
    }
  }

  async #onFailedRead(job: ReadJob, error: Error): Promise<void> {
    const { path } = job
    const isRoot = path === this.#options.root
    const isAbsent = error instanceof NoNodeError
    // What may not be read is left out; but a cache without its root would help nobody.
    if (!isAbsent && (isRoot || !(error instanceof NoAuthError))) {
      this.#options.onFailure(error)
      return
    }
    this.#tell(this.view.remove(path))
    if (isRoot && this.#isOneShot) await this.#awaitRoot(job)
  }

  /** Reads set no watch on what is missing; `exists` does. */
  async #awaitRoot(job: ReadJob): Promise<void> {
    if (this.#absenceWatch !== null) return
    try {
      const options = this.#callOptions()
      const { stat, watch } = await this.#zk.exists(job.path, { ...options, watch: true })
      if (stat !== null || this.#absenceWatch !== null || this.#queue.isVain(job)) {
        this.#release(watch)
        if (stat !== null) this.#queue.add(job.path, 'data', true, job.isOfWalk)
        return
      }
      this.#absenceWatch = watch
      void watch.fired.then((event) => this.#onFired(job.path, watch, event))
    } catch (error) {
      if (!this.#queue.isVain(job)) this.#options.onFailure(error as Error)
    }
  }

  #callOptions(): CallOptions {
    const { signal } = this.#reading
    return this.#session === null ? { signal } : { signal, session: this.#session }
  }

  #depth(path: string): number {
    const { root } = this.#options
    if (path === root) return 0
    let depth = root === '/' ? 1 : 0
    for (let at = root.length; at < path.length; at++) if (path[at] === '/') depth += 1
    return depth
  }

  /* ---------------------------------------------------------------- one-shot watches */

  #arm(path: string, kind: 'childWatch' | 'dataWatch', watch: OneShotWatch): void {
    const entry = this.view.get(path)
    if (entry === undefined || entry[kind] !== null) {
      this.#release(watch)
      return
    }
    entry[kind] = watch
    void watch.fired.then((event) => this.#onFired(path, watch, event))
  }

  #onFired(path: string, watch: OneShotWatch, { type }: WatchEvent): void {
    const kind = this.#disarm(path, watch)
    if (kind === null) return
    if (type === 'gap' || type === 'removed') this.#options.onGap()
    else if (type === 'children') this.#queue.add(path, 'none', true, true)
    // When a znode goes, both of its watches fire.
    else if (kind === 'dataWatch') this.#queue.add(path, 'data', false, true)
  }

  /** Which watch it was; null when nobody waits for it any more. */
  #disarm(path: string, watch: OneShotWatch): 'childWatch' | 'dataWatch' | null {
    if (this.#absenceWatch === watch) {
      this.#absenceWatch = null
      return 'dataWatch'
    }
    const entry = this.view.get(path)
    for (const kind of ['dataWatch', 'childWatch'] as const) {
      if (entry === undefined || entry[kind] !== watch) continue
      entry[kind] = null
      return kind
    }
    return null
  }

  #releaseWatches(entry: Entry): void {
    this.#release(entry.dataWatch)
    this.#release(entry.childWatch)
    entry.dataWatch = null
    entry.childWatch = null
  }

  #release(watch: OneShotWatch | null): void {
    if (watch === null) return
    const release = watch.close().then(() => {
      this.#releases.delete(release)
    })
    this.#releases.add(release)
  }

  #tell(changes: readonly ZnodeChange[]): void {
    for (const change of changes) this.#options.onChange(change)
  }
}
