import type { SessionId } from '../base/index.ts'
import type { ZooKeeper } from '../client/index.ts'
import { SystemRandom } from '../platform/sockets/index.ts'
import { SimDisk, SimWorld } from '../sim/index.ts'
import {
  type MachineHost,
  type MemoryConnectOptions,
  TestMachine,
  tappedNetwork,
} from './client-machine.ts'
import { LiveEvents } from './live-events.ts'
import { type Settings, settle, type TestServerOptions } from './options.ts'
import { type RequestFault, RequestFaults, type RequestMatch } from './request-faults.ts'
import { TcpEdge } from './tcp-edge.ts'
import type { TestConnection } from './test-connection.ts'
import { CLIENT_PORT, memberAddress, memberName, TestMember } from './test-member.ts'

const LOOPBACK = '127.0.0.1'
/** More events than any start needs. */
const START_EVENTS_MAX = 1_000_000
/** How much time `advanceUntil` lets pass at most, unless told. */
const ADVANCE_LIMIT_MS = 120_000

/** A client, or its session's id. */
export type SessionOf = bigint | { readonly session: { readonly id: bigint } | null }

/** A live session, as the servers know it. */
export interface TestSession {
  readonly id: bigint
  readonly timeoutMs: number
  /** Paths of its ephemeral znodes, sorted. */
  readonly ephemerals: readonly string[]
}

/**
 * Starts servers in this process and resolves when they serve.
 * @throws RangeError when an option is wrong
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const settings = settle(options, new SystemRandom().uint32(), Date.now())
  const server = new TestServer(settings)
  await server.open()
  return server
}

/**
 * One to three real servers of this package in a world of their own: memory in place of a disk, an in-memory
 * network between them, and hooks for what goes wrong. Made by {@link startTestServer}.
 */
export class TestServer {
  /** All servers; number 1 comes first. */
  readonly members: readonly TestMember[]
  /** What this run's chances follow from; give it to `startTestServer` to have them again. */
  readonly seed: number
  readonly #settings: Settings
  readonly #events: LiveEvents
  readonly #world: SimWorld
  readonly #faults = new RequestFaults()
  readonly #connections = new Set<TestConnection>()
  readonly #clients: ZooKeeper[] = []
  readonly #host: MachineHost
  #edges: readonly TcpEdge[] = []
  #machines = 0
  #closing: Promise<void> | null = null

  constructor(settings: Settings) {
    const { seed, servers, onLog } = settings
    this.seed = seed
    this.#settings = settings
    this.#events = new LiveEvents(settings.clock)
    this.#world = new SimWorld(seed, {
      events: this.#events,
      latencyMsMin: 0,
      latencyMsMax: 0,
      retransmitMs: 10,
      onLog,
    })
    const ids = Array.from({ length: servers }, (_, index) => index + 1)
    this.members = ids.map((id) => {
      const disk = { latencyMsMin: 0, latencyMsMax: 0 }
      const host = this.#world.addHost({ name: memberName(id), address: memberAddress(id), disk })
      return new TestMember(id, host, this.#events, settings)
    })
    this.#host = this.#machineHost(ids)
  }

  /** Called once, by {@link startTestServer}. */
  async open(): Promise<void> {
    for (const member of this.members) member.launch()
    const isServing = (): boolean => this.isServing || this.members.some(({ fatal }) => fatal)
    this.#events.runUntilDone(isServing, START_EVENTS_MAX)
    const fatal = this.members.find((member) => member.fatal !== null)?.fatal
    if (fatal !== undefined && fatal !== null) throw fatal
    this.#events.run()
    if (this.#settings.transport === 'memory') return
    const process = this.#world.startProcess(LOOPBACK, new SimDisk().open)
    const network = tappedNetwork(this.#host, process)
    this.#edges = await Promise.all(
      this.members.map(({ id }) =>
        TcpEdge.open(network, { host: memberAddress(id), port: CLIENT_PORT }),
      ),
    )
  }

  /* ---------------------------------------------------------------- what there is */

  /** `host:port` of every server, for any client: TCP ports of this machine, or names that only {@link machine} knows. */
  get connectionString(): string {
    if (this.#edges.length === 0) return this.#host.addresses
    return this.#edges.map(({ address }) => address).join(',')
  }

  /** `host:port` of one server, counted from 1. */
  addressOf(member: number): string {
    this.#member(member)
    return this.#edges[member - 1]?.address ?? `${memberName(member)}:${CLIENT_PORT}`
  }

  /** The server that leads and serves; a single server leads itself. Null while there is none. */
  get leader(): TestMember | null {
    const leaders = this.members.filter(({ isLeader }) => isLeader)
    // One that is cut off and has not noticed yet is of an earlier epoch.
    const epochOf = (member: TestMember): number => member.server?.core?.epoch ?? 0
    return leaders.sort((a, b) => epochOf(b) - epochOf(a))[0] ?? null
  }

  /** Every server runs and serves, under one leader. */
  get isServing(): boolean {
    const epoch = this.leader?.server?.core?.epoch
    return this.members.every(({ isServing, server }) => isServing && server?.core?.epoch === epoch)
  }

  /** Milliseconds since the start, on the servers' clock. */
  get nowMs(): number {
    return this.#events.nowMs
  }

  /** Live sessions, as the leader knows them; none while nobody leads. */
  get sessions(): readonly TestSession[] {
    const state = this.leader?.server?.state
    const sessions: TestSession[] = []
    state?.sessions.forEach((id, timeoutMs) => {
      sessions.push({ id, timeoutMs, ephemerals: [...state.tree.ephemeralsOf(id)].sort() })
    })
    return sessions
  }

  /** Open connections of clients, oldest first. */
  get connections(): readonly TestConnection[] {
    return [...this.#connections]
  }

  /** The open connection that the session has; null while it has none. */
  connectionOf(session: SessionOf): TestConnection | null {
    const id = idOf(session)
    return this.connections.findLast(({ sessionId }) => sessionId === id) ?? null
  }

  /* ---------------------------------------------------------------- clients in memory */

  /** One more machine for clients in memory, on which it may be cut off from servers. */
  machine(): TestMachine {
    this.#machines += 1
    const address = `10.1.${this.#machines >> 8}.${this.#machines & 0xff}`
    const env = this.#world.startProcess(address, new SimDisk().open)
    env.clock.wallOffsetMs = this.members[0]!.wallOffsetMs
    return new TestMachine(this.#host, env)
  }

  /** Connects a client in memory, on a machine of its own. It is closed with the test server, if not before. */
  async connect(options: MemoryConnectOptions = {}): Promise<ZooKeeper> {
    return await this.machine().connect(options)
  }

  /* ---------------------------------------------------------------- faults */

  /**
   * Ends a session as if its client had been silent for its whole timeout, and resolves when it is over at every server
   * that serves. The client hears of it when it asks next.
   * @throws Error when there is no such session, or no leader to end it
   */
  async expireSession(session: SessionOf): Promise<void> {
    const id = idOf(session) as SessionId
    const leader = this.leader?.server ?? null
    if (leader === null) throw new Error('no server leads, so none can end a session')
    if (!leader.state.sessions.has(id)) throw new Error(`there is no session 0x${id.toString(16)}`)
    leader.expireSession(id)
    await this.#events.whenDone(() =>
      this.members.every(({ isServing, server }) => !isServing || !server!.state.sessions.has(id)),
    )
  }

  /** The next request that matches does not reach the server: its connection breaks instead. */
  loseRequest(match: RequestMatch = {}): RequestFault {
    return this.#faults.arm('request', match)
  }

  /** The next request that matches is executed, and its connection breaks in place of the reply. */
  loseReply(match: RequestMatch = {}): RequestFault {
    return this.#faults.arm('reply', match)
  }

  /**
   * Parts the servers: only those of one group hear each other. Those named nowhere are a group, so `partition([1])` cuts
   * off server 1. Clients reach all of them.
   */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const member of groups.flat()) this.#member(member)
    const groupOf = (address: string): number =>
      groups.findIndex((group) => group.some((id) => memberAddress(id) === address))
    const addresses = this.members.map(({ id }) => memberAddress(id))
    this.#world.network.connectOnly(addresses, (from, to) => groupOf(from) === groupOf(to))
  }

  /** All servers hear each other again. Machines and connections that are cut stay so. */
  heal(): void {
    const addresses = this.members.map(({ id }) => memberAddress(id))
    this.#world.network.connectOnly(addresses, () => true)
  }

  /* ---------------------------------------------------------------- time */

  /**
   * Resolves when every server serves. With a manual clock that may need {@link advanceUntil}: an election takes time.
   */
  async untilServing(): Promise<void> {
    await this.#events.whenDone(() => this.isServing)
  }

  /** Manual clock: lets so many milliseconds pass, with everything that happens in them. */
  async advance(ms: number): Promise<void> {
    await this.#events.advance(ms)
  }

  /**
   * Manual clock: lets time pass until the promise has settled, and settles alike, or until the condition holds.
   * @throws Error when that takes more than `limitMs` of the servers' time
   */
  async advanceUntil(condition: () => boolean, limitMs?: number): Promise<void>
  async advanceUntil<T>(promise: Promise<T>, limitMs?: number): Promise<T>
  async advanceUntil<T>(
    what: Promise<T> | (() => boolean),
    limitMs: number = ADVANCE_LIMIT_MS,
  ): Promise<T | undefined> {
    if (typeof what === 'function') {
      await this.#advanceUntil(what, limitMs)
      return undefined
    }
    let isSettled = false
    const settled = (): void => {
      isSettled = true
    }
    what.then(settled, settled)
    await this.#advanceUntil(() => isSettled, limitMs)
    return await what
  }

  async #advanceUntil(isDone: () => boolean, limitMs: number): Promise<void> {
    if (await this.#events.advanceUntil(isDone, limitMs)) return
    throw new Error(`it did not come to that within ${limitMs} ms of the servers' time`)
  }

  /* ---------------------------------------------------------------- the end */

  /** Closes the clients that {@link connect} made, ends the servers and frees the ports. Nothing is left behind. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const clients = Promise.all(this.#clients.map((client) => client.close()))
    if (this.#events.clock === 'manual') await this.advanceUntil(clients)
    else await clients
    for (const member of this.members) member.kill()
    for (const connection of this.connections) connection.drop()
    this.#events.release()
    await Promise.all(this.#edges.map((edge) => edge.close()))
  }

  #member(id: number): TestMember {
    const member = this.members[id - 1]
    if (member !== undefined) return member
    throw new RangeError(`there is no server ${id}, only 1 to ${this.members.length}`)
  }

  #machineHost(memberIds: readonly number[]): MachineHost {
    const { clock, timers } = this.#world.startProcess('10.2.0.1', new SimDisk().open)
    const ids = new Map(
      memberIds.flatMap((id) => [
        [memberName(id), id],
        [memberAddress(id), id],
      ]),
    )
    return {
      context: {
        clock,
        timers,
        faults: this.#faults,
        onOpened: (connection) => this.#connections.add(connection),
        onClosed: (connection) => this.#connections.delete(connection),
      },
      network: this.#world.network,
      memberIds,
      addresses: memberIds.map((id) => `${memberName(id)}:${CLIENT_PORT}`).join(','),
      memberAt: (host, port) => (port === CLIENT_PORT ? (ids.get(host) ?? null) : null),
      onConnected: (client) => this.#clients.push(client),
    }
  }
}

function idOf(session: SessionOf): bigint {
  if (typeof session === 'bigint') return session
  const { session: held } = session
  if (held === null) throw new Error('the client has no session now')
  return held.id
}
