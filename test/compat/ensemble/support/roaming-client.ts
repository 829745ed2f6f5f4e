import { setTimeout as sleep } from 'node:timers/promises'
import { WireClient } from '../../../../bench/client/index.ts'
import type { Endpoint } from '../../../../bench/servers/index.ts'
import type { Dice } from '../../torture/support/index.ts'

const RETRY_MS = 20
const HANDSHAKE_MS = 3000
/** A server that is silent for so long is left. ZooKeeper's own client waits for two thirds of the timeout. */
const SILENCE_MS = 10_000

/** One session that goes from server to server when its connection ends. */
export class RoamingClient {
  /** Sessions that a server declared expired. */
  expired = 0
  /** Connections made. */
  connections = 0
  readonly #servers: readonly Endpoint[]
  readonly #dice: Dice
  readonly #timeoutMs: number
  #session: { id: bigint; password: Buffer } | null = null
  #lastZxid = 0n
  #port = 0
  #refusal = ''
  #client: WireClient | null = null
  #opening: Promise<WireClient> | null = null

  /**
   * The longest timeout that servers grant with a tick of 1 s. A silence, and a handshake with a server that stands still,
   * take 13 s of it: the rest is for a machine that is busy with other tests.
   */
  constructor(servers: readonly Endpoint[], dice: Dice, timeoutMs: number = 20_000) {
    this.#servers = servers
    this.#dice = dice
    this.#timeoutMs = timeoutMs
  }

  /** An open connection: the present one, or a new one to whichever server takes it. */
  async connection(limitMs: number = 60_000): Promise<WireClient> {
    if (this.#client?.open === true) return this.#client
    // Two that wait for one get the same.
    this.#opening ??= this.#connect(limitMs).finally(() => {
      this.#opening = null
    })
    return await this.#opening
  }

  async #connect(limitMs: number): Promise<WireClient> {
    this.#leave()
    const limit = Date.now() + limitMs
    const first = this.#dice.below(this.#servers.length)
    for (let i = first; ; i++) {
      const client = await this.#open(this.#servers[i % this.#servers.length]!)
      if (client !== null) return client
      if (Date.now() > limit) throw new Error(`no server took the session in ${limitMs} ms`)
      await sleep(RETRY_MS)
    }
  }

  describe(): string {
    const session = `session 0x${this.sessionId.toString(16)}`
    if (this.#client?.open !== true) return `${session} without connection: ${this.#refusal}`
    return `${session} on port ${this.#port}, ${this.#client.outstanding} requests without answer`
  }

  /** Of the server that it is, or was last, connected to. */
  get port(): number {
    return this.#port
  }

  get sessionId(): bigint {
    return this.#session?.id ?? 0n
  }

  /** Goes to another server, or to this one. */
  async move(server: Endpoint | null = null): Promise<void> {
    this.#leave()
    if (server === null) return
    while ((await this.#open(server)) === null) await sleep(RETRY_MS)
  }

  async close(): Promise<void> {
    const client = await this.connection()
    await client.close()
  }

  /** Drops the connection and leaves the session to the servers. */
  drop(): void {
    this.#leave()
  }

  #leave(): void {
    const client = this.#client
    if (client === null) return
    if (client.lastZxid > this.#lastZxid) this.#lastZxid = client.lastZxid
    client.destroy()
    this.#client = null
  }

  async #open({ host, port }: Endpoint): Promise<WireClient | null> {
    const session = this.#session
    const limits = { handshakeMs: HANDSHAKE_MS, silenceMs: SILENCE_MS }
    const options = { host, port, timeoutMs: this.#timeoutMs, ...limits }
    const resume = session === null ? {} : { session, lastZxid: this.#lastZxid }
    try {
      const client = await WireClient.open({ ...options, ...resume })
      this.#client = client
      this.#session = { id: client.sessionId, password: client.password }
      this.connections++
      this.#port = port
      return client
    } catch (error) {
      this.#refusal = `${port}: ${error}`
      if (String(error).includes('the session has expired')) {
        this.expired++
        this.#session = null
      }
      return null
    }
  }
}
