import type { ForwardedRequest, SnapshotSink } from '../../../src/peer/index.ts'
import type { Sender } from '../../../src/peer/packet-decoder.ts'
import { writePacket } from '../../../src/peer/packet-encoder.ts'
import {
  type PacketLimits,
  PacketReader,
  type PacketSink,
} from '../../../src/peer/packet-reader.ts'
import { DecodeError, OutputBuffer } from '../../../src/wire/index.ts'
import { type Packet, PacketKind } from '../../../src/zab/index.ts'

export const LIMITS: PacketLimits = {
  dataBytesMax: 4096,
  idBytesMax: 512,
}

/** A stream that ends with the byte 0xff and may not hold 0xee. */
export class ByteSink implements SnapshotSink {
  readonly taken: number[] = []
  isDone = false

  push(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at]!
      if (byte === 0xee) throw new DecodeError('0xee in a snapshot')
      if (byte === 0xff) {
        this.isDone = true
        return at + 1 - start
      }
      this.taken.push(byte)
    }
    return end - start
  }

  result(): unknown {
    return [...this.taken]
  }
}

/** Keeps what a reader finds. */
export class Collector implements PacketSink {
  readonly packets: Packet[] = []
  readonly unknown: number[] = []
  readonly statements: (Uint8Array | null)[] = []
  snapshotPushes = 0
  onEach: (packet: Packet) => void = () => {}
  readonly reader: PacketReader

  constructor(sender: Sender, limits: PacketLimits = LIMITS) {
    this.reader = new PacketReader(sender, limits, this)
  }

  onPacket(packet: Packet): void {
    this.packets.push(plain(packet))
    this.onEach(packet)
  }

  onUnknownPacket(type: number): void {
    this.unknown.push(type)
  }

  newSnapshotSink(statement: Uint8Array | null): SnapshotSink {
    this.statements.push(statement)
    return new ByteSink()
  }

  onSnapshotBytes(): void {
    this.snapshotPushes += 1
  }

  /** Hands in a chunk that is overwritten afterwards, as a socket's buffer is. */
  push(bytes: Uint8Array): void {
    const chunk = Uint8Array.from(bytes)
    try {
      this.reader.push(chunk)
    } finally {
      chunk.fill(0xdd)
    }
  }
}

/** The packet with its bytes in plain arrays, to be compared. Not a copy: what changes later shows. */
export function plain(packet: Packet): Packet {
  if ('txn' in packet) return { ...packet, txn: plainBytes(packet.txn) }
  if (packet.kind !== PacketKind.REQUEST) return packet
  const body = packet.body as ForwardedRequest
  return { ...packet, body: { ...body, body: plainBytes(body.body) } }
}

function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function encodePackets(...packets: readonly Packet[]): Uint8Array {
  const out = new OutputBuffer()
  for (const packet of packets) writePacket(out, packet)
  return Uint8Array.from(out.take())
}

/** The packets in these bytes, which must be whole. */
export function decodePackets(bytes: Uint8Array, sender: Sender): Packet[] {
  const collector = new Collector(sender)
  collector.push(bytes)
  if (collector.reader.heldBytes > 0) throw new Error('the bytes end inside of a packet')
  return collector.packets
}
