import type {
  CallOptions,
  OneShotWatch,
  PersistentWatch,
  RemovedKind,
  WatchEvent,
  WatchEventType,
  ZooKeeper,
} from '../client-node/index.ts'
import { CommandError, keeperError } from './failures.ts'

/** What the shell has set: `data` by get and stat, `child` by ls, the others by addWatch. */
export type WatchKind = 'child' | 'data' | 'persistent' | 'recursive'

/** One event, in the words of `Watcher.Event.EventType`. */
export interface ShownEvent {
  readonly type: string
  readonly path: string
  /** -1n when the server does not say. */
  readonly zxid: bigint
}

const TYPES: ReadonlyMap<WatchEventType, string> = new Map<WatchEventType, string>([
  ['changed', 'NodeDataChanged'],
  ['children', 'NodeChildrenChanged'],
  ['created', 'NodeCreated'],
  ['deleted', 'NodeDeleted'],
])

/** What is told when watches are taken away; in this order. */
const REMOVALS: readonly (readonly [type: string, kinds: readonly WatchKind[]])[] = [
  ['ChildWatchRemoved', ['child']],
  ['DataWatchRemoved', ['data']],
  ['PersistentWatchRemoved', ['persistent', 'recursive']],
]

const KINDS: Readonly<Record<RemovedKind, readonly WatchKind[]>> = {
  all: ['child', 'data', 'persistent', 'recursive'],
  children: ['child'],
  data: ['data'],
  persistent: ['persistent'],
  recursive: ['recursive'],
}

type Watch = OneShotWatch | PersistentWatch

/**
 * The watches of one session. An event is shown once, however many of them it belongs to: zkCli has one watcher for
 * everything.
 */
export class WatchBook {
  readonly #show: (event: ShownEvent) => void
  readonly #watches: ReadonlyMap<WatchKind, Map<string, Set<Watch>>> = new Map(
    KINDS.all.map((kind) => [kind, new Map()]),
  )
  /** Shown in the present turn, and to which watches the event has come. */
  #shown: { readonly event: ShownEvent; readonly watches: Set<Watch> }[] = []

  constructor(show: (event: ShownEvent) => void) {
    this.#show = show
  }

  addOneShot(kind: 'child' | 'data', watch: OneShotWatch): void {
    this.#add(kind, watch)
    void watch.fired.then((event) => {
      this.#drop(kind, watch)
      this.#came(event, watch)
    })
  }

  has(kind: WatchKind, path: string): boolean {
    return this.#watches.get(kind)!.has(path)
  }

  addLasting(kind: 'persistent' | 'recursive', watch: PersistentWatch): void {
    this.#add(kind, watch)
    void this.#follow(kind, watch)
  }

  /**
   * Takes the watches of a path away and tells of it.
   * @throws CommandError when there is none
   */
  async remove(
    zk: ZooKeeper,
    path: string,
    removed: RemovedKind,
    options: Omit<CallOptions, 'session'>,
  ): Promise<readonly string[]> {
    const kinds = KINDS[removed].filter((kind) => this.#watches.get(kind)!.has(path))
    if (kinds.length === 0) {
      throw new CommandError('NO_WATCHER', keeperError('No such watcher', path), { path })
    }
    await zk.removeWatches(path, removed, options)
    for (const kind of kinds) this.#watches.get(kind)!.delete(path)
    const types = REMOVALS.filter(([, of]) => of.some((kind) => kinds.includes(kind))).map(
      ([type]) => type,
    )
    for (const type of types) this.#show({ type, path, zxid: -1n })
    return types
  }

  async #follow(kind: WatchKind, watch: PersistentWatch): Promise<void> {
    for await (const event of watch) this.#came(event, watch)
    this.#drop(kind, watch)
  }

  /** A `gap` has no counterpart: that the connection was gone is told anyway. */
  #came({ type, path, zxid }: WatchEvent, watch: Watch): void {
    const name = TYPES.get(type)
    if (name === undefined) return
    const event = { type: name, path, zxid: zxid ?? -1n }
    const same = this.#shown.find(
      (other) =>
        !other.watches.has(watch) &&
        other.event.type === name &&
        other.event.path === path &&
        other.event.zxid === event.zxid,
    )
    if (same !== undefined) {
      same.watches.add(watch)
      return
    }
    // One event comes to all its watches within a turn.
    if (this.#shown.length === 0) setImmediate(() => this.#forget())
    this.#shown.push({ event, watches: new Set([watch]) })
    this.#show(event)
  }

  #forget(): void {
    this.#shown = []
  }

  #add(kind: WatchKind, watch: Watch): void {
    const paths = this.#watches.get(kind)!
    const others = paths.get(watch.path)
    if (others === undefined) paths.set(watch.path, new Set([watch]))
    else others.add(watch)
  }

  #drop(kind: WatchKind, watch: Watch): void {
    const paths = this.#watches.get(kind)!
    const others = paths.get(watch.path)
    others?.delete(watch)
    if (others?.size === 0) paths.delete(watch.path)
  }
}
