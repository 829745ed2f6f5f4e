import { expect, test } from 'vitest'
import { AckWriter, Site } from './support/index.ts'

const PAGE = 'address-change'

test('a server moves to another address', { timeout: 300_000 }, async () => {
  const hosts = ['zk1', 'zk2', 'zk3']
  const site = await Site.open(hosts)
  try {
    await site.start(hosts)
    // The old address stays in the clients' strings: nobody answers there.
    const all = site.connectionString([...hosts, 'zk4'])
    const writer = await AckWriter.start(all)
    await writer.untilAcknowledged(20)
    await site.followAll(PAGE, 'Decide')
    await site.followAll(PAGE, 'Change')
    await writer.untilAcknowledged(20)
    await site.followAll(PAGE, 'Check')
    expect(await site.word('zk3', 'srvr')).toBeNull()
    await site.untilEqual(['zk1', 'zk2', 'zk4'])
    const { lost, isSameSession } = await writer.finish(all)
    expect(lost).toEqual([])
    expect(isSameSession).toBe(true)
  } finally {
    await site.discard()
  }
})
