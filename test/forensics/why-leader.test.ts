import { describe, expect, test } from 'vitest'
import { whyLeader } from '../../src/forensics/index.ts'
import type { EventFact, EventRole } from '../../src/server/index.ts'
import { readText } from '../tidy/source-files.ts'
import { evidenceOf, reportOf, sid } from './support.ts'

function serving(role: EventRole, leader: number, epoch: number): EventFact {
  return { kind: 'serving', role, leader: sid(leader), epoch, tookMs: 300 }
}

function looking(was: EventRole | null, leader: number | null, reason: string): EventFact {
  return {
    kind: 'looking',
    reason,
    was,
    wasServing: was !== null,
    epoch: was === null ? 0 : 5,
    leader: leader === null ? null : sid(leader),
  }
}

/** Server 1 led epoch 5, server 3 leads epoch 6; `end` is what server 1 remembers of it. */
function changeOf(
  end: readonly (readonly [number, EventFact])[],
  follower = 'server 1: link lost',
) {
  return whyLeader(
    evidenceOf(
      reportOf(1, [[-600, serving('leader', 1, 5)], ...end], { leader: 3 }),
      reportOf(2, [
        [-600, serving('follower', 1, 5)],
        [0, looking('follower', 1, follower)],
        [2.5, serving('follower', 3, 6)],
      ]),
      reportOf(3, [
        [-600, serving('follower', 1, 5)],
        [0.1, looking('follower', 1, follower)],
        [2.4, serving('leader', 3, 6)],
      ]),
    ),
  )
}

describe('the leader before', () => {
  test('stood still', () => {
    const answer = changeOf(
      [
        [7.9, { kind: 'stall', tookMs: 18_000 }],
        [8, looking('leader', 1, 'no quorum of learners any more')],
      ],
      'server 1: leader not heard in time',
    )
    expect(answer).toMatchObject({ verdict: 'stalled', leader: 3, epoch: 6 })
    expect(answer.sentences).toEqual([
      'Server 3 leads since 2026-11-21 12:00:02.400 (epoch 6), before it server 1 (epoch 5).',
      'Server 1 stood still for 18.0 s from 11:59:49.900 on: it could neither hear nor answer its followers.',
      'From 12:00:00.000 to then, 2.4 s, servers were without a leader.',
      'Server 2 began to look at 12:00:00.000: server 1: leader not heard in time.',
      'Server 3 began to look at 12:00:00.100: server 1: leader not heard in time.',
    ])
    expect(readText('docs/forensics.md')).toContain(answer.sentences.slice(0, 3).join('\n'))
  })

  test('was stopped', () => {
    expect(changeOf([[-0.05, { kind: 'stopping' }]]).verdict).toBe('stopped')
  })

  test('ended by itself', () => {
    const answer = changeOf([[-0.05, { kind: 'failed', reason: 'The log cannot be written' }]])
    expect(answer.verdict).toBe('failed')
    expect(answer.sentences[1]).toContain('The log cannot be written')
  })

  test('had a disk that hung', () => {
    const own = looking('leader', 1, 'own disk silent for 10000 ms')
    expect(changeOf([[-0.05, own]]).verdict).toBe('disk')
  })

  test('lost its followers, and says which', () => {
    const answer = changeOf([
      [-5, { kind: 'learnerDropped', peer: sid(2), reason: 'silent for too long' }],
      [-4, { kind: 'linkLost', peer: sid(3), reason: 'read ETIMEDOUT' }],
      [-0.05, looking('leader', 1, 'no quorum of learners any more')],
    ])
    expect(answer.verdict).toBe('quorum-lost')
    expect(answer.sentences[1]).toBe(
      'Server 1 gave up its leadership at 11:59:59.950: no quorum of learners any more. It had lost server 2 at ' +
        '11:59:55.000 (silent for too long), server 3 at 11:59:56.000 (read ETIMEDOUT).',
    )
  })

  test('crashed and came back', () => {
    const started: EventFact = {
      kind: 'started',
      serverId: sid(1),
      wasCleanStop: false,
      recoveryMs: 20,
      configuration: '',
    }
    expect(changeOf([[30, started]]).verdict).toBe('crashed')
    expect(changeOf([[30, { ...started, wasCleanStop: true }]]).verdict).toBe('unreachable')
  })

  test('has used its epoch up', () => {
    expect(changeOf([[-0.05, looking('leader', 1, 'epoch 5 has no zxid left')]]).verdict).toBe(
      'zxid',
    )
  })

  test('cannot be asked', () => {
    const answer = whyLeader({
      reports: [
        reportOf(2, [
          [-600, serving('follower', 1, 5)],
          [0, looking('follower', 1, 'server 1: link lost')],
          [2.5, serving('follower', 3, 6)],
        ]),
      ],
      missing: [{ address: 'zk1:8080', reason: 'nothing listens there' }],
    })
    expect(answer.verdict).toBe('unreachable')
    expect(answer.sentences[1]).toContain('The other servers lost server 1 at 12:00:00.000')
    expect(answer.sentences.join(' ')).toContain('zk1:8080 could not be asked')
  })
})

test('the first leader that is remembered', () => {
  const answer = whyLeader(
    evidenceOf(
      reportOf(1, [
        [0, looking(null, null, 'started')],
        [1, serving('leader', 1, 1)],
      ]),
    ),
  )
  expect(answer).toMatchObject({ verdict: 'first', leader: 1, epoch: 1 })
})

test('nobody leads', () => {
  const answer = whyLeader(
    evidenceOf(
      reportOf(
        2,
        [
          [-600, serving('follower', 1, 5)],
          [0, looking('follower', 1, 'server 1: link lost')],
        ],
        { leader: null, mode: 'looking' },
      ),
    ),
  )
  expect(answer.verdict).toBe('none')
  expect(answer.sentences[0]).toBe('No leader: server 2 looks for one.')
  expect(answer.sentences[1]).toContain('Server 1 led last')
  expect(answer.sentences.join(' ')).toContain('Servers 1 and 3 of the ensemble did not answer')
})

test('a server that stands alone has none', () => {
  const answer = whyLeader(evidenceOf(reportOf(1, [], { leader: null, mode: 'standalone' })))
  expect(answer.sentences).toEqual(['Server 1 stands alone: it has no leader.'])
})

test('nobody answers', () => {
  const answer = whyLeader({ reports: [], missing: [{ address: 'a:1', reason: 'no such host' }] })
  expect(answer.verdict).toBe('none')
  expect(answer.sentences[0]).toBe('No server could be asked.')
})
