import { describe, expect, test } from 'vitest'
import { makeZxid } from '../../src/base/index.ts'
import {
  compareServers,
  type EnsembleList,
  type EnsembleReport,
  problemsOf,
} from '../../src/cluster/ensemble-report.ts'
import { judgeHealth, renderHealth } from '../../src/cluster/health.ts'
import { parseMembership } from '../../src/cluster/membership.ts'
import type { ServerReport, ServerState } from '../../src/cluster/server-report.ts'
import { formatUptime, renderStatus } from '../../src/cluster/status.ts'

const LINES = [1, 2, 3].map((id) => `server.${id}=zk${id}:2888:3888:participant;2181`)

function report(id: number, state: ServerState, more: Partial<ServerReport> = {}): ServerReport {
  const serves = ['follower', 'leader', 'observer', 'standalone'].includes(state)
  return {
    address: { host: `zk${id}`, port: 2181 },
    id,
    state,
    reason: serves ? null : 'for a reason',
    answeredMs: 1,
    version: '3.9.3',
    zxid: makeZxid(1, 10),
    znodes: 5,
    connections: 1,
    outstanding: 0,
    latencyMs: { min: 0, avg: 0.25, max: 3 },
    uptimeMs: 61_000,
    syncedFollowers: null,
    quorumSize: 3,
    clientPort: 2181,
    membership: LINES.join('\n'),
    ...more,
  }
}

function listOf(lines: readonly string[]): EnsembleList {
  const asked = { address: { host: '', port: 2181 }, id: null, clientPort: null }
  return { servers: parseMembership(lines.join('\n'), asked), hasGroups: false }
}

function compare(...reports: readonly ServerReport[]): EnsembleReport {
  return compareServers(reports, listOf(LINES))
}

describe('an ensemble', () => {
  test('that is well', () => {
    const found = compare(report(1, 'follower'), report(2, 'leader'), report(3, 'follower'))
    expect(problemsOf(found)).toEqual([])
    expect(found.leader?.id).toBe(2)
    expect(found.quorum).toEqual({ voters: 3, servingVoters: 3, isThere: true, spare: 1 })
  })

  test('lag is counted within the epoch of the leader', () => {
    const leader = report(1, 'leader', { zxid: makeZxid(2, 7) })
    const near = report(2, 'follower', { zxid: makeZxid(2, 4) })
    const far = report(3, 'follower', { zxid: makeZxid(1, 9000) })
    expect(compare(leader, near, far).servers.map(({ lag }) => lag)).toEqual([null, 3, null])
    const ahead = report(2, 'follower', { zxid: makeZxid(2, 9) })
    expect(compare(leader, ahead, far).servers[1]!.lag).toBe(0)
  })

  test('one server down is a problem, and no loss of the quorum', () => {
    const found = compare(report(1, 'leader'), report(2, 'follower'), report(3, 'unreachable'))
    expect(problemsOf(found)).toEqual(['server 3 (zk3:2181): unreachable: for a reason'])
    expect(found.quorum).toEqual({ voters: 3, servingVoters: 2, isThere: true, spare: 0 })
    expect(judgeHealth(found, null, 'all').isHealthy).toBe(false)
    expect(judgeHealth(found, null, 'quorum').isHealthy).toBe(true)
  })

  test('nobody serves', () => {
    const found = compare(
      report(1, 'not serving'),
      report(2, 'read-only'),
      report(3, 'unreachable'),
    )
    expect(found.ensembleProblems).toEqual(['no quorum: 0 of 3 voting servers serve'])
    expect(judgeHealth(found, null, 'quorum').isHealthy).toBe(false)
    expect(renderHealth(judgeHealth(found, null, 'all'))).toBe(
      'zk1:2181 is unhealthy: for a reason\nzk2:2181 is unhealthy: for a reason\n' +
        'zk3:2181 is unhealthy: for a reason\nno quorum: 0 of 3 voting servers serve\n',
    )
  })

  test('observers have no vote', () => {
    const lines = [...LINES, 'server.4=zk4:2888:3888:observer;2181']
    const reports = [report(1, 'leader'), report(2, 'follower'), report(3, 'follower')].map(
      (one) => ({
        ...one,
        membership: lines.join('\n'),
      }),
    )
    const observer = report(4, 'observer', { membership: lines.join('\n') })
    const found = compareServers([...reports, observer], listOf(lines))
    expect(problemsOf(found)).toEqual([])
    expect(found.quorum?.voters).toBe(3)
  })
})

describe('what does not fit together', () => {
  test.each<[string, readonly ServerReport[], RegExp]>([
    [
      'two leaders',
      [report(1, 'leader'), report(2, 'leader', { zxid: makeZxid(2, 1) }), report(3, 'follower')],
      /^server 1 .* and server 2 .* lead: /,
    ],
    [
      'one that stands alone',
      [report(1, 'leader'), report(2, 'follower'), report(3, 'standalone', { membership: null })],
      /^server 3 .* stands alone: /,
    ],
    [
      'a follower of a later epoch',
      [report(1, 'leader'), report(2, 'follower', { zxid: makeZxid(2, 1) }), report(3, 'follower')],
      /^server 2 .* epoch 2 is later than the leader's, 1$/,
    ],
    [
      'another server at the address',
      [report(1, 'leader'), report(3, 'follower'), report(3, 'follower')],
      /^server 2 .*what answers there is server 3$/,
    ],
    [
      'another list',
      [
        report(1, 'leader'),
        report(2, 'follower', { membership: LINES[1]! }),
        report(3, 'follower'),
      ],
      /^server 2 .* lists other servers than server 1 .*: 2$/,
    ],
  ])('%s', (_, reports, problem) => {
    const problems = problemsOf(compare(...reports))
    expect(problems.filter((text) => problem.test(text))).toHaveLength(1)
    expect(problems).toHaveLength(1)
  })

  test('of two leaders the later one is shown as such', () => {
    const old = report(1, 'leader')
    const found = compare(old, report(2, 'leader', { zxid: makeZxid(2, 1) }), report(3, 'follower'))
    expect(found.leader?.id).toBe(2)
  })

  test('the role of a server is part of the list, client ports are not', () => {
    const without = LINES.map((line) => line.replace(';2181', ''))
    const other = report(2, 'follower', { membership: without.join('\n') })
    expect(problemsOf(compare(report(1, 'leader'), other, report(3, 'follower')))).toEqual([])
    const roles = LINES.join('\n').replace('zk2:2888:3888:participant', 'zk2:2888:3888:observer')
    const changed = report(2, 'follower', { membership: roles })
    expect(problemsOf(compare(report(1, 'leader'), changed, report(3, 'follower')))).toHaveLength(1)
  })
})

describe('without a list of the ensemble', () => {
  test('a follower alone is well: it would not serve without a leader', () => {
    const found = compareServers([report(2, 'follower')], null)
    expect([problemsOf(found), found.quorum, found.leader]).toEqual([[], null, null])
    expect(judgeHealth(found, null, 'quorum').isHealthy).toBe(true)
  })

  test('a server that stands alone is its own leader', () => {
    const found = compareServers([report(1, 'standalone', { membership: null })], null)
    expect([problemsOf(found), found.leader?.state]).toEqual([[], 'standalone'])
  })
})

describe('writes', () => {
  test('that fail make a server that serves unhealthy', () => {
    const found = compareServers([report(1, 'leader'), report(2, 'follower')], null)
    const health = judgeHealth(found, [{ tookMs: 3.14 }, { failure: 'too late' }], 'all')
    expect(health.servers.map(({ isHealthy, reason }) => [isHealthy, reason])).toEqual([
      [true, 'leader, answered in 1 ms, wrote, read and deleted in 3.1 ms'],
      [false, 'the write failed: too late'],
    ])
    expect(health.isHealthy).toBe(false)
  })

  test('that succeed show that a server is well which may not say so', () => {
    const found = compareServers([report(1, 'unknown')], null)
    expect(judgeHealth(found, [{ tookMs: 1 }], 'all').isHealthy).toBe(true)
    expect(judgeHealth(found, null, 'all').isHealthy).toBe(false)
  })
})

test('the table shows what is known and a dash for the rest', () => {
  const known = report(1, 'leader')
  const nothing = {
    ...Object.fromEntries(Object.keys(known).map((key) => [key, null])),
    address: { host: '::1', port: 2181 },
    state: 'unreachable',
    reason: 'a \u001b[31mred\u001b[0m reason',
  } as unknown as ServerReport
  const text = renderStatus(compareServers([known, nothing], null))
  const cells = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  expect(cells[3]!.slice(1, -1)).toEqual(
    '1,zk1:2181,3.9.3,leader,0x10000000a,1/10,5,1,0,0/0.3/3,-,1m1s'.split(','),
  )
  expect(cells[4]!.slice(1, -1)).toEqual('-,[::1]:2181,-,unreachable,-,-,-,-,-,-,-,-'.split(','))
  expect(text).toContain('\n[::1]:2181: unreachable: a ?[31mred?[0m reason\n')
  expect(
    new Set(
      text
        .split('\n')
        .slice(0, 6)
        .map((line) => line.length),
    ).size,
  ).toBe(1)
})

test.each([
  [0, '0s'],
  [999, '0s'],
  [59_000, '59s'],
  [3_600_000, '1h0m'],
  [187_504, '3m7s'],
  [1_000_000_000, '11d13h'],
])('%d ms are %s', (ms, text) => {
  expect(formatUptime(ms)).toBe(text)
})
