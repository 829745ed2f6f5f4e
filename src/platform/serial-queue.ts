/** Runs tasks one at a time in the order they came. A task calls `finish` exactly once. */
export class SerialQueue {
  readonly #waiting: ((finish: () => void) => void)[] = []
  #isBusy = false

  push(task: (finish: () => void) => void): void {
    if (this.#isBusy) this.#waiting.push(task)
    else this.#run(task)
  }

  #run(task: (finish: () => void) => void): void {
    this.#isBusy = true
    task(() => {
      this.#isBusy = false
      const next = this.#waiting.shift()
      if (next !== undefined) this.#run(next)
    })
  }
}
