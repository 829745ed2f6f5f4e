import { epochOf, type ServerId, type Zxid } from '../base/index.ts'
import type {
  Config,
  EnsembleConfig,
  MemberAddress,
  MemberConfig,
  PeerTuning,
} from '../config/index.ts'
import { addressesOf, ensembleText } from '../config/index.ts'
import type { Address } from '../env/index.ts'
import {
  DEFAULT_ELECTION_PORT_LIMITS,
  DEFAULT_LEARNER_PORT_LIMITS,
  type ElectionPortLimits,
  type ElectionPortOptions,
  type LearnerPortLimits,
  type LearnerPortOptions,
} from '../peer/index.ts'
import type { LoggedTail, Storage } from '../storage/index.ts'
import {
  type CoreOptions,
  DEFAULT_CORE_LIMITS,
  DEFAULT_TIMING,
  type Ensemble,
  HierarchicalQuorum,
  MajorityQuorum,
  type QuorumVerifier,
  type Timing,
} from '../zab/index.ts'
import type { DataTreeOptions } from '../znodes/index.ts'
import type { ObserverMasterOptions } from './observer-master.ts'

export interface ReplicaOptions {
  readonly core: CoreOptions
  readonly election: ElectionPortOptions
  readonly learner: LearnerPortOptions
  /** Null for a server that serves no observers. */
  readonly observerMaster: ObserverMasterOptions | null
  /** For trees that snapshots are received into. */
  readonly tree: DataTreeOptions
  /** Part of the state's size that may be read of the log for one learner; null for what the core asks for. */
  readonly snapshotSizeFactor: number | null
}

/** What may be set for a core beside what follows from the configuration. */
export type CoreLimits = Partial<
  Pick<CoreOptions, 'diskDiffBytes' | 'historyBytes' | 'historyEntries' | 'lastCounter'>
>

/**
 * A looking server that gets no answer for so long dials anew: after a partition TCP may wait much longer before it
 * tries again, and the other end may not know the connection any more.
 */
const ELECTION_SILENCE_MS = 2000
/** Silence after which `tcpKeepAlive` asks; elections are rare. */
const ELECTION_KEEP_ALIVE_MS = 10_000

/** What a configuration, and what was found on disk, mean for the replica. `applied` is the state of the checkpoint. */
export function replicaOptions(
  config: Config,
  ensemble: EnsembleConfig,
  storage: Storage,
  applied: Zxid,
  tail: LoggedTail,
  tree: DataTreeOptions,
  seed: number,
): ReplicaOptions {
  const self = ensemble.self as ServerId
  const own = ensemble.members.find(({ id }) => id === self)!
  const lastLogged = tail.entries.at(-1)?.zxid ?? tail.base
  // A folder that was a standalone server's has entries, but no epochs (`QuorumPeer.loadDataBase`).
  const currentEpoch = Math.max(storage.currentEpoch, epochOf(lastLogged))
  const recovered = {
    acceptedEpoch: Math.max(storage.acceptedEpoch, currentEpoch),
    currentEpoch,
    base: tail.base,
    entries: tail.entries,
    committed: applied,
  }
  return {
    core: {
      ...DEFAULT_CORE_LIMITS,
      self,
      ensemble: zabEnsemble(ensemble),
      recovered,
      diskBase: storage.diskBase,
      timing: timingOf(config, ensemble),
      ...coreLimits(config.tuning.peers),
      seed,
    },
    tree,
    snapshotSizeFactor: config.tuning.peers.snapshotSizeFactor,
    observerMaster: observerMasterOptions(config, ensemble, own),
    election: {
      self,
      listen: listenAddresses(ensemble, own, electionAddress),
      members: peerAddresses(ensemble, electionAddress),
      isMultiAddress: ensemble.multiAddress.isEnabled,
      limits: electionLimits(config.tuning.peers, ensemble),
    },
    learner: {
      self,
      listen: listenAddresses(ensemble, own, quorumAddress),
      members: peerAddresses(ensemble, quorumAddress),
      masters: observerMasters(ensemble, own),
      limits: learnerLimits(config, ensemble),
    },
  }
}

function timingOf(config: Config, { initLimit, syncLimit }: EnsembleConfig): Timing {
  const { peers } = config.tuning
  const fallback = DEFAULT_TIMING
  const minNotificationMs = peers.notificationMsMin ?? fallback.minNotificationMs
  return {
    ...fallback,
    tickMs: config.tickTimeMs,
    initLimit,
    syncLimit,
    minNotificationMs,
    maxNotificationMs: Math.max(
      minNotificationMs,
      peers.notificationMsMax ?? fallback.maxNotificationMs,
    ),
    gatherMs: peers.gatherMs ?? fallback.gatherMs,
    connectMs: peers.leaderConnectMs,
    connectRetryMs: peers.leaderConnectRetryMs ?? fallback.connectRetryMs,
    observerDelayMs: peers.observerDelayMs,
  }
}

function coreLimits(
  peers: PeerTuning,
): Pick<CoreOptions, 'diskDiffBytes' | 'diffSyncsMax' | 'historyEntries' | 'snapSyncsMax'> {
  const { snapshotSizeFactor, snapSyncsMax, diffSyncsMax } = peers
  const fallback = DEFAULT_CORE_LIMITS
  const isLogRead = snapshotSizeFactor === null || snapshotSizeFactor > 0
  return {
    historyEntries: peers.historyEntries ?? fallback.historyEntries,
    diskDiffBytes: isLogRead ? fallback.diskDiffBytes : 0,
    snapSyncsMax,
    diffSyncsMax,
  }
}

function electionLimits(
  peers: PeerTuning,
  { multiAddress }: EnsembleConfig,
): Partial<ElectionPortLimits> {
  const fallback = DEFAULT_ELECTION_PORT_LIMITS
  const connectTimeoutMs = peers.electionConnectMs ?? fallback.connectTimeoutMs
  return {
    silenceMs: ELECTION_SILENCE_MS,
    connectTimeoutMs,
    introductionTimeoutMs: peers.electionIntroductionMs ?? fallback.introductionTimeoutMs,
    addressWaitMs: multiAddress.waitMs ?? connectTimeoutMs,
    keepAliveMs: peers.electionKeepAlive ? ELECTION_KEEP_ALIVE_MS : null,
    bindTries: peers.electionBindTries === 0 ? Infinity : peers.electionBindTries,
  }
}

function zabEnsemble(ensemble: EnsembleConfig): Ensemble {
  return { quorum: quorumOf(ensemble), version: 0n, text: ensembleText(ensemble, 0n) }
}

/** Which servers of an ensemble may decide. */
export function quorumOf(ensemble: EnsembleConfig): QuorumVerifier {
  const { groups, weights } = ensemble
  if (groups.length === 0) {
    const voters = ensemble.members.filter(({ role }) => role === 'participant')
    return new MajorityQuorum(voters.map(({ id }) => id as ServerId))
  }
  return new HierarchicalQuorum(
    groups.map(({ id, members }) => ({ id, members: members.map((member) => member as ServerId) })),
    new Map([...weights].map(([id, weight]) => [id as ServerId, weight])),
  )
}

function learnerLimits(config: Config, ensemble: EnsembleConfig): Partial<LearnerPortLimits> {
  const fallback = DEFAULT_LEARNER_PORT_LIMITS
  // A request of a client, and as much again, as in the original.
  const packetBytes = 2 * config.limits.requestFrameBytesMax
  return {
    learnerDataBytesMax: Math.max(fallback.learnerDataBytesMax, packetBytes),
    leaderDataBytesMax: Math.max(fallback.leaderDataBytesMax, packetBytes),
    // Room for one of them, while another one is on its way.
    sendQueueBytesMax: Math.max(fallback.sendQueueBytesMax, 2 * packetBytes),
    addressWaitMs: ensemble.multiAddress.waitMs ?? fallback.connectTimeoutMs,
  }
}

/** Followers listen on `observerMasterPort`. */
function observerMasterOptions(
  config: Config,
  ensemble: EnsembleConfig,
  own: MemberConfig,
): ObserverMasterOptions | null {
  const { port, windowBytesMax } = ensemble.observerMaster
  if (port === 0 || own.role === 'observer') return null
  const { initLimit, syncLimit } = ensemble
  return {
    learner: {
      self: own.id as ServerId,
      listen: listenAddresses(ensemble, own, ({ host }) => ({ host, port })),
      // Nobody is dialled from there.
      members: peerAddresses(ensemble, quorumAddress),
      limits: learnerLimits(config, ensemble),
    },
    tickMs: config.tickTimeMs,
    initLimit,
    syncLimit,
    windowBytesMax,
    ensembleText: ensembleText(ensemble, 0n),
  }
}

/** An observer takes its own `observerMasterPort` for that of every voter (`QuorumPeer.computeObserverMasters`). */
function observerMasters(
  ensemble: EnsembleConfig,
  own: MemberConfig,
): ReadonlyMap<ServerId, readonly Address[]> {
  const { port } = ensemble.observerMaster
  if (port === 0 || own.role !== 'observer') return new Map()
  const voters = ensemble.members.filter(({ role }) => role === 'participant')
  return new Map(
    voters.map((member) => [
      member.id as ServerId,
      addressesOf(member).map(({ host }) => ({ host, port })),
    ]),
  )
}

function quorumAddress({ host, quorumPort }: MemberAddress): Address {
  return { host, port: quorumPort }
}

function electionAddress({ host, electionPort }: MemberAddress): Address {
  return { host, port: electionPort }
}

function listenAddresses(
  ensemble: EnsembleConfig,
  own: MemberConfig,
  portOf: (address: MemberAddress) => Address,
): readonly Address[] {
  const addresses = addressesOf(own).map(portOf)
  if (!ensemble.listensOnAllAddresses) return addresses
  const ports = new Set(addresses.map(({ port }) => port))
  return [...ports].map((port) => ({ host: '', port }))
}

function peerAddresses(
  ensemble: EnsembleConfig,
  portOf: (address: MemberAddress) => Address,
): ReadonlyMap<ServerId, readonly Address[]> {
  return new Map(
    ensemble.members.map((member) => [member.id as ServerId, addressesOf(member).map(portOf)]),
  )
}
