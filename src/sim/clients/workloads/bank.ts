import {
  type ByteString,
  ErrorCode,
  OpCode,
  type OpResult,
  type ReadOp,
  type WriteOp,
} from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, between, oneIn } from '../draw.ts'
import type { Answer, Operation } from '../operation.ts'
import { ACCOUNT_PATHS, ACCOUNT_START, createOp } from '../roots.ts'
import { Workload } from '../workload.ts'

const READ_ALL: Operation = {
  type: OpCode.multiRead,
  ops: ACCOUNT_PATHS.map((path): ReadOp => ({ type: OpCode.getData, path })),
}
const TOTAL = ACCOUNT_PATHS.length * ACCOUNT_START
const TRANSFER = 1
const DOOMED = 2

/** Accounts between which a multi moves money: every multiRead finds the same sum (D5). Some multis have to fail. */
export class Bank extends Workload {
  readonly name = 'bank'

  act(): void {
    this.send(READ_ALL)
  }

  protected onAnswer(call: Call, answer: Answer): void {
    if (!this.isOk(call, answer)) return
    if (call.operation.type === OpCode.multiRead) this.#onRead(answer)
    else if (call.operation.type === OpCode.multi) {
      this.#onResults(call, call.operation.ops, answer.ops!, answer)
    }
  }

  #onRead(answer: Answer): void {
    const reads = answer.reads!
    const values: number[] = []
    const versions: number[] = []
    for (const [i, read] of reads.entries()) {
      const path = ACCOUNT_PATHS[i]!
      if (read.type !== OpCode.getData) {
        this.fail(`${path} cannot be read`)
        return
      }
      const contradiction = this.shared.contradicts(path, read.stat, read.data)
      if (contradiction !== null) this.fail(contradiction)
      values.push(Number(read.data))
      versions.push(read.stat.version)
    }
    const sum = values.reduce((total, value) => total + value, 0)
    this.check(sum === TOTAL, `D5: the accounts hold ${values}, ${sum} and not ${TOTAL}`)
    if (!oneIn(this.random, 3)) this.#transfer(values, versions)
  }

  #transfer(values: readonly number[], versions: readonly number[]): void {
    const { random } = this
    const from = below(random, values.length)
    const to = (from + between(random, 1, values.length - 1)) % values.length
    const amount = between(random, 1, 20)
    const change = (index: number, by: number): WriteOp => ({
      type: OpCode.setData,
      path: ACCOUNT_PATHS[index]!,
      data: String(values[index]! + by) as ByteString,
      version: versions[index]!,
    })
    const ops = [change(from, -amount), change(to, amount)]
    const isDoomed = oneIn(random, 4)
    if (isDoomed) {
      const bad: WriteOp = oneIn(random, 2)
        ? createOp(ACCOUNT_PATHS[0]!, '')
        : { type: OpCode.check, path: ACCOUNT_PATHS[0]!, version: 0x7000_0000 }
      ops.splice(below(random, 3), 0, bad)
    }
    this.send({ type: OpCode.multi, ops }, isDoomed ? DOOMED : TRANSFER)
  }

  #onResults(
    call: Call,
    ops: readonly WriteOp[],
    results: readonly OpResult[],
    answer: Answer,
  ): void {
    this.check(results.length === ops.length, `D5: ${results.length} results of ${ops.length}`)
    if (results.some(({ type }) => type === OpCode.error)) {
      this.#checkFailed(results)
      return
    }
    this.check(call.tag === TRANSFER, 'D5: a multi with an impossible operation was carried out')
    for (const [i, { stat }] of results.entries()) {
      const op = ops[i]!
      if (op.type !== OpCode.setData || stat === null) continue
      this.check(stat.mzxid === answer.zxid, `D5: ${op.path} was not set at the zxid of its multi`)
      const contradiction = this.shared.contradicts(op.path!, stat, op.data)
      if (contradiction !== null) this.fail(contradiction)
    }
  }

  /** Nothing before the first real error counts, everything after it is rolled back. */
  #checkFailed(results: readonly OpResult[]): void {
    const first = results.findIndex(({ err }) => err !== ErrorCode.ok)
    const isInOrder = results.every(
      ({ err, type }, i) =>
        type === OpCode.error && (i <= first || err === ErrorCode.runtimeInconsistency),
    )
    this.check(first >= 0 && isInOrder, `D5: errors ${results.map(({ err }) => err)} of a multi`)
  }
}
