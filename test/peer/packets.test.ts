import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeZxid } from '../../src/base/index.ts'
import type { SnapshotStream } from '../../src/peer/index.ts'
import { Sender } from '../../src/peer/packet-decoder.ts'
import { DecodeError } from '../../src/wire/index.ts'
import { type Packet, PacketKind } from '../../src/zab/index.ts'
import { hex, toHex } from '../wire/bytes.ts'
import { Collector, decodePackets, encodePackets, LIMITS } from './support/collector.ts'
import { SAMPLES } from './support/packets.ts'

const SNAP: Packet = {
  kind: PacketKind.SNAP,
  zxid: makeZxid(1, 0x12),
  snapshot: { statement: null } as SnapshotStream,
}
const SNAP_BYTES = '0000000f 0000000100000012 ffffffff ffffffff'

/** Everything that a sender of this kind may say, one after the other, and for leaders a snapshot in the middle. */
function conversation(sender: Sender): { bytes: Uint8Array; packets: Packet[] } {
  const samples = SAMPLES.filter((sample) => sample.sender === sender)
  const packets = samples.map(({ packet }) => packet)
  if (sender === Sender.LEARNER) {
    return { bytes: hex(samples.map(({ bytes }) => bytes).join('')), packets }
  }
  const texts = samples.map(({ bytes }) => bytes)
  texts.splice(5, 0, `${SNAP_BYTES} 00000003 0102030405 ff`)
  packets.splice(5, 0, { ...SNAP, snapshot: [0, 0, 0, 3, 1, 2, 3, 4, 5] } as Packet)
  return { bytes: hex(texts.join('')), packets }
}

describe('bytes of packets', () => {
  test.each(SAMPLES)('$name', ({ sender, packet, bytes }) => {
    expect(toHex(encodePackets(packet))).toBe(bytes.replace(/\s+/g, ''))
    expect(decodePackets(hex(bytes), sender)).toEqual([packet])
  })

  test('SNAP itself is bare; its stream follows', () => {
    expect(toHex(encodePackets(SNAP))).toBe(SNAP_BYTES.replace(/ /g, ''))
  })

  test('SNAP with a statement for those who understand it', () => {
    const snapshot = { statement: hex('0102') } as SnapshotStream
    const bytes = '0000000f 0000000100000012 00000002 0102 ffffffff'
    expect(toHex(encodePackets({ ...SNAP, snapshot } as Packet))).toBe(bytes.replace(/ /g, ''))
    const collector = new Collector(Sender.LEADER)
    collector.push(hex(`${SNAP_BYTES} ff ${bytes} 07 ff ${SNAP_BYTES}`))
    expect(collector.statements.map((statement) => statement && toHex(statement))).toEqual([
      null,
      '0102',
      null,
    ])
    expect(collector.packets).toEqual([
      { ...SNAP, snapshot: [] },
      { ...SNAP, snapshot: [7] },
    ])
  })

  test('a configuration that is null to upstream is empty here', () => {
    const bytes = hex('0000000a 0000000100000000 ffffffff ffffffff')
    expect(decodePackets(bytes, Sender.LEADER)).toEqual([
      { kind: PacketKind.NEWLEADER, zxid: makeZxid(1, 0), config: '' },
    ])
  })

  test('a learner of upstream 3.4 sends no version of its configuration', () => {
    const bytes = hex('0000000b 0000000500000000 0000000c 0000000000000003 00010000 ffffffff')
    expect(decodePackets(bytes, Sender.LEARNER)).toEqual([
      { kind: PacketKind.FOLLOWERINFO, sid: 3, acceptedEpoch: 5, configVersion: 0n },
    ])
  })

  test('types that nobody knows are passed over, whatever they carry', () => {
    const collector = new Collector(Sender.LEADER)
    collector.push(
      hex(`00000063 0000000000000000 00000002 abcd 00000001 ffffffff 00000001 78
           0000000c ffffffffffffffff ffffffff ffffffff`),
    )
    expect(collector.unknown).toEqual([0x63])
    expect(collector.packets).toEqual([{ kind: PacketKind.UPTODATE }])
  })
})

test('the limit of ids is one for each packet', () => {
  const bytes = hex(SAMPLES[0]!.bytes.repeat(100))
  expect(decodePackets(bytes, Sender.LEARNER).length).toBe(100)
})

describe('bytes in pieces', () => {
  test.each([
    ['a leader', Sender.LEADER],
    ['a learner', Sender.LEARNER],
  ] as const)('of %s: cut in two at every place', (_name, sender) => {
    const { bytes, packets } = conversation(sender)
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const collector = new Collector(sender)
      collector.push(bytes.subarray(0, cut))
      collector.push(bytes.subarray(cut))
      expect(collector.packets, `cut at ${cut}`).toEqual(packets)
      expect(collector.reader.heldBytes).toBe(0)
    }
  })

  test.each([
    ['a leader', Sender.LEADER],
    ['a learner', Sender.LEARNER],
  ] as const)('of %s: pieces of every size', (_name, sender) => {
    const { bytes, packets } = conversation(sender)
    for (let size = 1; size < 100; size += 1) {
      const collector = new Collector(sender)
      for (let at = 0; at < bytes.length; at += size) {
        collector.push(bytes.subarray(at, Math.min(at + size, bytes.length)))
      }
      expect(collector.packets, `pieces of ${size}`).toEqual(packets)
    }
  })

  test('a long transaction in pieces is kept whole', () => {
    // One longer than what shares memory, so that it is taken over from where its pieces were gathered.
    const txn = Uint8Array.from({ length: 60_000 }, (_, i) => i * 7)
    const packet: Packet = { kind: PacketKind.PROPOSAL, zxid: makeZxid(1, 1), txn }
    const collector = new Collector(Sender.LEADER)
    const reader = new Collector(Sender.LEADER, { ...LIMITS, dataBytesMax: 60_000 })
    const bytes = encodePackets(packet, { kind: PacketKind.UPTODATE })
    for (let at = 0; at < bytes.length; at += 1000) reader.push(bytes.subarray(at, at + 1000))
    expect(reader.packets.length).toBe(2)
    expect(reader.packets[0]).toEqual({ ...packet, txn })
    expect(() => collector.push(bytes)).toThrow(DecodeError)
  })

  test('memory follows what has come, not what was announced', () => {
    const collector = new Collector(Sender.LEADER, { ...LIMITS, dataBytesMax: 0x7fff_0000 })
    collector.push(hex('00000002 0000000100000001 7fff0000 01'))
    expect(collector.reader.heldBytes).toBe(17)
    expect(collector.reader.heldCapacity).toBeLessThan(100)
  })

  test('a reader that is closed in the middle of a chunk says no more', () => {
    const { bytes } = conversation(Sender.LEADER)
    const collector = new Collector(Sender.LEADER)
    collector.onEach = () => collector.reader.close()
    collector.push(bytes)
    collector.push(bytes)
    expect(collector.packets.length).toBe(1)
  })
})

describe('bytes that are no packets', () => {
  const refused: readonly [string, Sender, string, RegExp][] = [
    ['negative data', Sender.LEADER, '00000002 0000000100000001 fffffffe', /-2 bytes/],
    ['too much data', Sender.LEADER, '00000002 0000000100000001 00001001', /4097 bytes/],
    ['a proposal of null', Sender.LEADER, '00000002 0000000100000001 ffffffff ffffffff', /without/],
    [
      'a negative number of ids',
      Sender.LEADER,
      '00000004 0000000100000001 ffffffff 80000000',
      /ids/,
    ],
    ['many ids', Sender.LEARNER, '00000003 0000000100000001 ffffffff 40000000', /ids of/],
    [
      'an id of null',
      Sender.LEARNER,
      '00000001 ffffffffffffffff 00000010 0100000ffec90000 00000009 fffffff5 00000001 ffffffff ffffffff',
      /null/,
    ],
    [
      'an id of negative length',
      Sender.LEARNER,
      '00000003 0000000100000001 ffffffff 00000001 fffffff0',
      /negative length/,
    ],
    ['long ids', Sender.LEARNER, '00000003 0000000100000001 ffffffff 00000001 00000200', /ids of/],
    [
      'a short request',
      Sender.LEARNER,
      '00000001 ffffffffffffffff 00000002 0100 ffffffff',
      /bytes/,
    ],
    [
      'a torn touch table',
      Sender.LEARNER,
      '00000005 0000000000000000 00000001 01 ffffffff',
      /touch/,
    ],
    [
      'a learner without an id',
      Sender.LEARNER,
      '0000000b 0000000000000000 ffffffff ffffffff',
      /old/,
    ],
    [
      'a learner with nothing but an id',
      Sender.LEARNER,
      '0000000b 0000000000000000 00000008 0000000000000001 ffffffff',
      /old/,
    ],
    [
      'an old learner',
      Sender.LEARNER,
      '0000000b 0000000000000000 0000000c 0000000000000001 00000001 ffffffff',
      /version 1/,
    ],
    [
      'an old leader',
      Sender.LEADER,
      '00000011 0000000100000000 00000004 00000001 ffffffff',
      /version/,
    ],
    [
      'a change of the ensemble',
      Sender.LEADER,
      '00000009 0000000100000002 00000008 0000000000000003 ffffffff',
      /reconfigured/,
    ],
  ]

  test.each(refused)('%s', (_name, sender, text, reason) => {
    const bytes = hex(text)
    const whole = new Collector(sender)
    expect(() => whole.push(bytes)).toThrow(reason)
    const single = new Collector(sender)
    expect(() => {
      for (const byte of bytes) single.push(Uint8Array.of(byte))
    }).toThrow(DecodeError)
    expect([...whole.packets, ...single.packets]).toEqual([])
    // Closed by the error: what follows is not looked at.
    whole.push(hex(SAMPLES[4]!.bytes))
    expect(whole.packets).toEqual([])
  })

  test('a refused snapshot', () => {
    const collector = new Collector(Sender.LEADER)
    expect(() => collector.push(hex(`${SNAP_BYTES} 0102 ee`))).toThrow(/0xee/)
    expect(collector.packets).toEqual([])
  })

  test('any byte changed, anything cut out or added: an error of the decoder or other packets', () => {
    const { bytes } = conversation(Sender.LEARNER)
    const mutated = fc.record({
      at: fc.nat(bytes.length - 1),
      cut: fc.nat(8),
      added: fc.uint8Array({ maxLength: 8 }),
      pieces: fc.integer({ min: 1, max: 50 }),
      sender: fc.constantFrom(Sender.LEADER, Sender.LEARNER),
    })
    fc.assert(
      fc.property(mutated, ({ at, cut, added, pieces, sender }) => {
        const hostile = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + cut)])
        const collector = new Collector(sender)
        try {
          for (let from = 0; from < hostile.length; from += pieces) {
            collector.push(hostile.subarray(from, from + pieces))
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
        expect(collector.reader.heldCapacity).toBeLessThan(2 * hostile.length + 64)
      }),
      { numRuns: 500 },
    )
  })
})
