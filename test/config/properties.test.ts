import { expect, test } from 'vitest'
import { PropertiesError, parseProperties } from '../../src/config/properties.ts'

function pairs(text: string): [string, string][] {
  return parseProperties(text).map(({ key, value }) => [key, value])
}

test.each([
  ['a=1', 'a', '1'],
  ['a:1', 'a', '1'],
  ['a 1', 'a', '1'],
  ['a\t1', 'a', '1'],
  ['  a  =  1  ', 'a', '1'],
  ['a == 1', 'a', '= 1'],
  ['a', 'a', ''],
  ['a=', 'a', ''],
  ['=1', '', '1'],
  ['a\\=b=1', 'a=b', '1'],
  ['a\\ b=1', 'a b', '1'],
  ['a\\:b 1', 'a:b', '1'],
  ['a=one two', 'a', 'one two'],
  ['a=C\\:\\\\data', 'a', 'C:\\data'],
  ['a=\\u0041\\u00e9', 'a', 'Aé'],
  ['a=x\\ty', 'a', 'x\ty'],
  ['a=1 # no comment', 'a', '1 # no comment'],
  ['server.1=h:2888:3888;2181', 'server.1', 'h:2888:3888;2181'],
])('reads %j', (text, key, value) => {
  expect(pairs(text)).toEqual([[key, value]])
})

test('skips comments and empty lines and counts lines', () => {
  const text = '# one\n! two\n\n   # three\n  \t\na=1\r\nb=2\rc=3'
  expect(parseProperties(text)).toEqual([
    { key: 'a', value: '1', line: 6 },
    { key: 'b', value: '2', line: 7 },
    { key: 'c', value: '3', line: 8 },
  ])
})

test('joins continued lines, and counts from the first', () => {
  expect(parseProperties('a=1,\\\n   2,\\\n\t3\nb=4')).toEqual([
    { key: 'a', value: '1,2,3', line: 1 },
    { key: 'b', value: '4', line: 4 },
  ])
  expect(pairs('a=1\\\\\nb=2')).toEqual([
    ['a', '1\\'],
    ['b', '2'],
  ])
  expect(pairs('a=1\\')).toEqual([['a', '1']])
})

test('a comment does not continue', () => {
  expect(pairs('# a \\\nb=2')).toEqual([['b', '2']])
})

test('ignores a byte order mark', () => {
  expect(pairs('\uFEFFa=1')).toEqual([['a', '1']])
})

test('refuses a broken unicode escape with its line', () => {
  const read = (): unknown => parseProperties('x=1\na=\\u12')
  expect(read).toThrow(PropertiesError)
  expect(read).toThrow(expect.objectContaining({ line: 2 }))
})
