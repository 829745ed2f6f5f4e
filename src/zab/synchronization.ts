import { counterOf, epochOf, formatHex, makeZxid, type Zxid } from '../base/index.ts'
import { activate, establish } from './broadcast.ts'
import { isSuccessor } from './history.ts'
import type { PersistToken } from './inputs.ts'
import { dropLearner, LeaderPhase, type Leadership } from './leadership.ts'
import { type Learning, LearningPhase } from './learning.ts'
import { type Entry, type NewLeader, PacketKind, type Snap, type SyncStart } from './messages.ts'
import { type Learner, LearnerPhase } from './progress.ts'
import type { CoreState } from './state.ts'
import { planSync, type SyncPlan } from './sync-plan.ts'

/** Entries kept beside a snapshot until NEWLEADER; a leader that sends more is not bringing anybody up to date. */
const MAX_STAGED_BYTES = 1024 * 1024 * 1024
const ENTRY_OVERHEAD = 64

// --- leader ---------------------------------------------------------------------------------------------------------

/** A quorum has promised the epoch, and none of it holds more: this history is the one to go on with. */
export function startSynchronization(state: CoreState, lead: Leadership): void {
  lead.phase = LeaderPhase.SYNCHRONIZING
  lead.enterToken = state.enterEpoch(lead.epoch)
  for (const learner of [...lead.learners.values()]) {
    if (learner.phase === LearnerPhase.WAITS_FOR_QUORUM) synchronize(state, lead, learner)
  }
}

/**
 * Sends everything that the learner lacks, then NEWLEADER, and in the same step makes it one of those who get new
 * proposals and commits: the plan and the registration cannot miss each other. What comes from the driver first is
 * joined to the memory in the step in which it is there, by the same rule.
 */
export function synchronize(state: CoreState, lead: Leadership, learner: Learner): void {
  const plan = planSync(state.history, learner.lastZxid)
  const isFromDisk = plan.kind === PacketKind.SNAP && isOnDisk(state, learner.lastZxid)
  learner.takesSnapshot = plan.kind === PacketKind.SNAP && !isFromDisk
  if (isOneTooMany(state, lead, learner)) return
  if (plan.kind !== PacketKind.SNAP) sendPlanned(state, lead, learner, plan, [])
  else if (isFromDisk) requestEntries(state, learner)
  else requestSnapshot(state, learner)
}

/** Followers are needed and never wait, but they count (`LearnerSyncThrottler`). */
function isOneTooMany(state: CoreState, lead: Leadership, learner: Learner): boolean {
  if (!learner.isObserver) return false
  const { snapSyncsMax, diffSyncsMax } = state.options
  const { takesSnapshot } = learner
  let count = 0
  for (const other of lead.learners.values()) {
    const { phase } = other
    const isUnderWay = phase > LearnerPhase.WAITS_FOR_QUORUM && phase < LearnerPhase.SYNCHRONIZED
    if (isUnderWay && other.takesSnapshot === takesSnapshot) count += 1
  }
  if (count < (takesSnapshot ? snapSyncsMax : diffSyncsMax)) return false
  const what = takesSnapshot ? 'get a snapshot' : 'are brought up to date'
  dropLearner(state, lead, learner, `${count} others ${what} now`)
  return true
}

/** Behind the window in memory, but the log on disk reaches as far (Apache's `isTxnLogSyncEnabled`). */
function isOnDisk(state: CoreState, zxid: Zxid): boolean {
  const { diskBase, history, options } = state
  return diskBase !== null && diskBase <= zxid && zxid < history.base && options.diskDiffBytes > 0
}

function requestEntries(state: CoreState, learner: Learner): void {
  const { base } = state.history
  learner.phase = LearnerPhase.WAITS_FOR_ENTRIES
  learner.claim = base
  const after = learner.lastZxid
  state.trace(`${learner.name} at ${formatHex(after)}: log on disk to ${formatHex(base)}`)
  const maxBytes = state.options.diskDiffBytes
  const { link } = learner
  state.outbox.entryRequests.push({ link, sid: learner.sid!, after, upTo: base, maxBytes })
}

function requestSnapshot(state: CoreState, learner: Learner): void {
  learner.phase = LearnerPhase.WAITS_FOR_SNAPSHOT
  learner.takesSnapshot = true
  learner.claim = state.applied
  state.trace(`${learner.name} at ${formatHex(learner.lastZxid)}: snapshot`)
  state.outbox.snapshotRequests.push({ link: learner.link, sid: learner.sid! })
}

/**
 * What was read and what is in memory make one log, or nothing is made of it: a hole between them was once sent to
 * learners (ZOOKEEPER-2418).
 */
export function onEntriesReady(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  floor: Zxid,
  entries: readonly Entry[],
): void {
  if (learner.phase !== LearnerPhase.WAITS_FOR_ENTRIES) return
  const { history } = state
  let last = floor
  for (const { zxid } of entries) {
    if (!isSuccessor(zxid, last)) {
      onEntriesFailed(state, learner, `${formatHex(zxid)} after ${formatHex(last)}`)
      return
    }
    last = zxid
  }
  const log = {
    base: floor,
    last: history.last,
    holds: (zxid: Zxid) => zxid === floor,
    floor: () => floor,
  }
  const plan = planSync(log, learner.lastZxid)
  const isJoined = history.holds(last) && last <= lead.committed
  if (plan.kind !== PacketKind.SNAP && isJoined) sendPlanned(state, lead, learner, plan, entries)
  else onEntriesFailed(state, learner, `no way from there over ${formatHex(floor)}`)
}

export function onEntriesFailed(state: CoreState, learner: Learner, reason: string): void {
  if (learner.phase !== LearnerPhase.WAITS_FOR_ENTRIES) return
  state.trace(`${learner.name}: nothing from the log on disk: ${reason}`)
  requestSnapshot(state, learner)
}

export function onSnapshotReady(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  zxid: Zxid,
  snapshot: unknown,
): void {
  if (learner.phase !== LearnerPhase.WAITS_FOR_SNAPSHOT) return
  if (zxid > lead.committed || !state.history.holds(zxid)) {
    // The window has moved on while the snapshot was prepared.
    requestSnapshot(state, learner)
    return
  }
  state.send(learner.link, { kind: PacketKind.SNAP, zxid, snapshot })
  sendHistory(state, lead, learner, zxid)
}

/** DIFF or TRUNC, and the entries of the log from there, of which the first ones (committed long ago) were read. */
function sendPlanned(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  plan: Exclude<SyncPlan, { kind: typeof PacketKind.SNAP }>,
  read: readonly Entry[],
): void {
  const isDiff = plan.kind === PacketKind.DIFF
  // DIFF names how far the history is committed; what the learner holds beyond that is committed one by one.
  const zxid = isDiff ? lead.committed : plan.from
  const from = formatHex(learner.lastZxid)
  state.trace(
    `${learner.name} at ${from}: ${isDiff ? 'DIFF from' : 'TRUNC to'} ${formatHex(plan.from)}`,
  )
  state.send(learner.link, { kind: plan.kind, zxid })
  for (const entry of read) sendEntry(state, learner, entry, true)
  sendHistory(state, lead, learner, read.at(-1)?.zxid ?? plan.from)
}

function sendEntry(state: CoreState, learner: Learner, entry: Entry, isCommitted: boolean): void {
  const { zxid, txn } = entry
  state.send(learner.link, { kind: PacketKind.PROPOSAL, zxid, txn })
  if (isCommitted) state.send(learner.link, { kind: PacketKind.COMMIT, zxid })
  else if (learner.isVoter) learner.onProposalSent(zxid, state.nowMs)
}

/**
 * Entries up to `lead.committed` go with their COMMIT: before the leader is established that is the history it was
 * elected with, and the learner has to hold it durably before it acks NEWLEADER (ZOOKEEPER-3911). Later ones are
 * proposals like any other, acked and committed one by one (ZOOKEEPER-4394).
 */
function sendHistory(state: CoreState, lead: Leadership, learner: Learner, from: Zxid): void {
  const { history } = state
  for (let i = history.indexAfter(from); i < history.length; i += 1) {
    const entry = history.at(i)
    const isCommitted = entry.zxid <= lead.committed
    // An observer gets the rest as INFORM when it is committed.
    if (!isCommitted && learner.isObserver) break
    sendEntry(state, learner, entry, isCommitted)
  }
  learner.claim = null
  learner.syncedTo = lead.committed
  learner.isForwarding = true
  learner.phase = LearnerPhase.SYNCHRONIZING
  state.send(learner.link, {
    kind: PacketKind.NEWLEADER,
    zxid: makeZxid(lead.epoch, 0),
    config: state.options.ensemble.text,
  })
}

/** The first packet after NEWLEADER must be its ACK; one that acks anything else does not hold the history. */
export function onNewLeaderAck(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  zxid: Zxid,
): void {
  // An ACK of a proposal that overtook it (ZOOKEEPER-4685, ZooKeeper 3.8.0 to 3.8.4) counts for nothing.
  if (zxid !== makeZxid(lead.epoch, 0)) return
  learner.phase = LearnerPhase.SYNCHRONIZED
  if (learner.isVoter) {
    lead.newLeaderAcks.add(learner.sid!)
    const acked = lead.acked.get(learner.sid!)
    if (acked === undefined || acked < learner.syncedTo) {
      lead.acked.set(learner.sid!, learner.syncedTo)
    }
  }
  if (lead.isEstablished) activate(state, lead, learner)
  else establishWithQuorum(state, lead)
}

/** The leader's own currentEpoch is durable; its history was before the election began. */
export function leaderEnteredDurable(
  state: CoreState,
  lead: Leadership,
  token: PersistToken,
): void {
  if (lead.enterToken === null || token < lead.enterToken) return
  lead.enterToken = null
  lead.newLeaderAcks.add(state.self)
  lead.acked.set(state.self, state.durableZxid)
  establishWithQuorum(state, lead)
}

function establishWithQuorum(state: CoreState, lead: Leadership): void {
  if (lead.phase !== LeaderPhase.SYNCHRONIZING || !lead.newLeaderAcks.has(state.self)) return
  if (state.options.ensemble.quorum.containsQuorum(lead.newLeaderAcks)) establish(state, lead)
}

export function onSnapshotFailed(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  why: string,
): void {
  if (learner.phase === LearnerPhase.WAITS_FOR_SNAPSHOT) {
    dropLearner(state, lead, learner, `no snapshot: ${why}`)
  }
}

// --- learner --------------------------------------------------------------------------------------------------------

/** Why the learner cannot go on with this leader, or null. */
type Refusal = string | null

export function onSyncStart(state: CoreState, learning: Learning, packet: SyncStart): Refusal {
  if (learning.phase !== LearningPhase.WAITS_FOR_SYNC) return 'out of turn'
  acceptAsObserver(state, learning)
  const { history } = state
  // epoch:0 is in no log; it stands for everything before that epoch.
  const isReal = counterOf(packet.zxid) !== 0 || packet.zxid < history.base
  const zxid = isReal ? packet.zxid : history.floor(packet.zxid)
  if (packet.kind === PacketKind.TRUNC) {
    // What is committed stays: a leader that wants it gone has lost data, and must not take ours with it.
    if (zxid < state.applied) return `would cut committed entries after ${formatHex(zxid)}`
    // Both sides must hold the new end, else something would be missing before it.
    if (!history.holds(zxid)) return `${formatHex(zxid)} is not in this log`
    if (zxid < history.last) state.truncate(zxid)
  }
  learning.phase = LearningPhase.SYNCHRONIZING
  learning.committed = zxid < history.base ? history.base : history.floor(zxid)
  for (let i = history.indexAfter(learning.committed); i < history.length; i += 1) {
    learning.uncommitted.push(history.at(i).zxid)
  }
  return null
}

/** Before any entry of the epoch: a log never holds entries of an epoch that its server has not accepted. */
function acceptAsObserver(state: CoreState, learning: Learning): void {
  if (learning.isObserver && learning.epoch > state.acceptedEpoch) {
    state.acceptEpoch(learning.epoch, learning.leader)
  }
}

/**
 * Nothing is touched yet, neither log nor state: with the connection lost in the middle, this server is what it was
 * (ZOOKEEPER-3642, 5094).
 */
export function onSnap(state: CoreState, learning: Learning, packet: Snap): Refusal {
  if (learning.phase !== LearningPhase.WAITS_FOR_SYNC) return 'out of turn'
  if (packet.zxid < 0n || epochOf(packet.zxid) > learning.epoch) return 'impossible zxid'
  acceptAsObserver(state, learning)
  learning.phase = LearningPhase.SYNCHRONIZING
  learning.staged = { zxid: packet.zxid, snapshot: packet.snapshot, entries: [], bytes: 0 }
  learning.committed = packet.zxid
  state.trace(`snapshot at ${formatHex(packet.zxid)} received`)
  return null
}

/** PROPOSAL or INFORM, in and after the synchronization. */
export function onEntry(
  state: CoreState,
  learning: Learning,
  zxid: Zxid,
  txn: Uint8Array,
): Refusal {
  const { staged } = learning
  // After a snapshot Apache's leader repeats what it holds already.
  if (staged !== null && zxid <= staged.zxid && staged.entries.length === 0) return null
  const last = learning.lastReceived(state)
  if (!isSuccessor(zxid, last) || epochOf(zxid) > learning.epoch) {
    return `${formatHex(zxid)} after ${formatHex(last)}`
  }
  const entry = { zxid, txn }
  if (staged !== null) {
    staged.entries.push(entry)
    staged.bytes += txn.length + ENTRY_OVERHEAD
    if (staged.bytes > MAX_STAGED_BYTES) return 'too many entries with a snapshot'
  } else {
    state.append(entry)
  }
  learning.uncommitted.push(zxid)
  return null
}

/** COMMITs name what was received, in order and without gaps. Which of it is applied is decided at UPTODATE. */
export function onCommitted(learning: Learning, zxid: Zxid): Refusal {
  if (zxid <= learning.committed) {
    return learning.phase === LearningPhase.ACTIVE ? 'committed before' : null
  }
  if (learning.uncommitted.peek() !== zxid) return 'not the next proposal'
  learning.uncommitted.shift()
  learning.committed = zxid
  return null
}

/**
 * History first, then currentEpoch, then the ACK. With the epoch before the history, a crash between both leaves a
 * server that beats others by its epoch without holding what the epoch started from, and truncates what they have
 * committed (ZOOKEEPER-4643, 4785). A snapshot, its entries and the epoch become durable at once: the snapshot alone
 * may end before entries that this server held, and acked, until now.
 */
export function onNewLeader(state: CoreState, learning: Learning, packet: NewLeader): Refusal {
  if (learning.phase !== LearningPhase.SYNCHRONIZING) return 'out of turn'
  if (epochOf(packet.zxid) !== learning.epoch || counterOf(packet.zxid) !== 0) return 'wrong epoch'
  learning.phase = LearningPhase.ENTERING
  const { staged } = learning
  if (staged === null) {
    learning.enterToken = state.enterEpoch(learning.epoch)
    return null
  }
  if (learning.lastReceived(state) < state.applied) {
    return `would take back committed entries up to ${formatHex(state.applied)}`
  }
  const { zxid, snapshot, entries } = staged
  learning.enterToken = state.install(zxid, snapshot, entries, learning.epoch)
  learning.staged = null
  return null
}

/** True once NEWLEADER has been acked in this step. */
export function learnerEnteredDurable(
  state: CoreState,
  learning: Learning,
  token: PersistToken,
): boolean {
  if (learning.enterToken === null || token < learning.enterToken) return false
  learning.enterToken = null
  learning.phase = LearningPhase.ENTERED
  learning.acked = learning.committed
  state.trace(`entered epoch ${learning.epoch}, log to ${formatHex(state.durableZxid)}`)
  sendEpochAck(state, learning)
  return true
}

export function sendEpochAck(state: CoreState, learning: Learning): void {
  state.send(learning.link!, { kind: PacketKind.ACK, zxid: makeZxid(learning.epoch, 0) })
}
