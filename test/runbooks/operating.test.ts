import { expect, test } from 'vitest'
import { skipWithoutTool } from '../packaging/support/tools.ts'
import { Site, stepsOf } from './support/index.ts'

const PAGE = '../operating'
const BEFORE = ['Configure', 'Start', 'Use', 'Watch']
const AFTER = ['Logs', 'Back up', 'Restart', 'Every day']

// promtool comes with it.
const isSkipped = skipWithoutTool('prometheus', '--version')

test.skipIf(isSkipped)(
  'docs/operating.md leads to three servers that are watched',
  { timeout: 600_000 },
  async () => {
    const site = await Site.open([])
    try {
      for (const host of ['zk1', 'zk2', 'zk3', 'zk4']) site.addEmptyMachine(host)
      for (const section of [...BEFORE, ...AFTER]) await site.followAll(PAGE, section)
      await site.untilEqual(['zk1', 'zk2', 'zk3'])
    } finally {
      await site.discard()
    }
  },
)

test('docs/operating.md has no command that is left out', () => {
  const sections = new Set(stepsOf(PAGE).map(({ section }) => section))
  expect([...sections]).toEqual([...BEFORE, ...AFTER])
})
