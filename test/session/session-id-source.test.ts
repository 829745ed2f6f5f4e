import { describe, expect, test } from 'vitest'
import type { ServerId, SessionId } from '../../src/base/index.ts'
import { SessionIdSource, serverIdOf } from '../../src/session/index.ts'

const MS_2_40 = 2 ** 40

function firstIds(serverId: number, startMs: number, highest: bigint | null = null): string[] {
  const known = highest === null ? null : (BigInt.asIntN(64, highest) as SessionId)
  const source = new SessionIdSource(serverId as ServerId, startMs, known)
  return [source.next(), source.next()].map((id) =>
    BigInt.asUintN(64, id).toString(16).padStart(16, '0'),
  )
}

describe('layout', () => {
  test.each([
    ['the captured id', 1, 0xcc366, '0100000cc3660000'],
    ['fractions of a ms are dropped', 1, 0xcc366 + 0.9, '0100000cc3660000'],
    ['start 0', 1, 0, '0100000000000000'],
    ['start 2^31 ms', 1, 2 ** 31, '0100800000000000'],
    ['the last of 40 bits', 1, MS_2_40 - 1, '01ffffffffff0000'],
    ['start 2^40 ms wraps to 0', 1, MS_2_40, '0100000000000000'],
    ['a wall clock', 3, 1_763_712_000_000, '039aa56d60000000'],
    ['server 255', 255, 1, 'ff00000000010000'],
    ['server 0', 0, 1, '0000000000010000'],
    ['0 is no session', 0, 0, '0000000000000001'],
    ['the mark of containers is skipped', 128, 0, '8000000000000001'],
  ])('%s', (_name, serverId, startMs, first) => {
    const [id, second] = firstIds(serverId, startMs)
    expect(id).toBe(first)
    expect(BigInt(`0x${second}`)).toBe(BigInt(`0x${first}`) + 1n)
  })

  test('ids of servers from 128 on are negative, as on the wire', () => {
    const id = new SessionIdSource(200 as ServerId, 5, null).next()
    expect(id < 0n).toBe(true)
    expect(serverIdOf(id)).toBe(200)
  })

  test.each([-1, 256])('server id %d does not fit', (serverId) => {
    expect(() => firstIds(serverId, 0)).toThrow('does not fit into one byte')
  })
})

describe('never again', () => {
  test.each([
    ['a clock that starts anew', 5, 0x0100000cc3660007n, '0100000cc3660008'],
    ['a clock that is ahead', 0xcc367, 0x0100000cc3660007n, '0100000cc3670000'],
    ['the clock stands where it stood', 0xcc366, 0x0100000cc3660000n, '0100000cc3660001'],
    ['the carry goes into the clock bits', 0, 0x010000000000ffffn, '0100000000010000'],
    ['the space is used up: not into that of server 2', 0, 0x01ffffffffffffffn, '0100000000000000'],
  ])('%s', (_name, startMs, highest, first) => {
    expect(firstIds(1, startMs, highest)[0]).toBe(first)
  })

  test('the highest known id must be an own one', () => {
    expect(() => firstIds(1, 0, 0x0200000000000000n)).toThrow('of another server')
  })
})
