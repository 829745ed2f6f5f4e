import { DecodeError } from '../wire/index.ts'
import { type Packet, PacketKind, type Snap } from '../zab/index.ts'
import { PacketDecoder, type Sender } from './packet-decoder.ts'
import type { SnapshotSink } from './snapshot.ts'

/** Receives what a {@link PacketReader} finds. */
export interface PacketSink {
  /** May close the reader. */
  onPacket(packet: Packet): void
  /** A packet of a type that nobody knows; upstream ignores it as well. */
  onUnknownPacket(type: number): void
  /**
   * A SNAP packet with `statement` as its data: where the bytes behind it go. It becomes a packet of the core once that
   * is done.
   */
  newSnapshotSink(statement: Uint8Array | null): SnapshotSink
  /** Bytes of a snapshot have been taken. */
  onSnapshotBytes(): void
}

export interface PacketLimits {
  /** Longest data of a packet. */
  readonly dataBytesMax: number
  /** Longest authinfo in all. */
  readonly idBytesMax: number
}

/** What somebody who has not said who he is may have us keep: LearnerInfo takes 20 bytes. */
const INTRODUCTION_BYTES_MAX = 1024

/** int type, long zxid, int length of data. */
const HEAD_BYTES = 16

/** What the bytes that are known to belong to a packet end with. */
const Part = { HEAD: 0, COUNT: 1, STRING: 2, END: 3 } as const
type Part = (typeof Part)[keyof typeof Part]

/**
 * Cuts a learner link's stream into packets. They have no frame around them, so their length shows only piece by piece:
 * data length, number of ids, length of each string. Packets that lie whole in a chunk are decoded in place; of others
 * what has come is copied once, however small the pieces are. Every limit is checked before anything is held for it.
 */
export class PacketReader {
  readonly #limits: PacketLimits
  readonly #decoder: PacketDecoder
  readonly #sink: PacketSink
  /** How far the packet that begins here is known to go, and what its last known part is. */
  #known = HEAD_BYTES
  #part: Part = Part.HEAD
  #stringsLeft = 0
  #idBytes = 0
  /** Beginning of a packet whose rest has not come. */
  #held: Buffer = NOTHING
  #heldBytes = 0
  #snap: Snap | null = null
  #snapshot: SnapshotSink | null = null
  #isClosed = false
  #mustIntroduce = false

  constructor(sender: Sender, limits: PacketLimits, sink: PacketSink) {
    this.#limits = limits
    this.#decoder = new PacketDecoder(sender)
    this.#sink = sink
  }

  /** The first packet must be FOLLOWERINFO or OBSERVERINFO. */
  expectIntroduction(): void {
    this.#mustIntroduce = true
  }

  /** Bytes that wait for the rest of their packet. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Memory taken for them. */
  get heldCapacity(): number {
    return this.#held.length
  }

  /**
   * Takes the next bytes of the stream; the caller may reuse `chunk` afterwards.
   *
   * @throws DecodeError after which the reader is closed.
   */
  push(chunk: Uint8Array): void {
    const bytes = asBuffer(chunk)
    try {
      let at = 0
      while (!this.#isClosed && at < bytes.length) {
        if (this.#snapshot !== null) at = this.#pushSnapshot(this.#snapshot, bytes, at)
        else if (this.#heldBytes > 0) at = this.#completeHeld(bytes, at)
        else at = this.#takeWhole(bytes, at)
      }
    } catch (error) {
      if (error instanceof DecodeError) this.close()
      throw error
    }
  }

  /** Ignores everything from here on. May be called inside of a sink call. */
  close(): void {
    this.#isClosed = true
    this.#snapshot = null
    this.#dropHeld()
  }

  /** Packets in place, up to a SNAP or to one that is not whole, whose beginning is held. */
  #takeWhole(bytes: Buffer, from: number): number {
    let at = from
    while (this.#measure(bytes, at, bytes.length)) {
      const end = at + this.#known
      this.#dispatch(bytes, at, end, false)
      at = end
      if (this.#isClosed || this.#snapshot !== null) return at
    }
    this.#hold(bytes, at, bytes.length)
    return bytes.length
  }

  /** Adds to what is held as much as is known to belong to its packet. */
  #completeHeld(bytes: Buffer, from: number): number {
    let at = from
    for (;;) {
      const to = Math.min(at + this.#known - this.#heldBytes, bytes.length)
      this.#hold(bytes, at, to)
      at = to
      if (this.#measure(this.#held, 0, this.#heldBytes)) break
      if (at === bytes.length) return at
    }
    const packet = this.#held
    const length = this.#heldBytes
    this.#dropHeld()
    this.#dispatch(packet, 0, length, true)
    return at
  }

  /** Whether the packet at `start` is whole, with `#known` as its length. Goes on where the last call ended. */
  #measure(bytes: Buffer, start: number, end: number): boolean {
    while (end - start >= this.#known) {
      if (this.#part === Part.END) return true
      const last = readInt32(bytes, start + this.#known - 4)
      if (this.#mustIntroduce) checkIntroduction(readInt32(bytes, start), this.#known + last)
      if (this.#part === Part.HEAD) this.#onDataLength(last)
      else if (this.#part === Part.COUNT) this.#onIdCount(last)
      else this.#onStringLength(last)
    }
    return false
  }

  #onDataLength(length: number): void {
    if (length < -1 || length > this.#limits.dataBytesMax) {
      throw new DecodeError(`packet data of ${length} bytes, at most ${this.#limits.dataBytesMax}`)
    }
    this.#known += Math.max(length, 0) + 4
    this.#part = Part.COUNT
  }

  #onIdCount(count: number): void {
    if (count < -1) throw new DecodeError(`${count} ids`)
    this.#stringsLeft = 2 * Math.max(count, 0)
    this.#addIdBytes(4 * this.#stringsLeft)
    this.#nextString()
  }

  #onStringLength(length: number): void {
    if (length < -1) throw new DecodeError(`negative length ${length}`)
    const size = Math.max(length, 0)
    this.#addIdBytes(size)
    this.#known += size
    this.#stringsLeft -= 1
    this.#nextString()
  }

  #nextString(): void {
    this.#part = this.#stringsLeft > 0 ? Part.STRING : Part.END
    if (this.#stringsLeft > 0) this.#known += 4
  }

  #addIdBytes(size: number): void {
    this.#idBytes += size
    if (this.#idBytes > this.#limits.idBytesMax) {
      throw new DecodeError(`ids of ${this.#idBytes} bytes, at most ${this.#limits.idBytesMax}`)
    }
  }

  #dispatch(bytes: Buffer, start: number, end: number, isOwn: boolean): void {
    this.#known = HEAD_BYTES
    this.#part = Part.HEAD
    this.#idBytes = 0
    this.#mustIntroduce = false
    const packet = this.#decoder.decode(bytes, start, end, isOwn)
    if (packet === null) {
      this.#sink.onUnknownPacket(readInt32(bytes, start))
    } else if (packet.kind === PacketKind.SNAP) {
      this.#snap = packet
      this.#snapshot = this.#sink.newSnapshotSink(packet.snapshot as Uint8Array | null)
    } else {
      this.#sink.onPacket(packet)
    }
  }

  #pushSnapshot(sink: SnapshotSink, bytes: Buffer, from: number): number {
    const at = from + sink.push(bytes, from, bytes.length)
    if (!sink.isDone) {
      this.#sink.onSnapshotBytes()
      return bytes.length
    }
    const snap = this.#snap!
    this.#snap = null
    this.#snapshot = null
    this.#sink.onPacket({ kind: snap.kind, zxid: snap.zxid, snapshot: sink.result() })
    return at
  }

  /** Room grows with what has come, not with what was announced. */
  #hold(bytes: Buffer, from: number, to: number): void {
    const size = to - from
    if (size === 0) return
    const wanted = this.#heldBytes + size
    if (this.#held.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(this.#known, 2 * wanted)))
      this.#held.copy(larger, 0, 0, this.#heldBytes)
      this.#held = larger
    }
    bytes.copy(this.#held, this.#heldBytes, from, to)
    this.#heldBytes = wanted
  }

  #dropHeld(): void {
    this.#held = NOTHING
    this.#heldBytes = 0
  }
}

/** Looked at as early as possible: strangers and speakers of other protocols show in the first bytes. */
function checkIntroduction(type: number, length: number): void {
  if (type !== PacketKind.FOLLOWERINFO && type !== PacketKind.OBSERVERINFO) {
    throw new DecodeError(`began with a packet of type ${type}`)
  }
  if (length > INTRODUCTION_BYTES_MAX) throw new DecodeError(`began with ${length} bytes`)
}

const NOTHING: Buffer = Buffer.alloc(0)

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
