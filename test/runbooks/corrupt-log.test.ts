import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { AckWriter, Site } from './support/index.ts'

const PAGE = 'corrupt-log'
/** What a disk does that returns something else than was written: one bit of a transaction is another one. */
function damage(folder: string): void {
  const logs = readdirSync(folder).filter((file) => file.endsWith('.log'))
  const file = logs
    .map((name) => path.join(folder, name))
    .find((one) => readFileSync(one).includes('/drill/n5'))
  expect(file).toBeDefined()
  const bytes = readFileSync(file!)
  bytes[bytes.indexOf('/drill/n5')]! ^= 0x10
  writeFileSync(file!, bytes)
}

test('the log of one server is damaged', { timeout: 300_000 }, async () => {
  const hosts = ['zk1', 'zk2', 'zk3']
  const site = await Site.open(hosts)
  try {
    await site.start(hosts)
    const all = site.connectionString(hosts)
    const writer = await AckWriter.start(all)
    await writer.untilAcknowledged(20)
    // What is damaged is neither missing there nor the end of its log: others acknowledge without it.
    await writer.pause()
    await site.untilEqual(hosts)
    await site.kill('zk2')
    writer.resume()
    damage(site.at('zk2', '/var/lib/zabkeeper/log'))
    await site.run('zk2', 'systemctl start zabkeeper')
    await site.untilEnded('zk2')
    expect(site.journal('zk2')).toContain('The log is damaged at byte')
    // It may have led: the page begins when the others serve again.
    await writer.untilAcknowledged(20)
    await site.followAll(PAGE, 'Symptoms')
    await site.followAll(PAGE, 'Decide')
    await site.followAll(PAGE, 'Repair')
    await site.followAll(PAGE, 'Check')
    await writer.pause()
    await site.untilEqual(hosts)
    writer.resume()
    const { lost, isSameSession } = await writer.finish(all)
    expect(lost).toEqual([])
    expect(isSameSession).toBe(true)
  } finally {
    await site.discard()
  }
})
