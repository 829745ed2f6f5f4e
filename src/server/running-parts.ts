import type { ServerId } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import type { Environment } from '../env/index.ts'
import { SessionIdSource } from '../session/index.ts'
import type { Storage } from '../storage/index.ts'
import {
  type AuthProviders,
  type DataTreeOptions,
  type WatchTable,
  WritePreparer,
} from '../znodes/index.ts'
import { Admission } from './admission.ts'
import type { Auditor } from './audit/index.ts'
import { EagerAcl } from './eager-acl.ts'
import type { ClientEvents, EventHistory } from './events/index.ts'
import { Handshake, type HandshakeHost } from './handshake.ts'
import { Member, type MemberHost } from './member.ts'
import { WriteMetrics } from './metrics/index.ts'
import type { Outstanding } from './outstanding.ts'
import { ReadRequests } from './read-requests.ts'
import type { ReplicaObserver } from './replica-observer.ts'
import type { CoreLimits } from './replica-options.ts'
import type { ReplicatedState } from './replicated-state.ts'
import { type RequestHost, RequestProcessor } from './request-processor.ts'
import type { ServerStats } from './server-stats.ts'
import type { SessionKeeper } from './session-keeper.ts'
import { Standalone } from './standalone.ts'
import { Turn } from './turn.ts'
import { type CommitHandler, WritePipeline } from './write-pipeline.ts'
import type { WriteService } from './write-service.ts'

/** What exists only once the storage is open. */
export interface RunningParts {
  readonly storage: Storage
  readonly pipeline: WritePipeline
  readonly service: WriteService
  /** The service of a server that stands alone … */
  readonly alone: Standalone | null
  /** … or of a member of an ensemble. */
  readonly member: Member | null
  readonly turn: Turn
  readonly processor: RequestProcessor
  /** Of the state that is applied. */
  readonly reads: ReadRequests
  readonly handshake: Handshake
}

/** The server itself, as its parts see it. */
export interface RunningHost extends HandshakeHost, RequestHost, CommitHandler, MemberHost {
  readonly state: ReplicatedState
  readonly stats: ServerStats
  readonly watches: WatchTable
  readonly outstanding: Outstanding
  readonly auditor: Auditor | null
}

/** What they are made of beside it. */
export interface Ingredients {
  readonly env: Environment
  readonly config: Config
  readonly serverId: ServerId
  readonly storage: Storage
  readonly providers: AuthProviders
  readonly treeOptions: DataTreeOptions
  readonly sessions: SessionKeeper
  readonly observer: ReplicaObserver | null
  readonly coreLimits: CoreLimits
  readonly events: EventHistory
  readonly clientEvents: ClientEvents
}

/** Puts together the parts of a server whose state is recovered. */
export function runningParts(server: RunningHost, from: Ingredients): RunningParts {
  const { env, config, serverId, storage, providers, sessions } = from
  const { state, stats, watches } = server
  const { clock, timers, logger } = env
  const preparer = new WritePreparer(state.tree, providers, {
    extendedTypesEnabled: config.extendedTypes,
    enforceQuota: config.enforceQuota,
    reconfigEnabled: config.reconfigEnabled,
    hasLearners: config.ensemble !== null,
  })
  const { outstanding } = server
  const writeMetrics = new WriteMetrics(env.metrics, outstanding, stats)
  const pipeline = new WritePipeline(state, preparer, clock, outstanding, server, writeMetrics)
  const services = writeServices(server, from, pipeline)
  const service = (services.alone ?? services.member)!
  const reads = new ReadRequests(state, watches, providers, stats)
  const ids = new SessionIdSource(serverId, clock.wallMs(), state.sessions.highestIdOf(serverId))
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = config
  const eagerAcl = config.tuning.isAclCheckedEarly ? new EagerAcl(state.tree, providers) : null
  return {
    ...services,
    storage,
    pipeline,
    service,
    reads,
    turn: new Turn(timers, service),
    processor: new RequestProcessor(
      server,
      clock,
      service,
      reads,
      providers,
      stats,
      eagerAcl,
      server.auditor,
    ),
    handshake: new Handshake(
      server,
      sessions,
      ids,
      minSessionTimeoutMs,
      maxSessionTimeoutMs,
      logger,
      from.clientEvents,
      new Admission(config, env, stats, () => services.member?.core ?? null),
    ),
  }
}

function writeServices(
  server: RunningHost,
  from: Ingredients,
  pipeline: WritePipeline,
): Pick<RunningParts, 'alone' | 'member'> {
  const { env, config, storage, sessions } = from
  if (config.ensemble === null) {
    sessions.startDeciding(server.state.sessions)
    const { state } = server
    const { serverId } = from
    const parts = { serverId, storage, state, pipeline, sessions, clock: env.clock }
    const alone = new Standalone(server, parts)
    return { alone, member: null }
  }
  const member = new Member(server, config.ensemble, { ...from, state: server.state, pipeline })
  return { alone: null, member }
}
