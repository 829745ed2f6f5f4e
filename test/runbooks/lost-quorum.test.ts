import { expect, test } from 'vitest'
import { AckWriter, Site } from './support/index.ts'

const PAGE = 'lost-quorum'

test('two of three servers are lost, and come back', { timeout: 300_000 }, async () => {
  const hosts = ['zk1', 'zk2', 'zk3']
  const site = await Site.open(hosts)
  try {
    await site.start(hosts)
    const all = site.connectionString(hosts)
    const writer = await AckWriter.start(all)
    await writer.untilAcknowledged(20)
    await writer.pause()
    // What was acknowledged is on a majority; this drill wants it on the one that is left.
    await site.untilEqual(hosts)
    await site.kill('zk2')
    await site.kill('zk3')
    writer.resume()
    await site.followAll(PAGE, 'Symptoms')
    expect(site.journal('zk1')).toContain('"role":"looking","serving":false')
    await site.followAll(PAGE, 'Rescue')
    await writer.untilAcknowledged(20)
    await site.followAll(PAGE, 'Grow again')
    await writer.untilAcknowledged(20)
    const { lost, isSameSession } = await writer.finish(all)
    expect(lost).toEqual([])
    expect(isSameSession).toBe(true)
    await site.untilEqual(hosts)
  } finally {
    await site.discard()
  }
})
