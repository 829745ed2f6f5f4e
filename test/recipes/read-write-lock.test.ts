import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Grant, type Layout, Mutex, ReadWriteLock } from '../../recipes/index.ts'
import { nameOf } from '../../src/client/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const PATH = '/locks/rw'
const LAYOUTS: readonly Layout[] = ['curator', 'kazoo']

let stage: RecipeStage
let members: Member[]

beforeEach(async () => {
  stage = new RecipeStage()
  members = []
  while (members.length < 4) members.push(await stage.member())
})

afterEach(async () => {
  await stage.finish()
})

function lockOf(index: number, layout: Layout = 'curator'): ReadWriteLock {
  return new ReadWriteLock(members[index]!.zk, PATH, { layout })
}

/** Tells of a grant when there is one; the order in which the requests reach the server is that of the calls. */
async function begin(acquiring: Promise<Grant>): Promise<{ grant: Grant | null }> {
  const count = stage.ephemerals().length
  const told: { grant: Grant | null } = { grant: null }
  void acquiring.then((grant) => {
    told.grant = grant
  })
  await stage.until(() => stage.ephemerals().length > count)
  await stage.runFor(500)
  return told
}

test.each(LAYOUTS)('%s: readers together, a writer alone, nobody overtakes', async (layout) => {
  const r1 = await begin(lockOf(0, layout).read.acquire())
  const r2 = await begin(lockOf(1, layout).read.acquire())
  const w = await begin(lockOf(2, layout).write.acquire())
  const r3 = await begin(lockOf(3, layout).read.acquire())
  const held = (): boolean[] => [r1, r2, w, r3].map(({ grant }) => grant !== null)
  expect(held()).toEqual([true, true, false, false])
  expect(await stage.run(lockOf(0, layout).read.tryAcquire())).toBeNull()
  await stage.run(r1.grant!.release())
  await stage.runFor(500)
  expect(held()).toEqual([true, true, false, false])
  await stage.run(r2.grant!.release())
  await stage.runFor(500)
  expect(held()).toEqual([true, true, true, false])
  await stage.run(w.grant!.release())
  await stage.runFor(500)
  expect(held()).toEqual([true, true, true, true])
  expect(r3.grant!.fencingToken).toBeGreaterThan(w.grant!.fencingToken)
  await stage.run(r3.grant!.release())
})

test.each(LAYOUTS)('%s: a writer becomes a reader with no writer in between', async (layout) => {
  const lock = lockOf(0, layout)
  const writer = await stage.run(lock.write.acquire())
  const other = await begin(lockOf(1, layout).write.acquire())
  const reader = await stage.run(lock.downgrade(writer))
  await stage.runFor(1000)
  expect([writer.isSure, reader.isSure, other.grant]).toEqual([false, true, null])
  expect(reader.fencingToken).toBe(writer.fencingToken)
  expect(nameOf(reader.path)).toMatch(/_(READ__|_rlock__)0000000000$/)
  expect(nameOf(writer.path).slice(-10)).toBe(nameOf(reader.path).slice(-10))
  await stage.run(reader.release())
  await stage.until(() => other.grant !== null)
  expect(other.grant!.fencingToken).toBeGreaterThan(reader.fencingToken)
  await stage.run(other.grant!.release())
})

test('readers who came later join one who was a writer', async () => {
  const lock = lockOf(0)
  const writer = await stage.run(lock.write.acquire())
  const waiting = await begin(lockOf(1).read.acquire())
  expect(waiting.grant).toBeNull()
  const reader = await stage.run(lock.downgrade(writer))
  await stage.until(() => waiting.grant !== null)
  expect(reader.isSure).toBe(true)
  await stage.run(waiting.grant!.release())
  await stage.run(reader.release())
})

test('only a writer of the lock is downgraded', async () => {
  const lock = lockOf(0)
  const writer = await stage.run(lock.write.acquire())
  expect(await stage.fails(lockOf(1).downgrade(writer))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  await stage.run(writer.release())
  expect(await stage.fails(lock.downgrade(writer))).toMatchObject({ code: 'RELEASED' })
  const reader = await stage.run(lock.read.acquire())
  expect(await stage.fails(lock.downgrade(reader))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  await stage.run(reader.release())
})

test('a downgrade that is given up leaves the writer as it was', async () => {
  const lock = lockOf(0)
  const writer = await stage.run(lock.write.acquire())
  stage.isolate(true, members[0]!.host)
  expect(await stage.fails(lock.downgrade(writer, { timeoutMs: 500 }))).toMatchObject({
    code: 'TIMEOUT',
  })
  stage.isolate(false, members[0]!.host)
  stage.breakConnections(members[0]!.host)
  await stage.runFor(3000)
  expect([writer.isSure, ...stage.ephemerals()]).toEqual([true, writer.path])
  await stage.run(writer.release())
})

test('in the curator layout it refuses a mutex at its path, in the kazoo layout they exclude each other', async () => {
  const curator = await stage.run(new Mutex(members[0]!.zk, PATH).acquire())
  expect(await stage.fails(lockOf(1).read.acquire())).toMatchObject({ code: 'FOREIGN_CONTENDERS' })
  await stage.run(curator.release())
  const kazoo = new Mutex(members[0]!.zk, PATH, { layout: 'kazoo' })
  const holder = await stage.run(kazoo.acquire())
  const reader = await begin(lockOf(1, 'kazoo').read.acquire())
  expect(reader.grant).toBeNull()
  await stage.run(holder.release())
  await stage.until(() => reader.grant !== null)
  await stage.run(reader.grant!.release())
})
