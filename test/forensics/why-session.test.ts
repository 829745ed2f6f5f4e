import { describe, expect, test } from 'vitest'
import { renderAnswer, whySession } from '../../src/forensics/index.ts'
import type { EventFact } from '../../src/server/index.ts'
import { readText } from '../tidy/source-files.ts'
import { evidenceOf, reportOf, SESSION, sid } from './support.ts'

const REMOTE = '10.9.0.7:40122'
const created: EventFact = {
  kind: 'sessionCreated',
  sessionId: SESSION,
  timeoutMs: 10_000,
  remote: REMOTE,
}
const expired: EventFact = {
  kind: 'sessionExpired',
  sessionId: SESSION,
  timeoutMs: 10_000,
  silentMs: 10_400,
  servedBy: sid(3),
  isForced: false,
}
const over: EventFact = {
  kind: 'sessionClosed',
  sessionId: SESSION,
  by: 'server',
  zxid: '0x500000010',
  ephemerals: 2,
}

function cut(reason: string, silentMs: number): EventFact {
  return {
    kind: 'connectionClosed',
    sessionId: SESSION,
    remote: REMOTE,
    reason,
    silentMs,
    openMs: 100_000,
  }
}

describe('an expired session', () => {
  test('whose server stood still: the client was probably alive', () => {
    const answer = whySession(
      SESSION,
      evidenceOf(
        reportOf(1, []),
        reportOf(2, [
          [3.12, expired],
          [3.13, over],
        ]),
        reportOf(3, [
          [-100, created],
          [0.5, { kind: 'stall', tookMs: 6200 }],
          [3.14, cut('its session is over', 9640)],
        ]),
      ),
    )
    expect(answer.verdict).toBe('server-stalled')
    expect(answer.sentences).toEqual([
      'Session 0x1000010f4650000 expired at 2026-11-21 12:00:03.120, decided by leader 2: nothing heard for 9.6 s (timeout 10.0 s).',
      'Its client was last heard of at 11:59:53.500 through server 3.',
      'Server 3, which it was connected to, stood still for 6.2 s from 11:59:54.300 on: the client was probably alive.',
      'Its 2 ephemeral znodes went with it.',
    ])
    expect(readText('docs/forensics.md')).toContain(answer.sentences.join('\n'))
  })

  test('whose server stood still for too short a time to count', () => {
    const answer = whySession(
      SESSION,
      evidenceOf(
        reportOf(2, [[3.12, expired]]),
        reportOf(3, [
          [-100, created],
          [0.5, { kind: 'stall', tookMs: 1200 }],
        ]),
      ),
    )
    expect(answer.verdict).toBe('silent')
    expect(answer.sentences).toContainEqual(
      expect.stringContaining('Server 3 stood still for 1.2 s'),
    )
  })

  test('whose connection had ended, by its client or on the way', () => {
    const answer = whySession(
      SESSION,
      evidenceOf(
        reportOf(2, [
          [3.12, expired],
          [8, { kind: 'sessionRefused', sessionId: SESSION, remote: REMOTE }],
        ]),
        reportOf(3, [
          [-100, created],
          [-6, cut('read ECONNRESET', 1000)],
        ]),
      ),
    )
    expect(answer.verdict).toBe('disconnected')
    expect(answer.sentences[2]).toContain('had ended at 11:59:54.000: read ECONNRESET.')
    expect(answer.sentences[3]).toBe(
      `The client came back 4.9 s later (${REMOTE}, server 2): it is alive, and was told that its session is over.`,
    )
  })

  test('that was taken up elsewhere after its connection had ended, and fell silent there', () => {
    const answer = whySession(
      SESSION,
      evidenceOf(
        reportOf(1, [[-7, { ...created, kind: 'sessionResumed' }]]),
        reportOf(2, [[3.12, { ...expired, servedBy: sid(1) }]]),
        reportOf(3, [
          [-100, created],
          [-8, cut('read ECONNRESET', 1000)],
        ]),
      ),
    )
    expect(answer.verdict).toBe('silent')
    expect(answer.sentences[1]).toContain('through server 1')
  })

  test.each([
    ['linkLost', 'the other end has closed the connection'],
    ['learnerDropped', 'silent for too long'],
  ] as const)('whose server was lost by the leader (%s)', (kind, reason) => {
    const answer = whySession(
      SESSION,
      evidenceOf(
        reportOf(2, [
          [-5, { kind, peer: sid(3), reason }],
          [3.12, expired],
        ]),
      ),
    )
    expect(answer.verdict).toBe('server-lost')
    expect(answer.sentences[2]).toContain(`was lost by server 2 at 11:59:55.000 (${reason})`)
  })

  test.each([
    [{ kind: 'stopping' } as const, 'was stopped at'],
    [{ kind: 'failed', reason: 'the disk is gone' } as const, '(the disk is gone)'],
    [
      {
        kind: 'looking',
        reason: 'server 2: link lost',
        was: 'follower',
        wasServing: true,
        epoch: 5,
        leader: sid(2),
      } as const,
      'lost its leader',
    ],
  ])('whose server went by itself', (fact, words) => {
    const answer = whySession(
      SESSION,
      evidenceOf(reportOf(2, [[3.12, expired]]), reportOf(3, [[-4, fact]])),
    )
    expect(answer.verdict).toBe('server-lost')
    expect(answer.sentences[2]).toContain(words)
  })

  test('with a slow disk beside it is told of that', () => {
    const answer = whySession(
      SESSION,
      evidenceOf(
        reportOf(2, [[3.12, expired]]),
        reportOf(3, [
          [-100, created],
          [0, { kind: 'slowFsync', tookMs: 4000 }],
        ]),
      ),
    )
    expect(answer.verdict).toBe('silent')
    expect(answer.sentences).toContain(
      'The disk of server 3 took 4.0 s for one write, from 11:59:56.000 on.',
    )
  })

  test('that somebody had ended', () => {
    const forced = { ...expired, isForced: true, silentMs: 10 }
    const answer = whySession(SESSION, evidenceOf(reportOf(2, [[3.12, forced]])))
    expect(answer.verdict).toBe('forced')
  })

  test('of which only the end is remembered', () => {
    const answer = whySession(
      SESSION,
      evidenceOf(reportOf(1, [[3.2, over]]), reportOf(2, [], { oldestMs: null })),
    )
    expect(answer.verdict).toBe('expired')
    expect(answer.sentences.join(' ')).toContain('The history of server 2 begins after')
    expect(answer.sentences.join(' ')).toContain('Server 3 of the ensemble did not answer')
  })
})

test('a session that its client has closed', () => {
  const answer = whySession(
    SESSION,
    evidenceOf(
      reportOf(3, [
        [-100, created],
        [0, { ...over, by: 'client', ephemerals: 1 }],
        [0.001, cut('its session is over', 1)],
      ]),
    ),
  )
  expect(answer.verdict).toBe('closed')
  expect(answer.sentences[0]).toBe(
    `Session 0x1000010f4650000 was closed by its client (${REMOTE}, server 3) at 2026-11-21 12:00:00.000. ` +
      'Its one ephemeral znode went with it.',
  )
})

test('a session that is alive', () => {
  const session = { isLive: true, timeoutMs: 10_000, remote: '10.9.0.7' }
  const answer = whySession(SESSION, evidenceOf(reportOf(3, [[-100, created]], { session })))
  expect(answer.verdict).toBe('alive')
  expect(answer.sentences[0]).toBe(
    'Session 0x1000010f4650000 is alive: its client 10.9.0.7 is connected to server 3, timeout 10.0 s.',
  )
})

test('a session that nobody remembers, and a server that cannot be asked', () => {
  const missing = [{ address: 'zk2:8080', reason: 'nothing listens there' }]
  const answer = whySession(SESSION, { reports: [reportOf(1, [])], missing })
  expect(answer.verdict).toBe('unknown')
  expect(answer.sentences.join('\n')).toContain(
    'zk2:8080 could not be asked (nothing listens there)',
  )
})

test('the text has the timeline below, and says whose clock is wrong', () => {
  const report = reportOf(2, [[3.12, expired]], { aheadMs: 3500 })
  const text = renderAnswer(whySession(SESSION, evidenceOf(report)), [report])
  expect(text).toContain('The clock of server 2 is 3.5 s ahead of this machine')
  expect(text).toContain(
    '\n  2026-11-21 12:00:03.120  server 2  session expired: nothing heard for 10.4 s',
  )
})
