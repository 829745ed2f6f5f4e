/** First in, first out. Removal is O(1); the backing array is compacted once half of it is used up. */
export class Fifo<T> {
  #items: (T | null)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The oldest item, or null when empty. */
  peek(): T | null {
    return this.#head < this.#items.length ? this.#items[this.#head]! : null
  }

  /** Removes and returns the oldest item, or null when empty. */
  shift(): T | null {
    if (this.#head === this.#items.length) return null
    const item = this.#items[this.#head]!
    this.#items[this.#head] = null
    this.#head += 1
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head >= 4096 && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }

  /** The newest item, or null when empty. */
  last(): T | null {
    return this.#head < this.#items.length ? this.#items[this.#items.length - 1]! : null
  }

  /** Removes and returns the newest item, or null when empty. */
  pop(): T | null {
    if (this.#head === this.#items.length) return null
    return this.#items.pop()!
  }

  /** Calls `visit` for every item, oldest first. */
  forEach(visit: (item: T) => void): void {
    for (let i = this.#head; i < this.#items.length; i += 1) visit(this.#items[i]!)
  }

  clear(): void {
    this.#items.length = 0
    this.#head = 0
  }
}
