import { expect } from 'vitest'
import { Janitor } from '../../../recipes/base/index.ts'
import type { ClientOptions, ZooKeeper } from '../../../src/client/index.ts'
import type { SimRandom } from '../../../src/sim/index.ts'
import { ClientStage } from '../../client/support/client-stage.ts'
import { SERVER_HOST, type StageOptions } from '../../server/support/index.ts'
import type { CampaignStage } from './campaign-stage.ts'
import { type Member, openMember } from './member.ts'

export type { Member }

/**
 * A server and members in one simulated world, for recipes. After every test {@link finish} shows that nothing is left:
 * no ephemeral znode, no watch, no timer, no connection, no rejection that nobody hears.
 */
export class RecipeStage extends ClientStage implements CampaignStage {
  readonly members: Member[] = []
  readonly #rejections: unknown[] = []
  readonly #onRejection = (reason: unknown): void => {
    this.#rejections.push(reason)
  }

  constructor(options: StageOptions = {}) {
    super(options)
    process.on('unhandledRejection', this.#onRejection)
  }

  /** One more client. */
  async member(options: ClientOptions = {}, chroot: string = ''): Promise<Member> {
    const host = `10.0.2.${this.members.length + 1}`
    const env = this.process(host)
    const settings = { sessionTimeoutMs: 6000, closeTimeoutMs: 1000, ...options }
    const member = await this.run(openMember(env, `${SERVER_HOST}:2181${chroot}`, settings))
    this.members.push(member)
    return member
  }

  /** The session of a member ends, by the server's timeout: nothing reaches it or leaves it for so long. */
  async expire({ zk, host }: Member): Promise<void> {
    const { session } = zk
    this.isolate(true, host)
    await this.until(() => zk.state === 'lost')
    await this.runFor(session!.timeoutMs)
    this.isolate(false, host)
    await this.until(() => zk.state === 'connected' || zk.state === 'closed')
  }

  /** Paths of all ephemeral znodes, as the server has them. */
  ephemerals(): string[] {
    const paths = [...this.stage.server.state.tree.ephemerals().values()]
    return paths.flatMap((ofSession) => [...ofSession]).sort()
  }

  /** How many watches the server has. */
  serverWatches(): number {
    return this.stage.server.watches.watchCount()
  }

  /** One time in three the server is killed and comes back after a while. */
  async serverFault(random: SimRandom): Promise<void> {
    if (!random.oneIn(3)) return
    this.stage.kill()
    await this.runFor(random.below(8000))
    this.stage.launch()
  }

  /** Faults are over: everybody has a connection again. */
  async heal(): Promise<void> {
    for (const { network } of this.members) network.plan = () => null
    this.stage.world.network.heal()
    const open = this.members.filter(({ zk }) => zk.state !== 'closed')
    await this.until(() =>
      open.every(({ zk }) => zk.state === 'connected' || zk.state === 'closed'),
    )
  }

  /** Lets time pass until `isDone`, for so long at most. */
  async within(ms: number, what: string, isDone: () => boolean): Promise<void> {
    const endMs = this.nowMs + ms
    while (!isDone()) {
      if (this.nowMs > endMs) throw new Error(`not within ${ms} ms: ${what}`)
      await this.runFor(50)
    }
  }

  /** So much time of the world; somebody else moves it on. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.stage.world.events.schedule(this.nowMs + ms, resolve)
    })
  }

  /** For a stage that is not finished. */
  abandon(): void {
    process.off('unhandledRejection', this.#onRejection)
  }

  /** Nothing of the recipes is left, then nothing of the clients. */
  async finish(): Promise<void> {
    await this.heal()
    await this.nothingLeft()
    for (const { zk } of this.members) {
      await this.#hear(zk)
      await this.run(zk.close())
    }
    await this.close()
    await this.runFor(1000)
    this.abandon()
    expect(this.#rejections).toEqual([])
    expect(this.members.map(({ timers }) => timers.pending)).toEqual(this.members.map(() => 0))
    expect(this.stage.server.connections.size).toBe(0)
  }

  /**
   * 1. A connection dies without a word. 2. Its client still believes in it, and closes. 3. What it says is lost, and its
   * session stays until it expires. An answer shows that the connection lives.
   */
  async #hear(zk: ZooKeeper): Promise<void> {
    const asked = (): Promise<boolean> =>
      zk.exists('/').then(
        () => true,
        () => zk.state === 'closed',
      )
    while (!(await this.run(asked())));
  }

  /** With every client still there: no znode of a session, no watch, here or at the server. */
  async nothingLeft(): Promise<void> {
    const open = this.members.filter(({ zk }) => zk.state !== 'closed')
    await this.within(20_000, 'janitors have nothing left to remove', () =>
      open.every(({ zk }) => Janitor.of(zk).pending === 0),
    )
    await this.within(20_000, 'ephemeral znodes are gone', () => this.ephemerals().length === 0)
    await this.within(20_000, 'watches are gone', () => this.serverWatches() === 0)
    expect(open.map(({ zk }) => zk.watchCount)).toEqual(open.map(() => 0))
  }
}
