import {
  type ClientOptions,
  connectIn,
  type ZkError,
  type ZooKeeper,
} from '../../../src/client/index.ts'
import { SimDisk, type SimEnvironment } from '../../../src/sim/index.ts'
import { SERVER_HOST, Stage, type StageOptions } from '../../server/support/index.ts'

export const CLIENT_HOST = '10.0.1.1'
const SERVER = `${SERVER_HOST}:2181`

/** A server and clients of this project in one simulated world. Promises settle between the world's events. */
export class ClientStage {
  readonly stage: Stage
  readonly env: SimEnvironment
  readonly #clients: ZooKeeper[] = []

  constructor(options: StageOptions = {}) {
    this.stage = Stage.open(options)
    this.env = this.process(CLIENT_HOST)
  }

  /** One more machine. */
  process(host: string): SimEnvironment {
    return this.stage.world.startProcess(host, new SimDisk().open)
  }

  get nowMs(): number {
    return this.stage.nowMs
  }

  async connect(
    options: ClientOptions = {},
    chroot: string = '',
    env: SimEnvironment = this.env,
  ): Promise<ZooKeeper> {
    const client = await this.run(
      connectIn(env, `${SERVER}${chroot}`, { sessionTimeoutMs: 6000, ...options }),
    )
    this.#clients.push(client)
    return client
  }

  /** Lets the world go on until the promise has settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    promise.then(settle, settle)
    await this.until(() => isSettled)
    return await promise
  }

  /** The error that the promise rejects with. */
  async fails(promise: Promise<unknown>): Promise<ZkError> {
    return await this.run(
      promise.then(
        (value) => {
          throw new Error(`resolved with ${String(value)}`)
        },
        (error) => error,
      ),
    )
  }

  async until(isDone: () => boolean): Promise<void> {
    for (let events = 0; events < 200_000; events++) {
      await turn()
      if (isDone()) return
      if (!this.stage.world.events.step()) throw new Error('nothing is left to happen')
    }
    throw new Error('the world goes on without getting there')
  }

  async runFor(ms: number): Promise<void> {
    let isOver = false
    this.stage.world.events.schedule(this.nowMs + ms, () => {
      isOver = true
    })
    await this.until(() => isOver)
  }

  /** Breaks the connections of a machine with the server. */
  breakConnections(host: string = CLIENT_HOST): void {
    this.stage.world.network.reset(SERVER_HOST, host)
  }

  /** What the server sends does not arrive any more, or does again. */
  deafen(isDeaf: boolean, host: string = CLIENT_HOST): void {
    this.stage.world.network.link(SERVER_HOST, host).setCut(isDeaf)
  }

  isolate(isCut: boolean, host: string = CLIENT_HOST): void {
    this.stage.world.network.link(SERVER_HOST, host).setCut(isCut)
    this.stage.world.network.link(host, SERVER_HOST).setCut(isCut)
  }

  /** Closes what is open. */
  async close(): Promise<void> {
    for (const client of this.#clients) await this.run(client.close())
  }
}

/** Lets every promise that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
