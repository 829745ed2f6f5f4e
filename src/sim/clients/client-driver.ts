import type { SessionId } from '../../base/index.ts'
import type { Environment } from '../../env/index.ts'
import { ErrorCode, OpCode } from '../../wire/index.ts'
import type { Call, ReplyHandler } from './call.ts'
import { below, between, oneIn, waitMs } from './draw.ts'
import { FinalReader } from './final-reader.ts'
import type { Operation } from './operation.ts'
import { SET_UP } from './roots.ts'
import type { SharedKnowledge } from './shared-knowledge.ts'
import type { SimClient } from './sim-client.ts'
import type { Workload } from './workload.ts'

/** How busy a client is; read at each step, so it may change. */
export interface Pace {
  /** Whether more requests are wanted. */
  readonly isIssuing: boolean
  /** Mean time between two requests of one client. */
  readonly requestEveryMs: number
  /** A client has read the whole tree. */
  onFinalRead(): void
}

const NOT_READY_WAIT_MS = 50
const CATCH_UP: Operation = { type: OpCode.sync, path: '/' }

/** Lets one client live: it thinks, does the next thing of one of its workloads, and in the end reads everything. */
export class ClientDriver implements ReplyHandler {
  readonly client: SimClient
  readonly final: FinalReader
  readonly #env: Pick<Environment, 'random' | 'timers' | 'clock'>
  readonly #shared: SharedKnowledge
  readonly #pace: Pace
  #workloads: readonly Workload[] = []
  /** Running sums of the weights. */
  #sums: readonly number[] = []
  #isFinal = false
  /** A request that comes before all workloads is on its way: the one that makes the roots, or a sync. */
  #isSettingUp = false
  /** The session has seen the roots: another client may have made them, by way of another server. */
  #isCaughtUp = false

  constructor(
    client: SimClient,
    env: Pick<Environment, 'random' | 'timers' | 'clock'>,
    shared: SharedKnowledge,
    pace: Pace,
  ) {
    this.client = client
    this.final = new FinalReader(client, () => pace.onFinalRead())
    this.#env = env
    this.#shared = shared
    this.#pace = pace
  }

  /** `weights` are whole numbers, one for each workload; not all of them 0. */
  start(workloads: readonly Workload[], weights: readonly number[]): void {
    let sum = 0
    this.#workloads = workloads
    this.#sums = weights.map((weight) => {
      sum += weight
      return sum
    })
    this.client.start()
    this.#think(1)
  }

  beginFinal(): void {
    this.#isFinal = true
    if (this.client.isReady) this.final.begin()
  }

  onReady(): void {
    this.#isSettingUp = false
    for (const workload of this.#workloads) workload.onReady()
    if (this.#isFinal) this.final.begin()
  }

  onSessionEnded(sessionId: SessionId, isOver: boolean): void {
    this.#isCaughtUp = false
    for (const workload of this.#workloads) workload.onSessionEnded(sessionId, isOver)
  }

  onWatchEvent(type: number, path: string): void {
    for (const workload of this.#workloads) workload.onWatchEvent(type, path)
  }

  onReply(call: Call): void {
    this.#isSettingUp = false
    if (call.operation.type === OpCode.sync) {
      this.#isCaughtUp = call.answer?.err === ErrorCode.ok
      return
    }
    const first = call.answer?.ops?.[0]
    if (first === undefined) return
    if (first.err === ErrorCode.ok && first.type !== OpCode.error) this.#shared.isSetUp = true
    if (first.err === ErrorCode.nodeExists) this.#shared.isSetUp = true
  }

  #think(requests: number): void {
    const { clock, random, timers } = this.#env
    const meanMs = requests === 0 ? NOT_READY_WAIT_MS : requests * this.#pace.requestEveryMs
    timers.at(clock.monotonicMs() + waitMs(random, meanMs), this.#act)
  }

  readonly #act = (): void => {
    if (!this.#pace.isIssuing || this.client.isStopped) return
    const { counters } = this.client
    const before = counters.invoked
    if (this.client.isReady) {
      if (this.#isCaughtUp) this.#actOnce()
      else if (!this.#isSettingUp) {
        this.#isSettingUp = true
        this.client.request(this.#shared.isSetUp ? CATCH_UP : SET_UP, this)
      }
      this.client.flush()
    }
    this.#think(counters.invoked - before)
  }

  #actOnce(): void {
    const { random } = this.#env
    const times = oneIn(random, 16) ? between(random, 5, 40) : between(random, 1, 3)
    for (let i = 0; i < times && this.#pace.isIssuing && this.client.isReady; i += 1) {
      const sum = this.#sums[this.#sums.length - 1]!
      const drawn = below(random, sum)
      let index = 0
      while (this.#sums[index]! <= drawn) index += 1
      this.#workloads[index]!.act()
    }
  }
}
