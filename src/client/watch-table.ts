import { EventType } from '../wire/index.ts'

/**
 * What a server has set: `data` by getData or by exists on a znode that is there, `exist` by exists on one that is
 * not, `child` by getChildren. Those three fire once. The others stay.
 */
export type WatchKind = 'child' | 'data' | 'exist' | 'persistent' | 'recursive'

/**
 * - `created`, `deleted`, `changed` (its data), `children`: what happened to the znode at `path`.
 * - `gap`: events may be missing; read again what you depend on.
 * - `removed`: the watch was taken away, or the client closed. Nothing follows.
 */
export type WatchEventType = 'changed' | 'children' | 'created' | 'deleted' | 'gap' | 'removed'

export interface WatchEvent {
  readonly type: WatchEventType
  /** Of the znode it happened to; for `gap` and `removed` the path that is watched. */
  readonly path: string
  /** The transaction that caused it; null when the server does not say (before 3.9, and after a reconnect). */
  readonly zxid: bigint | null
}

/** Receives the events of one watch. Paths are the server's. */
export interface WatchSink {
  deliver(type: WatchEventType, path: string, zxid: bigint | null): void
}

/** One watch of one caller. Many of them may share one watch of the server. */
export class WatchRecord {
  readonly path: string
  kind: WatchKind
  readonly sink: WatchSink
  /** The server has not been asked for it on this connection: events of others on the path are not its own. */
  isStale = false

  constructor(path: string, kind: WatchKind, sink: WatchSink) {
    this.path = path
    this.kind = kind
    this.sink = sink
  }
}

export const KINDS: readonly WatchKind[] = ['data', 'exist', 'child', 'persistent', 'recursive']
const ONE_SHOT: readonly WatchKind[] = ['data', 'exist', 'child']

/** Which one-shot watches at its own path an event of a type uses up. */
const USED_UP: ReadonlyMap<number, readonly WatchKind[]> = new Map([
  [EventType.nodeCreated, ['data', 'exist']],
  [EventType.nodeDataChanged, ['data', 'exist']],
  [EventType.nodeDeleted, ['data', 'exist', 'child']],
  [EventType.nodeChildrenChanged, ['child']],
])

/** The watches of a client, by kind and path. */
export class WatchTable {
  readonly #byKind: ReadonlyMap<WatchKind, Map<string, Set<WatchRecord>>> = new Map(
    KINDS.map((kind) => [kind, new Map()]),
  )
  /** Requests on their way that will set a watch, by `kindOnServer` and path. */
  readonly #onTheirWay = new Map<string, number>()

  /** Watches of the server that nobody took away since a request was on its way that may set them, too. */
  readonly #leftToOthers = new Set<string>()

  get size(): number {
    let size = 0
    for (const paths of this.#byKind.values()) for (const set of paths.values()) size += set.size
    return size
  }

  add(record: WatchRecord): void {
    const paths = this.#byKind.get(record.kind)!
    const set = paths.get(record.path)
    if (set === undefined) paths.set(record.path, new Set([record]))
    else set.add(record)
  }

  /** False when it is not there any more. */
  remove(record: WatchRecord): boolean {
    const paths = this.#byKind.get(record.kind)!
    const set = paths.get(record.path)
    if (set === undefined || !set.delete(record)) return false
    if (set.size === 0) paths.delete(record.path)
    return true
  }

  has(record: WatchRecord): boolean {
    return this.#byKind.get(record.kind)!.get(record.path)?.has(record) === true
  }

  at(path: string, kinds: readonly WatchKind[]): WatchRecord[] {
    return kinds.flatMap((kind) => [...(this.#byKind.get(kind)!.get(path) ?? [])])
  }

  /** A watch-setting request was sent (1) or is answered or lost (-1). */
  count(record: WatchRecord, delta: number): void {
    const key = keyOf(record)
    const count = (this.#onTheirWay.get(key) ?? 0) + delta
    if (count === 0) this.#onTheirWay.delete(key)
    else this.#onTheirWay.set(key, count)
  }

  /** True when somebody else needs the server's watch that this record had. */
  isNeeded(record: WatchRecord): boolean {
    if (this.#onTheirWay.has(keyOf(record))) return true
    return this.at(record.path, sharersOf(record.kind)).length > 0
  }

  /** The server's watch was not taken away since `isNeeded`. */
  leaveToOthers(record: WatchRecord): void {
    this.#leftToOthers.add(keyOf(record))
  }

  /** True when the server's watch was left to others and none of them needs it after all. */
  isLeftOver(record: WatchRecord): boolean {
    return !this.isNeeded(record) && this.#leftToOthers.delete(keyOf(record))
  }

  /** The connection is over, and with it what the server knew. */
  forgetServer(): void {
    this.#leftToOthers.clear()
  }

  /** Whose event this is. One-shot watches among them are gone from the table. */
  take(type: number, path: string): WatchRecord[] {
    const used = this.at(path, USED_UP.get(type) ?? [])
    for (const record of used) this.remove(record)
    const lasting = this.at(path, ['persistent'])
    if (type !== EventType.nodeChildrenChanged) lasting.push(...this.#recursiveAbove(path))
    return [...used, ...lasting.filter(({ isStale }) => !isStale)]
  }

  /** A new connection: the server knows none of the watches that stay. */
  markStale(): void {
    for (const kind of ['persistent', 'recursive'] as const) {
      for (const set of this.#byKind.get(kind)!.values()) {
        for (const record of set) record.isStale = true
      }
    }
  }

  /** Takes all one-shot watches out. */
  takeOneShots(): WatchRecord[] {
    const taken: WatchRecord[] = []
    for (const kind of ONE_SHOT) {
      const paths = this.#byKind.get(kind)!
      for (const set of paths.values()) taken.push(...set)
      paths.clear()
    }
    return taken
  }

  /** Takes everything out. */
  takeAll(): WatchRecord[] {
    const taken = this.takeOneShots()
    for (const kind of ['persistent', 'recursive'] as const) {
      const paths = this.#byKind.get(kind)!
      for (const set of paths.values()) taken.push(...set)
      paths.clear()
    }
    return taken
  }

  /** Kind and path of every watch the server has to have, each once. */
  *entries(): IterableIterator<readonly [WatchKind, string]> {
    for (const [kind, paths] of this.#byKind) for (const path of paths.keys()) yield [kind, path]
  }

  #recursiveAbove(path: string): WatchRecord[] {
    const paths = this.#byKind.get('recursive')!
    if (paths.size === 0) return []
    const found: WatchRecord[] = []
    for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
      found.push(...(paths.get(at === '' ? '/' : at) ?? []))
      if (at === '' || at === '/') return found
    }
  }
}

/** exists and getData set the same watch of the server. */
function sharersOf(kind: WatchKind): readonly WatchKind[] {
  return kind === 'data' || kind === 'exist' ? ['data', 'exist'] : [kind]
}

function keyOf(record: WatchRecord): string {
  return `${record.kind === 'exist' ? 'data' : record.kind}:${record.path}`
}
