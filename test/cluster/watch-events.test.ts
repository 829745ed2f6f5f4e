import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WatchEvent, ZooKeeper } from '../../src/client/index.ts'
import { eventDocument, renderEvent, watchEvents } from '../../src/cluster/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'

let server: TestServer
let writer: ZooKeeper

beforeAll(async () => {
  server = await startTestServer({ transport: 'memory' })
  writer = await server.connect()
})
afterAll(async () => {
  await server.close()
})

/** Events and notices as they come, and a way to wait for so many of them. */
class Received {
  readonly events: WatchEvent[] = []
  readonly notices: string[] = []
  #wake: () => void = () => {}

  readonly onEvent = (event: WatchEvent): void => {
    this.events.push(event)
    this.#wake()
  }

  readonly onNotice = (text: string): void => {
    this.notices.push(text)
    this.#wake()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

test('everything below the path, until the signal', async () => {
  const client = await server.connect()
  const received = new Received()
  const stopping = new AbortController()
  const watching = watchEvents(client, {
    ...{ path: '/a', isRecursive: true, eventsMax: null, signal: stopping.signal },
    ...received,
  })
  await received.until(() => received.notices.length === 1)
  await writer.create('/a')
  await writer.create('/a/b', 'x')
  await writer.setData('/a/b', 'y')
  await writer.delete('/a/b')
  await received.until(() => received.events.length === 4)
  expect(received.events.map(({ type, path }) => `${type} ${path}`)).toEqual([
    'created /a',
    'created /a/b',
    'changed /a/b',
    'deleted /a/b',
  ])
  stopping.abort()
  expect(await watching).toBe('asked')
  expect(received.notices).toEqual(['watching /a and everything below it'])
  await client.close()
})

test('outlives its connection, and says where events may be missing', async () => {
  const client = await server.connect()
  const received = new Received()
  const watching = watchEvents(client, {
    ...{ path: '/c', isRecursive: false, eventsMax: 3, signal: new AbortController().signal },
    ...received,
  })
  await received.until(() => received.notices.length === 1)
  await writer.create('/c')
  await received.until(() => received.events.length === 1)
  server.connectionOf(client)!.drop()
  await received.until(() => received.notices.some((text) => text.startsWith('connected')))
  await received.until(() => received.events.length === 2)
  await writer.setData('/c', 'z')
  expect(await watching).toBe('asked')
  expect(received.events.map(({ type, path }) => `${type} ${path}`)).toEqual([
    'created /c',
    'gap /c',
    'changed /c',
  ])
  expect(received.notices[1]).toMatch(/^suspended: /)
  await client.close()
})

test('ends when the client does', async () => {
  const client = await server.connect()
  const received = new Received()
  const watching = watchEvents(client, {
    ...{ path: '/d', isRecursive: false, eventsMax: null, signal: new AbortController().signal },
    ...received,
  })
  await received.until(() => received.notices.length === 1)
  await client.close()
  expect(await watching).toBe('closed')
})

test('an event as a line and as JSON', () => {
  const event = { type: 'changed', path: '/a', zxid: 0x1_0000_0007n } as const
  expect(renderEvent(event)).toBe('changed /a 0x100000007\n')
  expect(renderEvent({ ...event, zxid: null })).toBe('changed /a\n')
  expect(eventDocument(event, 0)).toEqual({
    time: '1970-01-01T00:00:00.000Z',
    type: 'changed',
    path: '/a',
    zxid: '0x100000007',
  })
})
