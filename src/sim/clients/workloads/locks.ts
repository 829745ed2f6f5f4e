import { NO_ZXID, type SessionId, type Zxid } from '../../../base/index.ts'
import { CreateMode, ErrorCode, EventType, OpCode } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { oneIn } from '../draw.ts'
import { type Answer, pathOf } from '../operation.ts'
import { childPath, createOp, LOCK_ROOT } from '../roots.ts'
import { Workload } from '../workload.ts'

type State = 'idle' | 'asking' | 'waiting' | 'holding' | 'releasing' | 'seeking'

/**
 * The lock recipe: an ephemeral sequential znode, the lowest holds the lock, everybody else watches the one before. Two
 * clients never hold it at one zxid.
 */
export class Locks extends Workload {
  readonly name = 'locks'
  #state: State = 'idle'
  #prefix = ''
  #path = ''
  #attempts = 0
  #heldFrom: Zxid = NO_ZXID
  #heldTo: Zxid = NO_ZXID

  act(): void {
    switch (this.#state) {
      case 'idle':
        this.#attempts += 1
        this.#prefix = `${this.client.name}-${this.#attempts}-`
        this.#ask()
        return
      case 'seeking':
        this.#seek()
        return
      case 'holding':
        if (oneIn(this.random, 3)) {
          this.#state = 'releasing'
          this.send({ type: OpCode.delete, path: this.#path, version: -1 })
        } else this.#look()
        return
      case 'waiting':
        this.#look()
        return
      default:
    }
  }

  /** Whether a request without a reply was carried out is seen after a sync. */
  override onReady(): void {
    if (this.#state === 'idle') return
    this.#state = 'seeking'
    this.#seek()
  }

  override onSessionEnded(_sessionId: SessionId, _isOver: boolean): void {
    this.#noteHolding(this.#heldTo)
    this.#state = 'idle'
  }

  override onWatchEvent(type: number, path: string): void {
    if (this.#state !== 'waiting' || type !== EventType.nodeDeleted) return
    if (path.startsWith(LOCK_ROOT)) this.#look()
  }

  protected override onLost(_call: Call): void {
    if (this.#state !== 'idle') this.#state = 'seeking'
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation } = call
    const { noNode } = ErrorCode
    if (!this.isOk(call, answer, noNode)) {
      if (operation.type === OpCode.delete && answer.err === noNode) {
        this.fail(`C2: ${pathOf(operation)} is gone while its session lives`)
      }
      if (operation.type === OpCode.create) this.#state = 'idle'
      // Refused, as on a full disk: the lock is still held.
      else if (operation.type === OpCode.delete) this.#state = 'seeking'
      return
    }
    switch (operation.type) {
      case OpCode.create:
        this.#onCreated(answer)
        return
      case OpCode.delete:
        this.#noteHolding((answer.zxid - 1n) as Zxid)
        this.#state = 'idle'
        return
      case OpCode.getChildren:
        this.#onNames(answer.children!, answer.zxid)
        return
      default:
    }
  }

  #ask(): void {
    const operation = createOp(`${LOCK_ROOT}/${this.#prefix}`, '', CreateMode.ephemeralSequential)
    if (this.send(operation)) this.#state = 'asking'
  }

  #seek(): void {
    this.send({ type: OpCode.sync, path: LOCK_ROOT })
    this.#look()
  }

  #onCreated(answer: Answer): void {
    this.#path = answer.path!
    this.#state = 'waiting'
    const number = Number(this.#path.slice(-10))
    const reason = this.shared.addSequential(LOCK_ROOT, number, answer.zxid)
    if (reason !== null) this.fail(reason)
    this.#look()
  }

  #look(): void {
    this.send({ type: OpCode.getChildren, path: LOCK_ROOT, watch: false })
  }

  #onNames(names: readonly string[], zxid: Zxid): void {
    if (this.#state === 'idle' || this.#state === 'asking' || this.#state === 'releasing') return
    const sorted = names.toSorted((a, b) => Number(a.slice(-10)) - Number(b.slice(-10)))
    const place = sorted.findIndex((name) => name.startsWith(this.#prefix))
    if (place < 0) {
      if (this.#state === 'seeking') {
        this.#noteHolding(this.#heldTo)
        this.#state = 'idle'
      } else this.fail(`C2: ${this.#path} is gone at ${zxid} while its session lives`)
      return
    }
    this.#path = childPath(LOCK_ROOT, sorted[place]!)
    if (place > 0) {
      this.check(this.#heldFrom === NO_ZXID, 'the lock was lost to a lower number')
      this.#state = 'waiting'
      const before = childPath(LOCK_ROOT, sorted[place - 1]!)
      this.send({ type: OpCode.exists, path: before, watch: true })
      return
    }
    this.#state = 'holding'
    if (this.#heldFrom === NO_ZXID) this.#heldFrom = zxid
    this.#heldTo = zxid
  }

  #noteHolding(to: Zxid): void {
    if (this.#heldFrom === NO_ZXID) return
    const holding = { client: this.client.number, from: this.#heldFrom, to }
    const reason = this.shared.addHolding(holding)
    if (reason !== null) this.fail(reason)
    this.#heldFrom = NO_ZXID
    this.#heldTo = NO_ZXID
  }
}
