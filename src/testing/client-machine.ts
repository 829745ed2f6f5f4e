import {
  type ClientEnvironment,
  type ClientNetwork,
  type ClientOptions,
  connectIn,
  type ZooKeeper,
} from '../client/index.ts'
import { IoError } from '../env/index.ts'
import type { SimEnvironment, SimNetwork } from '../sim/index.ts'
import { type ConnectionContext, TestConnection } from './test-connection.ts'
import { memberAddress } from './test-member.ts'

/** How a client in memory may connect: options of the client, and a path that all its paths lie below. */
export type MemoryConnectOptions = ClientOptions & {
  readonly chroot?: string
  /** Gives up connecting. */
  readonly signal?: AbortSignal
}

/** What a machine needs of the test server. */
export interface MachineHost {
  readonly context: ConnectionContext
  readonly network: SimNetwork
  readonly memberIds: readonly number[]
  /** In-memory addresses of all servers. */
  readonly addresses: string
  /** The number of the server that listens there; null for anything else. */
  memberAt(host: string, port: number): number | null
  /** To be closed with the test server. */
  onConnected(client: ZooKeeper): void
}

/** A machine that clients run on, joined with the servers by an in-memory network. */
export class TestMachine {
  /**
   * The world of this machine: `connect(server.addresses, { ...machine.environment })` of `zabkeeper/client` connects in
   * memory and takes its time from the test server's clock.
   */
  readonly environment: ClientEnvironment
  readonly #host: MachineHost
  readonly #address: string

  constructor(host: MachineHost, env: SimEnvironment) {
    this.#host = host
    this.#address = env.host
    const { clock, timers, random, logger } = env
    this.environment = { clock, timers, random, logger, network: tappedNetwork(host, env) }
  }

  /** Connects a client in memory. It is closed with the test server, if not before. */
  async connect(options: MemoryConnectOptions = {}): Promise<ZooKeeper> {
    const { chroot = '', signal, ...rest } = options
    const { addresses } = this.#host
    const client = await connectIn(this.environment, `${addresses}${chroot}`, rest, signal)
    this.#host.onConnected(client)
    return client
  }

  /** Nothing gets through between this machine and the servers given, all unless given, and nobody is told. */
  cut(members: readonly number[] = this.#host.memberIds): void {
    this.#setCut(members, true)
  }

  /** Ends `cut`: what was sent meanwhile arrives soon. */
  mend(members: readonly number[] = this.#host.memberIds): void {
    this.#setCut(members, false)
  }

  #setCut(members: readonly number[], isCut: boolean): void {
    const { network } = this.#host
    for (const id of members) {
      network.link(this.#address, memberAddress(id)).setCut(isCut)
      network.link(memberAddress(id), this.#address).setCut(isCut)
    }
  }
}

/** The network of a process whose connections with servers a test can get at. */
export function tappedNetwork(host: MachineHost, env: SimEnvironment): ClientNetwork {
  return {
    connect: (address, handler, signal) => {
      const member = host.memberAt(address.host, address.port)
      if (member === null) {
        const where = `${address.host}:${address.port}`
        const error = new IoError('ENOTFOUND', `no server of the test server is ${where}`)
        env.timers.endOfTurn(() => handler.onError(error))
        return
      }
      const connection = new TestConnection(member, host.context, handler)
      signal.addEventListener('abort', () => connection.giveUp(), { once: true })
      env.network.connect(address, connection)
    },
  }
}
