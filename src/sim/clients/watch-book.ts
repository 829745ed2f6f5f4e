import type { Zxid } from '../../base/index.ts'
import {
  AddWatchMode,
  ErrorCode,
  EventType,
  OpCode,
  type SetWatchesRequest,
  WatcherType,
} from '../../wire/index.ts'
import { parentPath } from '../../znodes/index.ts'
import type { WatchMode } from '../history.ts'
import type { Answer, Operation } from './operation.ts'

/**
 * The watches of a client as its library keeps them: they outlive connections, not the session. Standard watches carry
 * the znode's zxid at which they were set, which tells an event that never came.
 */
export class WatchBook {
  /** Path to the mzxid of the data that was read. */
  readonly data: Map<string, Zxid> = new Map()
  readonly exist: Set<string> = new Set()
  /** Path to the pzxid of the znode whose children were read; null when the reply had no Stat. */
  readonly child: Map<string, Zxid | null> = new Map()
  readonly persistent: Set<string> = new Set()
  readonly persistentRecursive: Set<string> = new Set()

  get isEmpty(): boolean {
    return this.size === 0
  }

  get size(): number {
    const { data, exist, child, persistent, persistentRecursive } = this
    return data.size + exist.size + child.size + persistent.size + persistentRecursive.size
  }

  clear(): void {
    this.data.clear()
    this.exist.clear()
    this.child.clear()
    this.persistent.clear()
    this.persistentRecursive.clear()
  }

  /** Which watch a successful (or, for exists, unsuccessful) reply sets; null when none or it was there already. */
  arm(operation: Operation, answer: Answer): WatchMode | null {
    const isOk = answer.err === ErrorCode.ok
    switch (operation.type) {
      case OpCode.getData:
        return operation.watch && isOk ? this.#armData(operation.path, answer) : null
      case OpCode.exists:
        if (!operation.watch) return null
        if (isOk) return this.#armData(operation.path, answer)
        if (answer.err !== ErrorCode.noNode || this.exist.has(operation.path)) return null
        this.exist.add(operation.path)
        return 'exists'
      case OpCode.getChildren:
      case OpCode.getChildren2:
        if (!operation.watch || !isOk || this.child.has(operation.path)) return null
        this.child.set(operation.path, answer.stat?.pzxid ?? null)
        return 'child'
      case OpCode.addWatch: {
        if (!isOk) return null
        const isPlain = operation.mode === AddWatchMode.persistent
        const list = isPlain ? this.persistent : this.persistentRecursive
        if (list.has(operation.path)) return null
        list.add(operation.path)
        return isPlain ? 'persistent' : 'persistentRecursive'
      }
      default:
        return null
    }
  }

  /** removeWatches was successful. */
  disarm(path: string, watcherType: number): void {
    const isAny = watcherType === WatcherType.any
    if (isAny || watcherType === WatcherType.data) {
      this.data.delete(path)
      this.exist.delete(path)
    }
    if (isAny || watcherType === WatcherType.children) this.child.delete(path)
    if (isAny || watcherType === WatcherType.persistent) this.persistent.delete(path)
    if (isAny || watcherType === WatcherType.persistentRecursive) {
      this.persistentRecursive.delete(path)
    }
  }

  /** An event uses up the standard watches it matches; false when nothing is set that it matches. */
  take(type: number, path: string): boolean {
    let isWatched = this.persistentRecursive.size > 0 && this.#isBelowRecursive(path)
    if (type === EventType.nodeChildrenChanged) isWatched = this.child.delete(path)
    else {
      if (type !== EventType.nodeCreated && this.data.delete(path)) isWatched = true
      if (type !== EventType.nodeDataChanged && this.exist.delete(path)) isWatched = true
      if (type === EventType.nodeDeleted && this.child.delete(path)) isWatched = true
    }
    return isWatched || this.persistent.has(path)
  }

  /** W1: why a reply shows a change that a watch should have told before; null when it does not. */
  missedBy(operation: Operation, answer: Answer): string | null {
    if (this.data.size + this.exist.size + this.child.size === 0) return null
    if (answer.err === ErrorCode.ok) return this.#missedByOk(operation, answer)
    if (answer.err !== ErrorCode.noNode) return null
    const isRead =
      operation.type === OpCode.getData ||
      operation.type === OpCode.exists ||
      operation.type === OpCode.getChildren ||
      operation.type === OpCode.getChildren2
    if (!isRead || !(this.data.has(operation.path) || this.child.has(operation.path))) return null
    return `W1: ${operation.path} is gone, its watch was not told`
  }

  /** The lists of a setWatches after a reconnection. */
  request(relativeZxid: Zxid): SetWatchesRequest {
    return {
      relativeZxid,
      dataWatches: [...this.data.keys()],
      existWatches: [...this.exist],
      childWatches: [...this.child.keys()],
      persistentWatches: [...this.persistent],
      persistentRecursiveWatches: [...this.persistentRecursive],
    }
  }

  #armData(path: string, answer: Answer): WatchMode | null {
    if (this.data.has(path)) return null
    this.data.set(path, answer.stat!.mzxid)
    return 'data'
  }

  #isBelowRecursive(path: string): boolean {
    for (let at = path; ; at = parentPath(at)) {
      if (this.persistentRecursive.has(at)) return true
      if (at === '/') return false
    }
  }

  #missedByOk(operation: Operation, answer: Answer): string | null {
    switch (operation.type) {
      case OpCode.getData:
      case OpCode.exists: {
        const { path } = operation
        if (this.exist.has(path)) return `W1: ${path} is there, its exist watch was not told`
        const since = this.data.get(path)
        if (since === undefined || answer.stat!.mzxid <= since) return null
        return `W1: ${path} has mzxid ${answer.stat!.mzxid}, its watch of ${since} was not told`
      }
      case OpCode.getChildren2: {
        const since = this.child.get(operation.path) ?? null
        if (since === null || answer.stat!.pzxid <= since) return null
        return `W1: ${operation.path} has pzxid ${answer.stat!.pzxid}, watched since ${since}`
      }
      case OpCode.setData:
        return this.data.has(operation.path!) ? `W1: own setData of ${operation.path}` : null
      case OpCode.create:
      case OpCode.create2: {
        const path = answer.path!
        const isMissed = this.exist.has(path) || this.child.has(parentPath(path))
        return isMissed ? `W1: own create of ${path}` : null
      }
      case OpCode.delete: {
        const path = operation.path!
        const isMissed =
          this.data.has(path) || this.child.has(path) || this.child.has(parentPath(path))
        return isMissed ? `W1: own delete of ${path}` : null
      }
      default:
        return null
    }
  }
}
