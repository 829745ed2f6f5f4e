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
    const before = site.journal('zk1').length
    await site.kill('zk2')
    await site.kill('zk3')
    writer.resume()
    // As it said when it started, too.
    await site.untilJournal('zk1', '"role":"looking","serving":false', before)
    await site.followAll(PAGE, 'Symptoms')
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
