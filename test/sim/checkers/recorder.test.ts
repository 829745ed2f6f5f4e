import { expect, test } from 'vitest'
import type { ServerId, Zxid } from '../../../src/base/index.ts'
import { describeEvent } from '../../../src/sim/describe-event.ts'
import { type HistoryEvent, hashBytes } from '../../../src/sim/history.ts'
import { Recorder } from '../../../src/sim/recorder.ts'

const APPEND: HistoryEvent = {
  kind: 'append',
  atMs: 1.5,
  server: 2 as ServerId,
  incarnation: 1,
  token: 4,
  zxid: 0x1_0000_0003n as Zxid,
  hash: 77,
}

test('equal histories have equal trace hashes, any difference shows', () => {
  const hashOf = (...events: HistoryEvent[]): string => {
    const recorder = new Recorder()
    for (const event of events) recorder.append(event)
    return recorder.traceHash()
  }
  const hash = hashOf(APPEND, APPEND)
  expect(hash).toMatch(/^[0-9a-f]{16}$/)
  expect(hashOf(APPEND, APPEND)).toBe(hash)
  expect(hashOf(APPEND)).not.toBe(hash)
  for (const change of [
    { atMs: 1.25 },
    { server: 3 as ServerId },
    { zxid: 0x2_0000_0003n as Zxid },
    { zxid: 0x1_0000_0004n as Zxid },
    { hash: 78 },
  ]) {
    expect(hashOf(APPEND, { ...APPEND, ...change })).not.toBe(hash)
  }
})

test('the hash of a known history does not depend on the engine', () => {
  const recorder = new Recorder()
  recorder.append(APPEND)
  expect(recorder.traceHash()).toBe('826fcaed76589735')
})

test('each event is told with its place', () => {
  const lines: string[] = []
  const recorder = new Recorder((event, index) => lines.push(`${index} ${describeEvent(event)}`))
  recorder.append(APPEND)
  recorder.append({ kind: 'heal', atMs: 1234.5678 })
  expect(recorder.events).toHaveLength(2)
  expect(lines).toEqual([
    '0       1.500 ms  server 2   append 0x100000003 (record 4)',
    '1    1234.568 ms  world      everything is healed',
  ])
})

test('hashBytes names a range of bytes', () => {
  const bytes = Uint8Array.of(9, 1, 2, 3, 9)
  expect(hashBytes(bytes, 1, 4)).toBe(hashBytes(Uint8Array.of(1, 2, 3)))
  expect(hashBytes(bytes)).not.toBe(hashBytes(bytes, 1, 4))
})
