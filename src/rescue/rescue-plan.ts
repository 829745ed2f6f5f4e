import path from 'node:path'
import type { ServerId, Zxid } from '../base/index.ts'
import type { EnsembleConfig, MemberConfig } from '../config/index.ts'
import { quorumOf } from '../server/index.ts'
import type { LogFacts } from '../storage/index.ts'
import { type BackupPlan, planBackup, unusedName } from './backup.ts'
import type { RescueFiles } from './files.ts'
import { type Journal, progressOf } from './journal.ts'
import { type ConfigEdit, planConfig } from './plan-config.ts'
import type { Answering } from './reachable.ts'
import { rescueEpoch } from './rescue-epoch.ts'
import { RescueError } from './rescue-error.ts'
import type { RescueTarget, RescueWishes } from './rescue-target.ts'
import { compareSurvivors, type Survivor, survivorOf } from './survivors.ts'

/** Why a rescue should not take place. */
export interface Objection {
  readonly reason: string
  /** A flag that overrules it; null when there is none. */
  readonly overruledBy: string | null
}

/** What a rescue would do, and what speaks against it. */
export interface RescuePlan {
  readonly own: Survivor
  readonly facts: LogFacts
  /** Of the old list, apart from this server. */
  readonly others: readonly MemberConfig[]
  readonly answering: readonly Answering[]
  readonly peers: readonly Survivor[]
  /** Servers of the new list. */
  readonly members: readonly number[]
  readonly lost: readonly number[]
  readonly objections: readonly Objection[]
  /** Null when the epoch is raised already, or need not be. */
  readonly raise: {
    readonly epoch: number
    readonly lastZxid: Zxid
    readonly backup: string
    /** Null when it was made by a run that was cut short. */
    readonly backupPlan: BackupPlan | null
  } | null
  /** Null when it is as it should be. */
  readonly config: ConfigEdit | null
}

/** Decides, and changes nothing. `answering` are servers of the old list that were heard. */
export function planRescue(
  files: RescueFiles,
  target: RescueTarget,
  wishes: RescueWishes,
  facts: LogFacts,
  journal: Journal | null,
  answering: readonly Answering[],
): RescuePlan {
  const { config, id } = target
  const own = survivorOf(id, facts)
  const ensemble = config?.ensemble ?? null
  const others = (ensemble?.members ?? []).filter((member) => member.id !== id)
  const peers = wishes.peers.filter((peer) => peer.id !== id)
  refuseAlone(target, journal)
  refuseStrangers(ensemble, peers)
  const members = [id, ...peers.map((peer) => peer.id)].sort((a, b) => a - b)
  const progress = journal === null ? 'past' : progressOf(journal, own)
  const raise =
    wishes.configOnly || progress === 'raised' || isAloneAlready(config)
      ? null
      : planRaise(files, target, wishes, own, peers, progress === 'begun' ? journal : null)
  const base = { own, facts, others, answering, peers, members, raise }
  const lost = others.map((member) => member.id).filter((other) => !members.includes(other))
  const edit =
    config === null || lost.length === 0 ? null : planConfig(files, config, members, own, wishes)
  const isDone = raise === null && edit === null
  return {
    ...base,
    lost,
    config: edit,
    objections: isDone ? [] : objections(base, ensemble, wishes),
  }
}

function isAloneAlready(config: RescueTarget['config']): boolean {
  return config !== null && config.ensemble === null
}

/** Nobody else is on the list; after a rescue that is as it should be. */
function refuseAlone({ config, id }: RescueTarget, journal: Journal | null): void {
  if (config === null || config.ensemble !== null || journal !== null) return
  const reason = `server ${id} stands alone: no quorum of others is needed, so none can be lost`
  throw new RescueError('usage', `${config.file}: ${reason}`)
}

function refuseStrangers(ensemble: EnsembleConfig | null, peers: readonly Survivor[]): void {
  if (ensemble === null) return
  const known = ensemble.members.map((member) => member.id)
  const stranger = peers.find((peer) => !known.includes(peer.id))
  if (stranger === undefined) return
  throw new RescueError(
    'usage',
    `--peer: server ${stranger.id} is not in the configuration, whose servers are ${known.join(', ')}`,
  )
}

function planRaise(
  files: RescueFiles,
  { id, dataDir, dataLogDir, config }: RescueTarget,
  { backup }: RescueWishes,
  own: Survivor,
  peers: readonly Survivor[],
  begun: Journal | null,
): NonNullable<RescuePlan['raise']> {
  const { lastZxid } = own
  if (begun !== null && files.exists(begun.backup)) {
    return { epoch: begun.epoch, lastZxid, backup: begun.backup, backupPlan: null }
  }
  const known = Math.max(own.acceptedEpoch, ...peers.map((peer) => peer.acceptedEpoch))
  const epoch = rescueEpoch(known, id)
  if (epoch === null) {
    throw new RescueError(
      'refused',
      `No epoch is left for another rescue: ${known} has been reached. Export the data and import it into a new server`,
    )
  }
  const beside = `${dataDir}.before-force-quorum-0x${lastZxid.toString(16)}`
  const folder = unusedName(files, backup === null ? beside : path.resolve(backup))
  const configFiles =
    config === null ? [] : [config.file, ...(config.dynamic === null ? [] : [config.dynamic.file])]
  const backupPlan = planBackup(files, folder, dataDir, dataLogDir, configFiles)
  return { epoch, lastZxid, backup: folder, backupPlan }
}

/* ------------------------------------------------------------------ guard rails */

type Known = Pick<RescuePlan, 'answering' | 'members' | 'others' | 'own' | 'peers'>

function objections(
  plan: Known,
  ensemble: EnsembleConfig | null,
  wishes: RescueWishes,
): Objection[] {
  const all = [
    majorityObjection(plan, ensemble),
    ...answeringObjections(plan, wishes),
    unknownObjection(plan, ensemble),
    wishes.configOnly ? sourceObjection(plan) : behindObjection(plan),
  ]
  return all
    .filter((one) => one !== null)
    .filter(({ overruledBy }) => !(overruledBy === '--allow-behind' && wishes.allowBehind))
}

/** Nothing is lost while a majority can still agree. */
function majorityObjection(
  { answering, own, peers }: Known,
  ensemble: EnsembleConfig | null,
): Objection | null {
  if (ensemble === null) return null
  const ids = [own.id, ...peers.map(({ id }) => id), ...answering.map(({ id }) => id)]
  if (!quorumOf(ensemble).containsQuorum(new Set(ids as ServerId[]))) return null
  const names = [...new Set(ids)].sort((a, b) => a - b).join(', ')
  const reason = `the majority is not lost: servers ${names} are one. Start them all with the configuration they have`
  return { reason, overruledBy: null }
}

function answeringObjections(
  { answering, members }: Known,
  { configOnly }: RescueWishes,
): (Objection | null)[] {
  return answering.map(({ id, where }) => {
    const isSurvivor = members.includes(id)
    if (isSurvivor && configOnly) return null
    const reason = isSurvivor
      ? `server ${id} runs: its ${where} answers. Stop it first`
      : `server ${id} answers on its ${where}: it is not lost. Start it, or stop it for good`
    return { reason, overruledBy: isSurvivor ? null : '--ignore-reachable' }
  })
}

function unknownObjection({ own }: Known, ensemble: EnsembleConfig | null): Objection | null {
  if (ensemble !== null) return null
  const reason = `the other servers are not known, so nobody can be asked whether server ${own.id} is the last one. Give its zoo.cfg`
  return { reason, overruledBy: '--ignore-reachable' }
}

function behindObjection({ own, peers }: Known): Objection | null {
  const [best] = [...peers].sort(compareSurvivors).reverse()
  if (best === undefined || compareSurvivors(best, own) <= 0) return null
  const reason =
    `server ${best.id} has more: epoch ${best.currentEpoch} up to 0x${best.lastZxid.toString(16)}, ` +
    `this one epoch ${own.currentEpoch} up to 0x${own.lastZxid.toString(16)}. Run this on server ${best.id}`
  return { reason, overruledBy: '--allow-behind' }
}

/** Whoever gets only the list of servers has to take the data of somebody who has more. */
function sourceObjection({ own, peers }: Known): Objection | null {
  if (peers.some((peer) => compareSurvivors(peer, own) > 0)) return null
  const reason =
    'none of the servers given with --peer is further than this one, so none was rescued so far. ' +
    'Rescue one of them, and give the facts that it shows then'
  return { reason, overruledBy: null }
}
