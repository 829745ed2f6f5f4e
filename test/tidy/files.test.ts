import { describe, expect, test } from 'vitest'
import { listFiles, readText } from './source-files.ts'

const files = listFiles()
const code = files.filter((file) => /\.(ts|mjs|sh|py|c)$/.test(file))
const text = files.filter((file) => /\.(ts|mjs|sh|py|c|md|json|txt)$|^\.ci\//.test(file))

/** Every place where a pattern occurs, as `file:line`. */
function find(places: readonly string[], pattern: RegExp): string[] {
  return places.flatMap((file) =>
    readText(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  )
}

describe('files', () => {
  test('are named in kebab-case', () => {
    const named = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config))?\.[a-z]+$/
    const odd = code.filter((file) => !named.test(file.slice(file.lastIndexOf('/') + 1)))
    expect(odd).toEqual([])
  })

  test('have one subject: none in src is longer than 500 lines', () => {
    const long = code.filter(
      (file) => file.startsWith('src/') && readText(file).split('\n').length > 501,
    )
    expect(long).toEqual([])
  })

  test('end with one line feed and have no trailing spaces or tabs in code', () => {
    const ragged = code.filter((file) => !/[^\n]\n$/.test(readText(file)))
    expect(ragged).toEqual([])
    expect(
      find(
        code.filter((file) => file.endsWith('.ts')),
        /[ \t]$/,
      ),
    ).toEqual([])
  })

  test('leave nothing half done and no test narrowed', () => {
    const marks = new RegExp(
      `\\b(${['TO', 'FIX'].map((s, i) => s + ['DO', 'ME'][i]).join('|')})\\b`,
    )
    expect(find(code, marks)).toEqual([])
    expect(
      find(
        code.filter((file) => file.startsWith('test/')),
        /\b(test|it|describe)\.only\(/,
      ),
    ).toEqual([])
  })

  test('speak of the project alone', () => {
    // In pieces, so that this file does not find itself.
    const machine = ['/wo' + 'rk/', '\\.\\./sha' + 'red/', '/tmp/te' + 'am', 'sub' + 'agent']
    expect(find(text, new RegExp(machine.join('|'), 'i'))).toEqual([])
  })
})

test('the lock file has the packages of every platform, or npm ci refuses it', () => {
  const { packages } = JSON.parse(readText('package-lock.json')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>
  }
  const wanted = Object.values(packages).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}),
  )
  expect(wanted.length).toBeGreaterThan(20)
  expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([])
})
