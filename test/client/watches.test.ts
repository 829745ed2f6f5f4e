import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { WatchEvent, ZooKeeper } from '../../src/client/index.ts'
import { ClientStage } from './support/client-stage.ts'

let stage: ClientStage
let zk: ZooKeeper
let other: ZooKeeper

beforeEach(async () => {
  stage = new ClientStage()
  zk = await stage.connect({ watchEventsMax: 5 })
  other = await stage.connect({}, '', stage.process('10.0.1.2'))
})

afterEach(async () => {
  await stage.close()
})

/** Watches that the server holds. */
function onServer(): number {
  return Number(/zk_watch_count\t(\d+)/.exec(stage.stage.word('mntr'))![1])
}

async function take(watch: AsyncIterator<WatchEvent>, count: number): Promise<string[]> {
  const events: string[] = []
  for (let i = 0; i < count; i++) {
    const { value } = await stage.run(watch.next())
    events.push(`${value?.type} ${value?.path}`)
  }
  return events
}

describe('a watch that fires once', () => {
  test('tells of the change after the read', async () => {
    await stage.run(other.create('/a', '1'))
    const { watch } = await stage.run(zk.getData('/a', { watch: true }))
    expect(zk.watchCount).toBe(1)
    const stat = await stage.run(other.setData('/a', '2'))
    const event = await stage.run(watch.fired)
    expect(event).toEqual({ type: 'changed', path: '/a', zxid: stat.mzxid })
    expect(zk.watchCount).toBe(0)
  })

  test('on a znode that is missing, and on children', async () => {
    const missing = await stage.run(zk.exists('/a', { watch: true }))
    expect(missing.stat).toBeNull()
    const { watch } = await stage.run(zk.getChildren('/', { watch: true }))
    await stage.run(other.create('/a'))
    expect(await stage.run(missing.watch.fired)).toMatchObject({ type: 'created', path: '/a' })
    expect(await stage.run(watch.fired)).toMatchObject({ type: 'children', path: '/' })
  })

  test('a failed read leaves none', async () => {
    await stage.fails(zk.getData('/a', { watch: true }))
    expect([zk.watchCount, onServer()]).toEqual([0, 0])
  })

  test('callers share one of the server, which goes with the last of them', async () => {
    await stage.run(other.create('/a'))
    const first = await stage.run(zk.getData('/a', { watch: true }))
    const second = await stage.run(zk.exists('/a', { watch: true }))
    expect([zk.watchCount, onServer()]).toEqual([2, 1])
    await stage.run(first.watch.close())
    expect((await stage.run(first.watch.fired)).type).toBe('removed')
    expect([zk.watchCount, onServer()]).toEqual([1, 1])
    await stage.run(second.watch.close())
    expect([zk.watchCount, onServer()]).toEqual([0, 0])
  })

  test('one that is set while another is taken away stays', async () => {
    await stage.run(other.create('/a'))
    const first = await stage.run(zk.getData('/a', { watch: true }))
    const reading = zk.getData('/a', { watch: true })
    const closing = first.watch.close()
    const { watch } = await stage.run(reading)
    await stage.run(closing)
    await stage.run(other.setData('/a', 'x'))
    expect((await stage.run(watch.fired)).type).toBe('changed')
  })

  test('a call that was given up leaves none', async () => {
    await stage.run(other.create('/a'))
    const abort = new AbortController()
    const reading = stage.fails(zk.getData('/a', { watch: true, signal: abort.signal }))
    await stage.runFor(0)
    abort.abort()
    expect(await reading).toMatchObject({ code: 'ABORTED', outcome: 'not-applied' })
    await stage.runFor(100)
    expect([zk.watchCount, onServer()]).toEqual([0, 0])
  })
})

test('one that was left to another read goes when that read fails', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const missing = stage.fails(zk.exists('/a', { watch: true, signal }))
  const failing = stage.fails(zk.getData('/a', { watch: true }))
  // Both are on their way.
  await stage.until(() => zk.inFlight === 2)
  controller.abort()
  expect(await missing).toMatchObject({ code: 'ABORTED' })
  expect(await failing).toMatchObject({ code: 'NO_NODE' })
  await stage.runFor(1000)
  expect([zk.watchCount, onServer()]).toEqual([0, 0])
})

describe('a watch that stays', () => {
  test('tells of the znode and its children', async () => {
    const watch = await stage.run(zk.watch('/a'))
    await stage.run(other.create('/a'))
    await stage.run(other.create('/a/b'))
    await stage.run(other.setData('/a/b', 'not told'))
    await stage.run(other.setData('/a', 'x'))
    expect(await take(watch, 3)).toEqual(['created /a', 'children /a', 'changed /a'])
    await stage.run(watch.close())
    expect(await stage.run(watch.next())).toEqual({ done: true, value: undefined })
    expect([zk.watchCount, onServer()]).toEqual([0, 0])
  })

  test('or of all that is below', async () => {
    await using watch = await stage.run(zk.watch('/', { recursive: true }))
    await stage.run(other.create('/a'))
    await stage.run(other.create('/a/b'))
    await stage.run(other.delete('/a/b'))
    expect(await take(watch, 3)).toEqual(['created /a', 'created /a/b', 'deleted /a/b'])
    await stage.run(watch.close())
  })

  test('a loop that ends takes it away', async () => {
    const loop = (async () => {
      for await (const event of await zk.watch('/a')) return event.type
      return null
    })()
    await stage.runFor(100)
    await stage.run(other.create('/a'))
    expect(await stage.run(loop)).toBe('created')
    await stage.runFor(100)
    expect([zk.watchCount, onServer()]).toEqual([0, 0])
  })

  test('events that nobody reads give way to a gap', async () => {
    const watch = await stage.run(zk.watch('/a'))
    await stage.run(other.create('/a'))
    for (let i = 0; i < 6; i++) await stage.run(other.setData('/a', String(i)))
    expect(await take(watch, 2)).toEqual(['gap /a', 'changed /a'])
  })

  test('ends with removeWatches and with the client', async () => {
    const first = await stage.run(zk.watch('/a'))
    const second = await stage.run(zk.watch('/a', { recursive: true }))
    const waiting = first.next()
    await stage.run(zk.removeWatches('/a', 'persistent'))
    expect((await stage.run(waiting)).done).toBe(true)
    expect([zk.watchCount, onServer()]).toEqual([1, 1])
    const last = second.next()
    await stage.run(zk.close())
    expect((await stage.run(last)).done).toBe(true)
    expect(zk.watchCount).toBe(0)
  })
})

describe('across a broken connection', () => {
  test('one-shot watches fire for what happened meanwhile, the others are set again', async () => {
    await stage.run(other.create('/changed'))
    await stage.run(other.create('/gone'))
    await stage.run(other.create('/same'))
    const changed = (await stage.run(zk.getData('/changed', { watch: true }))).watch
    const gone = (await stage.run(zk.getData('/gone', { watch: true }))).watch
    const made = (await stage.run(zk.exists('/made', { watch: true }))).watch
    const same = (await stage.run(zk.getData('/same', { watch: true }))).watch
    stage.isolate(true)
    stage.breakConnections()
    await stage.run(other.setData('/changed', 'x'))
    await stage.run(other.delete('/gone'))
    await stage.run(other.create('/made'))
    stage.isolate(false)
    expect((await stage.run(changed.fired)).type).toBe('changed')
    expect((await stage.run(gone.fired)).type).toBe('deleted')
    expect((await stage.run(made.fired)).type).toBe('created')
    expect([zk.watchCount, onServer()]).toEqual([1, 1])
    await stage.run(other.setData('/same', 'x'))
    expect((await stage.run(same.fired)).type).toBe('changed')
  })

  test('a watch that stays says that events may be missing, and goes on', async () => {
    const watch = await stage.run(zk.watch('/a', { recursive: true }))
    stage.isolate(true)
    stage.breakConnections()
    await stage.run(other.create('/a'))
    stage.isolate(false)
    expect(await take(watch, 1)).toEqual(['gap /a'])
    await stage.run(other.create('/a/b'))
    expect(await take(watch, 1)).toEqual(['created /a/b'])
  })

  test('thousands of watches come back in several requests', async () => {
    const name = 'n'.repeat(200)
    const paths = Array.from({ length: 1000 }, (_, index) => `/${name}${index}`)
    await stage.run(Promise.all(paths.map((path) => zk.exists(path, { watch: true }))))
    expect(onServer()).toBe(1000)
    stage.breakConnections()
    await stage.until(() => zk.state === 'suspended')
    await stage.run(zk.sync())
    expect(onServer()).toBe(1000)
  })

  test('a read that sets a watch and whose answer is lost sets it on the next connection', async () => {
    await stage.run(other.create('/a'))
    stage.deafen(true)
    const reading = zk.getData('/a', { watch: true })
    await stage.runFor(100)
    stage.breakConnections()
    stage.deafen(false)
    const { watch } = await stage.run(reading)
    await stage.run(other.setData('/a', 'x'))
    expect((await stage.run(watch.fired)).type).toBe('changed')
  })
})

test('a lost session: one-shot watches end with a gap, the others live on in the next one', async () => {
  await stage.run(other.create('/a'))
  const once = (await stage.run(zk.getData('/a', { watch: true }))).watch
  const watch = await stage.run(zk.watch('/a'))
  const before = onServer()
  stage.isolate(true)
  expect(await stage.run(once.fired)).toEqual({ type: 'gap', path: '/a', zxid: null })
  stage.isolate(false)
  expect(await take(watch, 1)).toEqual(['gap /a'])
  await stage.run(other.setData('/a', 'x'))
  expect(await take(watch, 1)).toEqual(['changed /a'])
  // The server has let go of the old connection by then.
  await stage.runFor(10_000)
  expect([zk.watchCount, onServer()]).toEqual([1, before])
})
