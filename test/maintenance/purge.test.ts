import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  backUpFolder,
  lookAtFolder,
  openArchive,
  ourFolder,
  planPurge,
  purge,
  verifyChain,
} from '../../src/maintenance/index.ts'
import { contents, Folders, segments, Writer } from './support.ts'

const folders = new Folders()
afterAll(() => folders.discard())

async function namesToGo(folder: string, keep: number): Promise<string[]> {
  const { leftovers } = await planPurge(lookAtFolder(folder), keep)
  return leftovers.map(({ path: file }) => path.relative(folder, file)).sort()
}

async function carryOut(folder: string, keep: number): Promise<void> {
  const found = lookAtFolder(folder)
  await purge(found, await planPurge(found, keep), keep)
}

test('of ours: leftovers, and segments that the checkpoint has', async () => {
  const dataDir = folders.at('ours')
  const writer = await Writer.open(dataDir, { segmentsKept: 10 })
  await writer.fill(300)
  await writer.checkpoint()
  await writer.set('/app', 301)
  const { lastApplied, tree } = writer.state
  const names = segments(dataDir).map((file) => path.relative(dataDir, file))
  expect(names.length).toBeGreaterThan(3)
  for (const leftover of [
    'version-2',
    'import.unfinished',
    'doctor-20260101T000000Z',
    'doctor-20260202T000000Z',
  ]) {
    mkdirSync(path.join(dataDir, leftover))
  }
  const beside = ['doctor-20260101T000000Z', 'import.unfinished', 'version-2']
  // Its server runs: the log is its own business.
  expect(await namesToGo(dataDir, 1)).toEqual(beside)
  await writer.close()
  const before = contents(dataDir)
  const found = await namesToGo(dataDir, 1)
  expect(contents(dataDir)).toEqual(before)
  const prepared = found.filter((name) => name.endsWith('.next'))
  expect(found).toEqual([...beside, ...names.slice(0, -1), ...prepared].sort())
  await carryOut(dataDir, 1)
  expect(await namesToGo(dataDir, 1)).toEqual([])
  expect(segments(dataDir)).toHaveLength(1)
  expect(readdirSync(dataDir).sort()).toEqual(['checkpoint', 'doctor-20260202T000000Z', 'log'])
  await carryOut(dataDir, 0)
  expect(readdirSync(dataDir).sort()).toEqual(['checkpoint', 'log'])
  const again = await Writer.open(dataDir)
  expect(again.state.lastApplied).toBe(lastApplied)
  expect(again.state.tree.digest()).toBe(tree.digest())
  await again.close()
})

test('without a checkpoint every segment stays', async () => {
  const dataDir = folders.at('young')
  const writer = await Writer.open(dataDir)
  await writer.fill(150)
  await writer.close()
  const before = segments(dataDir)
  await carryOut(dataDir, 0)
  expect(segments(dataDir)).toEqual(before)
})

test("of Apache's: the newest snapshots and the logs they need, at least three", async () => {
  const dataDir = folders.at('apache')
  const files = path.join(dataDir, 'version-2')
  mkdirSync(files, { recursive: true })
  const names = [
    'log.1',
    'log.11',
    'log.1c',
    'log.31',
    'log.41',
    'snapshot.0',
    'snapshot.10',
    'snapshot.20',
    'snapshot.30',
    'snapshot.40',
  ]
  for (const name of [...names, 'acceptedEpoch', 'currentEpoch'])
    writeFileSync(path.join(files, name), '')
  await expect(planPurge(lookAtFolder(dataDir), 2)).rejects.toThrow(
    'its newest 3 snapshots at least',
  )
  expect(await namesToGo(dataDir, 10)).toEqual([])
  await carryOut(dataDir, 3)
  // The log that begins before the oldest snapshot may go on behind it.
  expect(readdirSync(files).sort()).toEqual([
    'acceptedEpoch',
    'currentEpoch',
    'log.1c',
    'log.31',
    'log.41',
    'snapshot.20',
    'snapshot.30',
    'snapshot.40',
  ])
})

test('of backups: old states and the transactions that lead to them', async () => {
  const writer = await Writer.open(folders.at('source'), { segmentsKept: 10 })
  await writer.fill(1)
  const to = folders.at('archive')
  for (let version = 2; version <= 5; version++) {
    await writer.set('/app', version)
    await writer.checkpoint()
    await backUpFolder(ourFolder(folders.at('source')), to, () => {})
  }
  await writer.close()
  const states = (): number[] => openArchive(to).map(({ manifest }) => manifest.snapshots.length)
  expect(states()).toEqual([4])
  await carryOut(to, 2)
  expect(states()).toEqual([2])
  const [chain] = openArchive(to)
  expect(await verifyChain(chain!, () => {})).toBeGreaterThan(0)
  expect(readdirSync(path.join(to, '0001')).sort()).toEqual([
    'backup.json',
    ...[...chain!.manifest.logs, ...chain!.manifest.snapshots].map(({ file }) => file).sort(),
  ])
  await expect(planPurge(lookAtFolder(to), 0)).rejects.toThrow('the last state of a backup stays')
  mkdirSync(folders.at('void'))
  await expect(planPurge(lookAtFolder(folders.at('void')), 3)).rejects.toThrow(
    'neither a data folder',
  )
  expect(existsSync(folders.at('void'))).toBe(true)
})
