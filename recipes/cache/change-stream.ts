/**
 * What happens, for one reader: an async iterator whose unread items are bounded. When too many are unread they give
 * way to `overflow`, which tells the reader to look at the whole again.
 */
export class ChangeStream<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #unreadMax: number
  readonly #overflow: T
  readonly #onEnd: () => void
  #unread: T[] = []
  #readers: ((result: IteratorResult<T, undefined>) => void)[] = []
  #isOver = false

  constructor(unreadMax: number, overflow: T, onEnd: () => void) {
    this.#unreadMax = unreadMax
    this.#overflow = overflow
    this.#onEnd = onEnd
  }

  push(item: T): void {
    if (this.#isOver) return
    const reader = this.#readers.shift()
    if (reader !== undefined) reader({ done: false, value: item })
    else if (this.#unread.length < this.#unreadMax) this.#unread.push(item)
    else this.#unread = [this.#overflow]
  }

  /** What is unread can still be read. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined })
    this.#onEnd()
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#unread.shift()
    if (item !== undefined) return Promise.resolve({ done: false, value: item })
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#readers.push(resolve)
    })
  }

  /** `break` in a `for await` comes here. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#unread = []
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
