import type { SessionId } from '../../base/index.ts'
import type { Network, Random, Timers } from '../../env/index.ts'
import { ErrorCode, errorCodeName, opCodeName } from '../../wire/index.ts'
import type { Call, ReplyHandler } from './call.ts'
import { type Answer, type Operation, opcodeOf } from './operation.ts'
import type { ServerTarget } from './server-list.ts'
import type { SharedKnowledge } from './shared-knowledge.ts'
import type { SimClient } from './sim-client.ts'

/** What a workload of one client works with. */
export interface WorkloadContext {
  readonly client: SimClient
  readonly timers: Timers
  readonly network: Network
  readonly servers: readonly ServerTarget[]
  /** Stops the client's machine for a while, as by SIGSTOP. */
  pause(ms: number): void
  /** Replies are waited for, so clients neither stop nor fall silent. */
  isHurried(): boolean
  /** The workload's own, so that what others draw does not shift it. */
  readonly random: Random
  /** What all clients of the run know together. */
  readonly shared: SharedKnowledge
  /** A promise was broken; `rule` says which and how. */
  fail(rule: string): void
}

/** Errors that any request may get: disk full, a session that ends, a server that sheds load. */
const ALWAYS_EXPECTED: ReadonlySet<number> = new Set([
  ErrorCode.systemError,
  ErrorCode.sessionExpired,
  ErrorCode.sessionMoved,
  ErrorCode.throttledOp,
])

/** One kind of use that a client makes of the service, and what it can check on its own. */
export abstract class Workload implements ReplyHandler {
  protected readonly client: SimClient
  protected readonly random: Random
  protected readonly shared: SharedKnowledge
  readonly #fail: (rule: string) => void
  abstract readonly name: string

  constructor(context: WorkloadContext) {
    this.client = context.client
    this.random = context.random
    this.shared = context.shared
    this.#fail = context.fail
  }

  /** Does the next thing, usually one request. The client is ready. */
  abstract act(): void

  /** The reply to one of its requests. */
  protected abstract onAnswer(call: Call, answer: Answer): void

  /** One of its requests has no reply. */
  protected onLost(_call: Call): void {}

  /** The client has a connection again, maybe with another session. */
  onReady(): void {}

  /** What follows belongs to another session. `isOver`: a server has said so, else the client has only forgotten it. */
  onSessionEnded(_sessionId: SessionId, _isOver: boolean): void {}

  onWatchEvent(_type: number, _path: string): void {}

  onReply(call: Call): void {
    if (call.answer === null) this.onLost(call)
    else this.onAnswer(call, call.answer)
  }

  /** False, and nothing is sent, while the client is not ready. */
  protected send(operation: Operation, tag: number = 0, detail: unknown = null): boolean {
    if (!this.client.isReady) return false
    this.client.request(operation, this, tag, detail)
    return true
  }

  protected fail(rule: string): void {
    this.#fail(`${this.name}: ${rule}`)
  }

  protected check(holds: boolean, rule: string): void {
    if (!holds) this.fail(rule)
  }

  /** Whether the operation was carried out; an error that is not one of `expected` is a violation. */
  protected isOk(call: Call, answer: Answer, ...expected: readonly number[]): boolean {
    const { err } = answer
    if (err === ErrorCode.ok) return true
    if (!expected.includes(err) && !ALWAYS_EXPECTED.has(err)) {
      this.fail(`${opCodeName(opcodeOf(call.operation))} was answered ${errorCodeName(err)}`)
    }
    return false
  }
}
