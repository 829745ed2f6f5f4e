import type { SessionId } from '../../../base/index.ts'
import { type ByteString, CreateMode, ErrorCode, OpCode } from '../../../wire/index.ts'
import { OPEN_ACL, parentPath } from '../../../znodes/index.ts'
import type { Call } from '../call.ts'
import { below, between, pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { BOX_ROOT, createOp } from '../roots.ts'
import { Workload } from '../workload.ts'

const TTL_MS_MAX = 20_000

/** Containers and TTL nodes: the server may take them, but never one with a child. */
export class Boxes extends Workload {
  readonly name = 'boxes'
  #containers: string[] = []
  /** Containers whose child is there for certain. */
  readonly #filled = new Set<string>()
  /** Containers of whose child this session has a delete on its way, for all that is known. */
  readonly #undecided = new Set<string>()
  #made = 0
  #hasTtl = true

  act(): void {
    const { random } = this
    if (this.#containers.length === 0 || below(random, 4) === 0) this.#create()
    else {
      const path = pick(random, this.#containers)
      const child = `${path}/child`
      switch (below(random, 4)) {
        case 0:
          this.send(createOp(child, ''))
          return
        case 1:
          this.send({ type: OpCode.delete, path: child, version: -1 })
          return
        case 2:
          this.send({ type: OpCode.delete, path, version: -1 })
          return
        default:
          this.send({ type: OpCode.getChildren2, path, watch: false })
      }
    }
  }

  /** While the old session is not over, its deletes may still be carried out: nothing can be known of those containers. */
  override onSessionEnded(_sessionId: SessionId, isOver: boolean): void {
    this.#filled.clear()
    if (!isOver) this.#containers = this.#containers.filter((path) => !this.#undecided.has(path))
    this.#undecided.clear()
  }

  protected override onLost({ operation }: Call): void {
    if (operation.type !== OpCode.delete) return
    const container = parentPath(operation.path!)
    this.#filled.delete(container)
    this.#undecided.add(container)
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { nodeExists, noNode, notEmpty, unimplemented } = ErrorCode
    const { operation } = call
    switch (operation.type) {
      case OpCode.createTTL:
        if (answer.err === unimplemented) this.#hasTtl = false
        else this.isOk(call, answer, nodeExists)
        return
      case OpCode.createContainer:
        if (this.isOk(call, answer)) this.#containers.push(answer.path!)
        return
      case OpCode.create: {
        const container = parentPath(operation.path!)
        if (this.isOk(call, answer, noNode, nodeExists)) this.#filled.add(container)
        else if (answer.err === noNode) this.#isGone(container, answer)
        return
      }
      case OpCode.delete:
        if (!this.isOk(call, answer, noNode, notEmpty)) return
        this.check(!this.#filled.has(operation.path!), `${operation.path} was deleted with a child`)
        this.#filled.delete(parentPath(operation.path!))
        return
      case OpCode.getChildren2:
        if (this.isOk(call, answer, noNode)) {
          const isFilled = answer.children!.length > 0
          this.check(
            isFilled || !this.#filled.has(operation.path),
            `${operation.path} lost its child`,
          )
        } else if (answer.err === noNode) this.#isGone(operation.path, answer)
        return
      default:
    }
  }

  #create(): void {
    const { random } = this
    this.#made += 1
    const name = `${this.client.name}-${this.#made}`
    if (this.#hasTtl && below(random, 3) === 0) {
      this.send({
        type: OpCode.createTTL,
        path: `${BOX_ROOT}/ttl-${name}`,
        data: '' as ByteString,
        acl: OPEN_ACL,
        flags: CreateMode.persistentWithTTL,
        ttl: BigInt(between(random, 1, TTL_MS_MAX)),
      })
      return
    }
    this.send({
      type: OpCode.createContainer,
      path: `${BOX_ROOT}/${name}`,
      data: '' as ByteString,
      acl: OPEN_ACL,
      flags: CreateMode.container,
      ttl: -1n,
    })
  }

  #isGone(container: string, answer: Answer): void {
    this.check(
      !this.#filled.has(container),
      `${container} is gone at ${answer.zxid}, with its child`,
    )
    const index = this.#containers.indexOf(container)
    if (index >= 0) this.#containers.splice(index, 1)
  }
}
