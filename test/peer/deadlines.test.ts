import { expect, test } from 'vitest'
import { Deadlines } from '../../src/peer/deadlines.ts'
import { createSimEnvironment, SimDisk } from '../../src/sim/index.ts'

function open(): { late: string[]; deadlines: Deadlines<string>; runUntil: (ms: number) => void } {
  const { world, env } = createSimEnvironment(1, new SimDisk().open)
  const late: string[] = []
  const deadlines = new Deadlines<string>(env, 100, (item) =>
    late.push(`${item} ${world.events.nowMs}`),
  )
  return { late, deadlines, runUntil: (ms) => world.events.runUntil(ms) }
}

test('each item has its own time, unless it is deleted before', () => {
  const { late, deadlines, runUntil } = open()
  deadlines.add('a')
  runUntil(30)
  deadlines.add('b')
  deadlines.add('c')
  runUntil(60)
  deadlines.add('d')
  deadlines.delete('b')
  runUntil(1_000)
  expect(late).toEqual(['a 100', 'c 130', 'd 160'])
  expect(deadlines.size).toBe(0)
  deadlines.add('e')
  runUntil(2_000)
  expect(late.at(-1)).toBe('e 1100')
})

test('the oldest can be given up early, and all forgotten', () => {
  const { late, deadlines, runUntil } = open()
  deadlines.expireOldest()
  deadlines.add('a')
  deadlines.add('b')
  deadlines.add('c')
  deadlines.expireOldest()
  expect(late).toEqual(['a 0'])
  expect(deadlines.keys()).toEqual(['b', 'c'])
  deadlines.clear()
  runUntil(1_000)
  expect(late.length).toBe(1)
})
