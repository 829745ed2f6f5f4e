import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clientNetwork } from '../../src/client-node/network/index.ts'
import { judge, renderPerf } from '../../src/cluster/check-perf.ts'
import { distributionOf, formatMs } from '../../src/cluster/distribution.ts'
import { ClusterError, checkPerf, type PerfOptions } from '../../src/cluster/index.ts'
import type { DiskMeasurement } from '../../src/cluster/measure-disk.ts'
import { IoError, type LogFilePort } from '../../src/env/index.ts'
import { openPlatform } from '../../src/platform/index.ts'
import { startTestServer } from '../../src/testing/index.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-perf-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function options(more: Partial<PerfOptions['disk']> = {}): PerfOptions {
  const { signal } = new AbortController()
  const { logFile } = openPlatform()
  return {
    disk: { folder, logFile, writesMax: 30, limitMs: 60_000, signal, ...more },
    peers: [],
    reach: { network: clientNetwork, timeoutMs: 20_000 },
    acksNeeded: 0,
    tickTimeMs: 2000,
    signal,
  }
}

describe('what is measured', () => {
  test('is a disk that is written to as by a log, the ways, the clock; and nothing is left', async () => {
    await using server = await startTestServer()
    const [host = '', port] = server.connectionString.split(':')
    const peer = { host, port: Number(port) }
    const found = await checkPerf({ ...options(), peers: [peer], acksNeeded: 1 })
    expect([found.disk.small?.count, found.disk.large?.count]).toEqual([30, 3])
    expect(found.peers).toMatchObject([{ address: peer, failure: null, roundTrips: { count: 20 } }])
    expect(found.findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['sync of one transaction', 'a write', `way to ${host}:${port}`]),
    )
    expect(readdirSync(folder)).toEqual([])
  })

  test('is at least one write of each size, whatever the limits', async () => {
    const stopped = { limitMs: 1, signal: AbortSignal.abort() }
    const { disk } = await checkPerf(options(stopped))
    expect([disk.small?.count, disk.large?.count]).toEqual([1, 1])
  })

  test('nothing is left when a write fails either', async () => {
    const { logFile } = openPlatform()
    const failing: LogFilePort = {
      ...logFile,
      openFolder: (at, done) =>
        logFile.openFolder(at, (error, opened) => {
          if (opened === null) return done(error, null)
          opened.create = (_name, _bytes, created) =>
            setImmediate(() => created(new IoError('ENOSPC', 'no space'), null))
          done(null, opened)
        }),
    }
    await expect(checkPerf(options({ logFile: failing }))).rejects.toThrow('no space')
    expect(readdirSync(folder)).toEqual([])
  })

  test('a folder that does not exist is none to measure in', async () => {
    const missing = path.join(folder, 'missing')
    const checking = checkPerf(options({ folder: missing }))
    await expect(checking).rejects.toThrow(ClusterError)
    await expect(checking).rejects.toThrow(`${missing} does not exist`)
  })

  test('a server that cannot be reached is bad', async () => {
    const found = await checkPerf({ ...options(), peers: [{ host: '127.0.0.1', port: 1 }] })
    expect(found.grade).toBe('bad')
    expect(renderPerf(found)).toMatch(/^bad {3}way to 127\.0\.0\.1:1 +connection refused/m)
  })
})

describe('the verdict', () => {
  const GOOD: DiskMeasurement = {
    folder: '/data',
    fileSystem: 'ext4',
    freeBytes: 2 ** 34,
    small: { count: 1000, p50: 0.2, p99: 1, max: 300 },
    large: { count: 100, p50: 0.4, p99: 2, max: 3 },
  }
  const CALM = { lateness: { count: 100, p50: 0.1, p99: 1, max: 2 }, movedMs: 0 }
  const verdict = (disk: Partial<DiskMeasurement>, clock: Partial<typeof CALM> = {}): string =>
    judge({ ...GOOD, ...disk }, [], { ...CALM, ...clock }, { acksNeeded: 0, tickTimeMs: 2000 })
      .grade

  test.each<[string, Partial<DiskMeasurement>, string]>([
    ['a disk that syncs quickly', {}, 'good'],
    ['one in a hundred syncs is late', { small: { count: 9, p50: 1, p99: 11, max: 12 } }, 'fair'],
    ['or very late', { small: { count: 9, p50: 1, p99: 51, max: 60 } }, 'bad'],
    ['groups are late', { large: { count: 9, p50: 1, p99: 11, max: 12 } }, 'fair'],
    ['memory', { fileSystem: 'tmpfs' }, 'bad'],
    ['a layer of a container', { fileSystem: 'overlay' }, 'fair'],
    ['a file server', { fileSystem: 'nfs' }, 'fair'],
    ['an unknown file system', { fileSystem: null }, 'good'],
    ['little room', { freeBytes: 2 ** 30 - 1 }, 'fair'],
    ['no room', { freeBytes: 2 ** 27 - 1 }, 'bad'],
  ])('%s', (_, disk, grade) => {
    expect(verdict(disk)).toBe(grade)
  })

  test.each([
    [200, 'good'],
    [201, 'fair'],
    [1001, 'bad'],
  ])('a standstill of %d ms, with ticks of 2000 ms', (max, grade) => {
    expect(verdict({}, { lateness: { ...CALM.lateness, max } })).toBe(grade)
  })

  test('a wall clock that was moved', () => {
    expect(verdict({}, { movedMs: -101 })).toBe('fair')
  })

  test('a write waits for the nearest that make a quorum, and for the disk', () => {
    const ways = [5, 1, 80, 0.5].map((p50, index) => ({
      address: { host: `zk${index}`, port: 2181 },
      roundTrips: { count: 20, p50, p99: p50, max: p50 },
      failure: null,
    }))
    const report = judge(GOOD, ways, CALM, { acksNeeded: 2, tickTimeMs: 2000 })
    expect(renderPerf(report)).toContain(
      'about 1.2 ms: the way to the nearest 2 of 4, and a sync\n',
    )
    expect(report.grade).toBe('fair')
  })
})

test('percentiles are values that were measured', () => {
  const times = Array.from({ length: 200 }, (_, index) => 200 - index)
  expect(distributionOf(times)).toEqual({ count: 200, p50: 100, p99: 198, max: 200 })
  expect(distributionOf([7])).toEqual({ count: 1, p50: 7, p99: 7, max: 7 })
  expect(distributionOf([])).toBeNull()
  expect([0.18349, 12.44, 1240.4].map(formatMs)).toEqual(['0.183 ms', '12.4 ms', '1240 ms'])
})
