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
import { missingServer, PROJECT_FOLDER, type ServerKind } from '../../../bench/servers/index.ts'
import { skipWithout } from '../clients/support/index.ts'
import { runCampaign } from './campaign.ts'
import { type Examination, examine } from './examination.ts'
import { EXPLANATIONS } from './explained.ts'
import { unknownMarks } from './peers.ts'
import { recordOutcomes } from './recorder.ts'
import { REQUIRED_ROWS, ROWS_ELSEWHERE } from './rows.ts'
import type { Group } from './runner.ts'
import { parseScript, type Script } from './script.ts'

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

describe.each(scripts)('$name', (script) => {
  let found: Examination

  beforeAll(async () => {
    found = await examine(script, [...there])
    for (const rule of found.used) used.add(rule)
  }, 300_000)

  test.skipIf(!has39 && !hasOurs)('has the outcomes written down', () => {
    if (RECORDS && found.reference !== undefined) record(script, found.reference)
    else expect(found.surprises).toEqual([])
  })

  test.skipIf(!has38 || !has39)('differs in 3.8.0 where it is known to', () => {
    expect(found.problems38.join('\n')).toBe('')
  })

  test.skipIf(!hasOurs || !has39)('is the same with ours', () => {
    expect(found.problemsOurs.join('\n')).toBe('')
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

function record(script: Script, groups: readonly Group[]): void {
  const file = join(FOLDER, `${script.name}.txt`)
  writeFileSync(file, recordOutcomes(readFileSync(file, 'utf8'), groups))
}
