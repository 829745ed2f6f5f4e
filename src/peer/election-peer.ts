import type { ServerId } from '../base/index.ts'
import type { TimerHandle } from '../env/index.ts'
import type { ElectionConnection } from './election-connection.ts'
import type { PeerAddresses } from './peer-addresses.ts'

/** What the election port knows of another server. */
export class ElectionPeer {
  readonly sid: ServerId
  /** Null for a server that is not in the configuration: it is never dialled. */
  readonly addresses: PeerAddresses | null
  /** The one connection that is kept. */
  connection: ElectionConnection | null = null
  connectedMs = 0
  /** The last message for this server with its length before it; sent again on each new connection. */
  last: Uint8Array | null = null
  /** Whether an answer to it can be expected. */
  isQuestion = false
  /** Whether it has not been written to any connection yet, or only to one that was lost. */
  isWaiting = false
  /** When the last question was asked. */
  askedMs: number = Number.NEGATIVE_INFINITY
  /** Since when questions have been left without any answer; null when nothing is owed. */
  unansweredSinceMs: number | null = null
  /** The dial in progress; an older one that succeeds late is told apart by it. */
  dial: object | null = null
  /** Runs out when a dial takes too long, or when it is time for the next one. */
  timer: TimerHandle | null = null
  /** Dials in a row that led to no connection. */
  failures = 0
  /** Whether the handler believes that there is a connection. */
  isUp = false
  /** Whether the log has told that it is not reached, since the last connection. */
  isMissed = false

  constructor(sid: ServerId, addresses: PeerAddresses | null) {
    this.sid = sid
    this.addresses = addresses
  }

  setTimer(timer: TimerHandle | null): void {
    this.timer?.cancel()
    this.timer = timer
  }
}
