import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type ZooKeeper } from '../../../src/client-node/index.ts'

const PAUSE_MS = 5
const RETRY_MS = 50
const ROOT = '/drill'
const SESSION_MS = 300_000
const WAIT_MS = 90_000
const OPTIONS = {
  sessionTimeoutMs: SESSION_MS,
  connectTimeoutMs: 60_000,
  attemptTimeoutMs: 2000,
  retryDelayMsMax: 200,
  requestTimeoutMs: 5000,
}
/** For what is asked once: nothing is tried again. */
const PATIENT = { ...OPTIONS, requestTimeoutMs: WAIT_MS }

/** Writes all the time, through whatever happens, and knows what was acknowledged. */
export class AckWriter {
  readonly acknowledged: string[] = []
  /** Codes and messages of writes that failed. */
  readonly failures: string[] = []
  readonly #zk: ZooKeeper
  readonly #sessionId: bigint
  readonly #padding: string
  #next = 0
  #isPaused = false
  #isStopped = false
  #isIdle = false
  readonly #loop: Promise<void>

  private constructor(zk: ZooKeeper, dataBytes: number) {
    this.#zk = zk
    this.#padding = ' '.repeat(dataBytes)
    this.#sessionId = zk.session!.id
    this.#loop = this.#run()
  }

  /** `dataBytes`: about so much in each write, for a log that is to grow fast. */
  static async start(connectionString: string, dataBytes: number = 0): Promise<AckWriter> {
    const zk = await connect(connectionString, OPTIONS)
    await zk.create(ROOT, '', { timeoutMs: WAIT_MS })
    return new AckWriter(zk, dataBytes)
  }

  /** No write is under way, or will be before {@link resume}. */
  async pause(): Promise<void> {
    this.#isPaused = true
    while (!this.#isIdle) await sleep(PAUSE_MS)
  }

  resume(): void {
    this.#isPaused = false
  }

  /** Until so many more writes were acknowledged. */
  async untilAcknowledged(more: number): Promise<void> {
    const wanted = this.acknowledged.length + more
    await this.#until(`${more} more writes`, () => this.acknowledged.length >= wanted)
  }

  /** Until a write fails with this code. */
  async untilRefused(code: string): Promise<void> {
    const from = this.failures.length
    await this.#until(code, () => this.failures.slice(from).some((text) => text.startsWith(code)))
  }

  /** Reads with the session that writes. */
  async read(path: string): Promise<string> {
    const { data } = await this.#zk.getData(path, { timeoutMs: WAIT_MS })
    return new TextDecoder().decode(data).trimEnd()
  }

  /** Ends, and gives what was acknowledged and is not there; and whether the session was kept all the time. */
  async finish(connectionString: string): Promise<{ lost: string[]; isSameSession: boolean }> {
    this.#isStopped = true
    await this.#loop
    const isSameSession = this.#zk.session?.id === this.#sessionId
    await this.#zk.close()
    const reader = await connect(connectionString, PATIENT)
    await reader.sync(ROOT)
    const { children } = await reader.getChildren(ROOT)
    await reader.close()
    const there = new Set(children)
    return { lost: this.acknowledged.filter((name) => !there.has(name)), isSameSession }
  }

  async #until(what: string, isDone: () => boolean): Promise<void> {
    const endMs = Date.now() + WAIT_MS
    while (!isDone()) {
      if (Date.now() > endMs) {
        const last = this.failures.slice(-3).join('\n')
        throw new Error(`no ${what} after ${this.acknowledged.length}; failed were\n${last}`)
      }
      await sleep(PAUSE_MS)
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.#isIdle = this.#isPaused
      if (!this.#isPaused) await this.#write()
      await sleep(PAUSE_MS)
    }
    this.#isIdle = true
  }

  async #write(): Promise<void> {
    const name = `n${this.#next++}`
    try {
      await this.#zk.create(`${ROOT}/${name}`, name + this.#padding)
      this.acknowledged.push(name)
    } catch (error) {
      this.failures.push(`${(error as { code?: string }).code} ${error}`)
      await sleep(RETRY_MS)
    }
  }
}
