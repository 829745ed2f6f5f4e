import type { SessionId } from '../../../base/index.ts'
import { type ByteString, ErrorCode, OpCode } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { COUNTER_PATHS } from '../roots.ts'
import { Workload } from '../workload.ts'

const INCREMENT = 1

/**
 * Counters that grow by one: read, then set if the version is still the one read. The value is the number of increments
 * ever made, so a lost or doubled one shows at once (C7, C8).
 */
export class Counters extends Workload {
  readonly name = 'counters'
  readonly #seen = new Map<string, number>()

  act(): void {
    this.send({ type: OpCode.getData, path: pick(this.random, COUNTER_PATHS), watch: false })
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation } = call
    if (operation.type === OpCode.getData) this.#onRead(call, operation.path, answer)
    else if (operation.type === OpCode.setData && this.isOk(call, answer, ErrorCode.badVersion)) {
      this.shared.counter(operation.path!).ok += 1
    }
  }

  protected override onLost(call: Call): void {
    const { operation } = call
    if (operation.type === OpCode.setData) this.shared.counter(operation.path!).lost += 1
  }

  override onSessionEnded(_sessionId: SessionId, _isOver: boolean): void {
    this.#seen.clear()
  }

  #onRead(call: Call, path: string, answer: Answer): void {
    if (!this.isOk(call, answer)) return
    const { version } = answer.stat!
    const value = Number(answer.data)
    const tally = this.shared.counter(path)
    this.check(value === version, `C8: ${path} is ${value} at version ${version}`)
    this.check(value <= tally.tried, `C8: ${path} is ${value} after ${tally.tried} increments`)
    this.check(value >= (this.#seen.get(path) ?? 0), `C3: ${path} went back to ${value}`)
    this.#seen.set(path, value)
    const data = String(value + 1) as ByteString
    if (this.send({ type: OpCode.setData, path, data, version }, INCREMENT)) tally.tried += 1
  }
}
