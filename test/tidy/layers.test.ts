import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { LAYERS, type Layer, OPEN_FILES } from './layers.ts'
import { importsOf, listFiles, readText, resolveImport, stripComments } from './source-files.ts'

const sources = ['src', 'recipes', 'bin']
  .flatMap((folder) => listFiles(folder))
  .filter((file) => file.endsWith('.ts'))

/** The row a file belongs to: the longest folder that holds it. */
function layerOf(file: string): Layer | undefined {
  const folder = path.posix.dirname(file)
  const rows = LAYERS.filter((row) => folder === row.folder || folder.startsWith(`${row.folder}/`))
  const longest = rows.sort((a, b) => b.folder.length - a.folder.length)[0]
  // `src` itself is the front door; a folder below it needs a row of its own.
  return longest?.folder === 'src' && folder !== 'src' ? undefined : longest
}

function filesOf(kinds: readonly Layer['kind'][]): string[] {
  return sources.filter((file) => kinds.includes(layerOf(file)?.kind ?? 'edge'))
}

/** `file:line: word` for every match of a banned word in code. */
function findWords(files: readonly string[], words: RegExp): string[] {
  return files.flatMap((file) =>
    stripComments(readText(file), { strings: true })
      .split('\n')
      .flatMap((line, index) => {
        const word = words.exec(line)?.[0]
        return word === undefined ? [] : [`${file}:${index + 1}: ${word}`]
      }),
  )
}

describe('the layer table', () => {
  test('has a row for every folder, and no row without one', () => {
    const without = sources.filter((file) => layerOf(file) === undefined)
    expect(without).toEqual([])
    const used = new Set(sources.map((file) => layerOf(file)?.folder))
    expect(LAYERS.map((row) => row.folder).filter((folder) => !used.has(folder))).toEqual([])
  })

  test('points upwards only, so it has no cycle', () => {
    const order = LAYERS.map((row) => row.folder)
    const downwards = LAYERS.flatMap((row) =>
      row.mayImport
        .filter((target) => !order.slice(0, order.indexOf(row.folder)).includes(target))
        .map((target) => `${row.folder} -> ${target}`),
    )
    expect(downwards).toEqual([])
  })

  test('allows every import between folders', () => {
    const forbidden = sources.flatMap((file) =>
      importsOf(file).flatMap((specifier) => {
        const target = resolveImport(file, specifier)
        if (target === null) return []
        const from = layerOf(file)
        const to = layerOf(target)
        if (from === to || OPEN_FILES.includes(target)) return []
        return to !== undefined && from?.mayImport.includes(to.folder)
          ? []
          : [`${file} imports ${target}`]
      }),
    )
    expect(forbidden).toEqual([])
  })
})

test('architecture.md shows the same table', () => {
  const rows = [
    ...readText('docs/architecture.md').matchAll(/^\| (`(?:src|recipes).*) \| .* \| (\w+) \|$/gm),
  ]
  const shown = rows.flatMap((row) =>
    [...row[1]!.matchAll(/`([^`]+)`/g)].map((match) => `${match[1]} is ${row[2]}`),
  )
  const expected = LAYERS.filter((row) => row.folder !== 'src')
  expect(shown).toEqual(expected.map((row) => `${row.folder} is ${row.kind}`))
})

describe('imports', () => {
  test('reach another folder through its index only', () => {
    const bypassing = sources.flatMap((file) =>
      importsOf(file).flatMap((specifier) => {
        const target = resolveImport(file, specifier)
        if (target === null || layerOf(file) === layerOf(target)) return []
        return target.endsWith('/index.ts') || OPEN_FILES.includes(target)
          ? []
          : [`${file} imports ${target}`]
      }),
    )
    expect(bypassing).toEqual([])
  })

  test('name files that exist', () => {
    const known = new Set(listFiles())
    const broken = sources.flatMap((file) =>
      importsOf(file).flatMap((specifier) => {
        const target = resolveImport(file, specifier)
        return target === null || known.has(target) ? [] : [`${file} imports ${target}`]
      }),
    )
    expect(broken).toEqual([])
  })

  test('bring in packages and Node at the edge only', () => {
    const foreign = filesOf(['pure', 'turn']).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !specifier.startsWith('.'))
        .map((specifier) => `${file} imports ${specifier}`),
    )
    expect(foreign).toEqual([])
  })
})

describe('code', () => {
  test('is a function of its arguments in the pure folders', () => {
    const impure =
      /\b(Date|Math\.random|performance|localeCompare|toLocale\w+|Intl|structuredClone|WeakRef|FinalizationRegistry|TextEncoder|TextDecoder|Buffer|process|console|setTimeout|setInterval|setImmediate|queueMicrotask)\b/
    expect(findWords(filesOf(['pure']), impure)).toEqual([])
  })

  test('takes time and chance from the environment below the edge', () => {
    const ambient =
      /\b(Date|Math\.random|performance|console|setTimeout|setInterval|setImmediate|queueMicrotask|process\.(argv|cwd|env|exit|hrtime|memoryUsage|nextTick|on|pid|stderr|stdout))\b(?!:)/
    expect(findWords(filesOf(['turn']), ambient)).toEqual([])
  })

  test('never waits below the edge: no promises', () => {
    expect(findWords(filesOf(['pure', 'turn']), /\b(async|await|Promise)\b/)).toEqual([])
  })

  test('uses only what Node 20.19 has', () => {
    const newer =
      /Promise\.(withResolvers|try)|Object\.groupBy|Map\.groupBy|Iterator\.from|\.(union|intersection|symmetricDifference|isSubsetOf)\(/
    expect(findWords(sources, newer)).toEqual([])
  })
})
