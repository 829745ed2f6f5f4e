import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClosedError, connectIn, type ZooKeeper } from '../../src/client/index.ts'
import type { SimEnvironment } from '../../src/sim/index.ts'
import { ClientStage } from './support/client-stage.ts'
import { CountedTimers } from './support/counted-timers.ts'

let stage: ClientStage
let timers: CountedTimers
let env: SimEnvironment
const rejections: unknown[] = []
const onRejection = (reason: unknown): void => {
  rejections.push(reason)
}

beforeEach(() => {
  stage = new ClientStage()
  timers = new CountedTimers(stage.env.timers)
  env = Object.assign(Object.create(stage.env), { timers }) as SimEnvironment
  process.on('unhandledRejection', onRejection)
})

/** After every test nothing of the client is left: no timer, no connection, no promise that nobody hears. */
afterEach(async () => {
  await stage.close()
  await stage.runFor(1000)
  process.off('unhandledRejection', onRejection)
  expect(rejections).toEqual([])
  expect(timers.pending).toBe(0)
  expect(openConnections()).toBe(0)
})

function openConnections(): number {
  return [...stage.stage.word('cons').matchAll(/\/10\.0\.1\.1:/g)].length
}

async function connected(options = {}): Promise<ZooKeeper> {
  return await stage.connect(options, '', env)
}

describe('connect', () => {
  test('names what is wrong with its arguments', async () => {
    const wrong = ['', 'a:0', 'a:70000', 'a:b', 'a b:1', '[::1:2', 'a,,b', 'a:1/x/', '/x']
    for (const text of wrong) {
      expect(await stage.fails(connectIn(env, text))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    for (const options of [
      { sessionTimeoutMs: 0 },
      { inFlightMax: 1.5 },
      { driftMargin: 1 },
      { canBeReadOnly: 'yes' },
      { sessionTimeout: 5 },
    ]) {
      const error = await stage.fails(connectIn(env, 'a', options as never))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', op: 'connect' })
      expect(error.message).toContain(Object.keys(options)[0])
    }
  })

  test('fails in bounded time when nobody answers, and says whom it tried', async () => {
    stage.isolate(true)
    const beganMs = stage.nowMs
    const error = await stage.fails(
      connectIn(env, '10.0.0.1:2181,10.0.0.9:2181', { connectTimeoutMs: 10_000 }),
    )
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', outcome: 'not-applied' })
    expect(error.message).toMatch(/10\.0\.0\.1:2181: it did not answer/)
    expect(error.message).toContain('10.0.0.9:2181: cannot connect')
    expect(stage.nowMs - beganMs).toBeLessThan(10_100)
    stage.isolate(false)
  })

  test('can be given up', async () => {
    stage.isolate(true)
    const abort = new AbortController()
    const connecting = stage.fails(connectIn(env, '10.0.0.1:2181', {}, abort.signal))
    await stage.runFor(100)
    abort.abort(new Error('enough'))
    expect(await connecting).toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
    stage.isolate(false)
  })

  test('fails when the server refuses the credentials', async () => {
    const auth = [{ scheme: 'none', credentials: 'x' }]
    const error = await stage.fails(connectIn(env, '10.0.0.1:2181', { auth }))
    expect(error).toMatchObject({ code: 'AUTH_FAILED' })
  })

  test('passes over a server that does not answer', async () => {
    const servers = '10.0.0.9:2181,10.0.0.1:2181'
    const zk = await stage.run(connectIn(env, servers, { attemptTimeoutMs: 1000 }))
    expect(zk.state).toBe('connected')
    await stage.run(zk.close())
  })
})

describe('a call', () => {
  test('that gets no answer fails in its time, as unknown when it is a write', async () => {
    const zk = await connected({ requestTimeoutMs: 1000 })
    stage.isolate(true)
    const write = stage.fails(zk.create('/a'))
    const read = stage.fails(zk.getData('/a', { timeoutMs: 500 }))
    expect(await read).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied', retryable: true })
    expect(await write).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown', op: 'create' })
    stage.isolate(false)
  })

  test('is given up by its signal', async () => {
    const zk = await connected()
    const reason = new Error('enough')
    const before = { signal: AbortSignal.abort(reason) }
    expect(await stage.fails(zk.create('/a', '', before))).toMatchObject({
      code: 'ABORTED',
      name: 'AbortError',
      outcome: 'not-applied',
      cause: reason,
    })
    stage.isolate(true)
    const abort = new AbortController()
    const sent = stage.fails(zk.create('/a', '', { signal: abort.signal }))
    await stage.runFor(10)
    abort.abort()
    expect(await sent).toMatchObject({ code: 'ABORTED', outcome: 'unknown' })
    stage.breakConnections()
    await stage.until(() => zk.state === 'suspended')
    const later = new AbortController()
    const waiting = stage.fails(zk.create('/a', '', { signal: later.signal }))
    later.abort()
    expect(await waiting).toMatchObject({ code: 'ABORTED', outcome: 'not-applied' })
    stage.isolate(false)
    await stage.run(zk.sync())
  })

  test('that takes watches away is bounded as well', async () => {
    const zk = await connected()
    await stage.run(zk.watch('/'))
    await stage.run(zk.watch('/', { recursive: true }))
    stage.isolate(true)
    const late = stage.fails(zk.removeWatches('/', 'persistent', { timeoutMs: 500 }))
    expect(await late).toMatchObject({ code: 'TIMEOUT', op: 'removeWatches' })
    const abort = new AbortController()
    const given = stage.fails(zk.removeWatches('/', 'all', { signal: abort.signal }))
    abort.abort()
    expect(await given).toMatchObject({ code: 'ABORTED', op: 'removeWatches' })
    expect(zk.watchCount).toBe(0)
    stage.isolate(false)
  })

  test('may share its signal with any number of others', async () => {
    const zk = await connected()
    const warnings: unknown[] = []
    const onWarning = (warning: unknown): void => {
      warnings.push(warning)
    }
    process.on('warning', onWarning)
    const abort = new AbortController()
    const { signal } = abort
    await stage.run(Promise.all(Array.from({ length: 50 }, () => zk.exists('/', { signal }))))
    const given = Array.from({ length: 50 }, () => stage.fails(zk.exists('/', { signal })))
    abort.abort()
    for (const error of await Promise.all(given)) expect(error.code).toBe('ABORTED')
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  test('is refused when too many wait', async () => {
    const zk = await connected({ inFlightMax: 2, queuedCallsMax: 3 })
    const calls = Array.from({ length: 4 }, () => zk.exists('/'))
    const last = stage.fails(calls[3]!)
    expect(await last).toMatchObject({ code: 'TOO_MANY_REQUESTS', retryable: true })
    await stage.run(Promise.all(calls.slice(0, 3)))
  })
})

describe('close', () => {
  test('ends the session at once, and every call', async () => {
    const other = await stage.connect({}, '', stage.process('10.0.1.2'))
    const zk = await connected()
    await stage.run(zk.create('/e', '', { mode: 'ephemeral' }))
    const { session } = zk
    const sent = zk.setData('/e', 'x')
    await stage.runFor(0)
    const closing = zk.close()
    expect((await stage.run(sent)).version).toBe(1)
    await stage.run(closing)
    expect(zk.state).toBe('closed')
    expect(session?.signal.reason).toBeInstanceOf(ClosedError)
    expect(await stage.run(other.exists('/e'))).toBeNull()
    const after = [zk.create('/a'), zk.watch('/a'), zk.addAuth('digest', 'a:b'), zk.sync()]
    for (const call of after.map((one) => stage.fails(one))) {
      expect(await call).toMatchObject({ code: 'CLOSED', outcome: 'not-applied' })
    }
    await stage.run(zk.close())
  })

  test('needs no server', async () => {
    const zk = await connected({ closeTimeoutMs: 500 })
    stage.isolate(true)
    const waiting = stage.fails(zk.create('/a'))
    await stage.runFor(10)
    const beganMs = stage.nowMs
    await stage.run(zk.close())
    expect(stage.nowMs - beganMs).toBeLessThan(600)
    expect(await waiting).toMatchObject({ outcome: 'unknown' })
    stage.isolate(false)
  })

  test('`await using` closes', async () => {
    let zk: ZooKeeper
    const scope = (async () => {
      await using inner = await connected()
      zk = inner
      await inner.sync()
    })()
    await stage.run(scope)
    expect(zk!.state).toBe('closed')
  })
})

test('a frame that is too long costs its call and one connection', async () => {
  const zk = await connected({ replyBytesMax: 1000 })
  await stage.run(zk.create('/a', 'x'.repeat(2000)))
  const error = await stage.fails(zk.getData('/a'))
  expect(error).toMatchObject({ code: 'PROTOCOL', op: 'getData', path: '/a' })
  expect(await stage.run(zk.exists('/a'))).not.toBeNull()
})
