import { Fifo } from '../base/index.ts'

type Task = (finish: () => void) => void

/** Runs tasks one at a time in the order they came. A task calls `finish` exactly once. */
export class SerialQueue {
  readonly #waiting = new Fifo<Task>()
  #isBusy = false

  push(task: Task): void {
    if (this.#isBusy) this.#waiting.push(task)
    else this.#run(task)
  }

  #run(task: Task): void {
    this.#isBusy = true
    task(() => {
      this.#isBusy = false
      const next = this.#waiting.shift()
      if (next !== null) this.#run(next)
    })
  }
}
