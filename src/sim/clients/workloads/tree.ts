import { NO_SESSION } from '../../../base/index.ts'
import { CreateMode, ErrorCode, OpCode, type Stat } from '../../../wire/index.ts'
import { OPEN_ACL } from '../../../znodes/index.ts'
import type { Call } from '../call.ts'
import { below, between, oneIn, pick } from '../draw.ts'
import { type Answer, opcodeOf } from '../operation.ts'
import { TREE_ROOT } from '../roots.ts'
import { Workload } from '../workload.ts'

const NAMES = ['a', 'b', 'c']
const DEPTH_MAX = 3

/** A small tree that all clients build and fell at once; every Stat and every list of children must add up. */
export class Tree extends Workload {
  readonly name = 'tree'

  act(): void {
    const { random } = this
    const path = this.#path()
    const watch = oneIn(random, 4)
    switch (below(random, 10)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const type = oneIn(random, 2) ? OpCode.create : OpCode.create2
        const flags = CreateMode.persistent
        this.send({ type, path, data: null, acl: OPEN_ACL, flags, ttl: -1n })
        return
      }
      case 4:
      case 5:
        this.send({ type: OpCode.delete, path, version: oneIn(random, 3) ? 0 : -1 })
        return
      case 6:
        this.send({ type: OpCode.exists, path, watch })
        return
      case 7:
        this.send({ type: OpCode.getChildren, path, watch })
        return
      case 8:
        this.send({ type: OpCode.getAllChildrenNumber, path: TREE_ROOT })
        return
      default:
        this.send({ type: OpCode.getChildren2, path, watch })
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { noNode, nodeExists, notEmpty } = ErrorCode
    const type = opcodeOf(call.operation)
    const isCreate = type === OpCode.create || type === OpCode.create2
    const expected = isCreate ? nodeExists : type === OpCode.delete ? notEmpty : noNode
    if (!this.isOk(call, answer, noNode, expected)) return
    const { children, stat } = answer
    if (type === OpCode.create2) this.#checkNew(stat!, answer)
    if (stat !== undefined) this.#checkStat(stat)
    if (children !== undefined) {
      this.check(
        new Set(children).size === children.length,
        `two children of one name: ${children}`,
      )
    }
    if (type === OpCode.getChildren2) {
      this.check(
        stat!.numChildren === children!.length,
        `C9: numChildren ${stat!.numChildren} with ${children!.length} names`,
      )
    }
    if (type === OpCode.getAllChildrenNumber) {
      this.check(answer.count! >= 0 && answer.count! <= 39, `C9: ${answer.count} descendants`)
    }
  }

  #checkNew(stat: Stat, { zxid }: Answer): void {
    const isNew = stat.czxid === zxid && stat.mzxid === zxid && stat.pzxid === zxid
    this.check(isNew && stat.version === 0 && stat.numChildren === 0, 'C9: the Stat of a new znode')
  }

  #checkStat(stat: Stat): void {
    const { czxid, mzxid, pzxid } = stat
    this.check(mzxid >= czxid && pzxid >= czxid, 'C9: a zxid in a Stat is before czxid')
    this.check(stat.ephemeralOwner === NO_SESSION, 'C9: a persistent znode has an owner')
    // On the wire cversion is 2 × creates − children.
    this.check(stat.cversion >= stat.numChildren, 'C9: more children than changes of them')
  }

  #path(): string {
    let path = TREE_ROOT
    for (let depth = between(this.random, 1, DEPTH_MAX); depth > 0; depth -= 1) {
      path += `/${pick(this.random, NAMES)}`
    }
    return path
  }
}
