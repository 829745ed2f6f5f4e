import type { SessionId } from '../../../base/index.ts'
import { type ByteString, ErrorCode, OpCode, type Stat } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, between, oneIn, pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { REGISTER_PATHS } from '../roots.ts'
import { Workload } from '../workload.ts'

const BIG_VALUE_BYTES_MAX = 100 * 1024

/**
 * Registers that all clients share: read, set, set if the version is still the one read. Each write has a value of its own.
 * A session sees its own writes and never older data than before; one version is one write.
 */
export class Registers extends Workload {
  readonly name = 'registers'
  /** The newest Stat this session has seen of each register. */
  readonly #seen = new Map<string, Stat>()
  #values = 0

  act(): void {
    const { random } = this
    const path = pick(random, REGISTER_PATHS)
    const kind = below(random, 10)
    if (kind < 4) this.send({ type: OpCode.getData, path, watch: oneIn(random, 4) })
    else if (kind === 4) this.send({ type: OpCode.exists, path, watch: oneIn(random, 4) })
    else {
      const version = kind < 7 ? (this.#seen.get(path)?.version ?? 0) : -1
      this.send({ type: OpCode.setData, path, data: this.#value(), version })
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation } = call
    if (!this.isOk(call, answer, ErrorCode.badVersion)) return
    const stat = answer.stat!
    if (operation.type === OpCode.getData) {
      this.#see(operation.path, stat, this.shared.contradicts(operation.path, stat, answer.data!))
    } else if (operation.type === OpCode.exists) {
      this.#see(operation.path, stat, this.shared.contradictsStat(operation.path, stat))
    } else if (operation.type === OpCode.setData) {
      const path = operation.path!
      this.check(stat.mzxid === answer.zxid, `C9: setData of ${path} has another mzxid`)
      const isNext = operation.version === -1 || stat.version === operation.version + 1
      this.check(isNext, `C9: version ${operation.version} became ${stat.version}`)
      this.#see(path, stat, this.shared.contradicts(path, stat, operation.data))
      this.shared.noteReturned(path, answer.zxid)
    }
  }

  override onSessionEnded(_sessionId: SessionId, _isOver: boolean): void {
    this.#seen.clear()
  }

  #see(path: string, stat: Stat, contradiction: string | null): void {
    if (contradiction !== null) this.fail(contradiction)
    const before = this.#seen.get(path)
    if (before !== undefined && stat.mzxid < before.mzxid) {
      this.fail(`C3: ${path} went back from version ${before.version} to ${stat.version}`)
    }
    this.#seen.set(path, stat)
  }

  #value(): ByteString {
    const { random } = this
    this.#values += 1
    const name = `${this.client.name}.${this.client.sessionId}.${this.#values} `
    const padding = oneIn(random, 100)
      ? between(random, 1000, BIG_VALUE_BYTES_MAX)
      : below(random, 60)
    return (name + '.'.repeat(padding)) as ByteString
  }
}
