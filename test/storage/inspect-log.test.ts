import { expect, test } from 'vitest'
import { makeZxid } from '../../src/base/index.ts'
import { createSimEnvironment, SimDisk } from '../../src/sim/index.ts'
import { inspectLog, type LogFacts, type StorageError } from '../../src/storage/index.ts'
import { SMALL_OPTIONS, startWell } from './support.ts'

function inspect(disk: SimDisk): LogFacts | StorageError {
  const { world, env } = createSimEnvironment(1, disk.open)
  const results: (LogFacts | StorageError)[] = []
  inspectLog(env, '/data', (error, facts) => results.push(error ?? facts!))
  while (results.length === 0 && world.events.step());
  env.stop()
  expect(results).toHaveLength(1)
  return results[0]!
}

function contentOf(disk: SimDisk): string[] {
  const files = [...disk.folders].flatMap(([path, { files: found }]) =>
    [...found].map(([name, { bytes }]) => `${path}/${name} ${bytes.join()}`),
  )
  return files.sort()
}

test('says what a log holds, and writes nothing', () => {
  const disk = new SimDisk()
  const life = startWell(disk, { ...SMALL_OPTIONS, checkpointEntries: 1e9 }, 1)
  for (let i = 1; i <= 120; i++) {
    life.writeDurably({ values: { '/a': String(i) }, pad: 'x'.repeat(400) })
    if (i === 50) life.checkpoint()
  }
  const { lastLogged } = life.storage!
  life.close()
  const before = contentOf(disk)
  const facts = inspect(disk)
  expect(facts).toMatchObject({
    acceptedEpoch: 0,
    currentEpoch: 0,
    lastZxid: lastLogged,
    wasCleanStop: true,
    tornBytes: 0,
    lastEntry: { zxid: lastLogged },
  })
  const { checkpointZxid, segments, lastEntry } = facts as LogFacts
  expect(checkpointZxid).not.toBeNull()
  expect(segments).toBeGreaterThan(1)
  expect(new TextDecoder().decode(lastEntry!.txn)).toContain('"/a":"120"')
  expect(contentOf(disk)).toEqual(before)
  expect(inspect(disk)).toEqual(facts)
})

test('finds the last entry that was not taken back', () => {
  const disk = new SimDisk()
  const life = startWell(disk, { ...SMALL_OPTIONS, replay: 'checkpoint' }, 1)
  for (let i = 1; i <= 120; i++) life.write({ values: { '/a': String(i) }, pad: 'x'.repeat(400) })
  const { lastAppended } = life.storage!
  const kept = makeZxid(0, Number(lastAppended) - 100)
  let isDone = false
  life.storage!.truncate(kept, () => {
    isDone = true
  })
  life.run(() => isDone)
  life.close()
  const facts = inspect(disk) as LogFacts
  expect(facts.lastZxid).toBe(kept)
  expect(facts.lastEntry!.zxid).toBe(kept)
})

test('a folder without a log is not made into one', () => {
  const disk = new SimDisk()
  expect(inspect(disk)).toMatchObject({ code: 'NO_LOG' })
  expect([...disk.folders.keys()]).toEqual([])
})

test('a damaged log is named', () => {
  const disk = new SimDisk()
  const life = startWell(disk, SMALL_OPTIONS, 1)
  for (let i = 1; i <= 5; i++) life.writeDurably({ values: { '/a': String(i) } })
  life.close()
  const [name] = [...disk.folders.get('/data/log')!.files.keys()].filter((n) => n.endsWith('.log'))
  disk.folders.get('/data/log')!.files.get(name!)!.bytes[600]! ^= 1
  expect(inspect(disk)).toMatchObject({ code: 'LOG_DAMAGED' })
})
