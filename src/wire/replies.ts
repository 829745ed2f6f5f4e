import { assert, type Zxid } from '../base/index.ts'
import { type EventType, OpCode, SYNC_CONNECTED, Xid } from './codes.ts'
import type { OutputBuffer } from './output-buffer.ts'
import type { AclEntry, ByteString, ClientInfo, OpResult, Stat } from './records.ts'
import { writeAclList, writeStat, writeStrings } from './structures.ts'

/*
 * Replies and events. Each function writes one part of a payload; the caller frames them with beginFrame/endFrame.
 */

const NO_EVENT_ZXID = -1n as Zxid

// ReplyHeader: int xid, long zxid, int err
export function writeReplyHeader(out: OutputBuffer, xid: number, zxid: Zxid, err: number): void {
  out.int32(xid)
  out.int64(zxid)
  out.int32(err)
}

// notification: ReplyHeader {xid -1, zxid, err 0}, WatcherEvent
// WatcherEvent: int type, int state, ustring path
/**
 * `zxid` is the transaction's that caused the event, or null (-1 on the wire) for one made up by setWatches
 * (ZOOKEEPER-4655).
 */
export function writeWatcherEvent(
  out: OutputBuffer,
  zxid: Zxid | null,
  type: EventType,
  path: string,
): void {
  writeReplyHeader(out, Xid.notification, zxid ?? NO_EVENT_ZXID, 0)
  out.int32(type)
  out.int32(SYNC_CONNECTED)
  out.string(path)
}

// ExistsResponse, SetDataResponse, SetACLResponse: Stat stat
export function writeStatResponse(out: OutputBuffer, stat: Stat): void {
  writeStat(out, stat)
}

// GetDataResponse (also of reconfig): buffer data, Stat stat
export function writeGetDataResponse(out: OutputBuffer, data: ByteString | null, stat: Stat): void {
  out.byteString(data)
  writeStat(out, stat)
}

// CreateResponse, SyncResponse: ustring path
export function writePathResponse(out: OutputBuffer, path: string | null): void {
  out.string(path)
}

// Create2Response (also of createContainer, createTTL): ustring path, Stat stat
export function writeCreate2Response(out: OutputBuffer, path: string, stat: Stat): void {
  out.string(path)
  writeStat(out, stat)
}

// GetACLResponse: vector<ACL> acl, Stat stat
export function writeGetAclResponse(out: OutputBuffer, acl: readonly AclEntry[], stat: Stat): void {
  writeAclList(out, acl)
  writeStat(out, stat)
}

// GetChildrenResponse: vector<ustring> children      GetEphemeralsResponse: vector<ustring> ephemerals
export function writeStringsResponse(out: OutputBuffer, strings: Iterable<string>): void {
  writeStrings(out, strings)
}

// GetChildren2Response: vector<ustring> children, Stat stat
export function writeGetChildren2Response(
  out: OutputBuffer,
  children: Iterable<string>,
  stat: Stat,
): void {
  writeStrings(out, children)
  writeStat(out, stat)
}

// GetAllChildrenNumberResponse: int totalNumber
export function writeGetAllChildrenNumberResponse(out: OutputBuffer, totalNumber: number): void {
  out.int32(totalNumber)
}

// reply to addWatch: ErrorResponse {int err 0}
export function writeAddWatchResponse(out: OutputBuffer): void {
  out.int32(0)
}

// SetSASLResponse: buffer token
export function writeSaslResponse(out: OutputBuffer, token: ByteString | null): void {
  out.byteString(token)
}

// WhoAmIResponse: vector<ClientInfo> clientInfo      ClientInfo: ustring authScheme, ustring user
export function writeWhoAmIResponse(out: OutputBuffer, clients: readonly ClientInfo[]): void {
  out.int32(clients.length)
  for (const client of clients) {
    out.string(client.authScheme)
    out.string(client.user)
  }
}

// MultiHeader: int type, boolean done, int err
export function writeMultiHeader(
  out: OutputBuffer,
  type: number,
  done: boolean,
  err: number,
): void {
  out.int32(type)
  out.bool(done)
  out.int32(err)
}

/** Ends the requests or results of a multi or multiRead. */
export function writeMultiEnd(out: OutputBuffer): void {
  writeMultiHeader(out, -1, true, -1)
}

// failed op: MultiHeader {-1, false, err}, ErrorResponse {int err}
export function writeMultiError(out: OutputBuffer, err: number): void {
  writeMultiHeader(out, OpCode.error, false, err)
  out.int32(err)
}

// multi results: (MultiHeader {type, false, 0}, by type: 1 ustring path | 15 ustring path, Stat |
//                 5, 7 Stat | 2, 13 nothing | -1 ErrorResponse)*, end
/** Entries of type -1 are errors, with err 0 for ops undone because of a later one. */
export function writeMultiResults(out: OutputBuffer, results: readonly OpResult[]): void {
  for (const result of results) {
    if (result.type === OpCode.error) writeMultiError(out, result.err)
    else writeMultiResult(out, result)
  }
  writeMultiEnd(out)
}

function writeMultiResult(out: OutputBuffer, result: OpResult): void {
  const { type, path, stat } = result
  writeMultiHeader(out, type, false, 0)
  if (type === OpCode.create || type === OpCode.create2) {
    assert(path !== null, 'a result without its path')
    out.string(path)
  }
  if (type === OpCode.create2 || type === OpCode.setData || type === OpCode.setACL) {
    assert(stat !== null, 'a result without its stat')
    writeStat(out, stat)
  }
}

// multiRead results: (getData: MultiHeader {4, false, 0}, GetDataResponse |
//                     getChildren: MultiHeader {8, false, 0}, GetChildrenResponse | failed op)*, end
export function writeMultiGetData(out: OutputBuffer, data: ByteString | null, stat: Stat): void {
  writeMultiHeader(out, OpCode.getData, false, 0)
  writeGetDataResponse(out, data, stat)
}

export function writeMultiGetChildren(out: OutputBuffer, children: Iterable<string>): void {
  writeMultiHeader(out, OpCode.getChildren, false, 0)
  writeStrings(out, children)
}
