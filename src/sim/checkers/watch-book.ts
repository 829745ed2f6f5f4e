import type { Zxid } from '../../base/index.ts'
import {
  ErrorCode,
  EventType,
  OpCode,
  type SetWatchesRequest,
  WatcherType,
} from '../../wire/index.ts'
import type { HistoryEvent, WatchEventEvent, WatchMode } from '../history.ts'
import type { HistoryIndex } from './history-index.ts'
import type { ModelChange } from './model.ts'

/** As servers keep them: an exists and a getData on one path set one and the same watch. */
export type WatchKind = 'child' | 'data' | 'persistent' | 'persistentRecursive'

export interface ArmedWatch {
  readonly kind: WatchKind
  readonly path: string
  /** Position of the state that it was set in. */
  readonly position: number
  /** The first change that uses up a one-shot watch; null while there is none, and for the others. */
  readonly trigger: ModelChange | null
}

/** An event by what it says. */
export interface Told {
  readonly type: number
  readonly path: string
}

const KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'persistentRecursive']

/** What became of the watches of one kind, by path. */
class WatchesOfKind {
  readonly armed: Map<string, ArmedWatch> = new Map()
  /** Used up, or removed, since they were set last. */
  readonly fired: Set<string> = new Set()
  readonly removed: Set<string> = new Set()
}

/** The watches of one connection, as its client must think of them. */
export class ConnectionWatches {
  readonly #index: HistoryIndex
  readonly #byKind: Readonly<Record<WatchKind, WatchesOfKind>> = {
    data: new WatchesOfKind(),
    child: new WatchesOfKind(),
    persistent: new WatchesOfKind(),
    persistentRecursive: new WatchesOfKind(),
  }
  /** How often each change was told; of changes that are alike, the first stands for all. */
  readonly #told = new Map<ModelChange, number>()
  lastEventZxid: Zxid = 0n as Zxid
  /** Events that setWatches has made up; null while none is under way. */
  madeUp: Told[] | null = null
  isOver = false
  /** Position of the earliest trigger of an armed watch that must be told; Infinity for none. */
  nextTrigger: number = Number.POSITIVE_INFINITY

  constructor(index: HistoryIndex) {
    this.#index = index
  }

  get hasPersistent(): boolean {
    const { persistent, persistentRecursive } = this.#byKind
    return persistent.armed.size > 0 || persistentRecursive.armed.size > 0
  }

  /** One-shot watches whose change has come. */
  *overdue(position: number): Iterable<{ readonly path: string; readonly trigger: ModelChange }> {
    for (const kind of KINDS) {
      for (const { path, trigger } of this.#byKind[kind].armed.values()) {
        if (trigger?.isReadable !== true || trigger.position > position) continue
        yield { path, trigger }
      }
    }
  }

  arm(mode: WatchMode, path: string, zxid: Zxid): void {
    const kind: WatchKind = mode === 'exists' ? 'data' : mode
    const own = this.#byKind[kind]
    const position = this.#index.positionOf(zxid)
    const known = own.armed.get(path)
    if (known !== undefined && (known.trigger === null || known.trigger.position > position)) return
    const trigger = isOneShot(kind) ? firstTrigger(this.#index, kind, path, position) : null
    own.armed.set(path, { kind, path, position, trigger })
    own.fired.delete(path)
    own.removed.delete(path)
    if (trigger?.isReadable === true && trigger.position < this.nextTrigger) {
      this.nextTrigger = trigger.position
    }
  }

  /** Armed watches that an event is about. */
  matching(type: number, path: string): ArmedWatch[] {
    const found: ArmedWatch[] = []
    this.#visit(type, path, ({ armed }, watchedPath) => {
      const watch = armed.get(watchedPath)
      if (watch !== undefined) found.push(watch)
    })
    return found
  }

  /** Whether a watch that an event is about was used up, and not set again. */
  hasFired(type: number, path: string): boolean {
    let hasFired = false
    this.#visit(type, path, ({ fired }, watchedPath) => {
      hasFired ||= fired.has(watchedPath)
    })
    return hasFired
  }

  /** Whether a watch that an event is about was removed, and not set again. */
  isRemoved(type: number, path: string): boolean {
    let isRemoved = false
    this.#visit(type, path, ({ removed }, watchedPath) => {
      isRemoved ||= removed.has(watchedPath)
    })
    return isRemoved
  }

  /** Whether a recursive watch on `path` or above it is armed. */
  isCovered(path: string): boolean {
    const { armed } = this.#byKind.persistentRecursive
    if (armed.size === 0) return false
    for (let top = path; top.length > 1; top = top.slice(0, top.lastIndexOf('/'))) {
      if (armed.has(top)) return true
    }
    return armed.has('/')
  }

  timesTold(change: ModelChange): number {
    return this.#told.get(change) ?? 0
  }

  onEvent({ type, path, zxid }: WatchEventEvent): void {
    if (zxid === null) {
      this.madeUp?.push({ type, path })
      return
    }
    if (zxid > this.lastEventZxid) this.lastEventZxid = zxid
    const change = this.#index.model.changesAt(path, this.#index.positionOf(zxid), type)[0]
    if (change !== undefined) this.#told.set(change, this.timesTold(change) + 1)
    for (const watch of this.matching(type, path)) {
      if (isOneShot(watch.kind)) this.#take(watch, 'fired')
    }
  }

  remove(path: string, watcherType: number): void {
    for (const kind of kindsOf(watcherType)) {
      const watch = this.#byKind[kind].armed.get(path)
      if (watch !== undefined) this.#take(watch, 'removed')
    }
  }

  /** What setWatches left standing; the others were told. */
  onSetWatches(request: SetWatchesRequest, zxid: Zxid): void {
    const { model } = this.#index
    const position = this.#index.positionOf(zxid)
    for (const path of request.dataWatches) {
      const znode = model.znodeAt(path, position)
      if (znode !== null && znode.mzxid <= request.relativeZxid) this.arm('data', path, zxid)
    }
    for (const path of request.existWatches) {
      if (model.znodeAt(path, position) === null) this.arm('exists', path, zxid)
    }
    for (const path of request.childWatches) {
      const znode = model.znodeAt(path, position)
      if (znode !== null && znode.pzxid <= request.relativeZxid) this.arm('child', path, zxid)
    }
    for (const path of request.persistentWatches) this.arm('persistent', path, zxid)
    for (const path of request.persistentRecursiveWatches) {
      this.arm('persistentRecursive', path, zxid)
    }
  }

  /** Every kind and path under which a watch may be that an event of this type on `path` is about. */
  #visit(type: number, path: string, see: (own: WatchesOfKind, watchedPath: string) => void): void {
    const { data, child, persistent, persistentRecursive } = this.#byKind
    const isOfChildren = type === EventType.nodeChildrenChanged
    if (!isOfChildren) see(data, path)
    if (isOfChildren || type === EventType.nodeDeleted) see(child, path)
    see(persistent, path)
    if (isOfChildren) return
    for (let top = path; top.length > 1; top = top.slice(0, top.lastIndexOf('/'))) {
      see(persistentRecursive, top)
    }
    see(persistentRecursive, '/')
  }

  #take({ kind, path, trigger }: ArmedWatch, into: 'fired' | 'removed'): void {
    const own = this.#byKind[kind]
    own.armed.delete(path)
    own[into].add(path)
    if (trigger === null || trigger.position > this.nextTrigger) return
    this.nextTrigger = Number.POSITIVE_INFINITY
    for (const { trigger: next } of this.overdue(Number.POSITIVE_INFINITY)) {
      this.nextTrigger = Math.min(this.nextTrigger, next.position)
    }
  }
}

/** The watches of all connections, as far as the history has been walked. */
export class WatchBook {
  readonly #index: HistoryIndex
  readonly #connections = new Map<number, ConnectionWatches>()

  constructor(index: HistoryIndex) {
    this.#index = index
  }

  of(connection: number): ConnectionWatches {
    let watches = this.#connections.get(connection)
    if (watches === undefined) {
      watches = new ConnectionWatches(this.#index)
      this.#connections.set(connection, watches)
    }
    return watches
  }

  all(): Iterable<ConnectionWatches> {
    return this.#connections.values()
  }

  step(event: HistoryEvent, at: number): void {
    switch (event.kind) {
      case 'invoke':
        if (isSetWatches(event.request.type)) this.of(event.connection).madeUp = []
        break
      case 'return':
        this.#onReturn(event, at)
        break
      case 'watchSet':
        this.of(event.connection).arm(event.mode, event.path, event.zxid)
        break
      case 'watchEvent':
        this.of(event.connection).onEvent(event)
        break
      case 'disconnect':
        this.of(event.connection).isOver = true
        break
      default:
        break
    }
  }

  #onReturn(event: Extract<HistoryEvent, { kind: 'return' }>, at: number): void {
    const request = this.#index.operationAt(at)?.request
    if (request === undefined) return
    const isOk = event.err === ErrorCode.ok
    switch (request.type) {
      case OpCode.setWatches:
      case OpCode.setWatches2: {
        const watches = this.of(event.connection)
        watches.madeUp = null
        if (isOk) watches.onSetWatches(request, event.zxid)
        break
      }
      case OpCode.removeWatches:
        if (isOk) this.of(event.connection).remove(request.path, request.watcherType)
        break
      case OpCode.closeSession:
        if (isOk) this.of(event.connection).isOver = true
        break
      default:
        break
    }
  }
}

export function isSetWatches(type: number): boolean {
  return type === OpCode.setWatches || type === OpCode.setWatches2
}

export function isOneShot(kind: WatchKind): boolean {
  return kind === 'child' || kind === 'data'
}

function firstTrigger(
  index: HistoryIndex,
  kind: WatchKind,
  path: string,
  position: number,
): ModelChange | null {
  return index.model.nextChange(path, position, (type) => {
    const isOfChildren = type === EventType.nodeChildrenChanged
    return kind === 'data' ? !isOfChildren : isOfChildren || type === EventType.nodeDeleted
  })
}

function kindsOf(watcherType: number): readonly WatchKind[] {
  switch (watcherType) {
    case WatcherType.children:
      return ['child']
    case WatcherType.data:
      return ['data']
    case WatcherType.persistent:
      return ['persistent']
    case WatcherType.persistentRecursive:
      return ['persistentRecursive']
    default:
      return ['child', 'data', 'persistent', 'persistentRecursive']
  }
}
