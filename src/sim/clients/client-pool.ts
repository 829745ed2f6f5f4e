import { formatHex, NO_ZXID, type SessionId, type Zxid } from '../../base/index.ts'
import { type ByteString, OpCode } from '../../wire/index.ts'
import type { SimEnvironment } from '../environment.ts'
import type { HistoryEvent } from '../history.ts'
import type { SimHost } from '../host.ts'
import type { SimRandom } from '../random.ts'
import type { SimWorld } from '../world.ts'
import { ClientCounters } from './client-counters.ts'
import { ClientDriver, type Pace } from './client-driver.ts'
import type { ClientHost } from './client-options.ts'
import { checkFinalState } from './final-checks.ts'
import type { ServerTarget } from './server-list.ts'
import { SharedKnowledge } from './shared-knowledge.ts'
import { SimClient } from './sim-client.ts'
import { drawWeights, makeWorkload, WORKLOAD_NAMES, type WorkloadName } from './workloads/index.ts'

export interface ClientPoolOptions {
  /** All draws of the pool and its clients come from here. */
  readonly random: SimRandom
  /** Gets a machine for each client: `c1`, `c2` … */
  readonly world: SimWorld
  readonly servers: readonly ServerTarget[]
  readonly history: { append(event: HistoryEvent): void }
  readonly clients: number
  /** Requests of all clients together, after which none issues more. */
  readonly opsTarget: number
  /** Virtual time over which they are spread, while a server serves. */
  readonly durationMs: number
  /** Session timeouts to ask for are drawn from this range. */
  readonly timeoutMsMin: number
  readonly timeoutMsMax: number
  /** What clients do. Absent: drawn for each run, so that runs differ in kind. */
  readonly weights?: Partial<Record<WorkloadName, number>>
  /** First xid of each session; 1 unless the edge is to be crossed. */
  readonly firstXid?: number
}

/** A promise that a client found broken. */
export interface Violation {
  readonly atMs: number
  readonly client: number
  /** Begins with the promise, e.g. `registers: C3: …`. */
  readonly rule: string
}

const VIOLATIONS_MAX = 100

/**
 * The clients of a run. In order: `start`; `hurry`; `stopIssuing` (or wait for the target); wait for `isQuiet`; `beginFinal`; wait
 * for `isFinished`; `checkFinal`. What they found wrong is in `violations`, what they did in the history.
 */
export class ClientPool implements ClientHost, Pace {
  readonly violations: Violation[] = []
  readonly shared: SharedKnowledge = new SharedKnowledge()
  /** Weights of the workloads in this run. */
  readonly weights: Readonly<Record<WorkloadName, number>>
  requestEveryMs: number
  readonly #options: ClientPoolOptions
  /** By client number, from 1. */
  readonly #drivers: ClientDriver[] = []
  readonly #hosts: SimHost[] = []
  /** Of processes that were started anew. */
  readonly #formerCounters: ClientCounters = new ClientCounters()
  #connections = 0
  #isHurried = false
  #isStopped = false
  /** The newest state that a client has read at the end. */
  #finalZxid: Zxid = NO_ZXID

  constructor(options: ClientPoolOptions) {
    this.#options = options
    const { clients, durationMs, opsTarget, random, weights, world } = options
    this.weights = drawWeights(random, weights)
    this.requestEveryMs = (durationMs * clients) / opsTarget
    for (let number = 1; number <= clients; number += 1) {
      this.#hosts.push(world.addHost({ name: `c${number}`, address: `10.1.0.${number}` }))
    }
  }

  get clients(): readonly SimClient[] {
    return this.#drivers.map(({ client }) => client)
  }

  /** Requests handed to connections so far. */
  get invoked(): number {
    let sum = this.#formerCounters.invoked
    for (const { client } of this.#drivers) sum += client.counters.invoked
    return sum
  }

  get isIssuing(): boolean {
    return !this.#isStopped && this.invoked < this.#options.opsTarget
  }

  get nowMs(): number {
    return this.#options.world.nowMs
  }

  /** Nothing more is issued, and each request was answered or lost its connection. */
  get isQuiet(): boolean {
    return !this.isIssuing && this.#drivers.every(({ client }) => client.outstanding === 0)
  }

  get isFinished(): boolean {
    return this.#haveAllRead() && this.#drivers.every(({ final }) => final.zxid === this.#finalZxid)
  }

  #haveAllRead(): boolean {
    const isLaunched = this.#drivers.length === this.#hosts.length
    return isLaunched && this.#drivers.every(({ final }) => final.isDone)
  }

  /** The first requests follow within the think time. */
  start(): void {
    for (const [i, host] of this.#hosts.entries()) {
      host.start((env) => this.#launch(i + 1, env))
    }
  }

  /** What is left of the target is asked for within about `ms`: requests that faults have prevented. */
  hurry(ms: number): void {
    this.#isHurried = true
    this.#wake()
    const left = Math.max(1, this.#options.opsTarget - this.invoked)
    this.requestEveryMs = Math.min(this.requestEveryMs, (ms * this.#hosts.length) / left)
  }

  /** Clients keep their sessions and ask for nothing more; silent and paused ones go on living. */
  stopIssuing(): void {
    this.#isStopped = true
    this.#wake()
  }

  /** Every client reads the whole tree after a sync. */
  beginFinal(): void {
    this.stopIssuing()
    for (const driver of this.#drivers) driver.beginFinal()
  }

  /** What clients have read can be compared when all of it is of one time: who has read something older reads again. */
  onFinalRead(): void {
    if (!this.#haveAllRead()) return
    for (const { final } of this.#drivers) {
      if (final.zxid > this.#finalZxid) this.#finalZxid = final.zxid
    }
    for (const { final } of this.#drivers) if (final.zxid < this.#finalZxid) final.repeat()
  }

  /** Compares what the clients read at the end with each other and with what they were told before. */
  checkFinal(): void {
    checkFinalState(
      this.#drivers.map(({ final }) => final.znodes),
      this.shared,
      (rule) => this.violations.push({ atMs: this.nowMs, client: 0, rule }),
    )
  }

  /** All client processes end without a word. */
  stop(): void {
    this.#isStopped = true
    for (const { client } of this.#drivers) client.stop()
    for (const host of this.#hosts) host.crash()
  }

  /** The sums over all clients. */
  counters(): ClientCounters {
    const sum = new ClientCounters()
    sum.add(this.#formerCounters)
    for (const { client } of this.#drivers) sum.add(client.counters)
    return sum
  }

  /* ---------------------------------------------------------------- what clients tell */

  append(event: HistoryEvent): void {
    this.#options.history.append(event)
  }

  nextConnection(): number {
    this.#connections += 1
    return this.#connections
  }

  onSessionMade(client: number, sessionId: SessionId): void {
    const { sessionIds } = this.shared
    if (sessionIds.has(sessionId)) {
      this.onViolation(client, `E8: session ${formatHex(sessionId)} was granted twice`)
    }
    sessionIds.add(sessionId)
  }

  onReady(client: number): void {
    this.#driverOf(client).onReady()
  }

  onSessionEnded(client: number, sessionId: SessionId, isOver: boolean): void {
    this.#driverOf(client).onSessionEnded(sessionId, isOver)
  }

  onWatchEvent(client: number, type: number, path: string): void {
    this.#driverOf(client).onWatchEvent(type, path)
  }

  onViolation(client: number, rule: string): void {
    if (this.violations.length === VIOLATIONS_MAX) return
    this.violations.push({ atMs: this.nowMs, client, rule })
  }

  #driverOf(client: number): ClientDriver {
    return this.#drivers[client - 1]!
  }

  #launch(number: number, env: SimEnvironment): void {
    const { servers } = this.#options
    const client = this.#makeClient(number, env)
    const driver = new ClientDriver(client, env, this.shared, this)
    const former = this.#drivers[number - 1]
    if (former !== undefined) {
      former.client.stop()
      this.#formerCounters.add(former.client.counters)
    }
    this.#drivers[number - 1] = driver
    const workloads = WORKLOAD_NAMES.map((name) =>
      makeWorkload(name, {
        client,
        servers,
        shared: this.shared,
        timers: env.timers,
        network: env.network,
        random: this.#options.random.fork(),
        isHurried: () => this.#isHurried,
        pause: (ms: number) => this.#pause(this.#hosts[number - 1]!, ms),
        fail: (rule: string) => this.onViolation(number, rule),
      }),
    )
    const weights = WORKLOAD_NAMES.map((name) => this.weights[name])
    driver.start(workloads, weights)
  }

  #makeClient(number: number, env: SimEnvironment): SimClient {
    const { firstXid, random, servers, timeoutMsMax, timeoutMsMin } = this.#options
    const { incarnation } = this.#hosts[number - 1]!
    const credentials = `client${number}:secret` as ByteString
    return new SimClient(
      env,
      {
        number,
        name: incarnation === 1 ? `${number}` : `${number}r${incarnation}`,
        servers,
        timeoutMs: random.between(timeoutMsMin, timeoutMsMax),
        backoffMsMax: 1000,
        firstXid: firstXid ?? 1,
        usesOldSetWatches: random.oneIn(2),
        auths: [{ type: OpCode.auth, scheme: 'digest', auth: credentials }],
      },
      this,
    )
  }

  #wake(): void {
    for (const host of this.#hosts) host.resume()
    for (const { client } of this.#drivers) client.speak()
  }

  #pause(host: SimHost, ms: number): void {
    host.pause()
    const { events } = this.#options.world
    events.schedule(events.nowMs + ms, () => host.resume())
  }
}
