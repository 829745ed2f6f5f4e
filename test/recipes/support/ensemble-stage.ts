import { expect } from 'vitest'
import { Janitor } from '../../../recipes/base/index.ts'
import type { ClientOptions } from '../../../src/client/index.ts'
import {
  healWorld,
  SimDisk,
  SimEnsemble,
  type SimMember,
  type SimRandom,
  SimWorld,
} from '../../../src/sim/index.ts'
import { Recorder } from '../../../src/sim/recorder.ts'
import type { CampaignStage } from './campaign-stage.ts'
import { type Member, openMember } from './member.ts'

const TICK_MS = 500
const SYNC_LIMIT = 2
const SESSION_MS = 10_000
/**
 * A follower that is cut off from its leader goes on answering for `syncLimit` ticks. The leader counts from what it
 * heard before, and an idle client is heard every third of its session. The local end of the session lies so much
 * before.
 */
const DRIFT_MARGIN = 1 / 3 + (TICK_MS * (SYNC_LIMIT + 1)) / SESSION_MS

/** Three servers and members in one simulated world. */
export class EnsembleStage implements CampaignStage {
  readonly members: Member[] = []
  readonly #world: SimWorld
  readonly ensemble: SimEnsemble
  readonly #rejections: unknown[] = []
  readonly #onRejection = (reason: unknown): void => {
    this.#rejections.push(reason)
  }

  constructor(seed: number) {
    this.#world = new SimWorld(seed, { onHostEvent: (event) => this.ensemble.onHostEvent(event) })
    this.ensemble = new SimEnsemble(this.#world, new Recorder(), {
      voters: 3,
      observers: 0,
      tickTimeMs: TICK_MS,
      syncLimit: SYNC_LIMIT,
      restartDelayMs: 500,
    })
    this.ensemble.start()
    process.on('unhandledRejection', this.#onRejection)
  }

  get nowMs(): number {
    return this.#world.nowMs
  }

  async member(options: ClientOptions = {}): Promise<Member> {
    return await this.memberOf(this.#servers, options)
  }

  /** One that knows only these servers. */
  async memberOf(servers: readonly string[], options: ClientOptions = {}): Promise<Member> {
    await this.until(() => this.ensemble.isWhole)
    const host = `10.0.2.${this.members.length + 1}`
    const env = this.#world.startProcess(host, new SimDisk().open)
    const settings = {
      sessionTimeoutMs: SESSION_MS,
      attemptTimeoutMs: 1000,
      closeTimeoutMs: 1000,
      driftMargin: DRIFT_MARGIN,
      ...options,
    }
    const list = servers.map((server) => `${server}:2181`).join(',')
    const member = await this.run(openMember(env, list, settings))
    this.members.push(member)
    return member
  }

  /** Cuts a server off from the other servers; clients reach it. */
  cutOff(alone: string): void {
    this.#world.network.connectOnly(this.#servers, (a, b) => a !== alone && b !== alone)
  }

  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    promise.then(settle, settle)
    await this.until(() => isSettled)
    return await promise
  }

  async until(isDone: () => boolean): Promise<void> {
    const endMs = this.nowMs + 120_000
    while (this.nowMs < endMs) {
      await new Promise((resolve) => setImmediate(resolve))
      if (isDone()) return
      this.#world.events.step()
    }
    throw new Error('the world goes on without getting there')
  }

  async runFor(ms: number): Promise<void> {
    await this.run(this.sleep(ms))
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.events.schedule(this.nowMs + ms, resolve)
    })
  }

  async within(ms: number, what: string, isDone: () => boolean): Promise<void> {
    const endMs = this.nowMs + ms
    while (!isDone()) {
      if (this.nowMs > endMs) throw new Error(`not within ${ms} ms: ${what}`)
      await this.runFor(50)
    }
  }

  deafen(isDeaf: boolean, host: string): void {
    for (const server of this.#servers) this.#world.network.link(server, host).setCut(isDeaf)
  }

  isolate(isCut: boolean, host: string): void {
    this.deafen(isCut, host)
    for (const server of this.#servers) this.#world.network.link(host, server).setCut(isCut)
  }

  breakConnections(host: string): void {
    this.#world.network.disconnect(host)
  }

  async serverFault(random: SimRandom): Promise<void> {
    const { host } = this.ensemble.members[random.below(3)] as SimMember
    switch (random.below(5)) {
      case 0:
        host.crash()
        break
      case 1:
        host.powerLoss()
        break
      case 2:
        host.pause()
        break
      case 3:
        this.cutOff(host.address)
        break
      default:
        this.#world.network.connectOnly(this.#servers, () => true)
    }
    // Whoever died comes back after a while.
    const backMs = random.below(6000)
    this.#world.events.schedule(this.nowMs + backMs, () => {
      host.resume()
      if (host.hasProgram && (host.state === 'idle' || host.state === 'off')) host.restart()
    })
  }

  async heal(): Promise<void> {
    for (const { network } of this.members) network.plan = () => null
    healWorld(this.#world)
    await this.until(() => this.ensemble.isWhole)
    await this.until(() => this.members.every(({ zk }) => zk.state === 'connected'))
  }

  abandon(): void {
    process.off('unhandledRejection', this.#onRejection)
  }

  async finish(): Promise<void> {
    await this.heal()
    await this.within(30_000, 'nothing is left of the recipes', () => {
      const pending = this.members.map(({ zk }) => Janitor.of(zk).pending + zk.watchCount)
      const left = this.ensemble.members.map(({ server }) =>
        server === null ? 1 : server.state.tree.ephemeralCount + server.watches.watchCount(),
      )
      return [...pending, ...left].every((count) => count === 0)
    })
    for (const { zk } of this.members) await this.run(zk.close())
    await this.runFor(1000)
    this.abandon()
    expect(this.#rejections).toEqual([])
    expect(this.members.map(({ timers }) => timers.pending)).toEqual(this.members.map(() => 0))
  }

  get #servers(): string[] {
    return this.ensemble.members.map(({ host }) => host.address)
  }
}
