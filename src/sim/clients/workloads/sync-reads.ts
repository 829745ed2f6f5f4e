import { formatHex, NO_ZXID, type Zxid } from '../../../base/index.ts'
import { OpCode } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { REGISTER_PATHS } from '../roots.ts'
import { Workload } from '../workload.ts'

/** C5: a read behind a sync shows what had returned to anybody before the sync was asked for. */
export class SyncReads extends Workload {
  readonly name = 'sync-reads'
  #isSynced = false

  act(): void {
    const path = pick(this.random, REGISTER_PATHS)
    const floor = this.shared.returned.get(path) ?? NO_ZXID
    if (this.send({ type: OpCode.sync, path })) {
      this.send({ type: OpCode.getData, path, watch: false }, 0, floor)
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation } = call
    const isOk = this.isOk(call, answer)
    if (operation.type === OpCode.sync) {
      this.#isSynced = isOk
      if (isOk) this.check(answer.path === operation.path, 'sync answers with another path')
    } else if (operation.type === OpCode.getData && isOk && this.#isSynced) {
      const floor = call.detail as Zxid
      const { mzxid } = answer.stat!
      const isFresh = mzxid >= floor
      const texts = `${formatHex(mzxid)}, ${formatHex(floor)}`
      this.check(
        isFresh,
        `C5: ${operation.path} after a sync is older than what returned: ${texts}`,
      )
    }
  }
}
