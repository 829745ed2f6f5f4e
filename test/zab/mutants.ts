/** A line of the protocol, broken on purpose: the random runs must notice. */
export interface Mutant {
  readonly name: string
  /** The first seed that catches it, to find it quickly. Others follow if the core has changed. */
  readonly seed: number
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[]
}

function mutant(name: string, seed: number, file: string, from: string, to: string): Mutant {
  return { name, seed, edits: [{ file, from, to }] }
}

export const MUTANTS: readonly Mutant[] = [
  mutant(
    'a follower acks before its disk does',
    1,
    'following.ts',
    'const { history, durableZxid } = state',
    'const { history } = state\n  const durableZxid = history.last',
  ),
  mutant(
    'the leader counts its own write before it is durable',
    3,
    'broadcast.ts',
    'lead.acked.set(state.self, state.durableZxid)',
    'lead.acked.set(state.self, state.history.last)',
  ),
  mutant(
    'currentEpoch goes to disk before the history (ZOOKEEPER-4643)',
    106,
    'synchronization.ts',
    '  learning.committed = zxid < history.base',
    '  state.enterEpoch(learning.epoch)\n  learning.committed = zxid < history.base',
  ),
  mutant(
    'NEWLEADER is acked when it arrives (ZOOKEEPER-4646)',
    1,
    'synchronization.ts',
    '    learning.enterToken = state.enterEpoch(learning.epoch)\n',
    '    learning.enterToken = state.enterEpoch(learning.epoch)\n    sendEpochAck(state, learning)\n',
  ),
  mutant(
    'a snapshot is installed before the entries after it',
    105,
    'synchronization.ts',
    'learning.enterToken = state.install(zxid, snapshot, entries, learning.epoch)',
    'learning.enterToken = state.install(zxid, snapshot, [], learning.epoch)\n  for (const entry of entries) state.append(entry)',
  ),
  {
    name: 'the vote names the end of memory, not of the disk',
    seed: 2,
    edits: [
      { file: 'state.ts', from: 'zxid: this.durableZxid,', to: 'zxid: this.history.last,' },
      {
        file: 'looking.ts',
        from: 'if (looking.isVoting || !state.isDiskIdle) return',
        to: 'if (looking.isVoting) return',
      },
    ],
  },
  mutant(
    'an election starts while the last role still writes (ZOOKEEPER-4712)',
    34,
    'looking.ts',
    'if (looking.isVoting || !state.isDiskIdle) return',
    'if (looking.isVoting) return',
  ),
  mutant(
    'TRUNC cuts memory, not the disk',
    2,
    'state.ts',
    'return this.#persist({ kind: RecordKind.TRUNCATE, token: this.#nextToken(), zxid })',
    'this.durableZxid = zxid\n    return this.#lastToken',
  ),
  {
    name: 'TRUNC is not carried out',
    seed: 1,
    edits: [
      {
        file: 'synchronization.ts',
        from: 'if (zxid < history.last) state.truncate(zxid)',
        to: '',
      },
      {
        file: 'history.ts',
        from: 'if (epochOf(next) === epochOf(last)) return counterOf(next) === counterOf(last) + 1',
        to: '',
      },
    ],
  },
  mutant(
    'one ack commits',
    1,
    'broadcast.ts',
    'const agreed = state.options.ensemble.quorum.agreedZxid(lead.acked)',
    'const agreed = [...lead.acked.values()].reduce((a, b) => (a > b ? a : b))',
  ),
  mutant(
    'a learner promises before its disk knows',
    1,
    'discovery.ts',
    'learning.acceptToken = state.acceptEpoch(epoch, learning.leader)',
    'state.acceptEpoch(epoch, learning.leader)\n    sendAckEpoch(state, learning, state.currentEpoch)',
  ),
  mutant(
    'a leader offers an epoch before its disk knows (ZOOKEEPER-335)',
    1,
    'discovery.ts',
    '    if (lead.acceptToken === null) sendLeaderInfo(state, lead, learner)',
    '    sendLeaderInfo(state, lead, learner)',
  ),
  mutant(
    'a server with a later promise is left outside',
    1860,
    'discovery.ts',
    'if (lead.isEstablished && learner.isVoter) {',
    'if (lead.isEstablished && learner.isObserver) {',
  ),
  mutant(
    'a new leader uses the epoch of the old one',
    34,
    'leadership.ts',
    'this.epoch = state.acceptedEpoch + 1',
    'this.epoch = state.acceptedEpoch',
  ),
  mutant(
    'the leader serves before a quorum holds its history (ZOOKEEPER-3911)',
    1,
    'synchronization.ts',
    'containsQuorum(lead.newLeaderAcks)',
    'containsQuorum(lead.epochAcks)',
  ),
  mutant(
    'the history is applied before the leader is established (ZOOKEEPER-962)',
    2,
    'following.ts',
    'if (refusal === null && learning.phase === LearningPhase.ACTIVE) state.commitUpTo(zxid)',
    'if (refusal === null) state.commitUpTo(zxid)',
  ),
  mutant(
    'memory gets ahead of the disk (ZOOKEEPER-4882)',
    1,
    'state.ts',
    'const limit = committed < this.durableZxid ? committed : this.durableZxid',
    'const limit = committed',
  ),
  mutant(
    'the ack of NEWLEADER counts for proposals on their way',
    43,
    'synchronization.ts',
    'learner.syncedTo = lead.committed',
    'learner.syncedTo = state.history.last',
  ),
  {
    name: 'a synchronized learner misses proposals, and does not notice (O7)',
    seed: 6,
    edits: [
      {
        file: 'synchronization.ts',
        from: '  learner.isForwarding = true\n',
        to: '',
      },
      {
        file: 'broadcast.ts',
        from: '  learner.phase = LearnerPhase.ACTIVE\n',
        to: '  learner.phase = LearnerPhase.ACTIVE\n  learner.isForwarding = true\n',
      },
      {
        file: 'history.ts',
        from: 'if (epochOf(next) === epochOf(last)) return counterOf(next) === counterOf(last) + 1',
        to: 'if (epochOf(next) === epochOf(last)) return next > last',
      },
      {
        file: 'synchronization.ts',
        from: "if (learning.uncommitted.peek() !== zxid) return 'not the next proposal'\n  learning.uncommitted.shift()",
        to: '',
      },
    ],
  },
  mutant(
    'a log of an unknown epoch is taken for a prefix',
    34,
    'sync-plan.ts',
    '    applies: () => true,\n    plan: () => SNAP,',
    '    applies: () => true,\n    plan: (log, peer) => ({ kind: PacketKind.DIFF, from: log.floor(peer) }),',
  ),
  mutant(
    'what the window has dropped is not sent',
    6,
    'sync-plan.ts',
    '    applies: (log, peer) => peer < log.base,\n    plan: () => SNAP,',
    '    applies: (log, peer) => peer < log.base,\n    plan: (log) => ({ kind: PacketKind.DIFF, from: log.base }),',
  ),
  mutant(
    'the leader does not enter its epoch',
    49,
    'synchronization.ts',
    'lead.enterToken = state.enterEpoch(lead.epoch)',
    'lead.enterToken = state.enterEpoch(state.currentEpoch)',
  ),
  {
    name: 'observers count (ZOOKEEPER-769)',
    seed: 74,
    edits: [
      {
        file: 'discovery.ts',
        from: 'learner.isVoter = !learner.isObserver && quorum.isVoter(info.sid)',
        to: 'learner.isVoter = true',
      },
      {
        file: 'quorum.ts',
        from: 'if (this.#voters.has(sid)) count += 1',
        to: 'if (sid > 0) count += 1',
      },
    ],
  },
  mutant(
    'the quorum of one less',
    1,
    'quorum.ts',
    'this.#needed = Math.floor(this.voters.length / 2) + 1',
    'this.#needed = Math.floor(this.voters.length / 2)',
  ),
]
