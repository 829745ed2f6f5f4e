import type { EventQueue, ScheduledEvent } from './event-queue.ts'
import type { Pieces } from './pieces.ts'
import type { SimRandom } from './random.ts'
import type { Retransmission } from './retransmission.ts'

/** What all connections of a network share. */
export interface Wire {
  readonly events: EventQueue
  readonly random: SimRandom
  readonly pieces: Pieces
  /** Bytes of one direction that the two kernels hold, on the way or not yet read. */
  readonly windowBytes: number
  /** How long the kernel keeps sending what is not acknowledged before it gives up. */
  readonly retransmitLimitMs: number
  readonly retransmission: Retransmission
}

export const PacketKind = { data: 0, end: 1, reset: 2, acknowledgement: 3 } as const
export type PacketKind = (typeof PacketKind)[keyof typeof PacketKind]

export const NO_BYTES: Uint8Array = new Uint8Array(0)

export interface PacketTarget {
  onPacket(packet: Packet): void
}

/** Something on its way to one end of a connection. */
export class Packet implements ScheduledEvent {
  isDead = false
  readonly to: PacketTarget
  readonly kind: PacketKind
  /** Position among the packets to this end that must arrive in order. */
  readonly sequence: number
  readonly bytes: Uint8Array
  /** How many bytes are acknowledged. */
  readonly count: number

  constructor(
    to: PacketTarget,
    kind: PacketKind,
    sequence: number,
    bytes: Uint8Array,
    count: number,
  ) {
    this.to = to
    this.kind = kind
    this.sequence = sequence
    this.bytes = bytes
    this.count = count
  }

  run(): void {
    this.to.onPacket(this)
  }
}
