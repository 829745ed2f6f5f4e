import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { MUTANTS, type Mutant } from './mutants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TABLE = join(ROOT, 'docs/zab-mutants.md')
/** `ZAB_MUTANT_TABLE=1` looks for the first seed of every mutant, and writes the table. */
const WRITES_TABLE = process.env['ZAB_MUTANT_TABLE'] !== undefined
/** Only mutants whose id matches this. */
const ONLY = process.env['ZAB_MUTANT'] ?? ''
/** Seeds after which a mutant counts as survived. */
const LIMIT = Number(process.env['ZAB_MUTANT_SEEDS'] ?? (WRITES_TABLE ? 3000 : 300))
/** All take a minute (and four to look for their seeds): the usual run has a quarter of them. */
const EVERY = WRITES_TABLE || ONLY !== '' ? 1 : 4

interface Caught {
  readonly seed: number
  readonly by: string
}

const folder = mkdtempSync(join(tmpdir(), 'zab-mutants-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Edit = Mutant['edits'][number]

function pathOf(root: string, { file }: Edit): string {
  return join(root, file.includes('/') ? file : `src/zab/${file}`)
}

function partsAround(path: string, { from, file }: Edit): string[] {
  const parts = readFileSync(path, 'utf8').split(from)
  expect(parts.length, `"${from}" must occur once in ${file}`).toBe(2)
  return parts
}

/** A copy of the core and its harness with some lines replaced. */
function build(mutant: Mutant): string {
  const root = join(folder, mutant.id)
  for (const part of ['src/base', 'src/zab', 'test/zab']) {
    cpSync(join(ROOT, part), join(root, part), {
      recursive: true,
      filter: (path) => !path.endsWith('.test.ts') && !path.endsWith('.txt'),
    })
  }
  for (const edit of mutant.edits) {
    const path = pathOf(root, edit)
    writeFileSync(path, partsAround(path, edit).join(edit.to))
  }
  return pathToFileURL(join(root, 'test/zab/campaign.ts')).href
}

async function hunt(mutant: Mutant, firstSeed: number): Promise<Caught> {
  const { runSeed } = (await import(build(mutant))) as typeof import('./campaign.ts')
  for (let i = 0; i <= LIMIT; i += 1) {
    // The known seed first; others follow if the core has changed since.
    const seed = i === 0 ? firstSeed : i
    try {
      runSeed(seed)
    } catch (error) {
      return { seed, by: String(error).replace(/^\w*(Error|Violation): /, '') }
    }
  }
  throw new Error(`survives ${LIMIT} seeds`)
}

function known(): Map<string, Caught> {
  const rows = readFileSync(TABLE, 'utf8').matchAll(/^\| ([a-z0-9-]+) \| (\d+) \| (.*?) \|/gm)
  return new Map([...rows].map(([, id, seed, by]) => [id!, { seed: Number(seed), by: by! }]))
}

function tableOf(caught: ReadonlyMap<string, Caught>): string {
  const seeds = [...caught.values()].map((one) => one.seed).sort((a, b) => a - b)
  const rows = MUTANTS.flatMap((mutant) => {
    const one = caught.get(mutant.id)
    if (one === undefined) return []
    const by = one.by.split(':')[0]!.replace(/server \d+ cannot apply.*/, 'driver')
    return [`| ${mutant.id} | ${one.seed} | ${by.slice(0, 40)} | ${mutant.what} |`]
  })
  return `# Mutants of the Zab core

Each row is a line of the protocol, of the order on disk or of a duty of the driver, broken on purpose
(\`test/zab/mutants.ts\`), and the first seed of the random runs that catches it; as seeds are tried from 1 on, that is
also how many were needed. Written by \`ZAB_MUTANT_TABLE=1 npx vitest run test/zab/mutants.test.ts\`.

${caught.size} of ${MUTANTS.length} caught; half of them by the first ${seeds[seeds.length >> 1]} seeds, all by the first ${seeds.at(-1)}.

| mutant | first seed | caught by | what is broken |
|---|---|---|---|
${rows.join('\n')}
`
}

test('the table of docs/zab-mutants.md has a row for each mutant', () => {
  if (WRITES_TABLE) return
  expect([...known().keys()]).toEqual(MUTANTS.map((mutant) => mutant.id))
})

test('what each mutant breaks is there', () => {
  for (const { edits } of MUTANTS) for (const edit of edits) partsAround(pathOf(ROOT, edit), edit)
})

const CHOSEN = MUTANTS.filter((mutant, i) => i % EVERY === 0 && new RegExp(ONLY).test(mutant.id))
/** A search for some of them keeps the other rows of the table. */
const CAUGHT = WRITES_TABLE && ONLY === '' ? new Map<string, Caught>() : known()

test.each(CHOSEN)(
  'caught: $id',
  async (mutant) => {
    const caught = await hunt(mutant, WRITES_TABLE ? 1 : (known().get(mutant.id)?.seed ?? 1))
    CAUGHT.set(mutant.id, caught)
    if (WRITES_TABLE) console.log(`${mutant.id} | ${caught.seed} | ${caught.by}`)
  },
  600_000,
)

afterAll(() => {
  if (WRITES_TABLE) writeFileSync(TABLE, tableOf(CAUGHT))
})
