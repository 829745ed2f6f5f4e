import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ClientEnvironment, connectIn, type ZooKeeper } from '../../src/client/index.ts'
import { type ClientMetrics, connect } from '../../src/client-node/index.ts'
import { makeObserver } from '../../src/client-node/observer.ts'
import { ClientStage } from './support/client-stage.ts'

let stage: ClientStage
let zk: ZooKeeper | null

beforeEach(() => {
  stage = new ClientStage()
  zk = null
})

afterEach(async () => {
  if (zk !== null) await stage.run(zk.close())
  await stage.close()
})

async function connected(metrics: ClientMetrics | null = null): Promise<ZooKeeper> {
  const observer = makeObserver(stage.env.clock, metrics)
  const env = Object.assign(Object.create(stage.env), { observer }) as ClientEnvironment
  zk = await stage.run(connectIn(env, '10.0.0.1:2181/app', { sessionTimeoutMs: 6000 }))
  return zk
}

/** What is published on a channel until the test ends. */
function listen(name: string): { readonly messages: unknown[]; end(): void } {
  const messages: unknown[] = []
  const onMessage = (message: unknown): void => {
    messages.push(message)
  }
  subscribe(name, onMessage)
  return { messages, end: () => unsubscribe(name, onMessage) }
}

describe('diagnostics_channel', () => {
  test('tells of states, ends of connections and watch events', async () => {
    const heard = ['state', 'connection-end', 'watch-event'].map((name) =>
      listen(`zabkeeper:${name}`),
    )
    const client = await connected()
    await stage.run(client.ensurePath('/'))
    await stage.run(client.getData('/', { watch: true }))
    await stage.run(client.setData('/', 'x'))
    stage.breakConnections()
    await stage.run(client.exists('/'))
    const [states, ends, events] = heard.map(({ messages }) => messages)
    expect(states).toMatchObject([
      { state: 'connected', previous: 'connecting' },
      { state: 'suspended' },
      { state: 'connected' },
    ])
    expect(ends).toMatchObject([{ server: '10.0.0.1:2181' }])
    expect(events).toMatchObject([{ type: 'changed', path: '/app' }])
    for (const { end } of heard) end()
  })

  test('traces requests from the call to its answer or failure', async () => {
    const client = await connected()
    const story: string[] = []
    const note =
      (step: string) =>
      (message: unknown): void => {
        const { op, path, error } = message as {
          op: string
          path: string
          error?: { code: string }
        }
        story.push([step, op, path, error?.code].filter((word) => word !== undefined).join(' '))
      }
    const handlers = {
      start: note('start'),
      end: () => {},
      asyncStart: () => {},
      asyncEnd: note('end'),
      error: note('error'),
    }
    const requests = tracingChannel('zabkeeper:request')
    requests.subscribe(handlers)
    await stage.run(client.ensurePath('/'))
    expect(await stage.fails(client.getData('/none'))).toMatchObject({ code: 'NO_NODE' })
    requests.unsubscribe(handlers)
    await stage.run(client.sync())
    expect(story).toEqual([
      'start exists /app',
      'end exists /app',
      'start create /app',
      'end create /app',
      'start getData /none',
      'error getData /none NO_NODE',
      'end getData /none NO_NODE',
    ])
  })

  test('costs nothing when nobody listens', async () => {
    const observer = makeObserver(stage.env.clock, null)
    expect(observer.wantsRequests).toBe(false)
    const request = vi.spyOn(observer, 'request')
    const env = Object.assign(Object.create(stage.env), { observer }) as ClientEnvironment
    zk = await stage.run(connectIn(env, '10.0.0.1:2181'))
    await stage.run(zk.sync())
    expect(request).not.toHaveBeenCalled()
    expect(channel('zabkeeper:state').hasSubscribers).toBe(false)
  })
})

test('metrics get counts and durations', async () => {
  const counts = new Map<string, number>()
  const durations: [string, number][] = []
  const client = await connected({
    count: (name, labels) => {
      const key = [name, ...Object.values(labels)].join(' ')
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
    observe: (name, value, { op }) => durations.push([`${name} ${op}`, value]),
  })
  await stage.run(client.ensurePath('/'))
  const watch = await stage.run(client.watch('/'))
  await stage.run(Promise.all([client.sync(), client.sync(), stage.fails(client.create('/a/b'))]))
  stage.breakConnections()
  await stage.run(client.exists('/'))
  expect((await stage.run(watch.next())).value?.type).toBe('gap')
  expect(Object.fromEntries(counts)).toMatchObject({
    'requests sync OK': 2,
    'requests create NO_NODE': 1,
    'state_changes suspended': 1,
    'state_changes connected': 2,
    'connection_ends 10.0.0.1:2181': 1,
    'watch_events gap': 1,
  })
  expect(durations.filter(([name]) => name === 'request_ms sync')).toHaveLength(2)
  for (const [, ms] of durations) expect(ms).toBeGreaterThanOrEqual(0)
})

test('how much is under way can be asked', async () => {
  const client = await connected()
  const calls = Array.from({ length: 300 }, () => client.exists('/'))
  expect(client.waiting).toBe(300)
  await stage.until(() => client.inFlight > 0)
  expect(client.inFlight).toBe(256)
  expect(client.waiting).toBe(44)
  await stage.run(Promise.all(calls))
  expect([client.inFlight, client.waiting]).toEqual([0, 0])
})

test('parts that exclude each other are refused', async () => {
  const observer = makeObserver(stage.env.clock, null)
  const metrics: ClientMetrics = { count: () => {}, observe: () => {} }
  for (const options of [
    { observer, metrics },
    { tls: true as const, network: stage.env.network },
  ]) {
    await expect(connect('localhost:1', options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  }
})
