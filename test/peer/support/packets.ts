import { makeZxid, type ServerId, type SessionId, type Zxid } from '../../../src/base/index.ts'
import { Sender } from '../../../src/peer/packet-decoder.ts'
import { type Packet, PacketKind } from '../../../src/zab/index.ts'
import { hex } from '../../wire/bytes.ts'

export interface Sample {
  readonly name: string
  readonly sender: Sender
  readonly packet: Packet
  /** Written by hand: type, zxid, data length and data, authinfo. */
  readonly bytes: string
}

export const SESSION = 0x0100_000f_fec9_0000n as SessionId

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('hex')

/** Every type, in each form that is sent. */
export const SAMPLES: readonly Sample[] = [
  {
    name: 'REQUEST of a client',
    sender: Sender.LEARNER,
    packet: {
      kind: PacketKind.REQUEST,
      body: {
        sessionId: SESSION,
        cxid: 7,
        opcode: 1,
        body: hex('cafe01'),
        ids: [
          { scheme: 'ip', id: '127.0.0.1' },
          { scheme: 'digest', id: 'bob:x' },
        ],
      },
    },
    bytes: `00000001 ffffffffffffffff 00000013 0100000ffec90000 00000007 00000001 cafe01
      00000002 00000002 ${utf8('ip')} 00000009 ${utf8('127.0.0.1')} 00000006 ${utf8('digest')} 00000005 ${utf8('bob:x')}`,
  },
  {
    name: 'REQUEST of a server (createSession)',
    sender: Sender.LEARNER,
    packet: {
      kind: PacketKind.REQUEST,
      body: { sessionId: SESSION, cxid: 0, opcode: -10, body: hex('00002710'), ids: [] },
    },
    bytes: `00000001 ffffffffffffffff 00000014 0100000ffec90000 00000000 fffffff6 00002710 ffffffff`,
  },
  {
    name: 'REQUEST without a body (closeSession)',
    sender: Sender.LEARNER,
    packet: {
      kind: PacketKind.REQUEST,
      body: { sessionId: SESSION, cxid: 9, opcode: -11, body: hex(''), ids: [] },
    },
    bytes: `00000001 ffffffffffffffff 00000010 0100000ffec90000 00000009 fffffff5 ffffffff`,
  },
  {
    name: 'PROPOSAL',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.PROPOSAL, zxid: makeZxid(1, 5), txn: hex('0102030405') },
    bytes: `00000002 0000000100000005 00000005 0102030405 ffffffff`,
  },
  {
    name: 'ACK',
    sender: Sender.LEARNER,
    packet: { kind: PacketKind.ACK, zxid: makeZxid(1, 1) },
    bytes: `00000003 0000000100000001 ffffffff ffffffff`,
  },
  {
    name: 'COMMIT',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.COMMIT, zxid: makeZxid(3, 0xffff_fffe) },
    bytes: `00000004 00000003fffffffe ffffffff ffffffff`,
  },
  {
    name: 'PING of a leader',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.PING, zxid: makeZxid(1, 1), touches: null },
    bytes: `00000005 0000000100000001 ffffffff ffffffff`,
  },
  {
    name: 'PING of a learner without touched sessions',
    sender: Sender.LEARNER,
    packet: { kind: PacketKind.PING, zxid: makeZxid(1, 1), touches: [] },
    bytes: `00000005 0000000100000001 00000000 ffffffff`,
  },
  {
    name: 'PING of a learner',
    sender: Sender.LEARNER,
    packet: {
      kind: PacketKind.PING,
      zxid: makeZxid(1, 1),
      touches: [
        { sessionId: SESSION, timeoutMs: 4000 },
        { sessionId: -2n as SessionId, timeoutMs: 10_000 },
      ],
    },
    bytes: `00000005 0000000100000001 00000018
      0100000ffec90000 00000fa0 fffffffffffffffe 00002710 ffffffff`,
  },
  {
    name: 'REVALIDATE of a learner',
    sender: Sender.LEARNER,
    packet: { kind: PacketKind.REVALIDATE, body: { sessionId: SESSION, timeoutMs: 4000 } },
    bytes: `00000006 ffffffffffffffff 0000000c 0100000ffec90000 00000fa0 ffffffff`,
  },
  {
    name: 'REVALIDATE of a leader',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.REVALIDATE, body: { sessionId: SESSION, isValid: true } },
    bytes: `00000006 ffffffffffffffff 00000009 0100000ffec90000 01 ffffffff`,
  },
  {
    name: 'SYNC',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.SYNC, body: null },
    bytes: `00000007 0000000000000000 ffffffff ffffffff`,
  },
  {
    name: 'INFORM',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.INFORM, zxid: makeZxid(1, 6), txn: hex('ff') },
    bytes: `00000008 0000000100000006 00000001 ff ffffffff`,
  },
  {
    name: 'NEWLEADER',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.NEWLEADER, zxid: makeZxid(1, 0), config: 'version=0' },
    bytes: `0000000a 0000000100000000 00000009 ${utf8('version=0')} ffffffff`,
  },
  {
    name: 'FOLLOWERINFO',
    sender: Sender.LEARNER,
    packet: {
      kind: PacketKind.FOLLOWERINFO,
      sid: 1 as ServerId,
      acceptedEpoch: 0,
      configVersion: 0n,
    },
    bytes: `0000000b 0000000000000000 00000014 0000000000000001 00010000 0000000000000000 ffffffff`,
  },
  {
    name: 'OBSERVERINFO',
    sender: Sender.LEARNER,
    packet: {
      kind: PacketKind.OBSERVERINFO,
      sid: 4 as ServerId,
      acceptedEpoch: 2,
      configVersion: 0x1_0000_0000n,
    },
    bytes: `00000010 0000000200000000 00000014 0000000000000004 00010000 0000000100000000 ffffffff`,
  },
  {
    name: 'UPTODATE',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.UPTODATE },
    bytes: `0000000c ffffffffffffffff ffffffff ffffffff`,
  },
  {
    name: 'DIFF',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.DIFF, zxid: makeZxid(1, 0x17) },
    bytes: `0000000d 0000000100000017 ffffffff ffffffff`,
  },
  {
    name: 'TRUNC',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.TRUNC, zxid: makeZxid(1, 6) },
    bytes: `0000000e 0000000100000006 ffffffff ffffffff`,
  },
  {
    name: 'LEADERINFO',
    sender: Sender.LEADER,
    packet: { kind: PacketKind.LEADERINFO, epoch: 2 },
    bytes: `00000011 0000000200000000 00000004 00010000 ffffffff`,
  },
  {
    name: 'ACKEPOCH',
    sender: Sender.LEARNER,
    packet: { kind: PacketKind.ACKEPOCH, lastZxid: makeZxid(1, 8), currentEpoch: 1 },
    bytes: `00000012 0000000100000008 00000004 00000001 ffffffff`,
  },
  {
    name: 'ACKEPOCH of an epoch that was promised before',
    sender: Sender.LEARNER,
    packet: { kind: PacketKind.ACKEPOCH, lastZxid: 0n as Zxid, currentEpoch: -1 },
    bytes: `00000012 0000000000000000 00000004 ffffffff ffffffff`,
  },
]
