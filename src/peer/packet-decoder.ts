import { epochOf, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import { type AuthId, DecodeError, InputReader } from '../wire/index.ts'
import {
  type AckEpoch,
  type LeaderInfo,
  type LearnerInfo,
  type Packet,
  PacketKind,
  type Relayed,
  type Snap,
} from '../zab/index.ts'
import { readRevalidation, readRevalidationAnswer, readTouches } from './bodies.ts'
import { LEARNER_PROTOCOL_VERSION } from './packet-encoder.ts'
import { RetainedBytes, SHARED_BYTES_MAX } from './retained-bytes.ts'

/** Types that only a change of the configuration brings. */
const COMMITANDACTIVATE = 9
const INFORMANDACTIVATE = 19

/** Who sends on a link: a leader's packets may be read only by a learner, and the other way round. */
export const Sender = { LEADER: 0, LEARNER: 1 } as const
export type Sender = (typeof Sender)[keyof typeof Sender]

/** Turns the bytes of whole packets into packets of the core. One for each link. */
export class PacketDecoder {
  readonly #sender: Sender
  readonly #reader = new InputReader()
  readonly #retained = new RetainedBytes()
  #bytes: Buffer = Buffer.alloc(0)
  #isOwn = false

  constructor(sender: Sender) {
    this.#sender = sender
  }

  /**
   * The packet in bytes[start, end); of SNAP the packet itself, with its data as `snapshot`. Null for a type that nobody
   * knows: like the original, one may be ignored. With `isOwn` the result may keep the bytes; else nothing of it refers
   * to them.
   *
   * @throws DecodeError
   */
  decode(bytes: Buffer, start: number, end: number, isOwn: boolean): Packet | null {
    this.#bytes = bytes
    this.#isOwn = isOwn
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const kind = reader.int32()
    const zxid = reader.int64() as Zxid
    const length = reader.int32()
    switch (kind) {
      case PacketKind.PROPOSAL:
      case PacketKind.INFORM:
        if (this.#sender !== Sender.LEADER) throw new DecodeError('a transaction from a learner')
        return { kind, zxid, txn: this.#retain(notNull(kind, length)) }
      case PacketKind.ACK:
      case PacketKind.COMMIT:
      case PacketKind.DIFF:
      case PacketKind.TRUNC:
        return { kind, zxid }
      case PacketKind.REQUEST:
        return { kind, body: this.#request(notNull(kind, length)) }
      case PacketKind.SYNC:
        return { kind, body: null }
      default:
        return this.#decodeRare(kind, zxid, length)
    }
  }

  #decodeRare(kind: number, zxid: Zxid, length: number): Packet | null {
    switch (kind) {
      case PacketKind.PING:
        if (length < 0) return { kind, zxid, touches: null }
        this.#reader.narrow(length)
        return { kind, zxid, touches: readTouches(this.#reader) }
      case PacketKind.REVALIDATE:
        return this.#revalidate(notNull(kind, length))
      case PacketKind.FOLLOWERINFO:
      case PacketKind.OBSERVERINFO:
        return this.#learnerInfo(kind, zxid, length)
      case PacketKind.LEADERINFO:
        return this.#leaderInfo(zxid, notNull(kind, length))
      case PacketKind.ACKEPOCH:
        return this.#ackEpoch(zxid, notNull(kind, length))
      case PacketKind.NEWLEADER:
        return { kind, zxid, config: this.#text(length) }
      case PacketKind.UPTODATE:
        return { kind }
      case PacketKind.SNAP:
        return { kind, zxid, snapshot: length > 0 ? this.#retain(length) : null } satisfies Snap
      case COMMITANDACTIVATE:
      case INFORMANDACTIVATE:
        // Ignoring it would leave a transaction out.
        throw new DecodeError('the ensemble was reconfigured, which this server does not support')
      default:
        return null
    }
  }

  /** Upstream's learners before 3.4 send less; they know neither LEADERINFO nor ACKEPOCH. */
  #learnerInfo(kind: LearnerInfo['kind'], zxid: Zxid, length: number): LearnerInfo {
    const reader = this.#reader
    if (length < 12) throw new DecodeError(`learner info of ${length} bytes: learner is too old`)
    reader.narrow(length)
    const sid = reader.int64Number() as ServerId
    const version = reader.int32()
    checkVersion(version)
    const configVersion = reader.remaining >= 8 ? reader.int64() : 0n
    return { kind, sid, acceptedEpoch: epochOf(zxid), configVersion }
  }

  #leaderInfo(zxid: Zxid, length: number): LeaderInfo {
    this.#reader.narrow(length)
    checkVersion(this.#reader.int32())
    return { kind: PacketKind.LEADERINFO, epoch: epochOf(zxid) }
  }

  #ackEpoch(lastZxid: Zxid, length: number): AckEpoch {
    this.#reader.narrow(length)
    return { kind: PacketKind.ACKEPOCH, lastZxid, currentEpoch: this.#reader.int32() }
  }

  #revalidate(length: number): Relayed {
    const reader = this.#reader
    reader.narrow(length)
    const isAnswer = this.#sender === Sender.LEADER
    const body = isAnswer ? readRevalidationAnswer(reader) : readRevalidation(reader)
    return { kind: PacketKind.REVALIDATE, body }
  }

  #request(length: number): Relayed['body'] {
    const reader = this.#reader
    const outerEnd = reader.narrow(length)
    const sessionId = reader.int64() as SessionId
    const cxid = reader.int32()
    const opcode = reader.int32()
    const body = this.#retain(reader.remaining)
    reader.widen(outerEnd)
    return { sessionId, cxid, opcode, body, ids: this.#ids() }
  }

  /** Two ustrings each. */
  #ids(): readonly AuthId[] {
    const reader = this.#reader
    const count = reader.vectorCount(8)
    const ids: AuthId[] = []
    for (let i = 0; i < count; i += 1) {
      ids.push({ scheme: reader.requiredString(), id: reader.requiredString() })
    }
    return ids
  }

  #text(length: number): string {
    if (length <= 0) return ''
    const at = this.#reader.skip(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  #retain(length: number): Uint8Array {
    const at = this.#reader.skip(length)
    const isWorthKeeping = this.#isOwn && length > SHARED_BYTES_MAX
    if (isWorthKeeping) return this.#bytes.subarray(at, at + length)
    return this.#retained.copy(this.#bytes, at, at + length)
  }
}

function notNull(kind: number, length: number): number {
  if (length < 0) throw new DecodeError(`packet of type ${kind} without data`)
  return length
}

function checkVersion(version: number): void {
  if (version >= LEARNER_PROTOCOL_VERSION) return
  throw new DecodeError(`protocol version ${version} is older than ${LEARNER_PROTOCOL_VERSION}`)
}
