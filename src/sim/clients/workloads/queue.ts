import { CreateMode, ErrorCode, OpCode } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, oneIn } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { createOp, QUEUE_ROOT } from '../roots.ts'
import { Workload } from '../workload.ts'

/** A queue of sequential znodes: numbers only grow (C10), nobody takes what another has taken (C1). */
export class Queue extends Workload {
  readonly name = 'queue'

  act(): void {
    if (oneIn(this.random, 2)) {
      const prefix = `${QUEUE_ROOT}/${this.client.number}-`
      this.send(createOp(prefix, '', CreateMode.persistentSequential))
    } else {
      const type = oneIn(this.random, 2) ? OpCode.getChildren : OpCode.getChildren2
      this.send({ type, path: QUEUE_ROOT, watch: oneIn(this.random, 6) })
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation } = call
    if (!this.isOk(call, answer, ErrorCode.noNode)) return
    const { shared } = this
    switch (operation.type) {
      case OpCode.create: {
        const path = answer.path!
        const reason = shared.addSequential(QUEUE_ROOT, Number(path.slice(-10)), answer.zxid)
        if (reason !== null) this.fail(reason)
        shared.queued.add(path)
        return
      }
      case OpCode.delete: {
        const path = operation.path!
        const taker = shared.taken.get(path)
        this.check(taker === undefined, `C1: ${path} was taken by client ${taker} already`)
        shared.taken.set(path, this.client.number)
        return
      }
      default:
        this.#take(answer.children!)
    }
  }

  protected override onLost({ operation }: Call): void {
    if (operation.type === OpCode.delete) this.shared.maybeTaken.add(operation.path!)
  }

  /** One of the first two, so that takers meet. */
  #take(names: readonly string[]): void {
    if (names.length === 0) return
    const first = names.toSorted((a, b) => number(a) - number(b)).slice(0, 2)
    const name = first[below(this.random, first.length)]!
    this.send({ type: OpCode.delete, path: `${QUEUE_ROOT}/${name}`, version: -1 })
  }
}

function number(name: string): number {
  return Number(name.slice(-10))
}
