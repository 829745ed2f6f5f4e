/** A line of the protocol, of the order on disk, or of a duty of the driver, broken on purpose. */
export interface Mutant {
  readonly id: string
  readonly what: string
  readonly edits: readonly Edit[]
}

interface Edit {
  /** In src/zab, unless a path is named. */
  readonly file: string
  readonly from: string
  readonly to: string
}

function mutant(id: string, what: string, file: string, from: string, to: string): Mutant {
  return { id, what, edits: [{ file, from, to }] }
}

export const MUTANTS: readonly Mutant[] = [
  mutant(
    'follower-ack-before-disk',
    'a follower acks before its disk does',
    'following.ts',
    'const { history, durableZxid } = state',
    'const { history } = state\n  const durableZxid = history.last',
  ),
  mutant(
    'leader-ack-before-disk',
    'the leader counts its own write before it is durable',
    'broadcast.ts',
    'lead.acked.set(state.self, state.durableZxid)',
    'lead.acked.set(state.self, state.history.last)',
  ),
  mutant(
    'epoch-before-history',
    'currentEpoch goes to disk before the history (ZOOKEEPER-4643)',
    'synchronization.ts',
    '  learning.committed = zxid < history.base',
    '  state.enterEpoch(learning.epoch)\n  learning.committed = zxid < history.base',
  ),
  mutant(
    'newleader-acked-on-arrival',
    'NEWLEADER is acked when it arrives (ZOOKEEPER-4646)',
    'synchronization.ts',
    '    learning.enterToken = state.enterEpoch(learning.epoch)\n',
    '    learning.enterToken = state.enterEpoch(learning.epoch)\n    sendEpochAck(state, learning)\n',
  ),
  mutant(
    'snapshot-without-entries',
    'a snapshot is installed before the entries after it',
    'synchronization.ts',
    'learning.enterToken = state.install(zxid, snapshot, entries, learning.epoch)',
    'learning.enterToken = state.install(zxid, snapshot, [], learning.epoch)\n  for (const entry of entries) state.append(entry)',
  ),
  {
    id: 'vote-from-memory',
    what: 'the vote names the end of memory, not of the disk',
    edits: [
      { file: 'state.ts', from: 'zxid: this.durableZxid,', to: 'zxid: this.history.last,' },
      {
        file: 'looking.ts',
        from: 'if (looking.isVoting || !state.isDiskIdle || ',
        to: 'if (looking.isVoting || ',
      },
    ],
  },
  mutant(
    'election-over-busy-disk',
    'an election starts while the last role still writes (ZOOKEEPER-4712)',
    'looking.ts',
    'if (looking.isVoting || !state.isDiskIdle || ',
    'if (looking.isVoting || ',
  ),
  mutant(
    'trunc-in-memory-only',
    'TRUNC cuts memory, not the disk',
    'state.ts',
    'return this.#persist({ kind: RecordKind.TRUNCATE, token: this.#nextToken(), zxid })',
    'this.durableZxid = zxid\n    return this.#lastToken',
  ),
  {
    id: 'trunc-ignored',
    what: 'TRUNC is not carried out',
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
    'one-ack-commits',
    'one ack commits',
    'broadcast.ts',
    'const agreed = state.options.ensemble.quorum.agreedZxid(lead.acked)',
    'const agreed = [...lead.acked.values()].reduce((a, b) => (a > b ? a : b))',
  ),
  mutant(
    'promise-before-disk',
    'a learner promises before its disk knows',
    'discovery.ts',
    'learning.acceptToken = state.acceptEpoch(epoch, learning.leader)',
    'state.acceptEpoch(epoch, learning.leader)\n    sendAckEpoch(state, learning, state.currentEpoch)',
  ),
  mutant(
    'offer-before-disk',
    'a leader offers an epoch before its disk knows (ZOOKEEPER-335)',
    'discovery.ts',
    '    if (lead.acceptToken === null) sendLeaderInfo(state, lead, learner)',
    '    sendLeaderInfo(state, lead, learner)',
  ),
  mutant(
    'later-promise-left-out',
    'a server with a later promise is left outside',
    'discovery.ts',
    'if (lead.isEstablished && learner.isVoter && historyEpoch <= lead.epoch) {',
    'if (lead.isEstablished && learner.isObserver) {',
  ),
  mutant(
    'epoch-reused',
    'a new leader uses the epoch of the old one',
    'leadership.ts',
    'this.epoch = state.acceptedEpoch + 1',
    'this.epoch = state.acceptedEpoch',
  ),
  mutant(
    'serves-before-quorum',
    'the leader serves before a quorum holds its history (ZOOKEEPER-3911)',
    'synchronization.ts',
    'containsQuorum(lead.newLeaderAcks)',
    'containsQuorum(lead.epochAcks)',
  ),
  mutant(
    'applied-before-established',
    'the history is applied before the leader is established (ZOOKEEPER-962)',
    'following.ts',
    'if (refusal === null && learning.phase === LearningPhase.ACTIVE) state.commitUpTo(zxid)',
    'if (refusal === null) state.commitUpTo(zxid)',
  ),
  mutant(
    'memory-ahead-of-disk',
    'memory gets ahead of the disk (ZOOKEEPER-4882)',
    'state.ts',
    'const limit = committed < this.durableZxid ? committed : this.durableZxid',
    'const limit = committed',
  ),
  mutant(
    'newleader-ack-counts-for-more',
    'the ack of NEWLEADER counts for proposals on their way',
    'synchronization.ts',
    'learner.syncedTo = lead.committed',
    'learner.syncedTo = state.history.last',
  ),
  {
    id: 'learner-misses-proposals',
    what: 'a synchronized learner misses proposals, and does not notice (O7)',
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
    'unknown-epoch-as-prefix',
    'a log of an unknown epoch is taken for a prefix',
    'sync-plan.ts',
    '    applies: () => true,\n    plan: () => SNAP,',
    '    applies: () => true,\n    plan: (log, peer) => ({ kind: PacketKind.DIFF, from: log.floor(peer) }),',
  ),
  mutant(
    'dropped-window-not-sent',
    'what the window has dropped is not sent',
    'sync-plan.ts',
    '    applies: (log, peer) => peer < log.base,\n    plan: () => SNAP,',
    '    applies: (log, peer) => peer < log.base,\n    plan: (log) => ({ kind: PacketKind.DIFF, from: log.base }),',
  ),
  mutant(
    'leader-does-not-enter',
    'the leader does not enter its epoch',
    'synchronization.ts',
    'lead.enterToken = state.enterEpoch(lead.epoch)',
    'lead.enterToken = state.enterEpoch(state.currentEpoch)',
  ),
  {
    id: 'observers-count',
    what: 'observers count (ZOOKEEPER-769)',
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
    'quorum-of-one-less',
    'the quorum of one less',
    'quorum.ts',
    'this.#needed = Math.floor(this.voters.length / 2) + 1',
    'this.#needed = Math.floor(this.voters.length / 2)',
  ),
  // --- discovery ----------------------------------------------------------------------------------------------------
  {
    id: 'leader-behind-its-quorum',
    what: 'the greatest id leads, and takes the promise of servers that hold more',
    edits: [
      {
        file: 'discovery.ts',
        from: 'if (isAhead(state, ack)) {',
        to: 'if (isAhead(state, ack) && ack.lastZxid < 0n) {',
      },
      {
        file: 'vote.ts',
        from: '  (a, b) => (a.zxid > b.zxid ? 1 : a.zxid < b.zxid ? -1 : 0),\n',
        to: '',
      },
    ],
  },
  {
    id: 'longer-log-of-older-epoch-wins',
    what: 'votes and promises are compared by the zxid before the epoch',
    edits: [
      {
        file: 'discovery.ts',
        from: 'if (ack.currentEpoch !== state.currentEpoch) return ack.currentEpoch > state.currentEpoch',
        to: '',
      },
      { file: 'vote.ts', from: '  (a, b) => a.peerEpoch - b.peerEpoch,\n', to: '' },
    ],
  },
  {
    id: 'promise-to-older-leader',
    what: 'a learner accepts an epoch below its promise, and the leader lets it',
    edits: [
      {
        file: 'discovery.ts',
        from: 'epoch < state.acceptedEpoch || epoch > MAX_EPOCH',
        to: 'epoch < 0 || epoch > MAX_EPOCH',
      },
      {
        file: 'discovery.ts',
        from: 'if (info.acceptedEpoch <= lead.epoch) return false',
        to: 'if (info.acceptedEpoch >= 0) return false',
      },
    ],
  },
  mutant(
    'promise-without-quorum',
    'the leader needs nobody to promise',
    'discovery.ts',
    'if (!quorum.containsQuorum(lead.epochAcks)) return',
    '',
  ),
  {
    id: 'promise-repeated-to-anybody',
    what: 'a promise is repeated to another leader of the same epoch',
    edits: [
      {
        file: 'discovery.ts',
        from: 'known.leader === learning.leader',
        to: 'known.leader > 0',
      },
      // Who has a history of that epoch does not even come to ask: either rule is enough (race 19).
      {
        file: 'looking.ts',
        from: 'if (vote.peerEpoch >= state.currentEpoch) return false',
        to: 'if (vote.peerEpoch >= 0) return false',
      },
      // Elections that end at once leave hardly anybody to come late: 20,000 seeds do not show it.
      {
        file: 'looking.ts',
        from: 'sids.has(sid) || state.gone.has(sid)',
        to: 'sids.has(sid)',
      },
    ],
  },
  mutant(
    'epoch-entered-with-promise',
    'a follower enters the epoch when it promises it (ZOOKEEPER-1282)',
    'discovery.ts',
    '    learning.acceptToken = state.acceptEpoch(epoch, learning.leader)',
    '    state.acceptEpoch(epoch, learning.leader)\n    learning.acceptToken = state.enterEpoch(epoch)',
  ),
  mutant(
    'leader-enters-with-offer',
    'a leader enters the epoch before anybody has promised it',
    'discovery.ts',
    '  lead.acceptToken = state.acceptEpoch(lead.epoch, state.self)',
    '  state.acceptEpoch(lead.epoch, state.self)\n  lead.acceptToken = state.enterEpoch(lead.epoch)',
  ),
  mutant(
    'accepted-epoch-not-written',
    'a promise is not written down',
    'state.ts',
    'return this.#persist({ kind: RecordKind.ACCEPTED_EPOCH, token: this.#nextToken(), epoch })',
    'this.acceptedEpoch = epoch\n    const record = { kind: RecordKind.CURRENT_EPOCH, token: this.#nextToken() }\n    return this.#persist({ ...record, epoch: this.currentEpoch })',
  ),
  mutant(
    'ackepoch-names-accepted',
    'ACKEPOCH names the acceptedEpoch for the currentEpoch',
    'discovery.ts',
    '    currentEpoch,\n  })',
    '    currentEpoch: currentEpoch === -1 ? -1 : state.acceptedEpoch,\n  })',
  ),
  mutant(
    'vote-names-accepted',
    'a vote names the acceptedEpoch for the currentEpoch',
    'state.ts',
    'peerEpoch: this.currentEpoch,',
    'peerEpoch: this.acceptedEpoch,',
  ),
  mutant(
    'observer-never-promises',
    'an observer enters an epoch that it has not accepted',
    'synchronization.ts',
    'if (learning.isObserver && learning.epoch > state.acceptedEpoch) {',
    'if (learning.isObserver && learning.epoch < 0) {',
  ),

  // --- synchronization ----------------------------------------------------------------------------------------------
  mutant(
    'newleader-acked-on-any-write',
    'any write that becomes durable counts for NEWLEADER (ZOOKEEPER-3023)',
    'synchronization.ts',
    'if (learning.enterToken === null || token < learning.enterToken) return false',
    'if (learning.enterToken === null) return false',
  ),
  mutant(
    'uptodate-before-quorum',
    'a learner is up to date before the leader is established',
    'synchronization.ts',
    'if (lead.isEstablished) activate(state, lead, learner)',
    'if (lead.phase >= LeaderPhase.SYNCHRONIZING) activate(state, lead, learner)',
  ),
  mutant(
    'installed-on-arrival',
    'a snapshot replaces the log when it arrives, the rest follows (ZOOKEEPER-3642)',
    'synchronization.ts',
    'learning.staged = { zxid: packet.zxid, snapshot: packet.snapshot, entries: [], bytes: 0 }',
    'state.install(packet.zxid, packet.snapshot, [], state.currentEpoch)',
  ),
  mutant(
    'snapshot-without-epoch',
    'a snapshot is installed without the epoch',
    'synchronization.ts',
    'learning.enterToken = state.install(zxid, snapshot, entries, learning.epoch)',
    'learning.enterToken = state.install(zxid, snapshot, entries, state.currentEpoch)',
  ),
  mutant(
    'entries-with-snapshot-lost',
    'what follows a snapshot is not installed (ZOOKEEPER-1551)',
    'synchronization.ts',
    'learning.enterToken = state.install(zxid, snapshot, entries, learning.epoch)',
    'learning.enterToken = state.install(zxid, snapshot, entries.slice(0, 0), learning.epoch)',
  ),
  mutant(
    'uncommitted-dropped-at-newleader',
    'what is not committed at NEWLEADER is forgotten (ZOOKEEPER-4394)',
    'synchronization.ts',
    '  const { staged } = learning\n  if (staged === null) {',
    '  while (learning.uncommitted.length > 0) learning.uncommitted.shift()\n  const { staged } = learning\n  if (staged === null) {',
  ),
  mutant(
    'everything-applied-at-uptodate',
    'UPTODATE commits what was received, committed or not',
    'following.ts',
    '  state.commitUpTo(learning.committed)\n  state.outbox.roleChanges',
    '  state.commitUpTo(state.history.last)\n  state.outbox.roleChanges',
  ),
  mutant(
    'longer-log-taken-for-shorter',
    'a learner that holds more of an epoch is sent a DIFF, not TRUNC',
    'sync-plan.ts',
    'plan: (log, peer) => ({ kind: PacketKind.TRUNC, from: log.floor(peer) }),',
    'plan: (log, peer) => ({ kind: PacketKind.DIFF, from: log.floor(peer) }),',
  ),
  mutant(
    'outstanding-cut-off',
    'a learner that holds proposals that are not committed has them cut off (race 7)',
    'sync-plan.ts',
    'applies: (log, peer) => log.holds(peer),',
    'applies: (log, peer) => log.holds(peer) && peer === log.last,',
  ),
  mutant(
    'commits-missed-by-synchronized',
    'what was committed between NEWLEADER and UPTODATE is never committed at the learner',
    'broadcast.ts',
    'if (!learner.isObserver) sendHeldCommits(state, lead, learner)',
    '',
  ),
  mutant(
    'acks-overtake-newleader',
    'proposals are acked before NEWLEADER (ZOOKEEPER-4685)',
    'following.ts',
    'if (learning.phase < LearningPhase.ENTERED) return',
    'if (learning.phase < LearningPhase.SYNCHRONIZING) return',
  ),
  {
    id: 'hole-between-disk-and-memory',
    what: 'what was read from disk is not joined to the memory (ZOOKEEPER-2418)',
    edits: [
      {
        file: 'synchronization.ts',
        from: 'const isJoined = history.holds(last) && last <= lead.committed',
        to: 'const isJoined = last >= 0n',
      },
      { file: 'synchronization.ts', from: '  learner.claim = base\n', to: '' },
    ],
  },
  mutant(
    'disk-log-taken-for-prefix',
    'a learner behind the memory is taken to hold the beginning of the log',
    'synchronization.ts',
    'holds: (zxid: Zxid) => zxid === floor,',
    'holds: (zxid: Zxid) => zxid >= floor,',
  ),
  mutant(
    'proposals-while-reading-missed',
    'what is proposed while the disk is read is not sent',
    'synchronization.ts',
    'sendHistory(state, lead, learner, read.at(-1)?.zxid ?? plan.from)',
    'sendHistory(state, lead, learner, read.length > 0 ? state.history.last : plan.from)',
  ),
  {
    id: 'stale-log-under-snapshot',
    what: 'a log that a snapshot has replaced is read for others (ZOOKEEPER-2846)',
    edits: [
      {
        file: 'synchronization.ts',
        from: '    if (!isSuccessor(zxid, last)) {\n      onEntriesFailed',
        to: '    if (zxid < last) {\n      onEntriesFailed',
      },
      { file: 'state.ts', from: 'if (this.diskBase !== null) this.diskBase = record.zxid', to: '' },
      {
        file: 'test/zab/disk-image.ts',
        from: '      disk.oldBase = disk.base.zxid\n      disk.old = []\n',
        to: '',
      },
    ],
  },

  // --- broadcast ----------------------------------------------------------------------------------------------------
  mutant(
    'applied-when-durable',
    'a follower applies what its disk holds, committed or not (ZOOKEEPER-1549)',
    'following.ts',
    '  if (learning.phase === LearningPhase.ACTIVE) state.commitUpTo(learning.committed)\n}',
    '  if (learning.phase === LearningPhase.ACTIVE) state.commitUpTo(state.durableZxid)\n}',
  ),
  mutant(
    'leader-applies-when-durable',
    'the leader applies what its disk holds, committed or not',
    'broadcast.ts',
    '  state.commitUpTo(lead.committed)\n  handOverAtEnd',
    '  state.commitUpTo(state.durableZxid)\n  handOverAtEnd',
  ),
  mutant(
    'leader-applies-its-history',
    'a leader applies its history before a quorum holds it (ZOOKEEPER-790)',
    'synchronization.ts',
    'lead.newLeaderAcks.add(state.self)\n',
    'lead.newLeaderAcks.add(state.self)\n  state.commitUpTo(state.durableZxid)\n',
  ),
  mutant(
    'quorum-off-by-one',
    'a zxid is agreed with one ack too few',
    'quorum.ts',
    'return values[this.#needed - 1]!',
    'return values[Math.max(0, this.#needed - 2)]!',
  ),
  mutant(
    'half-a-group-wins',
    'half of the weight of a group is enough',
    'quorum.ts',
    'if (weight > Math.floor(group.weight / 2)) won += 1',
    'if (weight >= Math.floor(group.weight / 2)) won += 1',
  ),
  mutant(
    'half-of-the-groups-win',
    'half of the groups are enough',
    'quorum.ts',
    'return won > Math.floor(this.#groups.length / 2)',
    'return won >= Math.floor(this.#groups.length / 2)',
  ),
  mutant(
    'observers-get-commits',
    'observers get COMMIT for INFORM',
    'broadcast.ts',
    'state.send(learner.link, inform)',
    'commitTo(state, learner, zxid)',
  ),
  mutant(
    'uncommitted-trimmed',
    'the window drops what is not committed',
    'state.ts',
    'const limit = needed < this.applied ? needed : this.applied',
    'const limit = needed < 0n ? needed : this.history.last',
  ),
  mutant(
    'hand-over-with-outstanding',
    'at the end of the counter the leader goes at once',
    'broadcast.ts',
    'if (state.applied !== lead.lastProposed) return',
    '',
  ),
  mutant(
    'counter-without-end',
    'zxids are assigned beyond the end of the counter (ZOOKEEPER-1277)',
    'broadcast.ts',
    'return counter > state.options.lastCounter ? null : makeZxid(lead.epoch, counter)',
    'return makeZxid(lead.epoch, counter)',
  ),

  // --- the disk -----------------------------------------------------------------------------------------------------
  mutant(
    'trunc-not-noted',
    'TRUNC is durable, the end of the log is not taken back',
    'state.ts',
    '        this.durableZxid = record.zxid\n        break\n      case RecordKind.ACCEPTED_EPOCH',
    '        break\n      case RecordKind.ACCEPTED_EPOCH',
  ),
  mutant(
    'goes-on-after-io-error',
    'a failed write is survived (O2)',
    'core.ts',
    '        this.#halt(input.reason)\n',
    '',
  ),
  mutant(
    'leader-waits-for-hung-disk',
    'a leader whose disk hangs goes on (O24)',
    'leading.ts',
    'if (state.nowMs >= state.oldestWriteMs + timing.diskStallMs) {',
    'if (state.nowMs < 0) {',
  ),
  mutant(
    'snapshot-of-uncommitted',
    'a snapshot for a learner holds what is not committed (ZOOKEEPER-4837)',
    'test/zab/harness.ts',
    '      const { applied } = server\n',
    '      let applied = server.applied\n      for (const entry of server.log) {\n        const holds = server.core!.lastLogged >= entry.zxid\n        if (holds) applied = { zxid: applied.zxid, hash: chain(applied.hash, entry) }\n      }\n',
  ),
  mutant(
    'checkpoint-of-uncommitted',
    'a checkpoint holds what is not committed (O3)',
    'test/zab/disk-image.ts',
    '  disk.base = at\n  disk.entries = disk.entries.filter((entry) => entry.zxid > at.zxid)\n',
    '  const rest = disk.entries.filter((entry) => entry.zxid > at.zxid)\n  disk.base = rest.reduce((to, one) => ({ zxid: one.zxid, hash: chain(to.hash, one) }), at)\n  disk.entries = []\n',
  ),
  mutant(
    'torn-install',
    'a crash leaves the log of a snapshot without what follows it',
    'test/zab/disk-image.ts',
    '      disk.entries = [...record.entries]\n',
    '      disk.entries = []\n',
  ),
  mutant(
    'durable-out-of-order',
    'an epoch reaches the disk before the entries that were written before it',
    'test/zab/harness.ts',
    '    server.inFlight = server.queue\n',
    '    const isEpoch = (one: PersistRecord): boolean => one.kind === RecordKind.CURRENT_EPOCH\n    server.inFlight = [...server.queue.filter(isEpoch), ...server.queue.filter((one) => !isEpoch(one))]\n',
  ),
  mutant(
    'durable-before-fsync',
    'the driver reports a write before it is on disk',
    'test/zab/harness.ts',
    '    const slow = this.random.next() < 0.05 ? 8 : 1\n',
    '    const slow = this.random.next() < 0.05 ? 8 : 1\n    const early = { kind: InputKind.DURABLE, token: server.inFlight.at(-1)!.token }\n    if (slow === 8) this.#later(server, 0, () => this.input(server, early))\n',
  ),

  // --- liveness and confirmation ------------------------------------------------------------------------------------
  mutant(
    'leads-without-quorum',
    'a leader without a quorum of learners goes on',
    'leading.ts',
    "if (lead.isEstablished) return lead.pings % 2 === 0 ? 'no quorum of learners any more' : null",
    'if (lead.isEstablished) return null',
  ),
  mutant(
    'confirmed-unasked',
    'a leader confirms itself (ZOOKEEPER-1675)',
    'leading.ts',
    'if (!state.options.ensemble.quorum.containsQuorum(lead.confirmedBy)) return\n  state.outbox',
    'state.outbox',
  ),
  mutant(
    'confirmed-by-earlier-pings',
    'the answer of a ping that was sent before the question confirms',
    'leading.ts',
    'if (learner.pingsAnswered < learner.confirmingPing) return\n',
    '',
  ),
  mutant(
    'deadline-by-difference',
    'a deadline is checked by another sum than the one that announced it (race 10)',
    'leading.ts',
    'if (state.nowMs >= state.oldestWriteMs + timing.diskStallMs) {',
    'if (state.nowMs - state.oldestWriteMs >= timing.diskStallMs) {',
  ),
  mutant(
    'retry-timer-lost',
    'votes are not sent again',
    'looking.ts',
    'return Math.min(this.resendAtMs, this.reconsiderAtMs, this.decideAtMs)',
    'return Math.min(this.decideAtMs)',
  ),
]
