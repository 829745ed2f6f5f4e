import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { DEFAULT_LIMITS, KEYS, type Treatment } from '../../src/config/index.ts'
import { listFiles, readText } from './source-files.ts'

const files = listFiles()
const pages = files.filter((file) => file.endsWith('.md'))

/** The part of a page below a heading, up to the next heading of the same or a higher level. */
function section(page: string, heading: string): string {
  const text = readText(page)
  const start = text.indexOf(`${heading}\n`)
  expect(start, `${page} has the heading ${heading}`).toBeGreaterThanOrEqual(0)
  const level = heading.indexOf(' ')
  const rest = text.slice(start + heading.length)
  const end = rest.search(new RegExp(`\n#{1,${level}} `))
  return end === -1 ? rest : rest.slice(0, end)
}

/** The code spans in the first column of a table. */
function firstColumn(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!)
}

function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)
}

describe('links', () => {
  test.each(pages)('%s leads to files and headings that exist', (page) => {
    const known = new Set(files)
    const text = readText(page).replace(/```[\s\S]*?```/g, '')
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1]!)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [file = '', anchor] = target.split('#')
        const resolved = file === '' ? page : path.posix.join(path.posix.dirname(page), file)
        if (known.has(resolved)) return anchor !== undefined && !anchorsOf(resolved).has(anchor)
        return !files.some((name) => name.startsWith(`${resolved.replace(/\/$/, '')}/`))
      })
    expect(broken).toEqual([])
  })

  function anchorsOf(page: string): Set<string> {
    const headings = [...readText(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!)
    return new Set(
      headings.map((heading) =>
        heading
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replace(/ /g, '-'),
      ),
    )
  }
})

describe('configuration.md', () => {
  const page = 'docs/configuration.md'
  const keysWith = (treatment: Treatment): string[] =>
    KEYS.filter((spec) => spec.treatment === treatment).map((spec) => spec.key)

  test('explains exactly the keys that are honoured and those that are refused', () => {
    expect(firstColumn(section(page, '## Honoured')).sort()).toEqual(keysWith('honoured').sort())
    expect(firstColumn(section(page, '## Not there yet, and refused')).sort()).toEqual(
      keysWith('guarded').sort(),
    )
  })

  test.each([
    ['later', '## Not there yet, named in the warning'],
    ['ensemble', '## Of ensembles'],
    ['irrelevant', '## Nothing to change here'],
  ] as const)('lists all others: %s', (treatment, heading) => {
    const named = new Set(codeSpans(section(page, heading)))
    const expected = KEYS.filter((spec) => spec.treatment === treatment).flatMap((spec) => [
      spec.key,
      ...spec.aliases,
    ])
    expect([...named].sort()).toEqual(expected.sort())
  })

  test('shows the default of every key it explains', () => {
    const rows = section(page, '## Honoured').split('\n')
    for (const spec of KEYS.filter((key) => key.treatment === 'honoured')) {
      const row = rows.find((line) => line.startsWith(`| \`${spec.key}\` |`))!
      expect(row.split('|')[3]!.trim().replaceAll('`', ''), spec.key).toBe(spec.fallback)
    }
  })
})

test('limits.md lists the limits and their defaults', () => {
  const units = new Map([
    [undefined, 1],
    ['KiB', 1024],
    ['MiB', 1024 * 1024],
  ])
  const rows = readText('docs/limits.md').matchAll(/^\| `(\w+)` \| (\d+)(?: ([KM]iB))? \|/gm)
  const listed = [...rows].map((row) => [row[1], Number(row[2]) * units.get(row[3])!] as const)
  const names = listed.map(([name]) => name)
  expect(names).toEqual([...new Set(names)])
  expect(Object.fromEntries(listed)).toEqual(DEFAULT_LIMITS)
})

test('every limit is in force somewhere', () => {
  const users = files
    .filter((file) => /^src\/(server|storage|cli)\/.*\.ts$/.test(file))
    .map(readText)
  const unused = Object.keys(DEFAULT_LIMITS).filter(
    (name) => !users.some((text) => new RegExp(`\\b${name}\\b`).test(text)),
  )
  expect(unused).toEqual([])
})

test('the README lists the exit codes', () => {
  const rows = [...readText('README.md').matchAll(/^\| (\d+) \| (.+) \|$/gm)]
  expect(rows.map((row) => ({ code: Number(row[1]), meaning: row[2] }))).toEqual(
    Object.values(EXIT),
  )
})

describe('dependencies.md', () => {
  const manifest = JSON.parse(readText('package.json'))
  const pinned: [string, string][] = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
  })

  test('names every package with its version, and no other', () => {
    const rows = [...readText('docs/dependencies.md').matchAll(/^\| (\S+) \| (\d[\w.-]*) \|/gm)]
    expect(rows.map((row) => [row[1], row[2]]).sort()).toEqual(pinned.sort())
  })

  test('packages are pinned to one version', () => {
    expect(pinned.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })
})
