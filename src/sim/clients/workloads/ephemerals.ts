import type { SessionId } from '../../../base/index.ts'
import { CreateMode, ErrorCode, OpCode } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, oneIn, pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { createOp, EPHEMERAL_ROOT } from '../roots.ts'
import { Workload } from '../workload.ts'

const CHILD = 1
const OF_ENDED_SESSION = 2
const OWN_MAX = 6

/** Ephemerals belong to this session while it lives (C2), and go with it (E4). */
export class Ephemerals extends Workload {
  readonly name = 'ephemerals'
  /** Those that are there for certain. */
  readonly #own = new Set<string>()
  /** Those that a lost connection left undecided. */
  readonly #undecided = new Set<string>()
  /** What an ended session left, to be looked for on the next connection. */
  readonly #left = new Map<string, SessionId>()
  #made = 0

  act(): void {
    const { random } = this
    if (this.#own.size === 0 || (this.#own.size < OWN_MAX && oneIn(random, 3))) {
      this.#made += 1
      const path = `${EPHEMERAL_ROOT}/${this.client.name}-${this.#made}`
      const isSequential = oneIn(random, 3)
      const flags = isSequential ? CreateMode.ephemeralSequential : CreateMode.ephemeral
      this.send(createOp(path, '', flags))
      return
    }
    const path = pick(random, [...this.#own])
    switch (below(random, 6)) {
      case 0:
        this.send({ type: OpCode.delete, path, version: -1 })
        return
      case 1:
        this.send(createOp(`${path}/child`, ''), CHILD)
        return
      case 2:
      case 3:
        this.send({ type: OpCode.getEphemerals, path: EPHEMERAL_ROOT })
        return
      default:
        this.send({ type: OpCode.exists, path, watch: oneIn(random, 5) })
    }
  }

  override onSessionEnded(sessionId: SessionId, isOver: boolean): void {
    if (isOver) {
      for (const path of this.#own) this.#left.set(path, sessionId)
      for (const path of this.#undecided) this.#left.set(path, sessionId)
    }
    this.#own.clear()
    this.#undecided.clear()
  }

  /** The end of the session is committed, so after a sync nothing of it is left. */
  override onReady(): void {
    if (this.#left.size === 0 || !this.client.isReady) return
    this.send({ type: OpCode.sync, path: EPHEMERAL_ROOT })
    for (const [path, owner] of this.#left) {
      if (owner !== this.client.sessionId) {
        this.send({ type: OpCode.exists, path, watch: false }, OF_ENDED_SESSION, owner)
      }
    }
  }

  protected override onLost({ operation, tag }: Call): void {
    if (tag === CHILD) return
    if (operation.type === OpCode.create) this.#undecided.add(operation.path!)
    else if (operation.type === OpCode.delete) {
      this.#own.delete(operation.path!)
      this.#undecided.add(operation.path!)
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation, tag } = call
    const { noChildrenForEphemerals, noNode } = ErrorCode
    if (tag === CHILD) {
      this.check(
        !this.isOk(call, answer, noChildrenForEphemerals, noNode),
        'an ephemeral has a child',
      )
    } else if (operation.type === OpCode.create) {
      if (this.isOk(call, answer)) this.#own.add(answer.path!)
    } else if (operation.type === OpCode.delete) {
      if (!this.isOk(call, answer, noNode)) this.#lacks(operation.path!, answer)
      else this.#own.delete(operation.path!)
    } else if (operation.type === OpCode.exists) this.#onExists(call, operation.path, answer)
    else if (operation.type === OpCode.getEphemerals) {
      const paths = new Set(answer.children)
      for (const path of this.#own) {
        this.check(paths.has(path), `C2: ${path} is not among the ephemerals of its session`)
      }
    }
  }

  #onExists(call: Call, path: string, answer: Answer): void {
    const isThere = this.isOk(call, answer, ErrorCode.noNode)
    if (call.tag === OF_ENDED_SESSION) {
      if (isThere) {
        this.check(answer.stat!.ephemeralOwner !== call.detail, `E4: ${path} outlives its session`)
      }
      if (this.client.hasSynced) this.#left.delete(path)
    } else if (!isThere) this.#lacks(path, answer)
    else {
      const { ephemeralOwner } = answer.stat!
      this.check(ephemeralOwner === this.client.sessionId, `E5: ${path} belongs to somebody else`)
    }
  }

  #lacks(path: string, answer: Answer): void {
    if (answer.err !== ErrorCode.noNode) return
    this.check(
      !this.#own.has(path),
      `C2: ${path} is gone at ${answer.zxid} while its session lives`,
    )
  }
}
