import { mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { AckWriter, Site } from './support/index.ts'

const PAGE = 'full-disk'
const MIB = 1024 * 1024
/** Room for the reserve (16 MiB), the free space that is kept (32 MiB), and some segments of 1 MiB. */
const DISK_BYTES = 72 * MIB
const LEFT_BYTES = 8 * MIB
const WRITE_BYTES = 10_000
const HOSTS = ['zk1', 'zk2', 'zk3']

const site = await Site.open(HOSTS)
const isMounted = HOSTS.every((host) => site.mountDisk(host, DISK_BYTES))
if (!isMounted) {
  console.warn('skipped: a tmpfs to fill cannot be mounted here')
  await site.discard()
}

/** What was forgotten there when Apache ZooKeeper was replaced. */
function fill(host: string): void {
  const folder = site.at(host, '/var/lib/zabkeeper/version-2')
  mkdirSync(folder)
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(`${folder}/log.1`, Buffer.alloc(bavail * bsize - LEFT_BYTES))
}

/** Reads go on meanwhile, and writes do not. */
async function expectNoWrites(writer: AckWriter, meanwhile: () => Promise<void>): Promise<void> {
  const before = writer.acknowledged.length
  expect(await writer.read('/drill/n0')).toBe('n0')
  await meanwhile()
  await writer.untilRefused('SERVER_FAILURE')
  expect(writer.acknowledged.length).toBe(before)
}

test.skipIf(!isMounted)('all disks are full', { timeout: 300_000 }, async () => {
  try {
    await site.start(HOSTS)
    const all = site.connectionString(HOSTS)
    const writer = await AckWriter.start(all, WRITE_BYTES)
    await writer.untilAcknowledged(20)
    for (const host of HOSTS) fill(host)
    // A server looks at its disk when its log is about to grow.
    await writer.untilRefused('SERVER_FAILURE')
    await expectNoWrites(writer, async () => await site.followAll(PAGE, 'Symptoms'))
    await site.followAll(PAGE, 'Decide')
    // That may have been the leader. Another one takes writes until its own log is about to grow.
    await writer.untilRefused('SERVER_FAILURE')
    await expectNoWrites(writer, async () => await writer.untilRefused('SERVER_FAILURE'))
    await site.followAll(PAGE, 'Make room')
    await site.followAll(PAGE, 'Check')
    await writer.untilAcknowledged(20)
    const journals = HOSTS.map((host) => site.journal(host)).join('')
    expect(journals).toContain('the disk is nearly full, writes are refused until there is room')
    expect(journals).toContain('there is room on the disk again, writes are accepted')
    const { lost, isSameSession } = await writer.finish(all)
    expect(lost).toEqual([])
    expect(isSameSession).toBe(true)
    await site.untilEqual(HOSTS)
  } finally {
    await site.discard()
  }
})
