import type { ServerId } from '../base/index.ts'
import { type Address, IoError } from '../env/index.ts'
import type { Notification } from '../zab/index.ts'

export interface ElectionPortLimits {
  /** Longest notification. */
  readonly frameBytesMax: number
  /** How long an accepted connection may take to say who it is. */
  readonly introductionTimeoutMs: number
  /** Accepted connections that have not said who they are; for one more the oldest is closed. */
  readonly introductionsMax: number
  /** Connected servers that are not in the configuration; more are closed. */
  readonly strangersMax: number
  readonly connectTimeoutMs: number
  /** How long an address of several may keep silent before the next one is tried too. */
  readonly addressWaitMs: number
  /** How long a larger server may take to connect after one has knocked; longer than `freshMs`. */
  readonly knockTimeoutMs: number
  /** First and longest wait before a server is dialled again. */
  readonly retryMsMin: number
  readonly retryMsMax: number
  /** Dials in a row without success, after which the message that waits is given up. */
  readonly triesMax: number
  /** How long a server may leave LOOKING notifications without any answer before its connection counts as dead. */
  readonly silenceMs: number
  /** Longest time between two questions of the same search; after a longer one silence is counted anew. */
  readonly questionGapMs: number
  /** How long a connection cannot be replaced because its other end asks for one: both may have dialled at once. */
  readonly freshMs: number
  /** After so long without a word the other machine is asked whether it knows the connection; null for never. */
  readonly keepAliveMs: number | null
  /** How often the port is tried before that is an error, and how long between two tries. */
  readonly bindTries: number
  readonly bindRetryMs: number
}

export const DEFAULT_ELECTION_PORT_LIMITS: ElectionPortLimits = {
  frameBytesMax: 512 * 1024,
  introductionTimeoutMs: 5_000,
  introductionsMax: 64,
  strangersMax: 32,
  connectTimeoutMs: 3_000,
  addressWaitMs: 1_000,
  knockTimeoutMs: 1_500,
  retryMsMin: 100,
  retryMsMax: 1_000,
  triesMax: 12,
  silenceMs: 10_000,
  questionGapMs: 3_000,
  freshMs: 1_000,
  keepAliveMs: null,
  bindTries: 1,
  bindRetryMs: 1_000,
}

export interface ElectionPortOptions {
  readonly self: ServerId
  /** Where other servers connect to; never empty. */
  readonly listen: readonly Address[]
  /** Election ports of all servers of the ensemble, observers too, each at one address or more; others are told one's own. */
  readonly members: ReadonlyMap<ServerId, readonly Address[]>
  /** Whether others are told all of them: a message that servers before 3.6 do not know. */
  readonly isMultiAddress?: boolean
  readonly limits?: Partial<ElectionPortLimits>
}

/** The election port could not be bound: no other server would ever hear of this one. */
export class ElectionPortError extends IoError {
  constructor(cause: IoError) {
    super(cause.code, cause.message, cause)
  }
}

/** Called from socket events and timers, never inside of a call to the port. */
export interface ElectionHandler {
  onElectionListening(address: Address): void
  /** `from` may be a server that is not in the configuration; it gets answers as long as its connection stands. */
  onNotification(from: ServerId, notification: Notification): void
  /** The connection with a member was lost, or it cannot be reached any more. */
  onPeerDown(sid: ServerId): void
  /** The port could not be bound, or accepting failed for good: an {@link ElectionPortError}. */
  onPortError(error: IoError): void
}
