import { describe, expect, test } from 'vitest'
import type { ServerId, SessionId } from '../../src/base/index.ts'
import { EventHistory, RateLimit } from '../../src/server/events/index.ts'
import { eventFromJson, eventToJson } from '../../src/server/index.ts'
import { create, Stage } from './support/index.ts'

const LIMITS = {
  clientEventsMax: 4,
  clientEventsBytesMax: 1_000_000,
  serverEventsMax: 3,
  serverEventsBytesMax: 2000,
}

function open() {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => 1_000_000 + clock.nowMs }
  return { clock, history: new EventHistory(clock, 1 as ServerId, LIMITS) }
}

function refusal(reason: string) {
  return { kind: 'connectionRefused', remote: '10.0.0.9:1', reason } as const
}

describe('a history', () => {
  test('is bounded by number, and clients push out nothing of the server', () => {
    const { history } = open()
    history.record({ kind: 'stopping' })
    for (let i = 0; i < 10; i += 1) history.record(refusal(`${i}`))
    const events = history.list()
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 8, 9, 10, 11])
    expect(history.dropped).toBe(6)
  })

  test('is bounded by bytes', () => {
    const { history } = open()
    for (let i = 0; i < 3; i += 1) history.record({ kind: 'failed', reason: 'x'.repeat(300) })
    expect(history.length).toBe(2)
    expect(history.bytes).toBeLessThanOrEqual(2000)
  })

  test('cuts the texts of others', () => {
    const { history } = open()
    history.record(refusal('x'.repeat(10_000)))
    const event = history.list()[0]!
    expect('reason' in event && event.reason).toHaveLength(301)
  })

  test('tells one session, with what concerns none', () => {
    const { history } = open()
    for (const sessionId of [1n, 2n] as SessionId[]) {
      history.record({ kind: 'sessionRefused', sessionId, remote: 'a:1' })
    }
    history.record({ kind: 'stopping' })
    const kinds = history.list({ sessionId: 2n as SessionId }).map(({ kind }) => kind)
    expect(kinds).toEqual(['sessionRefused', 'stopping'])
    expect(history.list({ countMax: 1 })).toHaveLength(1)
    expect(history.list({ sinceMs: 2_000_000 })).toEqual([])
  })

  test('tells a stall once, though several timers notice it', () => {
    const { clock, history } = open()
    clock.nowMs = 5000
    history.noteTimer(2000)
    history.noteTimer(2500)
    history.noteTimer(4990)
    clock.nowMs = 5300
    history.noteTimer(4000)
    expect(history.list()).toMatchObject([
      { kind: 'stall', tookMs: 3000 },
      { kind: 'stall', tookMs: 300 },
    ])
  })

  test('goes on where an earlier one ended', () => {
    const { history } = open()
    history.record({ kind: 'stopping' })
    const later = open().history
    later.restore(history.list())
    later.record({ kind: 'stopping' })
    expect(later.list().map(({ sequence }) => sequence)).toEqual([1, 2])
  })
})

test('every event of a server can be written as JSON and read again', () => {
  const stage = Stage.open()
  const client = stage.session()
  stage.call(client, create('/a'))
  client.destroy()
  stage.runFor(30_000)
  const events = stage.server.events.list()
  const kinds = events.map(({ kind }) => kind)
  expect(kinds).toEqual(
    expect.arrayContaining(['started', 'sessionCreated', 'connectionClosed', 'sessionExpired']),
  )
  for (const event of events) {
    expect(eventFromJson(JSON.parse(JSON.stringify(eventToJson(event))))).toEqual(event)
  }
})

test.each([
  null,
  7,
  {},
  { kind: 'toString' },
  { kind: 'stall', sequence: 1, wallMs: 1, monotonicMs: 1 },
  { kind: 'stall', sequence: 1, wallMs: 1, monotonicMs: 1, tookMs: 'long' },
  { kind: 'sessionRefused', sequence: 1, wallMs: 1, monotonicMs: 1, sessionId: 7, remote: '' },
])('%j is no event', (json) => {
  expect(eventFromJson(json)).toBeNull()
})

test('a rate limit lets through so many in a second, and counts the rest', () => {
  const limit = new RateLimit(2)
  expect([0, 10, 20, 30].map((ms) => limit.pass(ms))).toEqual([0, 0, null, null])
  expect(limit.pass(1000)).toBe(2)
})

describe('slow requests', () => {
  test('are remembered and logged', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 1500, latencyMsMax: 1500 } })
    const client = stage.session()
    stage.call(client, create('/a'))
    const slow = stage.server.events.list().filter(({ kind }) => kind === 'slowRequest')
    expect(slow).toMatchObject([{ sessionId: client.sessionId, operation: 1 }])
    expect(stage.server.events.list().some(({ kind }) => kind === 'slowFsync')).toBe(true)
    const lines = stage.logLines.map(({ message }) => message)
    expect(lines).toContain('a request took long')
    expect(lines).toContain('a durable write took long')
  })
})
