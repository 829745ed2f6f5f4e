import type { Zxid } from '../../base/index.ts'
import type { Metrics, Observer } from '../../env/index.ts'
import { EventType } from '../../wire/index.ts'
import type { ChangeEvents, WatchObserver, Znode } from '../../znodes/index.ts'
import { NamespaceSizes } from './namespace-sizes.ts'

/** Measures the changes of a tree, those that are replayed at the start too (as upstream), and passes them on. */
export class ChangeMetrics implements ChangeEvents {
  readonly #sizes: NamespaceSizes
  readonly #next: ChangeEvents

  constructor(metrics: Metrics, next: ChangeEvents) {
    this.#sizes = new NamespaceSizes(metrics.summarySet('write_per_namespace'))
    this.#next = next
  }

  created(znode: Znode, parent: Znode, zxid: Zxid): void {
    this.#sizes.observe(znode.path, znode.dataLength)
    this.#next.created(znode, parent, zxid)
  }

  deleted(znode: Znode, parent: Znode, zxid: Zxid): void {
    this.#sizes.observe(znode.path, 0)
    this.#next.deleted(znode, parent, zxid)
  }

  dataChanged(znode: Znode, zxid: Zxid): void {
    this.#sizes.observe(znode.path, znode.dataLength)
    this.#next.dataChanged(znode, zxid)
  }
}

/** Measures how many watchers each event has. */
export class WatchMetrics implements WatchObserver {
  readonly #created: Observer
  readonly #deleted: Observer
  readonly #changed: Observer
  readonly #children: Observer

  constructor(metrics: Metrics) {
    this.#created = metrics.summary('node_created_watch_count')
    this.#deleted = metrics.summary('node_deleted_watch_count')
    this.#changed = metrics.summary('node_changed_watch_count')
    this.#children = metrics.summary('node_children_watch_count')
  }

  onFired(type: EventType, watchers: number): void {
    if (type === EventType.nodeDataChanged) this.#changed.observe(watchers)
    else if (type === EventType.nodeChildrenChanged) this.#children.observe(watchers)
    else if (type === EventType.nodeCreated) this.#created.observe(watchers)
    else this.#deleted.observe(watchers)
  }
}
