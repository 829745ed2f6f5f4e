import type { ServerId } from '../base/index.ts'
import {
  type Config,
  DEFAULT_LIMITS,
  defaultConfig,
  type EnsembleConfig,
  type Limits,
  type MemberConfig,
} from '../config/index.ts'
import { type CoreLimits, type FourLetterWords, KeeperServer } from '../server/index.ts'
import type { SimDiskOptions } from './disk.ts'
import type { SimEnvironment } from './environment.ts'
import { type FinalReplica, PAUSE_FAULT, SUSPEND_FAULT } from './history.ts'
import type { HostEvent, SimHost } from './host.ts'
import type { Recorder } from './recorder.ts'
import { ServerRecorder } from './server-recorder.ts'
import type { SimWorld } from './world.ts'

const KIB = 1024
export const CLIENT_PORT = 2181
const QUORUM_PORT = 2888
const ELECTION_PORT = 3888

export interface EnsembleOptions {
  readonly voters: number
  readonly observers: number
  readonly tickTimeMs?: number
  readonly initLimit?: number
  readonly syncLimit?: number
  readonly disk?: SimDiskOptions
  readonly limits?: Partial<Limits>
  /** Limits of the ZAB core. */
  readonly core?: CoreLimits
  readonly config?: Partial<Omit<Config, 'ensemble' | 'limits'>>
  readonly ensemble?: Partial<
    Pick<EnsembleConfig, 'isReadOnlyModeEnabled' | 'localSessions' | 'observerMaster'>
  >
  /** Started again so long after it ended by itself; never if absent. */
  readonly restartDelayMs?: number
  onTrace?(server: ServerId, line: string): void
}

/** Four-letter words are not asked for in simulations. */
const NO_WORDS: FourLetterWords = { recognize: () => null, answer: () => '' }

/** A member of a simulated ensemble: a machine, and the server that runs on it now. */
export class SimMember {
  readonly id: ServerId
  readonly host: SimHost
  /** Null while no process runs. */
  server: KeeperServer | null = null
  /** Why the last process ended by itself. */
  fatal: Error | null = null
  /** The disk was replaced since the last recovery: nothing is promised for it. */
  isDiskReplaced = false
  /** The fault by which it stands still now. */
  stillFault: typeof PAUSE_FAULT | typeof SUSPEND_FAULT | null = null

  constructor(id: ServerId, host: SimHost) {
    this.id = id
    this.host = host
  }
}

/** The unmodified server, several times, on the machines `s1`, `s2` … of a world; what it does is recorded. */
export class SimEnsemble {
  readonly members: readonly SimMember[]
  readonly #world: SimWorld
  readonly #recorder: Recorder
  readonly #options: EnsembleOptions

  constructor(world: SimWorld, recorder: Recorder, options: EnsembleOptions) {
    this.#world = world
    this.#recorder = recorder
    this.#options = options
    const members: SimMember[] = []
    for (let id = 1; id <= options.voters + options.observers; id += 1) {
      const address = `10.0.0.${id}`
      const host = world.addHost(
        options.disk === undefined
          ? { name: `s${id}`, address }
          : { name: `s${id}`, address, disk: options.disk },
      )
      members.push(new SimMember(id as ServerId, host))
    }
    this.members = members
  }

  get voters(): readonly ServerId[] {
    return this.members.slice(0, this.#options.voters).map(({ id }) => id)
  }

  get observers(): readonly ServerId[] {
    return this.members.slice(this.#options.voters).map(({ id }) => id)
  }

  /** Where clients connect to. */
  get clientAddresses(): readonly {
    readonly server: ServerId
    readonly host: string
    readonly port: number
  }[] {
    return this.members.map(({ id, host }) => ({
      server: id,
      host: host.address,
      port: CLIENT_PORT,
    }))
  }

  member(id: ServerId): SimMember {
    return this.members[id - 1]!
  }

  /** Starts every server. */
  start(): void {
    const { voters, observers } = this
    this.#recorder.append({ kind: 'config', atMs: this.#world.nowMs, voters, observers })
    for (const member of this.members) {
      member.host.start((env) => this.#launch(member, env))
    }
  }

  /** To be told about every event of the world's machines. */
  onHostEvent(event: HostEvent): void {
    const member = this.members.find(({ host }) => host.name === event.host)
    if (member === undefined) return
    this.#noteStandstill(member, event)
    if (event.kind !== 'crash' && event.kind !== 'powerLoss' && event.kind !== 'exit') return
    member.server = null
    this.#recorder.append({
      kind: 'crash',
      atMs: event.atMs,
      server: member.id,
      incarnation: event.incarnation,
      lostUnsynced: event.kind === 'powerLoss',
    })
  }

  /** Whatever else happens to a machine that stands still ends that. */
  #noteStandstill(member: SimMember, { kind, atMs }: HostEvent): void {
    const { id: server, stillFault } = member
    if (stillFault !== null) {
      member.stillFault = null
      this.#recorder.append({ kind: 'faultEnd', atMs, name: stillFault, server })
    }
    if (kind !== 'pause' && kind !== 'suspend') return
    const name = kind === 'pause' ? PAUSE_FAULT : SUSPEND_FAULT
    member.stillFault = name
    this.#recorder.append({ kind: 'faultBegin', atMs, name, server })
  }

  /** The leader that serves, of the highest epoch; null while there is none. */
  get leader(): SimMember | null {
    let leader: SimMember | null = null
    for (const member of this.members) {
      const core = member.server?.core ?? null
      if (core === null || !core.isServing || core.leader !== member.id) continue
      if (leader === null || core.epoch > leader.server!.core!.epoch) leader = member
    }
    return leader
  }

  /** Every server runs and serves. */
  get isWhole(): boolean {
    return this.members.every(({ server }) => server?.isServing === true)
  }

  /** Every server runs and has applied the same transactions. */
  get isAtOneZxid(): boolean {
    const zxid = this.members[0]!.server?.lastApplied
    return this.members.every(({ server }) => server !== null && server.lastApplied === zxid)
  }

  /** What each running server holds. */
  finalReplicas(): readonly FinalReplica[] {
    const replicas: FinalReplica[] = []
    for (const { id, server } of this.members) {
      if (server === null) continue
      const { tree, sessions } = server.state
      const ids: FinalReplica['sessions'][number][] = []
      const ephemerals: FinalReplica['ephemerals'][number][] = []
      sessions.forEach((sessionId) => {
        ids.push(sessionId)
        for (const path of tree.ephemeralsOf(sessionId)) ephemerals.push({ path, owner: sessionId })
      })
      replicas.push({
        server: id,
        zxid: server.lastApplied,
        digest: tree.digest(),
        sessions: ids,
        ephemerals,
        gauges: [],
      })
    }
    return replicas
  }

  #launch(member: SimMember, env: SimEnvironment): void {
    const { id, host } = member
    const observer = new ServerRecorder({
      server: id,
      incarnation: host.incarnation,
      nowMs: () => this.#world.nowMs,
      append: (event) => this.#recorder.append(event),
      diskFound: () => this.#diskFound(member),
      onTrace: (line) => this.#options.onTrace?.(id, line),
    })
    const server = new KeeperServer(
      env,
      {
        config: this.#configOf(id),
        fourLetterWords: NO_WORDS,
        metrics: env.metrics,
        observer,
        coreLimits: this.#options.core ?? {},
      },
      { onServing: () => {}, onFatal: (error) => this.#onFatal(member, error) },
    )
    member.server = server
    server.start()
  }

  #onFatal(member: SimMember, error: Error): void {
    member.fatal = error
    this.#options.onTrace?.(member.id, `fatal: ${error.message}`)
    member.host.exit()
    if (member.host.disk.isDamaged) this.#replaceDisk(member)
    const { restartDelayMs } = this.#options
    if (restartDelayMs === undefined) return
    this.#world.events.schedule(this.#world.nowMs + restartDelayMs, () => {
      if (member.host.state === 'idle') member.host.restart()
    })
  }

  /** Asked when a process has recovered; an earlier one may have died before. */
  #diskFound(member: SimMember): 'kept' | 'replaced' {
    const { isDiskReplaced } = member
    member.isDiskReplaced = false
    return isDiskReplaced ? 'replaced' : 'kept'
  }

  /** What an operator does when a server says that its data is damaged. */
  #replaceDisk(member: SimMember): void {
    this.#options.onTrace?.(member.id, 'somebody empties the damaged disk')
    member.host.disk.wipe()
    member.isDiskReplaced = true
  }

  #configOf(id: ServerId): Config {
    const { initLimit, limits, syncLimit, tickTimeMs } = this.#options
    const base = defaultConfig({
      clientPort: CLIENT_PORT,
      dataDir: '/data',
      tickTimeMs: tickTimeMs ?? 1000,
    })
    return {
      ...base,
      // A timer that only looks would take part in the order of events.
      warnings: { ...base.warnings, watchesStalls: false },
      ...this.#options.config,
      limits: {
        ...DEFAULT_LIMITS,
        // Small files, so that a world costs little.
        logSegmentBytes: 256 * KIB,
        diskReserveBytes: 64 * KIB,
        diskFreeBytesMin: 64 * KIB,
        ...limits,
      },
      ensemble: {
        self: id,
        members: this.members.map((member) => this.#memberConfig(member)),
        groups: [],
        weights: new Map(),
        initLimit: initLimit ?? 10,
        syncLimit: syncLimit ?? 5,
        listensOnAllAddresses: false,
        isReadOnlyModeEnabled: false,
        localSessions: { isEnabled: false, isUpgrading: false },
        multiAddress: { isEnabled: false, waitMs: null },
        observerMaster: { port: 0, windowBytesMax: 0 },
        ...this.#options.ensemble,
      },
    }
  }

  #memberConfig({ id, host }: SimMember): MemberConfig {
    return {
      id,
      host: host.address,
      quorumPort: QUORUM_PORT,
      electionPort: ELECTION_PORT,
      moreAddresses: [],
      role: id <= this.#options.voters ? 'participant' : 'observer',
      client: null,
    }
  }
}
