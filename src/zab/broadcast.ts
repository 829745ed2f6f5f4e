import { counterOf, epochOf, formatHex, makeZxid, type Zxid } from '../base/index.ts'
import { LeaderPhase, type Leadership } from './leadership.ts'
import { PacketKind, type Relayed } from './messages.ts'
import { Role } from './outbox.ts'
import { type Learner, LearnerPhase } from './progress.ts'
import type { CoreState } from './state.ts'

const SYNC: Relayed = { kind: PacketKind.SYNC, body: null }

/** The history this server was elected with is committed, new transactions may be proposed. */
export function establish(state: CoreState, lead: Leadership): void {
  lead.phase = LeaderPhase.BROADCASTING
  lead.lastProposed = makeZxid(lead.epoch, 0)
  state.vote = { ...state.vote, peerEpoch: lead.epoch }
  state.shunned.clear()
  state.trace(`established in epoch ${lead.epoch}, history to ${formatHex(lead.initialEnd)}`)
  state.commitUpTo(lead.committed)
  state.outbox.roleChanges.push({
    role: Role.LEADING,
    epoch: lead.epoch,
    leader: state.self,
    serving: true,
    reason: 'a quorum holds the history',
  })
  for (const learner of lead.learners.values()) {
    if (learner.phase === LearnerPhase.SYNCHRONIZED) activate(state, lead, learner)
  }
}

export function activate(state: CoreState, lead: Leadership, learner: Learner): void {
  learner.phase = LearnerPhase.ACTIVE
  const { timing } = state.options
  learner.deadlineMs = state.nowMs + timing.syncLimit * timing.tickMs
  state.send(learner.link, { kind: PacketKind.UPTODATE })
  state.trace(`${learner.name} is up to date`)
  if (!learner.isObserver) sendHeldCommits(state, lead, learner)
}

/**
 * What was committed between NEWLEADER and UPTODATE. A COMMIT that comes in between ends followers of 3.6.3 to 3.8.0: they
 * have passed on all proposals at NEWLEADER, and look for this one among those that they still hold
 * (ZOOKEEPER-4394). All of it is of this epoch, so that the zxids follow from each other.
 */
function sendHeldCommits(state: CoreState, lead: Leadership, learner: Learner): void {
  const { epoch, committed } = lead
  const first = epochOf(learner.syncedTo) === epoch ? counterOf(learner.syncedTo) + 1 : 1
  const last = epochOf(committed) === epoch ? counterOf(committed) : 0
  for (let counter = first; counter <= last; counter += 1) {
    commitTo(state, learner, makeZxid(epoch, counter))
  }
}

function commitTo(state: CoreState, learner: Learner, zxid: Zxid): void {
  if (learner.syncs.length > 0) answerSyncsBefore(state, learner, zxid)
  state.send(learner.link, { kind: PacketKind.COMMIT, zxid })
}

/**
 * The next zxid, or null: not established, or at the end of the counter. There the leader assigns nothing more, sees
 * everything outstanding committed and has a new epoch elected; a counter that wraps would reuse zxids
 * (ZOOKEEPER-1277). Whoever was refused keeps the request and proposes it again, so none is lost.
 */
export function nextZxid(state: CoreState, lead: Leadership): Zxid | null {
  if (!lead.isEstablished) return null
  const counter = counterOf(lead.lastProposed) + 1
  return counter > state.options.lastCounter ? null : makeZxid(lead.epoch, counter)
}

export function propose(state: CoreState, lead: Leadership, txn: Uint8Array): Zxid | null {
  const zxid = nextZxid(state, lead)
  if (zxid === null) return null
  lead.lastProposed = zxid
  state.append({ zxid, txn })
  const packet = { kind: PacketKind.PROPOSAL, zxid, txn }
  for (const learner of lead.learners.values()) {
    if (!learner.isForwarding || learner.isObserver) continue
    state.send(learner.link, packet)
    if (learner.isVoter) learner.onProposalSent(zxid, state.nowMs)
  }
  return zxid
}

/** An ACK that a voter sent after its synchronization: it holds everything up to `zxid`. */
export function onAck(state: CoreState, lead: Leadership, learner: Learner, zxid: Zxid): void {
  // The second ACK of epoch:0 answers UPTODATE. An ACK of a committed entry comes late or after a DIFF.
  if (counterOf(zxid) === 0 || !learner.isVoter || zxid <= lead.committed) {
    learner.onAck(zxid)
    return
  }
  // Nobody can hold what was not sent: a broken peer must not commit for others.
  if (!lead.isEstablished || epochOf(zxid) !== lead.epoch || zxid > lead.lastProposed) return
  learner.onAck(zxid)
  const before = lead.acked.get(learner.sid!)
  if (before !== undefined && zxid <= before) return
  lead.acked.set(learner.sid!, zxid)
  advanceCommit(state, lead)
}

/** The leader's own disk is one more voter: its ack is what has become durable. */
export function onOwnDurable(state: CoreState, lead: Leadership): void {
  if (!lead.isEstablished) return
  if (epochOf(state.durableZxid) === lead.epoch && state.isVoter) {
    lead.acked.set(state.self, state.durableZxid)
    advanceCommit(state, lead)
  }
  state.commitUpTo(lead.committed)
  handOverAtEnd(state, lead)
}

/**
 * Commits in zxid order what a quorum holds. Only entries of this epoch are counted: the history before it was
 * committed as a whole by the acks of NEWLEADER.
 */
function advanceCommit(state: CoreState, lead: Leadership): void {
  const agreed = state.options.ensemble.quorum.agreedZxid(lead.acked)
  if (agreed <= lead.committed || epochOf(agreed) !== lead.epoch) return
  const { history } = state
  for (let i = history.indexAfter(lead.committed); i < history.length; i += 1) {
    const { zxid, txn } = history.at(i)
    if (zxid > agreed) break
    const inform = { kind: PacketKind.INFORM, zxid, txn }
    for (const learner of lead.learners.values()) {
      if (!learner.isForwarding) continue
      if (learner.isObserver) {
        if (learner.syncs.length > 0) answerSyncsBefore(state, learner, zxid)
        state.send(learner.link, inform)
      } else if (learner.phase === LearnerPhase.ACTIVE) commitTo(state, learner, zxid)
    }
  }
  lead.committed = agreed
  state.commitUpTo(agreed)
  handOverAtEnd(state, lead)
}

/**
 * A learner asks for a sync. Apache's learners answer their clients in the order of all requests that they forwarded
 * (`CommitProcessor.queuedWriteRequests`): a COMMIT that comes before the answer to an earlier sync is taken for
 * somebody else's, and then its own client waits for ever. So the answer leaves at the latest before the COMMIT of
 * what is proposed from now on. That is soon enough: such a commit is also a quorum's word that this server led when
 * the sync came.
 */
export function expectSync(lead: Leadership, learner: Learner): void {
  learner.syncs.push(lead.lastProposed)
}

function answerSyncsBefore(state: CoreState, learner: Learner, zxid: Zxid): void {
  for (let before = learner.syncs.peek(); before !== null; before = learner.syncs.peek()) {
    if (before >= zxid) return
    learner.syncs.shift()
    learner.syncsAnswered += 1
    state.send(learner.link, SYNC)
  }
}

/** The oldest sync that was not answered by this function: it may be answered now, if no commit has done it before. */
export function answerSync(state: CoreState, learner: Learner): void {
  if (learner.syncsAnswered > 0) learner.syncsAnswered -= 1
  else if (learner.syncs.shift() !== null) state.send(learner.link, SYNC)
}

/** Everything up to the last counter is committed and applied, the COMMITs are on their way: a new epoch begins. */
function handOverAtEnd(state: CoreState, lead: Leadership): void {
  if (counterOf(lead.lastProposed) < state.options.lastCounter) return
  if (state.applied !== lead.lastProposed) return
  state.become({ to: 'looking', reason: `epoch ${lead.epoch} has no zxid left` })
}
