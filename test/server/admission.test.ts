import { describe, expect, test } from 'vitest'
import { type ConnectionThrottleConfig, DEFAULT_TUNING } from '../../src/config/index.ts'
import { ConnectionThrottle } from '../../src/server/connection-throttle.ts'
import { ErrorCode } from '../../src/wire/index.ts'
import { READ_ONLY_ACL } from '../../src/znodes/index.ts'
import { create, EnsembleStage, getData, Stage, setData } from './support/index.ts'

const OFF = DEFAULT_TUNING.connectionThrottle

interface Bench {
  readonly throttle: ConnectionThrottle
  nowMs: number
  /** What chance says next, from 0 to 1. */
  chance: number
}

function bench(config: Partial<ConnectionThrottleConfig>): Bench {
  const state = { nowMs: 0, chance: 0.999 }
  const clock = { monotonicMs: () => state.nowMs, wallMs: () => 0 }
  const random = { uint32: () => Math.floor(state.chance * 2 ** 32), fill: () => {} }
  return Object.assign(state, {
    throttle: new ConnectionThrottle({ ...OFF, ...config }, clock, random),
  })
}

function admitted(throttle: ConnectionThrottle, attempts: number, tokens: number = 1): number {
  return Array.from({ length: attempts }, () => throttle.admits(tokens)).filter(Boolean).length
}

describe('the throttle', () => {
  test('has a full bucket, which fills again and no further', () => {
    const state = bench({ tokensMax: 5, fillMs: 10, fillCount: 2 })
    expect(admitted(state.throttle, 10)).toBe(5)
    state.nowMs = 9
    expect(admitted(state.throttle, 10)).toBe(0)
    state.nowMs = 25
    expect(admitted(state.throttle, 10)).toBe(4)
    state.nowMs = 30
    expect(admitted(state.throttle, 10)).toBe(2)
    state.nowMs = 100_000
    expect(admitted(state.throttle, 10)).toBe(5)
  })

  test('takes as many tokens as a session weighs', () => {
    expect(admitted(bench({ tokensMax: 7 }).throttle, 10, 3)).toBe(2)
  })

  test('turns away by chance more and more while the bucket is empty, then less and less', () => {
    const state = bench({
      tokensMax: 2,
      fillMs: 1_000_000,
      freezeMs: 10,
      dropIncrease: 0.25,
      dropDecrease: 0.125,
      decreaseRatio: 0.5,
    })
    admitted(state.throttle, 2)
    for (let i = 1; i <= 3; i += 1) {
      state.nowMs = i * 11
      admitted(state.throttle, 5)
    }
    expect(state.throttle.dropChance).toBe(0.75)
    // One of two tokens is back: within the ratio.
    state.nowMs = 1_000_000
    state.chance = 0.7
    expect(state.throttle.admits(5)).toBe(false)
    expect(state.throttle.dropChance).toBe(0.625)
    state.nowMs += 5
    expect(state.throttle.admits(0)).toBe(true)
    expect(state.throttle.dropChance).toBe(0.625)
    state.chance = 0.6
    expect(state.throttle.admits(0)).toBe(false)
    state.nowMs += 6
    expect(state.throttle.admits(1)).toBe(true)
    expect(state.throttle.dropChance).toBe(0.5)
  })

  test('of a server turns away more sessions than it may begin, until time has passed', () => {
    const connectionThrottle = { ...OFF, tokensMax: 2, fillMs: 5000, fillCount: 1 }
    const stage = Stage.open({ config: { tuning: { ...DEFAULT_TUNING, connectionThrottle } } })
    stage.session()
    stage.session()
    expect(() => stage.session()).toThrow('the server closed the connection')
    expect(stage.word('ruok')).toBe('imok')
    stage.runFor(5000)
    stage.session()
    expect(() => stage.session()).toThrow('the server closed the connection')
  })
})

test('large requests share their bytes; what is too much ends its connection', () => {
  const largeRequests = { thresholdBytes: 1000, bytesMax: 5000 }
  const stage = Stage.open({ config: { tuning: { ...DEFAULT_TUNING, largeRequests } } })
  const [one, other] = [stage.session(), stage.session()]
  stage.call(one, create('/a', 'x'))
  stage.slowDisk(50)
  const big = 'x'.repeat(3000)
  const [first] = one.send(setData('/a', big))
  stage.runFor(5)
  other.send(setData('/a', big))
  stage.until(() => other.isClosed)
  stage.until(() => first!.reply !== null)
  // Small ones are no matter, and there is room again.
  expect(stage.call(one, getData('/a')).err).toBe(0)
  expect(stage.call(one, setData('/a', big)).err).toBe(0)
  expect(stage.call(one, setData('/a', big)).err).toBe(0)
})

test('with leaderServes=no, clients of the leader are turned away and those of the others served', () => {
  const stage = new EnsembleStage({}, 500, {
    tuning: { ...DEFAULT_TUNING, isLeaderServing: false },
  })
  expect(() => stage.session(stage.leaderId)).toThrow('the server closed the connection')
  const client = stage.session(stage.followerId)
  expect(stage.call(client, create('/a', 'x')).err).toBe(0)
})

test.each([
  [true, 0],
  [false, 1],
])(
  'with enableEagerACLCheck=%s, a write that an ACL forbids costs %i transactions',
  (isAclCheckedEarly, txns) => {
    const stage = new EnsembleStage({}, 500, { tuning: { ...DEFAULT_TUNING, isAclCheckedEarly } })
    const follower = stage.followerId
    const client = stage.session(follower)
    expect(stage.call(client, create('/a', 'x', { acl: READ_ONLY_ACL })).err).toBe(0)
    const lastApplied = (): bigint =>
      stage.ensemble.members[follower - 1]!.server!.state.lastApplied as bigint
    const before = lastApplied()
    expect(stage.call(client, setData('/a', 'y')).err).toBe(ErrorCode.noAuth)
    expect(lastApplied() - before).toBe(BigInt(txns))
    // Others of the connection are answered in their turn, and a znode that is not here is the leader's affair.
    const sent = client.send(create('/b', 'x'), setData('/a', 'y'), setData('/c', 'y'))
    stage.until(() => sent.every(({ reply }) => reply !== null))
    expect(sent.map(({ reply }) => reply!.err)).toEqual([0, ErrorCode.noAuth, ErrorCode.noNode])
  },
)
