import { describe, expect, test } from 'vitest'
import {
  hasPathShape,
  nameOf,
  parentPath,
  pathError,
  sequentialPath,
} from '../../src/znodes/index.ts'

describe('full validation', () => {
  test.each([
    '/',
    '/a',
    '/a/b',
    '/...',
    '/a.',
    '/.a',
    '/..a',
    '/a..',
    '/a/...b',
    '/ ',
    '/é/日本',
    '/~',
    '/\u00a0',
  ])('accepts %j', (path) => {
    expect(pathError(path)).toBeNull()
  })

  test.each([
    [null, 'null'],
    ['', 'empty'],
    ['a', 'start'],
    ['a/b', 'start'],
    ['/a/', 'ends'],
    ['//', 'empty component'],
    ['//a', 'empty component'],
    ['/a//b', 'empty component'],
    ['/.', 'component . or ..'],
    ['/..', 'component . or ..'],
    ['/a/./b', 'component . or ..'],
    ['/a/..', 'component . or ..'],
    ['/../a', 'component . or ..'],
    ['/a\u0000b', 'U+0000 at 2'],
  ])('refuses %j: %s', (path, reason) => {
    expect(pathError(path)).toContain(reason)
  })

  test('draws the line at exactly the documented code units', () => {
    const isRefused = (unit: number): boolean =>
      unit <= 0x1f ||
      (unit >= 0x7f && unit <= 0x9f) ||
      (unit >= 0xd800 && unit <= 0xf8ff) ||
      unit >= 0xfff0
    const wrong: number[] = []
    for (let unit = 0; unit <= 0xffff; unit++) {
      const path = `/x${String.fromCharCode(unit)}x`
      if ((pathError(path) !== null) !== isRefused(unit)) wrong.push(unit)
    }
    expect(wrong).toEqual([])
  })
})

test.each([
  ['', false],
  ['a', false],
  ['/', true],
  ['a/b', true],
  ['/a\u0000', false],
  ['/a/', true],
  ['/.', true],
])('the early check of %j gives %s', (path, good) => {
  expect(hasPathShape(path)).toBe(good)
})

test.each([
  ['/', '/', ''],
  ['/x', '/', 'x'],
  ['/x/y', '/x', 'y'],
  ['/x/', '/x', ''],
  ['//', '/', ''],
  ['a/b', 'a', 'b'],
])('%j has the parent %j and the name %j', (path, parent, name) => {
  expect(parentPath(path)).toBe(parent)
  expect(nameOf(path)).toBe(name)
})

test.each([
  [0, '/n-0000000000'],
  [1, '/n-0000000001'],
  [2_147_483_647, '/n-2147483647'],
  [-3, '/n--000000003'],
  [-2_147_483_648, '/n--2147483648'],
])('the sequence suffix of %d', (counter, path) => {
  expect(sequentialPath('/n-', counter)).toBe(path)
})

test('a suffix makes good names of prefixes that are none', () => {
  expect(sequentialPath('/.', 2)).toBe('/.0000000002')
  expect(pathError(sequentialPath('/a/', 0))).toBeNull()
  expect(pathError(sequentialPath('/', 1))).toBeNull()
})
