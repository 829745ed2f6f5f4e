import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateFlag,
  createBody,
  Op,
  type Reply,
  readBody,
  WireClient,
} from '../../../../bench/client/index.ts'
import type { Dice } from './campaign.ts'
import {
  applyStep,
  isRightReply,
  readSubtree,
  type Step,
  StepMaker,
  SubtreeState,
} from './subtree.ts'

const EPHEMERAL = 'session'

export interface WriterOptions {
  /** Now and then it ends its session, and its load with it; true unless given. */
  readonly isClosing?: boolean
}

/**
 * The only writer of a subtree. It keeps many requests under way and knows which were acknowledged. One connection's
 * requests are executed in order, so after a crash the subtree must be as after the last acknowledged request, or
 * after one of the requests behind it: never in between, never with a hole.
 */
export class Writer {
  acknowledged = 0
  /** Highest zxid of an acknowledged request. */
  lastZxid = 0n
  /** A reply that no correct server gives. */
  fault: Error | null = null

  readonly path: string
  readonly #port: number
  readonly #dice: Dice
  readonly #steps: StepMaker
  readonly #mayClose: boolean
  #client: WireClient | null = null
  #session: { id: bigint; password: Buffer } | null = null
  #confirmed = new SubtreeState()
  /** After everything that was sent. */
  #predicted = new SubtreeState()
  /** Sent and not acknowledged, oldest first. */
  #pending: Step[] = []
  #hasRoot = false
  #isClosing = false

  constructor(path: string, port: number, dice: Dice, options: WriterOptions = {}) {
    this.path = path
    this.#mayClose = options.isClosing ?? true
    this.#port = port
    this.#dice = dice
    this.#steps = new StepMaker(path, dice)
  }

  /** Requests sent and not acknowledged when the connection ended. */
  get unknown(): number {
    return this.#pending.length
  }

  /** Takes the session up again (or opens one) and checks everything that the server holds of the subtree. */
  async recover(): Promise<void> {
    this.drop()
    const resumed = this.#session !== null && (await this.#resume())
    const client = this.#client ?? (await this.#open())
    const { zxid } = await client.request(Op.exists, readBody('/', false))
    if (zxid < this.lastZxid) {
      throw new Error(`${this.path}: zxid went back from ${this.lastZxid} to ${zxid}`)
    }
    if (!this.#hasRoot) {
      const reply = await client.request(
        Op.create,
        createBody(this.path, null, CreateFlag.persistent),
      )
      if (reply.err !== 0) throw new Error(`${this.path} cannot be created: ${reply.err}`)
      this.#hasRoot = true
    } else await this.#verify(client)
    const isThere = this.#confirmed.children.has(EPHEMERAL)
    if (isThere !== resumed) {
      throw new Error(
        resumed
          ? `${this.path}: the session lives and its ephemeral is gone`
          : `${this.path}: the session is gone and its ephemeral is there`,
      )
    }
    if (!isThere) await this.#ask(client, this.#steps.ephemeral(EPHEMERAL))
    this.#isClosing = false
  }

  /** Keeps `depth` requests under way until the connection ends: its own closing of the session is an end, too. */
  async load(depth: number): Promise<void> {
    const client = this.#client
    if (client === null) throw new Error('not connected')
    const lane = async (): Promise<void> => {
      while (client.open && this.fault === null && !this.#isClosing) {
        const step = this.#nextStep()
        await this.#ask(client, step).catch(() => null)
      }
    }
    await Promise.all(Array.from({ length: depth }, lane))
    await client.closed
  }

  /** Steady work at about one request per `everyMs`, until `until` settles; any refusal of a request is counted. */
  async loadUntil(until: Promise<unknown>, everyMs: number): Promise<void> {
    let isOver = false
    void until.finally(() => {
      isOver = true
    })
    const client = this.#client
    if (client === null) throw new Error('not connected')
    while (!isOver && client.open) {
      await this.#ask(client, this.#nextStep()).catch(() => null)
      await sleep(everyMs)
    }
  }

  drop(): void {
    this.#client?.destroy()
    this.#client = null
  }

  #nextStep(): Step {
    if (this.#mayClose && this.#dice.below(4000) === 0) {
      this.#isClosing = true
      return this.#steps.closing(EPHEMERAL)
    }
    return this.#steps.next(this.#predicted)
  }

  async #ask(client: WireClient, step: Step): Promise<void> {
    this.#pending.push(step)
    applyStep(this.#predicted, step, null)
    this.#onReply(step, await client.request(step.op, step.body))
  }

  #onReply(step: Step, reply: Reply): void {
    if (this.#pending.shift() !== step) throw new Error('replies are out of order')
    this.acknowledged++
    if (!isRightReply(step, reply.err, reply.body)) {
      const multi = reply.body.toString('hex')
      this.fault ??= new Error(`${this.path}: op ${step.op} got err ${reply.err} ${multi}`)
    }
    applyStep(this.#confirmed, step, reply.zxid)
    if (reply.zxid > this.lastZxid) this.lastZxid = reply.zxid
  }

  async #resume(): Promise<boolean> {
    const session = this.#session
    if (session === null) return false
    this.#session = null
    try {
      this.#client = await WireClient.open({ port: this.#port, session })
    } catch (error) {
      if (String(error).includes('the session has expired')) return false
      throw error
    }
    this.#session = session
    return true
  }

  async #open(): Promise<WireClient> {
    const client = await WireClient.open({ port: this.#port })
    this.#client = client
    this.#session = { id: client.sessionId, password: client.password }
    return client
  }

  async #verify(client: WireClient): Promise<void> {
    const held = await readSubtree(client, this.path)
    const state = this.#confirmed
    const first = state.difference(held)
    let difference = first
    let extra = 0
    // As if more and more of the requests without a reply had been executed.
    while (difference !== null) {
      const step = this.#pending[extra]
      if (step === undefined) {
        throw new Error(
          `${this.path}: not the state after ${this.acknowledged} acknowledged requests (${first}), ` +
            `nor with any of the ${extra} behind them (${difference})`,
        )
      }
      applyStep(state, step, null)
      extra++
      difference = state.difference(held)
    }
    this.#confirmed = held
    this.#predicted = held.copy()
    this.#pending = []
  }
}
