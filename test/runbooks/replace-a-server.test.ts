import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { AckWriter, Site } from './support/index.ts'

const PAGE = 'replace-a-server'

test('a server comes back with an empty data folder', { timeout: 300_000 }, async () => {
  const hosts = ['zk1', 'zk2', 'zk3']
  const site = await Site.open(hosts)
  try {
    await site.start(hosts)
    const all = site.connectionString(hosts)
    const writer = await AckWriter.start(all)
    await writer.untilAcknowledged(20)
    await site.kill('zk2')
    rmSync(site.at('zk2', '/var/lib/zabkeeper'), { recursive: true })
    // It may have led: the page begins when the others serve again.
    await writer.untilAcknowledged(20)
    await site.followAll(PAGE, 'Symptoms')
    const before = site.journal('zk2').length
    await site.followAll(PAGE, 'Replace')
    // It follows, and serves nobody before it has everything. It never leads.
    const roles = [
      ...site
        .journal('zk2')
        .slice(before)
        .matchAll(/"role":"(\w+)","serving":(\w+)/g),
    ].map(([, role, serving]) => `${role} ${serving}`)
    expect(roles.slice(0, 2)).toEqual(['looking false', 'following false'])
    expect(roles.at(-1)).toBe('following true')
    expect(roles.join()).not.toContain('leading')
    await site.followAll(PAGE, 'Check')
    await writer.untilAcknowledged(20)
    await writer.pause()
    await site.untilEqual(hosts)
    // What it holds is as good as the others': now they may go.
    await site.kill('zk3')
    writer.resume()
    await writer.untilAcknowledged(20)
    const { lost, isSameSession } = await writer.finish(site.connectionString(['zk1', 'zk2']))
    expect(lost).toEqual([])
    expect(isSameSession).toBe(true)
  } finally {
    await site.discard()
  }
})
