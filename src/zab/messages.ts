import type { ServerId, Zxid } from '../base/index.ts'
import type { PeerState, Vote } from './vote.ts'

/** One entry of the log: a transaction, opaque to the core, and its zxid. */
export interface Entry {
  readonly zxid: Zxid
  readonly txn: Uint8Array
}

/** What goes over the election port. Unreliable: a newer one replaces an older one that was not sent yet. */
export interface Notification {
  /** State of the sender. */
  readonly state: PeerState
  readonly vote: Vote
  /** 2 today; 0 for the short forms before 3.4.6. */
  readonly version: number
  /** The sender's ensemble as text; the core does not read it. */
  readonly config: string
}

/** Types of the packets on the learner port; the numbers are those of the wire (`Leader.java`). */
export const PacketKind = {
  REQUEST: 1,
  PROPOSAL: 2,
  ACK: 3,
  COMMIT: 4,
  PING: 5,
  REVALIDATE: 6,
  SYNC: 7,
  INFORM: 8,
  NEWLEADER: 10,
  FOLLOWERINFO: 11,
  UPTODATE: 12,
  DIFF: 13,
  TRUNC: 14,
  SNAP: 15,
  OBSERVERINFO: 16,
  LEADERINFO: 17,
  ACKEPOCH: 18,
} as const

/** First packet of a learner: FOLLOWERINFO of a participant, OBSERVERINFO of an observer. */
export interface LearnerInfo {
  readonly kind: typeof PacketKind.FOLLOWERINFO | typeof PacketKind.OBSERVERINFO
  readonly sid: ServerId
  readonly acceptedEpoch: number
  readonly configVersion: bigint
}

/** Leader: the epoch that it will lead. Sent once a quorum has named its acceptedEpoch. */
export interface LeaderInfo {
  readonly kind: typeof PacketKind.LEADERINFO
  readonly epoch: number
}

/** Learner: the promise to accept nothing from older leaders, and the history it holds. */
export interface AckEpoch {
  readonly kind: typeof PacketKind.ACKEPOCH
  readonly lastZxid: Zxid
  /** -1: this epoch was promised before, the promise must not be counted again. */
  readonly currentEpoch: number
}

/** Leader, first packet of the synchronization: DIFF, or TRUNC to `zxid` before what follows. */
export interface SyncStart {
  readonly kind: typeof PacketKind.DIFF | typeof PacketKind.TRUNC
  readonly zxid: Zxid
}

/**
 * Leader: a snapshot at exactly `zxid` replaces the learner's state. `snapshot` belongs to the drivers: the sender's
 * stands for the state to be streamed, the receiver's for the complete stream, received and checked but not installed.
 */
export interface Snap {
  readonly kind: typeof PacketKind.SNAP
  readonly zxid: Zxid
  readonly snapshot: unknown
}

/** Leader: end of the history that the learner must hold durably before it acks. `zxid` is epoch:0. */
export interface NewLeader {
  readonly kind: typeof PacketKind.NEWLEADER
  readonly zxid: Zxid
  readonly config: string
}

/** Leader: a quorum has acked NEWLEADER, the learner may serve. */
export interface UpToDate {
  readonly kind: typeof PacketKind.UPTODATE
}

/** PROPOSAL to participants (and to everybody in the synchronization), INFORM (committed) to observers. */
export interface Carried {
  readonly kind: typeof PacketKind.PROPOSAL | typeof PacketKind.INFORM
  readonly zxid: Zxid
  readonly txn: Uint8Array
}

/** ACK of a participant: `zxid` and everything before it is durable; epoch:0 answers NEWLEADER and UPTODATE. */
export interface Marker {
  readonly kind: typeof PacketKind.ACK | typeof PacketKind.COMMIT
  readonly zxid: Zxid
}

/** Leader to learner and back with the same zxid; the answer carries the learner's touched sessions. */
export interface Ping {
  readonly kind: typeof PacketKind.PING
  readonly zxid: Zxid
  readonly touches: unknown
}

/** Packets of the request pipeline. The core keeps their place among the commits and reads nothing. */
export interface Relayed {
  readonly kind: typeof PacketKind.REQUEST | typeof PacketKind.REVALIDATE | typeof PacketKind.SYNC
  readonly body: unknown
}

export type Packet =
  | LearnerInfo
  | LeaderInfo
  | AckEpoch
  | SyncStart
  | Snap
  | NewLeader
  | UpToDate
  | Carried
  | Marker
  | Ping
  | Relayed

const NAMES = new Map<number, string>(
  Object.entries(PacketKind).map(([name, kind]) => [kind, name]),
)

/** Name of a packet's type for traces and reasons. */
export function packetName(packet: Packet): string {
  return NAMES.get(packet.kind) ?? `type ${packet.kind}`
}
