import type { ServerId, Zxid } from '../../../src/base/index.ts'
import type { Address, IoError } from '../../../src/env/index.ts'
import {
  type ElectionHandler,
  ElectionPort,
  type ElectionPortLimits,
} from '../../../src/peer/index.ts'
import {
  SimDisk,
  type SimEnvironment,
  SimWorld,
  type WorldOptions,
} from '../../../src/sim/index.ts'
import { type Notification, PeerState } from '../../../src/zab/index.ts'
import { dialRaw, RawListener, type RawSocket } from './raw-peer.ts'

export const ELECTION_PORT = 3888

/** A notification that can be told from others by its round. */
export function notice(round: number, state: PeerState = PeerState.LOOKING): Notification {
  const vote = { leader: 1 as ServerId, zxid: 5n as Zxid, electionEpoch: round, peerEpoch: 0 }
  return { state, vote, version: 2, config: 'version=0' }
}

/** A server of the ensemble that has nothing but an election port. */
export class ElectionNode implements ElectionHandler {
  readonly sid: ServerId
  readonly env: SimEnvironment
  readonly port: ElectionPort
  address: Address | null = null
  /** Rounds of what was received, by sender. */
  readonly heard: [from: number, round: number][] = []
  readonly down: number[] = []

  constructor(
    world: SimWorld,
    sid: number,
    members: ReadonlyMap<ServerId, readonly Address[]>,
    limits: Partial<ElectionPortLimits>,
  ) {
    this.sid = sid as ServerId
    this.env = world.startProcess(hostOf(sid), new SimDisk().open)
    const listen = [{ host: '', port: ELECTION_PORT }]
    this.port = new ElectionPort(this.env, { self: this.sid, listen, members, limits }, this)
    this.port.start()
  }

  send(to: number, round: number, state?: PeerState): void {
    this.port.send(to as ServerId, notice(round, state))
  }

  roundsFrom(sid: number): number[] {
    return this.heard.filter(([from]) => from === sid).map(([, round]) => round)
  }

  onElectionListening(address: Address): void {
    this.address = address
  }

  onNotification(from: ServerId, notification: Notification): void {
    this.heard.push([from, notification.vote.electionEpoch])
  }

  onPeerDown(sid: ServerId): void {
    this.down.push(sid)
  }

  onPortError(error: IoError): void {
    throw error
  }
}

export class ElectionStage {
  readonly world: SimWorld
  readonly limits: Partial<ElectionPortLimits>
  readonly members: Map<ServerId, readonly Address[]> = new Map()
  readonly logLines: string[] = []

  constructor(
    seed: number,
    sids: readonly number[],
    limits: Partial<ElectionPortLimits> = {},
    options: WorldOptions = {},
  ) {
    this.limits = limits
    this.world = new SimWorld(seed, {
      ...options,
      onLog: (line) => this.logLines.push(line.message),
    })
    for (const sid of sids) {
      this.members.set(sid as ServerId, [{ host: hostOf(sid), port: ELECTION_PORT }])
    }
  }

  node(sid: number): ElectionNode {
    return new ElectionNode(this.world, sid, this.members, this.limits)
  }

  /** In place of a server, somebody who accepts whatever comes. */
  listener(sid: number): RawListener {
    const { network } = this.world.startProcess(hostOf(sid), new SimDisk().open)
    return new RawListener(network, { host: '', port: ELECTION_PORT })
  }

  /** Puts an address before those of a server, and somebody there who accepts whatever comes. */
  strangerBefore(sid: number): RawListener {
    const own = this.members.get(sid as ServerId)!
    this.members.set(sid as ServerId, [{ host: `10.0.9.${sid}`, port: ELECTION_PORT }, ...own])
    return new RawListener(this.machine(sid).network, { host: '', port: ELECTION_PORT })
  }

  /** Somebody on another machine. */
  machine(number: number): SimEnvironment {
    return this.world.startProcess(`10.0.9.${number}`, new SimDisk().open)
  }

  /** A bare connection to the election port of a server, open. */
  raw(to: number, machine: number = 1): RawSocket {
    const address = { host: hostOf(to), port: ELECTION_PORT }
    const socket = dialRaw(this.machine(machine).network, address)
    this.until(() => socket.connection !== null || socket.isClosed)
    return socket
  }

  until(isDone: () => boolean): void {
    const isReached = this.world.events.runUntilDone(isDone, 100_000)
    if (!isReached) throw new Error(`seed ${this.world.seed}: it does not happen`)
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.world.events.nowMs + ms)
  }
}

export function hostOf(sid: number): string {
  return `10.0.0.${sid}`
}
