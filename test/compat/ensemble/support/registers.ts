import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  buffer,
  CreateFlag,
  createBody,
  Op,
  readBody,
  readData,
  setBody,
  type WireClient,
} from '../../../../bench/client/index.ts'
import type { Endpoint } from '../../../../bench/servers/index.ts'
import type { Dice } from '../../torture/support/index.ts'
import { RoamingClient } from './roaming-client.ts'

/**
 * A znode with one writer, whose n-th change writes n: so data and version are the same number, and a lost, repeated
 * or reordered write shows at the next look. Reads behind a sync are linearizable if each is at least everything that
 * was acknowledged or read before it began, and at most what was asked for when it ended.
 */
export class Register {
  readonly path: string
  /** Highest write asked for. */
  sent = 0
  /** Highest write acknowledged. */
  acknowledged = 0
  /** Highest value that somebody is known to have seen. */
  seen = 0
  reads = 0
  /** What no correct ensemble does; the first of it. */
  fault: string | null = null

  constructor(path: string) {
    this.path = path
  }

  /** Judges a read that began when {@link seen} was `floor`. */
  judge(value: number, version: number, floor: number, port: number): void {
    this.reads++
    if (value !== version) this.#fail(`data of write ${value} in version ${version}`)
    if (value < floor)
      this.#fail(`write ${value} was read on port ${port} after ${floor} had been seen`)
    if (value > this.sent) this.#fail(`write ${value} was read, and only ${this.sent} were made`)
    if (value > this.seen) this.seen = value
  }

  onAcknowledged(index: number): void {
    this.acknowledged = index
    if (index > this.seen) this.seen = index
  }

  onRefused(index: number, err: number): void {
    this.#fail(`write ${index} was answered with ${err}`)
  }

  #fail(text: string): void {
    this.fault ??= `${this.path}: ${text}`
  }
}

/** Writes to its register without end, on whichever server takes its session. */
export class RegisterWriter {
  readonly register: Register
  readonly client: RoamingClient
  readonly #depth: number
  /** Longest time between two acknowledgements since the last {@link takeGap}. */
  #gapMs = 0
  #lastMs = 0
  #isStopping = false
  #running: Promise<void> = Promise.resolve()

  constructor(path: string, servers: readonly Endpoint[], dice: Dice, depth: number) {
    this.register = new Register(path)
    this.client = new RoamingClient(servers, dice)
    this.#depth = depth
  }

  start(): void {
    this.#isStopping = false
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  /** Ends without waiting. */
  abandon(): void {
    this.#isStopping = true
    this.#running.catch(() => {})
    this.client.drop()
  }

  /** Waits until so many more writes are acknowledged. */
  async untilWritten(count: number, limitMs: number = 60_000): Promise<void> {
    const { register } = this
    const limit = Date.now() + limitMs
    for (let left = count, last = register.acknowledged; left > 0; ) {
      await sleep(5)
      if (register.acknowledged !== last) left -= 1
      last = register.acknowledged
      if (register.fault !== null) throw new Error(register.fault)
      if (Date.now() > limit) throw new Error(`no write was answered: ${this.describe()}`)
    }
  }

  takeGap(): number {
    const gapMs = this.#gapMs
    this.#gapMs = 0
    return gapMs
  }

  describe(): string {
    const { path, sent, acknowledged, fault } = this.register
    const state = `${sent} sent, ${acknowledged} acknowledged, ${fault ?? 'no fault'}`
    return `${path}, ${state}, ${this.client.describe()}`
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        const client = await this.client.connection()
        await this.#takeStock(client)
        this.#lastMs = this.#lastMs === 0 ? performance.now() : this.#lastMs
        await this.#write(client)
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ConnectionLost') throw error
      }
    }
    this.#lastMs = 0
  }

  /** What has become of the writes that were not answered: each was made or not, in order. */
  async #takeStock(client: WireClient): Promise<void> {
    const { register } = this
    // Refused but for the first time, and ordered behind every write that its last server has forwarded: a leader of
    // Apache's answers a read of its own client, behind a sync too, while such writes wait for a quorum.
    await client.request(Op.create, createBody(register.path, '0', CreateFlag.persistent))
    const { acknowledged } = register
    const { value, version } = await readRegister(client, register.path)
    register.judge(value, version, acknowledged, this.client.port)
    register.sent = value
  }

  async #write(client: WireClient): Promise<void> {
    const { register } = this
    const lane = async (): Promise<void> => {
      while (!this.#isStopping && client.open && register.fault === null) {
        const index = ++register.sent
        const body = setBody(register.path, String(index), -1)
        const { err } = await client.request(Op.setData, body)
        if (err === 0) this.#onAcknowledged(index)
        else register.onRefused(index, err)
      }
    }
    const lanes = Array.from({ length: this.#depth }, lane)
    const results = await Promise.allSettled(lanes)
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  #onAcknowledged(index: number): void {
    this.register.onAcknowledged(index)
    const nowMs = performance.now()
    this.#gapMs = Math.max(this.#gapMs, nowMs - this.#lastMs)
    this.#lastMs = nowMs
  }
}

/**
 * Reads registers behind a sync, on one server after another. Where syncs are not linearizable, each read has to be at
 * least what this reader has seen before.
 */
export class RegisterReader {
  readonly client: RoamingClient
  readonly #registers: readonly Register[]
  readonly #dice: Dice
  readonly #isLinearizable: (port: number) => boolean
  readonly #own: Map<Register, number> = new Map()
  #isStopping = false
  #running: Promise<void> = Promise.resolve()

  constructor(
    registers: readonly Register[],
    servers: readonly Endpoint[],
    dice: Dice,
    isLinearizable: (port: number) => boolean,
  ) {
    this.#registers = registers
    this.client = new RoamingClient(servers, dice)
    this.#isLinearizable = isLinearizable
    this.#dice = dice
  }

  start(): void {
    this.#isStopping = false
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  /** Ends without waiting. */
  abandon(): void {
    this.#isStopping = true
    this.#running.catch(() => {})
    this.client.drop()
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        const client = await this.client.connection()
        const register = this.#dice.pick(this.#registers)
        const { seen } = register
        if (seen > 0) {
          const { value, version } = await readRegister(client, register.path)
          const { port } = this.client
          const floor = this.#isLinearizable(port) ? seen : (this.#own.get(register) ?? 0)
          register.judge(value, version, floor, port)
          this.#own.set(register, value)
        }
        if (this.#dice.chance(2)) await this.client.move()
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ConnectionLost') throw error
      }
      await sleep(5)
    }
  }
}

async function readRegister(
  client: WireClient,
  path: string,
): Promise<{ value: number; version: number }> {
  const [synced, read] = await Promise.all([
    client.request(Op.sync, buffer(path)),
    client.request(Op.getData, readBody(path, false)),
  ])
  if (synced.err !== 0 || read.err !== 0) {
    throw new Error(`${path}: sync was answered with ${synced.err}, a read with ${read.err}`)
  }
  const { data, stat } = readData(read.body)
  return { value: Number(data?.toString()), version: stat.version }
}
