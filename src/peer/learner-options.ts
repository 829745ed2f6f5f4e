import type { ServerId } from '../base/index.ts'
import type { Address, IoError } from '../env/index.ts'
import type { LinkId, Packet } from '../zab/index.ts'
import type { SnapshotSink } from './snapshot.ts'

export interface LearnerPortLimits {
  /** Longest data of a learner's packet: requests, and 12 bytes for each touched session. */
  readonly learnerDataBytesMax: number
  /**
   * Longest data of a leader's packet: transactions. More than upstream takes, as a session may end with more ephemerals
   * than that.
   */
  readonly leaderDataBytesMax: number
  /** Longest authinfo of a packet. */
  readonly idBytesMax: number
  /** Bytes that wait for a link's socket, beside what a learner is synchronized with; beyond them the link is cut. */
  readonly sendQueueBytesMax: number
  /** How long an accepted connection may take to say who it is. */
  readonly introductionTimeoutMs: number
  /** Accepted connections that have not said who they are; for one more the oldest is closed. */
  readonly introductionsMax: number
  /** Accepted links in all; more are closed at once. */
  readonly acceptedLinksMax: number
  /** Of them such as say that they are of servers outside of the configuration; more are closed. */
  readonly strangersMax: number
  readonly connectTimeoutMs: number
  /** After so long without a word the other machine is asked whether it knows the connection. */
  readonly keepAliveMs: number
  /** How long an address of several may keep silent before the next one is tried too. */
  readonly addressWaitMs: number
  /** Shortest time between two reports that a snapshot moves. */
  readonly progressMs: number
}

const KIB = 1024
const MIB = 1024 * KIB

export const DEFAULT_LEARNER_PORT_LIMITS: LearnerPortLimits = {
  // The original's readers take `jute.maxbuffer` and as much again.
  learnerDataBytesMax: 2 * 0xfffff,
  leaderDataBytesMax: 64 * MIB,
  idBytesMax: MIB,
  sendQueueBytesMax: 128 * MIB,
  introductionTimeoutMs: 10_000,
  introductionsMax: 64,
  acceptedLinksMax: 256,
  strangersMax: 32,
  connectTimeoutMs: 5_000,
  keepAliveMs: 2_000,
  addressWaitMs: 1_000,
  progressMs: 50,
}

export interface LearnerPortOptions {
  readonly self: ServerId
  /** Where learners connect to; never empty. */
  readonly listen: readonly Address[]
  /** Learner ports of all servers of the ensemble, each at one address or more. */
  readonly members: ReadonlyMap<ServerId, readonly Address[]>
  /** Servers that an observer dials before the leader itself; empty, or absent, for the leader alone. */
  readonly masters?: ReadonlyMap<ServerId, readonly Address[]>
  readonly limits?: Partial<LearnerPortLimits>
}

/** Called from socket events and timers, never inside of a call to the port. */
export interface LearnerPortHandler {
  onLearnerListening(address: Address): void
  /** An id for an accepted connection. */
  allotLink(): LinkId
  /** A learner has connected and said who it is; that packet follows. */
  onLinkAccepted(link: LinkId): void
  /** The dialled link stands. */
  onLinkOpened(link: LinkId): void
  /** The link was lost, or could not be dialled. Not called for links that `close` was called for. */
  onLinkClosed(link: LinkId, reason: string): void
  /** Bytes of a snapshot have moved, in either direction. */
  onLinkProgress(link: LinkId): void
  /** `packet` and what it holds may be kept. SNAP comes when its stream is complete. */
  onPacket(link: LinkId, packet: Packet): void
  /**
   * Takes the bytes of a snapshot that begins to arrive on a link; `statement` is what its sender wrote into the packet.
   *
   * @throws DecodeError for a statement that cannot be; the link is closed.
   */
  newSnapshotSink(statement: Uint8Array | null): SnapshotSink
  /** The port can never be bound, or accepting failed for good. */
  onPortError(error: IoError): void
}
