import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { MUTANTS, type Mutant } from './mutants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Seeds after which a mutant counts as survived. */
const LIMIT = Number(process.env['ZAB_MUTANT_SEEDS'] ?? 300)

const folder = mkdtempSync(join(tmpdir(), 'zab-mutants-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A copy of the core and its harness with some lines replaced. */
function build(mutant: Mutant, index: number): string {
  const root = join(folder, String(index))
  for (const part of ['src/base', 'src/zab', 'test/zab']) {
    cpSync(join(ROOT, part), join(root, part), {
      recursive: true,
      filter: (path) => !path.endsWith('.test.ts'),
    })
  }
  for (const { file, from, to } of mutant.edits) {
    const path = join(root, 'src/zab', file)
    const source = readFileSync(path, 'utf8')
    const parts = source.split(from)
    expect(parts.length, `"${from}" must occur once in ${file}`).toBe(2)
    writeFileSync(path, parts.join(to))
  }
  return pathToFileURL(join(root, 'test/zab/campaign.ts')).href
}

test.each(MUTANTS.map((mutant, index) => ({ name: mutant.name, mutant, index })))(
  'caught: $name',
  async ({ mutant, index }) => {
    const { runSeed } = (await import(build(mutant, index))) as typeof import('./campaign.ts')
    const seeds = [mutant.seed, ...Array.from({ length: LIMIT }, (_, i) => i + 1)]
    for (const seed of process.env['ZAB_MUTANT_TABLE'] ? seeds.slice(1) : seeds) {
      try {
        runSeed(seed)
      } catch (error) {
        if (process.env['ZAB_MUTANT_TABLE'] !== undefined) {
          console.log(`${mutant.name} | ${seed} | ${String(error).slice(0, 120)}`)
        }
        return
      }
    }
    throw new Error(`survives ${LIMIT} seeds`)
  },
  60_000,
)
