import type { SessionId } from '../../../base/index.ts'
import { ErrorCode, OpCode } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, oneIn, pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { createOp, GROWTH_ROOT } from '../roots.ts'
import { Workload } from '../workload.ts'

type Presence = 'gone' | 'there' | 'unknown'

/**
 * More and more znodes that this client alone touches, so it knows which are there. What a lost connection left
 * undecided stays unknown until a write tells, or a read after a sync on the new connection.
 */
export class Growth extends Workload {
  readonly name = 'growth'
  readonly #presence = new Map<string, Presence>()
  #paths: string[] = []
  /** What was sent in this session and is not known to have been done, nor never to be. */
  readonly #undecided = new Set<string>()
  #made = 0
  #hasUnknown = false

  act(): void {
    const { random } = this
    if (this.#paths.length < 3 || oneIn(random, 3)) {
      const path = `${GROWTH_ROOT}/${this.client.name}-${this.#made++}`
      this.#paths.push(path)
      this.#presence.set(path, 'gone')
      this.send(createOp(path, path))
      return
    }
    const path = pick(random, this.#paths)
    switch (below(random, 5)) {
      case 0:
        this.send(createOp(path, path))
        return
      case 1:
        this.send({ type: OpCode.delete, path, version: -1 })
        return
      case 2:
        this.send({ type: OpCode.getData, path, watch: oneIn(random, 5) })
        return
      default:
        this.send({ type: OpCode.exists, path, watch: oneIn(random, 5) })
    }
  }

  override onReady(): void {
    if (this.#hasUnknown) this.send({ type: OpCode.sync, path: GROWTH_ROOT })
  }

  /**
   * A new session may begin on a server that is behind. While the old one is not over, what it has sent may still be carried
   * out: nothing can be known of those znodes any more.
   */
  override onSessionEnded(_sessionId: SessionId, isOver: boolean): void {
    if (!isOver) {
      this.#paths = this.#paths.filter((path) => !this.#undecided.has(path))
      for (const path of this.#undecided) this.#presence.delete(path)
    }
    this.#undecided.clear()
    for (const path of this.#paths) this.#presence.set(path, 'unknown')
    this.#hasUnknown = this.#paths.length > 0
  }

  protected override onLost({ operation }: Call): void {
    if (operation.type !== OpCode.create && operation.type !== OpCode.delete) return
    this.#presence.set(operation.path!, 'unknown')
    this.#undecided.add(operation.path!)
    this.#hasUnknown = true
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation } = call
    switch (operation.type) {
      case OpCode.create:
        if (this.isOk(call, answer, ErrorCode.nodeExists))
          this.#was('gone', operation.path!, answer)
        else if (answer.err === ErrorCode.nodeExists) this.#was('there', operation.path!, answer)
        else return
        this.#know(operation.path!, 'there')
        return
      case OpCode.delete:
        if (this.isOk(call, answer, ErrorCode.noNode)) this.#was('there', operation.path!, answer)
        else if (answer.err === ErrorCode.noNode) this.#was('gone', operation.path!, answer)
        else return
        this.#know(operation.path!, 'gone')
        return
      case OpCode.getData:
      case OpCode.exists: {
        const isThere = this.isOk(call, answer, ErrorCode.noNode)
        if (!isThere && answer.err !== ErrorCode.noNode) return
        const presence = isThere ? 'there' : 'gone'
        this.#was(presence, operation.path, answer)
        if (this.client.hasSynced) this.#know(operation.path, presence)
        return
      }
      default:
    }
  }

  #know(path: string, presence: Presence): void {
    this.#undecided.delete(path)
    if (this.#presence.has(path)) this.#presence.set(path, presence)
  }

  #was(presence: Presence, path: string, answer: Answer): void {
    const known = this.#presence.get(path)
    if (known === undefined || known === presence || known === 'unknown') return
    this.fail(`C2: ${path} is ${presence} at ${answer.zxid}, and was ${known} before`)
  }
}
