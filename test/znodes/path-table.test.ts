import { expect, test } from 'vitest'
import { PathSet, PathTable, SEGMENTS } from '../../src/znodes/path-table.ts'
import { Random } from './support.ts'

test.each([1, 2, 3])('holds what a Map holds, seed %i', (seed) => {
  const random = new Random(seed)
  const table = new PathTable<{ readonly path: string; readonly n: number }>(seed)
  const model = new Map<string, { readonly path: string; readonly n: number }>()
  const wrong: string[] = []
  for (let i = 0; i < 60_000; i++) {
    // Grows to about 6000 paths in the first half and shrinks in the second.
    const path = `/p${random.int(9000)}`
    const isAdding = random.int(10) < (i < 30_000 ? 8 : 2)
    if (isAdding && !model.has(path)) {
      model.set(path, { path, n: i })
      table.add(model.get(path)!)
    } else if (!isAdding) {
      model.delete(path)
      table.delete(path)
    }
    const probe = `/p${random.int(9000)}`
    if (table.get(probe) !== model.get(probe)) wrong.push(`seed=${seed} step=${i} ${probe}`)
  }
  expect(wrong).toEqual([])
  expect(table.size).toBe(model.size)
  expect(new Set(table.values())).toEqual(new Set(model.values()))
})

test('tells paths of every length and alphabet apart', () => {
  const paths = ['/', '/a', '/b', '/ab', '/ba', '/\u00e9', '/\u65e5\u672c', `/${'x'.repeat(5000)}`]
  const table = new PathTable<{ readonly path: string }>(0)
  for (const path of paths) table.add({ path })
  for (const path of paths) expect(table.get(path)?.path).toBe(path)
  expect(table.get('')).toBeUndefined()
  expect(table.get(`/${'x'.repeat(4999)}`)).toBeUndefined()
})

test.each([
  ['numbers at the end', (i: number) => `/bench/n${String(i).padStart(10, '0')}`],
  ['numbers in the middle', (i: number) => `/services/${i}/instances/lock`],
  ['one letter names', (i: number) => `/${[...String(i)].join('/')}`],
  ['hexadecimal', (i: number) => `/a/${Math.imul(i, 0x9e37_79b1).toString(16)}`],
])('spreads paths evenly: %s', (_, pathOf) => {
  const table = new PathTable<{ readonly path: string }>(12345)
  const mean = 100
  for (let i = 0; i < mean * SEGMENTS; i++) table.add({ path: pathOf(i) })
  const sizes = Array.from({ length: SEGMENTS }, (_, i) => table.segment(i).length)
  expect(Math.max(...sizes)).toBeLessThan(mean * 1.6)
  expect(Math.min(...sizes)).toBeGreaterThan(mean * 0.5)
})

test('another seed puts the same paths into other segments', () => {
  const places = [1, 2].map((seed) => {
    const table = new PathTable<{ readonly path: string }>(seed)
    for (let i = 0; i < 50; i++) table.add({ path: `/n${i}` })
    return Array.from({ length: SEGMENTS }, (_, i) => table.segment(i).map(({ path }) => path))
  })
  expect(places[0]).not.toEqual(places[1])
})

test('a set of paths', () => {
  const set = new PathSet(1)
  set.delete('/none')
  for (let i = 0; i < 3000; i++) set.add(`/n${i % 1000}`)
  for (let i = 0; i < 500; i++) set.delete(`/n${i * 2}`)
  set.delete('/n0')
  expect(set.size).toBe(500)
  expect([...set].sort()).toEqual(Array.from({ length: 500 }, (_, i) => `/n${i * 2 + 1}`).sort())
})
