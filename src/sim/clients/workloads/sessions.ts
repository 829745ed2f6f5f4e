import { ErrorCode, OpCode } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, between, oneIn } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { Workload, type WorkloadContext } from '../workload.ts'

/** Silence lasts up to this many session timeouts, so that about half of the sessions expire. */
const SILENT_TIMEOUTS = 3
const PAUSED_TIMEOUTS = 2

/** What happens to sessions: they are closed, moved to other servers, left silent, their clients stop for a while. */
export class Sessions extends Workload {
  readonly name = 'sessions'
  readonly #context: WorkloadContext

  constructor(context: WorkloadContext) {
    super(context)
    this.#context = context
  }

  act(): void {
    // Rarely, or the other workloads get nothing done.
    if (!oneIn(this.random, 6)) this.send({ type: OpCode.whoAmI })
    else {
      switch (below(this.random, 10)) {
        case 0:
          this.send({ type: OpCode.closeSession })
          return
        case 1:
        case 2:
          if (this.#context.isHurried()) this.send({ type: OpCode.whoAmI })
          else this.#beSilent()
          return
        case 3:
        case 4:
          if (this.#context.isHurried()) this.send({ type: OpCode.whoAmI })
          else
            this.#context.pause(between(this.random, 50, PAUSED_TIMEOUTS * this.client.timeoutMs))
          return
        case 5:
          this.client.flush()
          this.client.forget()
          return
        case 6:
          this.client.flush()
          this.client.leave()
          return
        default:
          this.client.flush()
          this.client.move()
      }
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    if (!this.isOk(call, answer) || call.operation.type !== OpCode.whoAmI) return
    // An address and the digest id of the auth request that came before.
    this.check(answer.count === 2, `whoAmI knows ${answer.count} ids`)
    this.check(answer.err === ErrorCode.ok, 'whoAmI fails')
  }

  #beSilent(): void {
    const { client } = this
    client.flush()
    client.isSilent = true
    const untilMs =
      client.nowMs + between(this.random, 50, SILENT_TIMEOUTS * Math.floor(client.timeoutMs))
    this.#context.timers.at(untilMs, () => client.speak())
  }
}
