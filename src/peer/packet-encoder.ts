import { assert, makeZxid, type Zxid } from '../base/index.ts'
import type { AuthId, OutputBuffer } from '../wire/index.ts'
import { type Packet, PacketKind } from '../zab/index.ts'
import {
  type ForwardedRequest,
  type Revalidation,
  type RevalidationAnswer,
  type Touches,
  writeForwardedRequest,
  writeRevalidation,
  writeRevalidationAnswer,
  writeTouches,
} from './bodies.ts'
import type { SnapshotStream } from './snapshot.ts'

/** Version of the protocol between leader and learner: the one with LEADERINFO and ACKEPOCH. */
export const LEARNER_PROTOCOL_VERSION = 0x10000

const NO_ZXID_NAMED = -1n as Zxid

/**
 * QuorumPacket: int type, long zxid, buffer data, vector<Id { ustring scheme, ustring id }> authinfo. Nothing else is
 * between two packets of a link, except the stream that follows SNAP.
 */
export function writePacket(out: OutputBuffer, packet: Packet): void {
  switch (packet.kind) {
    case PacketKind.PROPOSAL:
    case PacketKind.INFORM: {
      const { txn } = packet
      writeHead(out, packet.kind, packet.zxid)
      out.lengthPrefixed(txn, 0, txn.length)
      out.int32(-1)
      return
    }
    case PacketKind.ACK:
    case PacketKind.COMMIT:
    case PacketKind.DIFF:
    case PacketKind.TRUNC:
      writeBare(out, packet.kind, packet.zxid)
      return
    case PacketKind.UPTODATE:
      writeBare(out, packet.kind, NO_ZXID_NAMED)
      return
    case PacketKind.SYNC:
      writeBare(out, packet.kind, 0n as Zxid)
      return
    case PacketKind.PING:
      writePing(out, packet.zxid, packet.touches as Touches | null)
      return
    case PacketKind.REQUEST:
      writeRequest(out, packet.body as ForwardedRequest)
      return
    default:
      writeRare(out, packet)
  }
}

/** Packets of the beginning of a link, and of sessions that move. */
function writeRare(out: OutputBuffer, packet: Packet): void {
  switch (packet.kind) {
    case PacketKind.FOLLOWERINFO:
    case PacketKind.OBSERVERINFO: {
      // LearnerInfo: long sid, int protocolVersion, long configVersion
      const mark = beginData(out, packet.kind, makeZxid(packet.acceptedEpoch, 0))
      out.int64Number(packet.sid)
      out.int32(LEARNER_PROTOCOL_VERSION)
      out.int64(packet.configVersion)
      endData(out, mark)
      return
    }
    case PacketKind.LEADERINFO: {
      const mark = beginData(out, packet.kind, makeZxid(packet.epoch, 0))
      out.int32(LEARNER_PROTOCOL_VERSION)
      endData(out, mark)
      return
    }
    case PacketKind.ACKEPOCH: {
      const mark = beginData(out, packet.kind, packet.lastZxid)
      out.int32(packet.currentEpoch)
      endData(out, mark)
      return
    }
    case PacketKind.SNAP:
      writeSnap(out, packet.zxid, packet.snapshot as SnapshotStream)
      return
    case PacketKind.NEWLEADER:
      writeHead(out, packet.kind, packet.zxid)
      out.string(packet.config)
      out.int32(-1)
      return
    case PacketKind.REVALIDATE: {
      const body = packet.body as Revalidation | RevalidationAnswer
      const mark = beginData(out, packet.kind, NO_ZXID_NAMED)
      if ('isValid' in body) writeRevalidationAnswer(out, body)
      else writeRevalidation(out, body)
      endData(out, mark)
      return
    }
    default:
      assert(false, `a packet of type ${packet.kind} has no form`)
  }
}

/** The stream itself follows; upstream's learners pass over the data. */
function writeSnap(out: OutputBuffer, zxid: Zxid, { statement }: SnapshotStream): void {
  writeHead(out, PacketKind.SNAP, zxid)
  if (statement === null) out.int32(-1)
  else out.lengthPrefixed(statement, 0, statement.length)
  out.int32(-1)
}

function writePing(out: OutputBuffer, zxid: Zxid, touches: Touches | null): void {
  if (touches === null) {
    writeBare(out, PacketKind.PING, zxid)
    return
  }
  // Without any touched session the learner's data is empty, but not null.
  const mark = beginData(out, PacketKind.PING, zxid)
  writeTouches(out, touches)
  endData(out, mark)
}

function writeRequest(out: OutputBuffer, request: ForwardedRequest): void {
  writeHead(out, PacketKind.REQUEST, NO_ZXID_NAMED)
  const mark = out.beginFrame()
  writeForwardedRequest(out, request)
  out.endFrame(mark)
  writeIds(out, request.ids)
}

function writeIds(out: OutputBuffer, ids: readonly AuthId[]): void {
  out.int32(ids.length === 0 ? -1 : ids.length)
  for (const { scheme, id } of ids) {
    out.string(scheme)
    out.string(id)
  }
}

function writeHead(out: OutputBuffer, type: number, zxid: Zxid): void {
  out.int32(type)
  out.int64(zxid)
}

/** Null data, null authinfo. */
function writeBare(out: OutputBuffer, type: number, zxid: Zxid): void {
  writeHead(out, type, zxid)
  out.int32(-1)
  out.int32(-1)
}

function beginData(out: OutputBuffer, type: number, zxid: Zxid): number {
  writeHead(out, type, zxid)
  return out.beginFrame()
}

function endData(out: OutputBuffer, mark: number): void {
  out.endFrame(mark)
  out.int32(-1)
}
