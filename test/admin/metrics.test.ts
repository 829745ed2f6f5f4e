import { describe, expect, test } from 'vitest'
import { METRIC_NAMINGS, monitorReadings, renderPrometheus } from '../../src/admin/index.ts'
import {
  ADVANCED_SUMMARIES,
  ADVANCED_SUMMARY_SETS,
  BASIC_SUMMARIES,
  BASIC_SUMMARY_SETS,
  COUNTER_SETS,
  COUNTERS,
  MemoryMetrics,
} from '../../src/env/index.ts'
import type { ServerStatus } from '../../src/server/index.ts'
import { listFiles, readText, stripComments } from '../tidy/source-files.ts'
import { exampleProcess, exampleQuorum, exampleStatus } from './example-status.ts'

const PAGE = readText('docs/metrics.md')

/** Rows of the tables below a heading: the cells, with the code marks taken away. */
function rowsOf(heading: string): string[][] {
  const start = PAGE.indexOf(`\n## ${heading}\n`)
  expect(start).toBeGreaterThan(0)
  const end = PAGE.indexOf('\n## ', start + 1)
  return PAGE.slice(start, end)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

/** With the other name in the third cell, the kind behind it, unit, where, meaning. */
const MEASURED = ['Gauges', 'Counters', 'Summaries'].flatMap(rowsOf)
const PROCESS = rowsOf('The process')
/** Name, Apache's name, kind. */
const DOCUMENTED = [
  ...MEASURED.map(([name, theirs, , kind]) => [name, theirs, kind]),
  ...rowsOf('Always 0'),
  ...PROCESS,
]

/** Every set has a label, and the server everything that a server can have. */
function fullStatus(): ServerStatus {
  const metrics = new MemoryMetrics()
  for (const name of COUNTER_SETS) metrics.counterSet(name).of('app').add(3)
  for (const name of BASIC_SUMMARY_SETS) metrics.summarySet(name).of('app').observe(7)
  for (const name of ADVANCED_SUMMARY_SETS) metrics.summarySet(name).of('2').observe(7)
  const leadership = {
    uptimeMs: 12_740,
    learners: 5,
    syncedFollowers: 3,
    syncedNonVotingFollowers: 1,
    syncedObservers: 2,
    pendingSyncs: 4,
    proposalSizes: { lastBytes: 70, minBytes: 48, maxBytes: 156 },
  }
  return exampleStatus({ metrics, quorum: exampleQuorum({ leadership }) })
}

/** Families of a text for Prometheus: name and kind. */
function familiesOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map((match) => [match[1]!, match[2]!]),
  )
}

describe('docs/metrics.md', () => {
  const text = renderPrometheus(fullStatus(), exampleProcess())

  test('has what is shown, and nothing else', () => {
    expect(DOCUMENTED.map(([name]) => name).sort()).toEqual([...familiesOf(text).keys()].sort())
  })

  test('has the kind of each', () => {
    const kinds = familiesOf(text)
    for (const row of DOCUMENTED) {
      expect([row[0], row[2]!.split(',')[0]]).toEqual([row[0], kinds.get(row[0]!)])
    }
  })

  test('knows advanced summaries and labels', () => {
    for (const [name, , , kind] of MEASURED) {
      const sample = text.split('\n').filter((line) => line.startsWith(`${name}{`))
      expect([name, kind!.includes('advanced')]).toEqual([
        name,
        sample.some((line) => line.includes('quantile="0.99"')),
      ])
      expect([name, kind!.includes('set')]).toEqual([
        name,
        sample.some((line) => line.includes('key=')),
      ])
    }
  })

  test('names the same in Apache ZooKeeper', () => {
    for (const [name, theirs] of DOCUMENTED) expect(theirs).toBe(name)
  })

  test('has the name, the unit and the label of each with names=prometheus, and no other', () => {
    const other = renderPrometheus(fullStatus(), exampleProcess(), true, 'prometheus')
    expect([...MEASURED.map((row) => row[2]!), ...PROCESS.map(([name]) => name!)].sort()).toEqual(
      [...familiesOf(other).keys()].sort(),
    )
    for (const [, , name, kind, unit, , meaning] of MEASURED) {
      const help = new RegExp(`^# HELP ${name} (.*)\\.$`, 'm').exec(other)![1]!
      expect([name, help.toLowerCase()]).toEqual([name, meaning!.toLowerCase()])
      expect([name, name!.includes('seconds')]).toEqual([name, unit!.startsWith('ms')])
      expect([name, name!.includes('bytes')]).toEqual([name, unit!.startsWith('bytes')])
      const label = / by (\w+)$/.exec(unit!)?.[1]
      expect([name, kind!.endsWith('set')]).toEqual([name, label !== undefined])
      const sample = other.split('\n').filter((line) => line.startsWith(`${name}{`))
      if (label !== undefined) expect(sample.join()).toContain(`{${label}="`)
    }
  })

  test('has meanings that can be read alone', () => {
    const leaning = /^(the same|those|both|as above)\b|\bsee below/
    expect(MEASURED.map((row) => row[6]!).filter((meaning) => leaning.test(meaning))).toEqual([])
  })

  test('lists as left out what is not shown', () => {
    const families = familiesOf(text)
    const names = rowsOf('Left out').flatMap(([name]) => name!.split(', '))
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => families.has(name))).toEqual([])
  })
})

test('every name that can be measured is measured somewhere', () => {
  const sources = listFiles()
    .filter((file) => /^src\/.*\.ts$/.test(file) && !/^src\/(env|admin)\//.test(file))
    .map((file) => stripComments(readText(file), { strings: false }))
    .join('\n')
  const all = [
    ...COUNTERS,
    ...COUNTER_SETS,
    ...BASIC_SUMMARIES,
    ...ADVANCED_SUMMARIES,
    ...BASIC_SUMMARY_SETS,
    ...ADVANCED_SUMMARY_SETS,
  ]
  expect(all.filter((name) => !sources.includes(`'${name}'`))).toEqual([])
})

describe('the text for Prometheus', () => {
  test('has the form of the original', () => {
    const metrics = new MemoryMetrics()
    metrics.count('commit_count', 4)
    for (const value of [2, 9, 4, 40]) metrics.observe('propagation_latency', value)
    metrics.observe('snapshottime', 68.5)
    metrics.summarySet('write_per_namespace').of('a"b\\c').observe(14)
    const text = renderPrometheus(exampleStatus({ metrics }), exampleProcess())
    for (const expected of [
      '# HELP commit_count commit_count\n# TYPE commit_count counter\ncommit_count 4.0\n',
      '# HELP propagation_latency propagation_latency\n# TYPE propagation_latency summary\n' +
        'propagation_latency{quantile="0.5",} 4.0\npropagation_latency{quantile="0.9",} 40.0\n' +
        'propagation_latency{quantile="0.99",} 40.0\npropagation_latency_count 4.0\n' +
        'propagation_latency_sum 55.0\n',
      'snapshottime{quantile="0.5",} 68.5\nsnapshottime_count 1.0\nsnapshottime_sum 68.5\n',
      'fsynctime{quantile="0.5",} NaN\nfsynctime_count 0.0\nfsynctime_sum 0.0\n',
      'write_per_namespace{key="a\\"b\\\\c",quantile="0.5",} 14.0\n' +
        'write_per_namespace_count{key="a\\"b\\\\c",} 1.0\n',
      'quota_count_limit_per_namespace{key="app",} 100.0\n',
      'avg_latency 0.51714\n',
      'jvm_gc_collection_seconds_count{gc="minor",} 25.0\n',
      'jvm_threads_state{state="RUNNABLE",} 1.0\n',
      'process_start_time_seconds 1795230827.214\n',
    ]) {
      expect(text).toContain(expected)
    }
  })

  test('has values in seconds, and counters that say so, with names=prometheus', () => {
    const metrics = new MemoryMetrics()
    metrics.count('commit_count', 4)
    metrics.count('bytes_received_count', 12)
    for (const value of [2, 9, 4, 40]) metrics.observe('propagation_latency', value)
    metrics.observe('sync_processor_batch_size', 3)
    metrics.summarySet('ack_latency').of('2').observe(14)
    const status = exampleStatus({ metrics })
    const text = renderPrometheus(status, exampleProcess(), true, 'prometheus')
    for (const expected of [
      '# TYPE zookeeper_commit_total counter\nzookeeper_commit_total 4.0\n',
      'zookeeper_received_bytes_total 12.0\n',
      '# TYPE zookeeper_packets_sent_total counter\nzookeeper_packets_sent_total 662.0\n',
      '# TYPE zookeeper_uptime_seconds gauge\nzookeeper_uptime_seconds 34.4109\n',
      'zookeeper_propagation_latency_seconds{quantile="0.5",} 0.004\n',
      'zookeeper_propagation_latency_seconds_count 4.0\n' +
        'zookeeper_propagation_latency_seconds_sum 0.055\n',
      'zookeeper_sync_processor_batch_size_sum 3.0\n',
      'zookeeper_fsync_time_seconds{quantile="0.5",} NaN\n',
      'zookeeper_ack_latency_seconds{learner="2",quantile="0.99",} 0.014\n',
      'zookeeper_quota_limit_znodes{namespace="app",} 100.0\n',
      'process_start_time_seconds 1795230827.214\n',
    ]) {
      expect(text).toContain(expected)
    }
  })

  test('has no two families whose samples have the same name, with either names', () => {
    for (const naming of METRIC_NAMINGS) {
      const text = renderPrometheus(fullStatus(), exampleProcess(), true, naming)
      const owners = new Map<string, string>()
      let family = ''
      for (const line of text.split('\n')) {
        if (line.startsWith('# TYPE ')) family = line.split(' ')[2]!
        const sample = /^[a-z_]+/.exec(line)?.[0]
        if (sample === undefined) continue
        expect([sample, owners.get(sample) ?? family]).toEqual([sample, family])
        owners.set(sample, family)
      }
      expect(owners.size).toBeGreaterThan(200)
    }
  })

  test('has no gauges of a server that does not serve, but what was measured', () => {
    const text = renderPrometheus(exampleStatus({ isServing: false }), exampleProcess())
    const families = familiesOf(text)
    expect(families.has('znode_count')).toBe(false)
    expect(families.has('looking_count')).toBe(true)
    expect(families.has('process_open_fds')).toBe(true)
  })

  test('leaves out the process if that is wanted, and what the system does not tell', () => {
    const names = (text: string): string[] => {
      return [...familiesOf(text).keys()].filter((name) => /^(jvm|process)_/.test(name))
    }
    expect(names(renderPrometheus(exampleStatus(), exampleProcess(), false))).toEqual([
      'jvm_pause_time_ms',
    ])
    const host = exampleProcess({ openFiles: null, openFilesMax: null })
    const runtime = { ...host.runtime(), threads: null, virtualBytes: null, collections: [] }
    const few = names(renderPrometheus(exampleStatus(), { ...host, runtime: () => runtime }))
    expect(few).toContain('process_resident_memory_bytes')
    for (const name of ['process_open_fds', 'jvm_threads_current', 'jvm_gc_collection_seconds']) {
      expect(few).not.toContain(name)
    }
  })
})

test('mntr shows quantiles and labels as the original does', () => {
  const metrics = new MemoryMetrics()
  for (let value = 1; value <= 20; value += 1) metrics.observe('readlatency', value)
  metrics.summarySet('ack_latency').of('2').observe(5)
  metrics.counterSet('quota_exceeded_error_per_namespace').of('app').add(2)
  const readings = Object.fromEntries(monitorReadings(exampleStatus({ metrics }), exampleProcess()))
  expect(readings).toMatchObject({
    p50_readlatency: '10',
    p95_readlatency: '19',
    p99_readlatency: '20',
    p999_readlatency: '20',
    p99_updatelatency: '0',
    cnt_2_ack_latency: '1',
    p99_2_ack_latency: '5',
    app_quota_exceeded_error_per_namespace: '2',
    app_quota_count_usage_per_namespace: '17',
  })
})
