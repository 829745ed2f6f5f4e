import { type EnsembleOptions, SimDisk, SimEnsemble, SimWorld } from '../../../src/sim/index.ts'
import { Recorder } from '../../../src/sim/recorder.ts'
import type { Request } from './requests.ts'
import { type ConnectOptions, type Reply, WireClient } from './wire-client.ts'

const WAIT_MS = 60_000
const PORT = 2181
const CLIENTS = '10.0.1.1'

/** Three servers in a simulated world, and clients that choose their server themselves. */
export class EnsembleStage {
  readonly world: SimWorld = new SimWorld(1, { onHostEvent: (e) => this.ensemble.onHostEvent(e) })
  readonly ensemble: SimEnsemble
  readonly #clients = this.world.startProcess(CLIENTS, new SimDisk().open)

  /** Returns when all serve. */
  constructor(
    options: EnsembleOptions['ensemble'] = {},
    tickTimeMs: number = 500,
    config: EnsembleOptions['config'] = {},
    observers = 0,
  ) {
    this.ensemble = new SimEnsemble(this.world, new Recorder(), {
      voters: 3,
      observers,
      tickTimeMs,
      ensemble: options,
      config,
    })
    this.ensemble.start()
    this.until(() => this.ensemble.isWhole)
  }

  get leaderId(): number {
    return this.ensemble.leader!.id
  }

  /** One that does not lead. */
  get followerId(): number {
    return this.ensemble.members.find(({ id }) => id !== this.leaderId)!.id
  }

  /** It begins to connect. */
  client(server: number, options: ConnectOptions = {}): WireClient {
    const { host } = this.ensemble.members[server - 1]!
    return new WireClient(this.#clients.network, { host: host.address, port: PORT }, options)
  }

  /** A client with a session. */
  session(server: number, options: ConnectOptions = {}): WireClient {
    const client = this.client(server, options)
    this.until(() => client.handshake !== null || client.isClosed)
    if (client.handshake === null) throw new Error('the server closed the connection')
    return client
  }

  /** Sends one request and waits for its reply. */
  call(client: WireClient, request: Request): Reply {
    const [sent] = client.send(request)
    this.until(() => client.isClosed || sent!.reply !== null)
    if (sent!.reply === null) throw new Error('the connection was closed before the reply')
    return sent!.reply
  }

  /** Ends the processes of these servers. */
  crash(...servers: readonly number[]): void {
    for (const id of servers) this.ensemble.members[id - 1]!.host.crash()
  }

  restart(...servers: readonly number[]): void {
    for (const id of servers) this.ensemble.members[id - 1]!.host.restart()
  }

  isReadOnly(server: number): boolean {
    return this.ensemble.members[server - 1]!.server?.isReadOnly === true
  }

  until(isDone: () => boolean): void {
    const endMs = this.world.nowMs + WAIT_MS
    while (!isDone()) {
      if (this.world.nowMs > endMs) throw new Error(`waited ${WAIT_MS} ms`)
      this.world.events.step()
    }
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.world.nowMs + ms)
  }
}
