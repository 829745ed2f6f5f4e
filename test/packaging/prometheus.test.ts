import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { renderPrometheus } from '../../src/admin/index.ts'
import { exampleProcess, exampleQuorum, exampleStatus } from '../admin/example-status.ts'
import { readText } from '../tidy/source-files.ts'
import { runTool, skipWithoutTool } from './support/tools.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
}

const RULES = readText('packaging/prometheus/alerts.yml')
const DASHBOARD: {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
} = JSON.parse(readText('packaging/grafana/zabkeeper.json'))

const LEADER = exampleStatus({
  mode: 'leader',
  quorum: exampleQuorum({
    leadership: {
      uptimeMs: 14_718,
      learners: 3,
      syncedFollowers: 2,
      syncedNonVotingFollowers: 0,
      syncedObservers: 1,
      pendingSyncs: 0,
      proposalSizes: { lastBytes: 70, minBytes: 48, maxBytes: 156 },
    },
  }),
})

/** As a server would be asked: the dashboard's variables have values. */
const dashboardExpressions: readonly string[] = DASHBOARD.panels
  .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  .map((expr) => expr.replaceAll('$job', 'zookeeper').replaceAll('$instance', '.*'))

const isSkipped = skipWithoutTool('promtool', '--version')

describe('alert rules', () => {
  test.skipIf(isSkipped)('hold where they should and nowhere else', () => {
    const { status, stdout, stderr } = runTool('promtool', [
      ...['test', 'rules', 'prometheus/alerts.test.yml'],
    ])
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')])
  })

  test.skipIf(isSkipped)('are named by a configuration that is well', () => {
    const checked = runTool('promtool', ['check', 'config', 'prometheus/prometheus.yml'])
    expect([checked.status, checked.stdout]).toEqual([0, expect.stringContaining('16 rules found')])
  })

  test('are each tested to hold and not to hold', () => {
    const cases = readText('packaging/prometheus/alerts.test.yml')
    const names = [...RULES.matchAll(/^ +- alert: (\w+)$/gm)].map((match) => match[1]!)
    expect(names.length).toBeGreaterThan(10)
    const tried = new Map(
      [...cases.matchAll(/alertname: (\w+)\n +exp_alerts:(.*)/g)].map((match) => [
        `${match[1]} ${match[2] === ' []'}`,
        true,
      ]),
    )
    expect(names.filter((name) => !tried.has(`${name} false`))).toEqual([])
  })
})

test('docs/packaging.md lists the rules with how serious they are', () => {
  const listed = readText('docs/packaging.md').matchAll(/^\| `(ZooKeeper\w+)` \| (\w+) \|/gm)
  const rules = RULES.matchAll(/- alert: (\w+)\n[\s\S]*?severity: (\w+)/g)
  const sorted = (matches: Iterable<RegExpExecArray>): string[] =>
    [...matches].map((match) => `${match[1]} ${match[2]}`).sort()
  expect(sorted(listed)).toEqual(sorted(rules))
})

describe('the dashboard', () => {
  test.skipIf(isSkipped)('asks questions that Prometheus understands', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-dashboard-'))
    const rules = dashboardExpressions.map((expr, index) => ({ record: `panel:${index}`, expr }))
    const file = path.join(folder, 'rules.yml')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const { status, stdout, stderr } = runTool('promtool', ['check', 'rules', file])
    rmSync(folder, { recursive: true })
    const found = `${dashboardExpressions.length} rules found`
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining(found)])
  })

  test('has panels with titles and explanations that do not overlap', () => {
    const { panels } = DASHBOARD
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from(
        { length: w * h },
        (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`,
      ),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24)
    const plain = panels.filter(({ type }) => type !== 'row')
    expect(
      plain.filter(
        ({ title, description = '', targets = [] }) =>
          [title, description].includes('') || targets.length === 0,
      ),
    ).toEqual([])
  })

  test('has the variables that its questions name', () => {
    const names = DASHBOARD.templating.list.map(({ name }) => name)
    const used = [...JSON.stringify(DASHBOARD).matchAll(/\$\{?(\w+)/g)].map((match) => match[1]!)
    expect(new Set(used)).toEqual(new Set(names))
  })
})

describe('every metric', () => {
  const namesIn = (text: string): Set<string> =>
    new Set([...text.matchAll(/^([a-z_]+)(?:\{.*\})? /gm)].map((match) => match[1]!))
  const apache = new Set(readText('test/packaging/testdata/apache-3.9.3-metrics.txt').split('\n'))
  const ours = namesIn(renderPrometheus(LEADER, exampleProcess()))

  test.each([
    ['of the dashboard', dashboardExpressions],
    ['of the alert rules', expressionsIn(RULES)],
  ])('%s is one that zabkeeper has, and Apache', (_, expressions) => {
    const used = [...new Set(expressions.flatMap(metricsIn))].filter((name) => name !== 'up')
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter((name) => !ours.has(name))).toEqual([])
    expect(used.filter((name) => !apache.has(name))).toEqual([])
  })
})

/** Those of one line, and folded ones. */
function expressionsIn(rules: string): string[] {
  return [...rules.matchAll(/^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*))/gm)].map(
    (match) => match[1] ?? match[2]!,
  )
}

const NO_METRIC = new Set(['and', 'by', 'on', 'unless', 'job', 'instance', 'area', 'quantile'])

/** Names that are neither functions nor labels nor text. */
function metricsIn(expression: string): string[] {
  const bare = expression.replace(/"[^"]*"/g, '').replace(/\b(by|on) \([^)]*\)/g, '')
  const names = bare.matchAll(/(?<![\w[])[a-z_]{2,}\b(?! *\()(?!\s*=)/g)
  return [...names].map(([name]) => name).filter((name) => !NO_METRIC.has(name))
}
