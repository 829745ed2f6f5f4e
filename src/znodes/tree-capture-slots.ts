/** Numbers from 0 for the znodes of a tree, dense: what is given back is taken again first. */
export class Slots {
  readonly #free: number[] = []
  #end = 0

  /** All slots in use are below. */
  get end(): number {
    return this.#end
  }

  take(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    this.#end += 1
    return this.#end - 1
  }

  giveBack(slot: number): void {
    this.#free.push(slot)
  }
}
