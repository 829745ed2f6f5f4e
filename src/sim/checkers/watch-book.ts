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

/** The watches of one connection, as its client must think of them. */
export class ConnectionWatches {
  readonly #index: HistoryIndex
  readonly armed: Map<string, ArmedWatch> = new Map()
  /** Keys of watches that were used up or removed since they were set last. */
  readonly fired: Set<string> = new Set()
  readonly removed: Set<string> = new Set()
  /** How often each change was told: by position, type and path. */
  readonly #told = new Map<string, number>()
  lastEventZxid: Zxid = 0n as Zxid
  /** Events that setWatches has made up; null while none is under way. */
  madeUp: Told[] | null = null
  isOver = false
  /** Position of the earliest trigger of an armed watch that must be told; Infinity for none. */
  nextTrigger: number = Number.POSITIVE_INFINITY
  persistentCount = 0

  constructor(index: HistoryIndex) {
    this.#index = index
  }

  arm(mode: WatchMode, path: string, zxid: Zxid): void {
    const kind: WatchKind = mode === 'exists' ? 'data' : mode
    const key = keyOf(kind, path)
    const position = this.#index.positionOf(zxid)
    const known = this.armed.get(key)
    if (known !== undefined && (known.trigger === null || known.trigger.position > position)) return
    const trigger = isOneShot(kind) ? firstTrigger(this.#index, kind, path, position) : null
    this.armed.set(key, { kind, path, position, trigger })
    this.fired.delete(key)
    this.removed.delete(key)
    this.#count()
  }

  /** Armed watches that an event is about. */
  matching(type: number, path: string): ArmedWatch[] {
    const found: ArmedWatch[] = []
    for (const key of keysOf(type, path)) {
      const watch = this.armed.get(key)
      if (watch !== undefined) found.push(watch)
    }
    return found
  }

  timesTold(position: number, type: number, path: string): number {
    return this.#told.get(`${position} ${type} ${path}`) ?? 0
  }

  onEvent({ type, path, zxid }: WatchEventEvent): void {
    if (zxid === null) {
      this.madeUp?.push({ type, path })
      return
    }
    if (zxid > this.lastEventZxid) this.lastEventZxid = zxid
    const key = `${this.#index.positionOf(zxid)} ${type} ${path}`
    this.#told.set(key, (this.#told.get(key) ?? 0) + 1)
    for (const watch of this.matching(type, path)) {
      if (isOneShot(watch.kind)) this.#take(watch, this.fired)
    }
    this.#count()
  }

  remove(path: string, watcherType: number): void {
    for (const kind of kindsOf(watcherType)) {
      const watch = this.armed.get(keyOf(kind, path))
      if (watch !== undefined) this.#take(watch, this.removed)
    }
    this.#count()
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

  #take(watch: ArmedWatch, into: Set<string>): void {
    const key = keyOf(watch.kind, watch.path)
    this.armed.delete(key)
    into.add(key)
  }

  #count(): void {
    this.nextTrigger = Number.POSITIVE_INFINITY
    this.persistentCount = 0
    for (const { kind, trigger } of this.armed.values()) {
      if (!isOneShot(kind)) this.persistentCount += 1
      if (trigger?.isReadable === true && trigger.position < this.nextTrigger) {
        this.nextTrigger = trigger.position
      }
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

/** Keys of every watch that an event of this type on this path may come from. */
export function keysOf(type: number, path: string): string[] {
  const keys = [keyOf('persistent', path)]
  if (type !== EventType.nodeChildrenChanged) keys.push(keyOf('data', path))
  if (type === EventType.nodeDeleted || type === EventType.nodeChildrenChanged) {
    keys.push(keyOf('child', path))
  }
  if (type !== EventType.nodeChildrenChanged) keys.push(...recursiveKeys(path))
  return keys
}

/** Keys of the recursive watches on `path` and above it. */
export function recursiveKeys(path: string): string[] {
  const keys: string[] = []
  let top = path
  while (top.length > 1) {
    keys.push(keyOf('persistentRecursive', top))
    top = top.slice(0, top.lastIndexOf('/'))
  }
  keys.push(keyOf('persistentRecursive', '/'))
  return keys
}

function keyOf(kind: WatchKind, path: string): string {
  return `${kind} ${path}`
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
