import type { Settings } from './settings.ts'

/** How servers deal with each other, as far as a file says; null for what this server does by itself. Times are ms. */
export interface PeerTuning {
  /** Until a server's election port has answered (`cnxTimeout`). */
  readonly electionConnectMs: number | null
  /** Until a server that has connected to the election port has said who it is (`quorumCnxnTimeoutMs`). */
  readonly electionIntroductionMs: number | null
  /** Whether the other machine of a silent election connection is asked whether it knows it (`tcpKeepAlive`). */
  readonly electionKeepAlive: boolean
  /** How often the election port is tried, a second apart (`electionPortBindRetry`); 0 for ever. */
  readonly electionBindTries: number
  /** First and longest wait between questions for a leader (`fastleader.…NotificationInterval`). */
  readonly notificationMsMin: number | null
  readonly notificationMsMax: number | null
  /** How long a new leader waits for its quorum (`leader.maxTimeToWaitForEpoch`). */
  readonly gatherMs: number | null
  /** How long a learner tries to reach its leader (`connectToLearnerMasterLimit`, in ticks there). */
  readonly leaderConnectMs: number | null
  readonly leaderConnectRetryMs: number | null
  /** Longest wait, by chance, of an observer that has lost its leader (`observer.…DelayMs`). */
  readonly observerDelayMs: number
  /** Transactions in memory for learners that are behind (`commitLogCount`). */
  readonly historyEntries: number | null
  /** How much of the log is read to spare a learner a snapshot, as a part of the state's size; negative for nothing. */
  readonly snapshotSizeFactor: number | null
  /** Observers that are brought up to date at the same time. */
  readonly snapSyncsMax: number
  readonly diffSyncsMax: number
}

/** The connections that begin per time (`connection_throttle_…`). */
export interface ConnectionThrottleConfig {
  /** Tokens that can be saved; 0 for no throttle. */
  readonly tokensMax: number
  readonly fillMs: number
  readonly fillCount: number
  /** How often the chance to be turned away is looked at; -1: it is never used. */
  readonly freezeMs: number
  readonly dropIncrease: number
  readonly dropDecrease: number
  /** Tokens in use, as a part of all, below which the chance falls. */
  readonly decreaseRatio: number
  /** Tokens that a connection takes: 1 of each unless they are weighed. */
  readonly weights: { readonly global: number; readonly local: number; readonly renewed: number }
}

/** What is served to clients, and when. */
export interface Tuning {
  readonly peers: PeerTuning
  readonly connectionThrottle: ConnectionThrottleConfig
  /** Whether a leader has clients of its own (`leaderServes`). */
  readonly isLeaderServing: boolean
  /** Whether a write is refused by the ACLs known here before it is sent to the leader (`enableEagerACLCheck`). */
  readonly isAclCheckedEarly: boolean
  /** Requests longer than `thresholdBytes` (-1: none) have at most so many bytes under way together. */
  readonly largeRequests: { readonly thresholdBytes: number; readonly bytesMax: number }
}

export const DEFAULT_TUNING: Tuning = {
  peers: {
    electionConnectMs: null,
    electionIntroductionMs: null,
    electionKeepAlive: false,
    electionBindTries: 3,
    notificationMsMin: null,
    notificationMsMax: null,
    gatherMs: null,
    leaderConnectMs: null,
    leaderConnectRetryMs: null,
    observerDelayMs: 0,
    historyEntries: null,
    snapshotSizeFactor: null,
    snapSyncsMax: 10,
    diffSyncsMax: 100,
  },
  connectionThrottle: {
    tokensMax: 0,
    fillMs: 1,
    fillCount: 1,
    freezeMs: -1,
    dropIncrease: 0.02,
    dropDecrease: 0.002,
    decreaseRatio: 0,
    weights: { global: 1, local: 1, renewed: 1 },
  },
  isLeaderServing: true,
  isAclCheckedEarly: false,
  largeRequests: { thresholdBytes: -1, bytesMax: 104_857_600 },
}

const INT32_MAX = 0x7fff_ffff

/** @throws ConfigError */
export function readTuning(settings: Settings, tickTimeMs: number): Tuning {
  return {
    peers: readPeerTuning(settings, tickTimeMs),
    connectionThrottle: readConnectionThrottle(settings),
    isLeaderServing: settings.boolean('leaderServes', true),
    isAclCheckedEarly: settings.boolean('enableEagerACLCheck', false),
    largeRequests: {
      thresholdBytes: settings.integer('largeRequestThreshold', -1, -1, INT32_MAX),
      bytesMax: settings.integer('largeRequestMaxBytes', 104_857_600, 1, INT32_MAX),
    },
  }
}

function readPeerTuning(settings: Settings, tickTimeMs: number): PeerTuning {
  /** Upstream's -1 and 0 stand for what it does by itself. */
  const positive = (key: string): number | null => {
    const value = settings.integer(key, -1, -1, INT32_MAX)
    return value > 0 ? value : null
  }
  const observerDelays = ['observer.reconnectDelayMs', 'observer.election.DelayMs']
  const notificationMsMin = positive('fastleader.minNotificationInterval')
  const notificationMsMax = positive('fastleader.maxNotificationInterval')
  const connectTicks = settings.integer('connectToLearnerMasterLimit', 0, 0, INT32_MAX)
  return {
    electionConnectMs: positive('cnxTimeout'),
    electionIntroductionMs: positive('quorumCnxnTimeoutMs'),
    electionKeepAlive: settings.boolean('tcpKeepAlive', false),
    electionBindTries: settings.integer('electionPortBindRetry', 3, 0, INT32_MAX),
    notificationMsMin,
    notificationMsMax: checkOrder(settings, notificationMsMin, notificationMsMax),
    gatherMs: positive('leader.maxTimeToWaitForEpoch'),
    leaderConnectMs: connectTicks === 0 ? null : connectTicks * tickTimeMs,
    leaderConnectRetryMs: positive('leaderConnectDelayDuringRetryMs'),
    observerDelayMs: observerDelays.reduce(
      (sum, key) => sum + settings.integer(key, 0, 0, INT32_MAX),
      0,
    ),
    historyEntries: positive('commitLogCount'),
    snapshotSizeFactor: readDecimal(settings, 'snapshotSizeFactor', null),
    snapSyncsMax: settings.integer('leader.maxConcurrentSnapSyncs', 10, 1, INT32_MAX),
    diffSyncsMax: settings.integer('leader.maxConcurrentDiffSyncs', 100, 1, INT32_MAX),
  }
}

function checkOrder(settings: Settings, min: number | null, max: number | null): number | null {
  if (min === null || max === null || min <= max) return max
  throw settings.refuse(
    settings.find('fastleader.maxNotificationInterval')!,
    `${max} ms is less than fastleader.minNotificationInterval (${min} ms)`,
  )
}

function readConnectionThrottle(settings: Settings): ConnectionThrottleConfig {
  const fallback = DEFAULT_TUNING.connectionThrottle
  const name = (end: string): string => `connection_throttle_${end}`
  const integer = (end: string, value: number, min: number): number =>
    settings.integer(name(end), value, min, INT32_MAX)
  const share = (end: string, value: number): number => readShare(settings, name(end), value)
  const isWeighed = settings.boolean(name('weight_enabled'), false)
  return {
    tokensMax: integer('tokens', fallback.tokensMax, 0),
    fillMs: integer('fill_time', fallback.fillMs, 1),
    fillCount: integer('fill_count', fallback.fillCount, 1),
    freezeMs: integer('freeze_time', fallback.freezeMs, -1),
    dropIncrease: share('drop_increase', fallback.dropIncrease),
    dropDecrease: share('drop_decrease', fallback.dropDecrease),
    decreaseRatio: share('decrease_ratio', fallback.decreaseRatio),
    weights: isWeighed
      ? {
          global: integer('global_session_weight', 3, 1),
          local: integer('local_session_weight', 1, 1),
          renewed: integer('renew_session_weight', 2, 1),
        }
      : fallback.weights,
  }
}

function readShare(settings: Settings, key: string, fallback: number): number {
  const value = readDecimal(settings, key, fallback)!
  if (value >= 0 && value <= 1) return value
  throw settings.refuse(settings.find(key)!, `${value} is outside 0 to 1`)
}

function readDecimal(settings: Settings, key: string, fallback: number | null): number | null {
  const setting = settings.find(key)
  return setting === undefined ? fallback : Number(setting.value)
}
