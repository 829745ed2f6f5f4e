/**
 * The same client actions, byte for byte, against Apache ZooKeeper 3.9.3 (the reference for the client port), 3.8.0 and
 * this project: every reply, event and Stat is compared field by field. Scripts in `scripts/` are hand-picked; random
 * ones come from a seeded generator. docs/hacking.md tells the commands.
 *
 * - `ZABKEEPER_DIFFERENTIAL_ACTIONS`: random actions (default 2000); `ZABKEEPER_DIFFERENTIAL_SEED`: the first seed
 * - `ZABKEEPER_DIFFERENTIAL_RECORD=1`: writes what 3.9.3 answers behind the actions of the scripts
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { PROJECT_FOLDER, type ServerKind } from '../../../bench/servers/index.ts'
import { skipWithout } from '../clients/support/index.ts'
import { runCampaign } from './campaign.ts'
import { formatDifference } from './compare.ts'
import { EXPLANATIONS } from './explained.ts'
import { compareWith, runOn, unknownMarks } from './peers.ts'
import { outcomesOf, recordOutcomes } from './recorder.ts'
import { REQUIRED_ROWS, ROWS_ELSEWHERE } from './rows.ts'
import type { Group } from './runner.ts'
import { parseScript, type Script } from './script.ts'
import { missingServer } from './servers.ts'

const FOLDER = join(import.meta.dirname, 'scripts')
const ACTIONS = Number(process.env['ZABKEEPER_DIFFERENTIAL_ACTIONS'] ?? 2000)
const SEED = Number(process.env['ZABKEEPER_DIFFERENTIAL_SEED'] ?? 1)
const RECORDS = process.env['ZABKEEPER_DIFFERENTIAL_RECORD'] === '1'

const scripts = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.txt'))
  .map((file) => parseScript(file.slice(0, -4), readFileSync(join(FOLDER, file), 'utf8')))

const there = new Set((['apache-3.9', 'apache-3.8', 'zabkeeper'] as const).filter(isInstalled))
const has39 = there.has('apache-3.9')
const has38 = there.has('apache-3.8')
const hasOurs = there.has('zabkeeper')
const used = new Set<string>()

function isInstalled(kind: ServerKind): boolean {
  const missing = missingServer(kind)
  return !skipWithout(missing === null ? { found: kind, missing } : { found: null, missing })
}

describe('scripts', () => {
  test('cover every row of the protocol reference that one standalone server can show', () => {
    const covered = new Set(scripts.flatMap((script) => script.lines.flatMap((line) => line.rows)))
    const missing = REQUIRED_ROWS.filter((row) => !covered.has(row) && !ROWS_ELSEWHERE.has(row))
    expect(missing).toEqual([])
    expect([...ROWS_ELSEWHERE.keys()].filter((row) => covered.has(row))).toEqual([])
  })

  test('are at least 400 actions, each with its outcome', () => {
    const lines = scripts.flatMap((script) => script.lines)
    expect(lines.length).toBeGreaterThanOrEqual(400)
    expect(lines.filter((line) => line.expected === null).map((line) => line.text)).toEqual([])
  })

  test('name only rules that are explained, and docs/divergence.md lists the same rules', () => {
    expect(scripts.flatMap(unknownMarks)).toEqual([])
    const text = readFileSync(join(PROJECT_FOLDER, 'docs/divergence.md'), 'utf8')
    const rows = [...text.matchAll(/^\| `((?:ours|3\.8):[\w.-]+)` \|/gm)].map((row) => row[1]!)
    const rules = EXPLANATIONS.map((rule) => `${rule.server}:${rule.id}`)
    expect(rows.sort()).toEqual(rules.sort())
  })
})

describe.each(scripts)('$name', { timeout: 120_000 }, (script) => {
  const runs = new Map<ServerKind, readonly Group[]>()

  // all at once: most of the time goes into starting them
  beforeAll(async () => {
    await Promise.all([...there].map(async (kind) => runs.set(kind, await runOn(kind, script))))
  }, 120_000)

  test.skipIf(!has39)('3.9.3 answers as written down', () => {
    const reference = runs.get('apache-3.9')!
    if (RECORDS) record(script, reference)
    else expect(surprises(script, reference, () => false)).toEqual([])
  })

  test.skipIf(!has38 || !has39)('3.8.0 differs where it is known to', () => {
    expectExplained('3.8', runs.get('apache-3.9')!, runs.get('apache-3.8')!)
  })

  test.skipIf(!hasOurs)('ours is the same', () => {
    const reference = runs.get('apache-3.9')
    const ours = runs.get('zabkeeper')!
    if (reference !== undefined) expectExplained('ours', reference, ours)
    else expect(surprises(script, ours, hasMark)).toEqual([])
  })
})

describe.skipIf(!has39 || !hasOurs)('random scripts', () => {
  const timeout = 150_000 + ACTIONS * 30
  test(`${ACTIONS} actions from seed ${SEED} on`, { timeout }, async () => {
    const result = await runCampaign(SEED, ACTIONS, 'zabkeeper')
    if (result.failure !== undefined) expect.fail(result.failure)
    expect(result.actions).toBeGreaterThanOrEqual(ACTIONS)
  })
})

describe.skipIf(!has39 || !has38 || !hasOurs || RECORDS)('explanations', () => {
  test('each of them is needed', () => {
    const idle = EXPLANATIONS.filter((rule) => rule.isSometimes !== true)
      .map((rule) => `${rule.server}:${rule.id}`)
      .filter((rule) => !used.has(rule))
    expect(idle).toEqual([])
  })
})

/** Lines whose outcome is not the one in the script. */
function surprises(
  script: Script,
  groups: readonly Group[],
  isExcused: (group: Group) => boolean,
): string[] {
  const outcomes = outcomesOf(groups)
  const excused = new Set(groups.filter(isExcused).flatMap((group) => group.lines))
  return script.lines
    .filter((line) => !excused.has(line) && outcomes.get(line.number) !== line.expected)
    .map((line) => `${script.name}:${line.number}: ${line.text} => ${outcomes.get(line.number)}`)
}

function hasMark(group: Group): boolean {
  return group.lines.some((line) => line.marks.some((mark) => mark.startsWith('ours:')))
}

function expectExplained(
  server: '3.8' | 'ours',
  reference: readonly Group[],
  other: readonly Group[],
): void {
  const verdict = compareWith(server, reference, other)
  for (const rule of verdict.used) used.add(`${server}:${rule}`)
  expect(verdict.unexplained.map(formatDifference).join('\n')).toBe('')
  expect(verdict.stale).toEqual([])
}

function record(script: Script, groups: readonly Group[]): void {
  const file = join(FOLDER, `${script.name}.txt`)
  writeFileSync(file, recordOutcomes(readFileSync(file, 'utf8'), groups))
}
