import { assert, epochOf, type ServerId, type Zxid } from '../base/index.ts'
import { isSuccessor } from './history.ts'
import type { Entry } from './messages.ts'
import type { QuorumVerifier } from './quorum.ts'

/** Who belongs to the ensemble. */
export interface Ensemble {
  readonly quorum: QuorumVerifier
  /** Version of the configuration; 0 without reconfig. */
  readonly version: bigint
  /** The configuration as text, carried in notifications and NEWLEADER. */
  readonly text: string
}

/** What was found on disk. Nothing that could be lost by a crash right now may be in it. */
export interface Recovered {
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  /** Zxid before the first of `entries`; it is part of the log (or of the snapshot that the log starts from). */
  readonly base: Zxid
  /** The end of the log, without holes. The more, the more learners can be synchronized without a snapshot. */
  readonly entries: readonly Entry[]
  /** What is known to be committed, and applied by the driver. Between `base` and the end of the log. */
  readonly committed: Zxid
}

/** All in ms unless named otherwise. */
export interface Timing {
  readonly tickMs: number
  /** Ticks until a learner must have been synchronized. */
  readonly initLimit: number
  /** Ticks of silence, or without an ack, after which the other side counts as lost. */
  readonly syncLimit: number
  /** How long a leader (and a learner) believes in a write that its own disk does not confirm. */
  readonly diskStallMs: number
  /** How long the votes of a quorum must stand before they count (`finalizeWait`). */
  readonly finalizeWaitMs: number
  /** First and longest wait between notifications that are repeated. */
  readonly minNotificationMs: number
  readonly maxNotificationMs: number
  /** How long a candidate may go without hearing a quorum before it steps back for others. */
  readonly withdrawAfterMs: number
  /** How long a candidate that never becomes leader is believed in, if a quorum is there. */
  readonly doubtAfterMs: number
  /** How long a leader waits for a quorum of learners to connect. */
  readonly gatherMs: number
  /** First wait before a leader whom one could not follow is tried again; doubles up to eight times that. */
  readonly shunMs: number
  /** Longest wait of a learner between two tries to reach its leader. */
  readonly connectRetryMs: number
  readonly connectTries: number
  /** How long a learner tries to reach its leader; null for `connectTries`. */
  readonly connectMs: number | null
  /** Longest wait, by chance, before an observer that has lost its leader asks for one. */
  readonly observerDelayMs: number
}

export const DEFAULT_TIMING: Timing = {
  tickMs: 2000,
  initLimit: 10,
  syncLimit: 5,
  diskStallMs: 1000,
  finalizeWaitMs: 200,
  minNotificationMs: 200,
  maxNotificationMs: 1600,
  withdrawAfterMs: 400,
  doubtAfterMs: 2500,
  gatherMs: 2000,
  shunMs: 500,
  connectRetryMs: 100,
  connectTries: 10,
  connectMs: null,
  observerDelayMs: 0,
}

export interface CoreOptions {
  readonly self: ServerId
  readonly ensemble: Ensemble
  readonly recovered: Recovered
  readonly timing: Timing
  /** For jitter only. */
  readonly seed: number
  /** Size of the window of recent entries kept in memory. */
  readonly historyEntries: number
  readonly historyBytes: number
  /** Zxid before the first entry of the log on disk; null if it cannot be read from there. `LOG_PURGED` moves it. */
  readonly diskBase: Zxid | null
  /** How much is read from disk to spare a learner a snapshot. */
  readonly diskDiffBytes: number
  /** Last counter of an epoch; then leadership is handed over. 0xFFFFFFFE but in tests. */
  readonly lastCounter: number
  /** Links on the learner port that have not said who they are. */
  readonly maxUnknownLinks: number
  /** Observers that are brought up to date at the same time, with a snapshot and without. */
  readonly snapSyncsMax: number
  readonly diffSyncsMax: number
}

export const DEFAULT_CORE_LIMITS: Pick<
  CoreOptions,
  | 'historyEntries'
  | 'historyBytes'
  | 'diskBase'
  | 'diskDiffBytes'
  | 'lastCounter'
  | 'maxUnknownLinks'
  | 'snapSyncsMax'
  | 'diffSyncsMax'
> = {
  historyEntries: 10_000,
  historyBytes: 64 * 1024 * 1024,
  diskBase: null,
  diskDiffBytes: 64 * 1024 * 1024,
  lastCounter: 0xffff_fffe,
  maxUnknownLinks: 64,
  snapSyncsMax: 10,
  diffSyncsMax: 100,
}

/** Caller mistakes and disks that contradict themselves. */
export function checkOptions(options: CoreOptions): void {
  const { recovered, timing } = options
  let last = recovered.base
  for (const entry of recovered.entries) {
    assert(isSuccessor(entry.zxid, last), 'the recovered log has a hole')
    last = entry.zxid
  }
  assert(recovered.committed <= last, 'more is committed than the log holds')
  assert(recovered.committed >= recovered.base, 'the log window starts after what is committed')
  assert(
    options.diskBase === null || options.diskBase <= recovered.base,
    'the log on disk begins after the window in memory',
  )
  assert(recovered.acceptedEpoch >= recovered.currentEpoch, 'acceptedEpoch is below currentEpoch')
  assert(
    recovered.acceptedEpoch >= epochOf(last),
    'the log holds entries of an epoch that was never accepted',
  )
  assert(timing.tickMs > 0 && timing.initLimit > 0 && timing.syncLimit > 0, 'limits of no time')
  assert(options.lastCounter >= 1 && options.lastCounter <= 0xffff_fffe, 'impossible last counter')
}
