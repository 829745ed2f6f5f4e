import {
  ClosedError,
  InvalidArgumentError,
  NotReadOnlyError,
  type PersistentWatch,
  SessionLostError,
  type StateChange,
  type WatchEvent,
  ZkError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { Cancellation, cancellable } from '../base/index.ts'
import { ChangeStream } from './change-stream.ts'
import type { CacheOptions } from './options.ts'
import { TreeReader } from './tree-reader.ts'
import type { TreeView, ZnodeChange } from './tree-view.ts'

/**
 * - `stale`: the servers cannot be asked or events are missing, so that what is held may be old. `cause` is the error
 *   behind it, if there is one.
 * - `current`: all that had changed has been read.
 * - `gap`: the reader was too slow and has missed changes: it has to look at the whole again.
 */
export type Condition =
  | { readonly type: 'stale'; readonly cause: Error | null }
  | { readonly type: 'current' }
  | { readonly type: 'gap' }

export type MirrorChange = Condition | ZnodeChange

export interface MirrorShape {
  /** For messages. */
  readonly op: string
  /** Levels below the root that are held; 0: the root alone. */
  readonly depthMax: number
}

const READS_MAX = 16
const CHANGES_MAX = 1000
/** After a gap a cache waits up to 1 ms a znode, so that those of many clients do not all read at once (B15). */
const SPREAD_MS_MAX = 1000
const FIRST_PAUSE_MS = 100
const PAUSE_MS_MAX = 10_000

/** `settle`: wait for what watches still have to tell. `walk`: look at every znode. */
type Need = 'nothing' | 'settle' | 'walk'

/**
 * Holds a part of the tree as the server has it, over connections and sessions. After a gap in the events it looks at
 * everything that it holds, and fetches what has another `mzxid` or `pzxid`. Another session may begin at a server
 * that is behind: a `sync` comes first, and what is read belongs to the session in which it was answered.
 */
export class Mirror {
  readonly root: string
  readonly #zk: ZooKeeper
  readonly #shape: MirrorShape
  readonly #changesMax: number
  readonly #life: Cancellation
  readonly #reader: TreeReader
  readonly #streams = new Set<ChangeStream<MirrorChange>>()
  readonly #forgetState: () => void
  readonly #upkeep: Promise<void>
  #isOneShot: boolean
  #watch: PersistentWatch | null = null
  #need: Need = 'walk'
  /** What is about to begin: a walk of which nothing has been read yet sees whatever events tell. */
  #preparing: Need = 'nothing'
  #isCurrent = false
  /** In a row. */
  #failures = 0
  #wake: () => void = () => {}
  /** Of `open`. */
  #opening: { resolve: () => void; reject: (error: Error) => void } | null = null
  #closed: Promise<void> | null = null

  /** Resolves once everything has been read. @throws ZkError when that is not possible, or not in time */
  static async open(
    zk: ZooKeeper,
    root: string,
    shape: MirrorShape,
    options: CacheOptions,
  ): Promise<Mirror> {
    return await cancellable(zk, shape.op, root, options, async (cancellation) => {
      const mirror = new Mirror(zk, root, shape, options)
      try {
        await cancellation.wait(mirror.#opened())
      } catch (error) {
        void mirror.close()
        throw error
      }
      return mirror
    })
  }

  private constructor(zk: ZooKeeper, root: string, shape: MirrorShape, options: CacheOptions) {
    const { op, depthMax } = shape
    const { readsMax = READS_MAX, changesMax = CHANGES_MAX, watches } = options
    this.root = root
    this.#zk = zk
    this.#shape = shape
    this.#changesMax = positive(op, root, 'changesMax', changesMax)
    this.#isOneShot = watches === 'one-shot'
    this.#reader = new TreeReader(zk, {
      root,
      depthMax,
      readsMax: positive(op, root, 'readsMax', readsMax),
      onChange: (change) => this.#tell(change),
      onGap: () => this.#doubt('walk', null),
      onFailure: (error) => this.#failed(error),
    })
    if (this.#isOneShot) this.#reader.useOneShotWatches()
    this.#life = new Cancellation(zk, op, root)
    this.#forgetState = zk.onState((change) => this.#onState(change))
    this.#upkeep = this.#keepUp()
  }

  /** Connected, and everything that watches have told of has been read or is about to be. */
  get isCurrent(): boolean {
    return this.#isCurrent
  }

  get view(): TreeView {
    return this.#reader.view
  }

  /** What happens from now on, for one reader. */
  changes(): ChangeStream<MirrorChange> {
    const stream = new ChangeStream<MirrorChange>(this.#changesMax, { type: 'gap' }, () => {
      this.#streams.delete(stream)
    })
    if (this.#life.error === null) this.#streams.add(stream)
    else stream.end()
    return stream
  }

  /** Takes the watches away, ends the streams and lets go of what is held. Never rejects. */
  async close(): Promise<void> {
    this.#end(new ClosedError('CLOSED', `${this.#shape.op} ${this.root}: the cache is closed`))
    await this.#closed
    await this.#upkeep
  }

  #end(error: Error): void {
    if (this.#closed !== null) return
    this.#forgetState()
    this.#life.cancel(error)
    this.#life.end()
    this.#isCurrent = false
    this.#closed = Promise.all([this.#watch?.close(), this.#reader.close()]).then(() => {})
    for (const stream of [...this.#streams]) stream.end()
    this.#opening?.reject(error)
    this.#wake()
  }

  /* ---------------------------------------------------------------- keeping up */

  #opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject }
    })
  }

  async #keepUp(): Promise<void> {
    while (this.#life.error === null) {
      try {
        if (this.#need === 'nothing') await this.#wakened()
        else await this.#catchUp()
      } catch (error) {
        this.#failed(error as Error)
      }
    }
  }

  #wakened(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  async #catchUp(): Promise<void> {
    if (this.#failures > 0) await this.#life.sleep(this.#pauseMs())
    const need = this.#need
    this.#need = 'nothing'
    this.#preparing = need
    try {
      await this.#prepare(need)
    } finally {
      this.#preparing = 'nothing'
    }
    if (need === 'walk') await this.#reader.walk()
    else await this.#reader.settled()
    this.#life.check()
    if (this.#need === 'nothing') this.#becomeCurrent()
  }

  async #prepare(need: Need): Promise<void> {
    const { signal } = this.#life
    if (need === 'walk') this.#reader.reset()
    await this.#setWatch()
    try {
      await this.#zk.sync(this.root, { signal })
    } catch (error) {
      // A server without a quorum: it has what it has.
      if (!(error instanceof NotReadOnlyError)) throw error
    }
    const { session } = this.#zk
    if (session === null) throw new SessionLostError('SESSION_LOST', 'the session was lost')
    this.#reader.bind(session)
    const { size } = this.#reader.view
    if (need !== 'walk' || size === 0) return
    await this.#life.sleep(Math.min(size, SPREAD_MS_MAX) * this.#chance())
  }

  async #setWatch(): Promise<void> {
    if (this.#isOneShot || this.#watch !== null) return
    const { signal } = this.#life
    const recursive = this.#shape.depthMax > 0
    try {
      const watch = await this.#zk.watch(this.root, { recursive, signal })
      this.#watch = watch
      void this.#follow(watch)
    } catch (error) {
      if (!(error instanceof ZkError && error.code === 'UNIMPLEMENTED')) throw error
      this.#isOneShot = true
      this.#reader.useOneShotWatches()
    }
  }

  /** What is held cannot be trusted until it has been looked at. */
  #doubt(need: Need, cause: Error | null): void {
    if (this.#life.error !== null) return
    if (this.#isCurrent) {
      this.#isCurrent = false
      this.#tell({ type: 'stale', cause })
    }
    if (this.#preparing === 'walk') return
    this.#require(need)
  }

  #require(need: Need): void {
    if (need === 'walk') this.#reader.reset()
    if (this.#need !== 'walk') this.#need = need
    this.#wake()
  }

  #failed(error: Error): void {
    if (this.#life.error !== null) return
    if (error instanceof ClosedError) {
      this.#end(error)
      return
    }
    this.#failures += 1
    // Who waits for the first look is not told of a lost session either: the next one will do.
    const isPassing = !(error instanceof ZkError) || error.retryable
    if (!isPassing && !(error instanceof SessionLostError)) {
      this.#opening?.reject(error)
      this.#opening = null
    }
    this.#doubt('walk', error)
  }

  #becomeCurrent(): void {
    this.#failures = 0
    this.#opening?.resolve()
    this.#opening = null
    if (this.#isCurrent) return
    this.#isCurrent = true
    this.#tell({ type: 'current' })
  }

  #pauseMs(): number {
    const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), PAUSE_MS_MAX)
    return (longestMs * (1 + this.#chance())) / 2
  }

  #chance(): number {
    return this.#zk.environment.random.uint32() / 2 ** 32
  }

  /* ---------------------------------------------------------------- what is told from outside */

  #onState({ state }: StateChange): void {
    if (state === 'closed') this.#end(new ClosedError('CLOSED', 'the client is closed'))
    else if (state === 'suspended') this.#doubt(this.#isOneShot ? 'settle' : 'walk', null)
    else if (state === 'lost') this.#doubt('walk', null)
  }

  async #follow(watch: PersistentWatch): Promise<void> {
    for (;;) {
      const { done, value } = await watch.next()
      if (done === true) break
      this.#onEvent(value)
    }
    this.#watch = null
    if (this.#life.error !== null) return
    // Taken away by `removeWatches` of the client: a walk sets another one.
    this.#doubt('walk', null)
    this.#require('walk')
  }

  #onEvent(event: WatchEvent): void {
    if (this.#preparing === 'walk' || this.#life.error !== null) return
    if (event.type === 'gap') this.#doubt('walk', null)
    else if (event.type !== 'children') this.#reader.onEvent(event)
  }

  #tell(change: MirrorChange): void {
    for (const stream of this.#streams) stream.push(change)
  }
}

function positive(op: string, path: string, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  const message = `${op} ${path}: ${name} is ${value}`
  throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op, path })
}
