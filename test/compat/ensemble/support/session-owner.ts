import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { CreateFlag, createBody, Op, readBody, readStat } from '../../../../bench/client/index.ts'
import type { Endpoint } from '../../../../bench/servers/index.ts'
import type { Dice } from '../../torture/support/index.ts'
import { RoamingClient } from './roaming-client.ts'

const LOOK_MS = 200

/** A session that owns an ephemeral znode, and finds itself another server whenever its own is gone. */
export class SessionOwner {
  readonly path: string
  readonly client: RoamingClient
  #isEnding = false
  #running: Promise<void> = Promise.resolve()

  constructor(path: string, servers: readonly Endpoint[], dice: Dice) {
    this.path = path
    this.client = new RoamingClient(servers, dice)
  }

  async start(): Promise<void> {
    const client = await this.client.connection()
    const body = createBody(this.path, '', CreateFlag.ephemeral)
    expect((await client.request(Op.create, body)).err).toBe(0)
    this.#running = this.#stayConnected()
    // Whoever waits for the end hears of a failure.
    this.#running.catch(() => {})
  }

  /** It has its first session still, and its znode. */
  async check(): Promise<void> {
    for (;;) {
      try {
        const client = await this.client.connection()
        const { err, body } = await client.request(Op.exists, readBody(this.path, false))
        expect(err, `${this.path}: ${this.client.describe()}`).toBe(0)
        expect(readStat(body, 0).ephemeralOwner).toBe(this.client.sessionId)
        expect(this.client.expired).toBe(0)
        return
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ConnectionLost') throw error
      }
    }
  }

  async finish(): Promise<void> {
    await this.check()
    this.#isEnding = true
    await this.#running
    await this.client.close()
  }

  async #stayConnected(): Promise<void> {
    while (!this.#isEnding) {
      await this.client.connection()
      await sleep(LOOK_MS)
    }
  }
}
