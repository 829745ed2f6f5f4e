import type { Chroot } from './paths.ts'
import type { WatchEvent, WatchEventType, WatchSink } from './watch-table.ts'

/** Takes the watch away: from the client at once, from the server when nobody else needs it. */
export type Release = () => Promise<void>

/** A watch that fires once. */
export class OneShotWatch implements WatchSink, AsyncDisposable {
  /** As the caller wrote it. */
  readonly path: string
  /** Resolves with the first event, never rejects. `gap`: the session was lost meanwhile. */
  readonly fired: Promise<WatchEvent>
  readonly #chroot: Chroot
  #resolve: (event: WatchEvent) => void = () => {}
  #release: Release | null = null
  #isOver = false

  /** For the client. */
  constructor(path: string, chroot: Chroot) {
    this.path = path
    this.#chroot = chroot
    this.fired = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** For the client: how to take it away. */
  attach(release: Release): void {
    this.#release = release
  }

  /** For the client. */
  deliver(type: WatchEventType, path: string, zxid: bigint | null): void {
    this.#isOver = true
    this.#resolve({ type, path: this.#chroot.inner(path), zxid })
  }

  /** Ends the watch if it has not fired: `fired` resolves with `removed`. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#resolve({ type: 'removed', path: this.path, zxid: null })
    await this.#release?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * A watch that stays until it is closed, as a stream of events for one reader. It outlives connections and sessions:
 * then, and when events are not read for too long, a `gap` says that some may be missing.
 */
export class PersistentWatch
  implements WatchSink, AsyncDisposable, AsyncIterableIterator<WatchEvent>
{
  readonly path: string
  readonly #chroot: Chroot
  readonly #eventsMax: number
  #unread: WatchEvent[] = []
  #readers: ((result: IteratorResult<WatchEvent, undefined>) => void)[] = []
  #release: Release | null = null
  #isOver = false

  /** For the client. */
  constructor(path: string, chroot: Chroot, eventsMax: number) {
    this.path = path
    this.#chroot = chroot
    this.#eventsMax = eventsMax
  }

  /** For the client: how to take it away. */
  attach(release: Release): void {
    this.#release = release
  }

  /** For the client. */
  deliver(type: WatchEventType, path: string, zxid: bigint | null): void {
    if (this.#isOver) return
    if (type === 'removed') {
      this.#end()
      return
    }
    const event: WatchEvent = { type, path: this.#chroot.inner(path), zxid }
    const reader = this.#readers.shift()
    if (reader !== undefined) reader({ done: false, value: event })
    else if (this.#unread.length < this.#eventsMax) this.#unread.push(event)
    else this.#unread = [{ type: 'gap', path: this.path, zxid: null }]
  }

  /** The next event; done when the watch was closed or removed, or the client closed. */
  next(): Promise<IteratorResult<WatchEvent, undefined>> {
    const event = this.#unread.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#readers.push(resolve)
    })
  }

  /** `break` in a `for await` comes here. */
  async return(): Promise<IteratorResult<WatchEvent, undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  /** Events that were not read are dropped. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#unread = []
    this.#end()
    await this.#release?.()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(): void {
    this.#isOver = true
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined })
  }
}
