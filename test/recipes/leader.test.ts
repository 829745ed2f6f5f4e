import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Grant,
  type Layout,
  LeaderLatch,
  LeaderObserver,
  LeaderSelector,
  Mutex,
} from '../../recipes/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const PATH = '/leader'
const LAYOUTS: readonly Layout[] = ['curator', 'kazoo']

let stage: RecipeStage
let a: Member
let b: Member

beforeEach(async () => {
  stage = new RecipeStage()
  a = await stage.member()
  b = await stage.member()
})

afterEach(async () => {
  await stage.finish()
})

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

describe.each(LAYOUTS)('a latch (%s)', (layout) => {
  test('leads until it is closed, then the next one does', async () => {
    const first = new LeaderLatch(a.zk, PATH, { layout, id: 'a' })
    const second = new LeaderLatch(b.zk, PATH, { layout, id: 'b' })
    const changes: (bigint | null)[] = []
    second.onChange((grant) => changes.push(grant?.fencingToken ?? null))
    const grant = await stage.run(first.leadership())
    second.start()
    await stage.runFor(1000)
    expect([first.isLeader, second.isLeader, changes.length]).toEqual([true, false, 0])
    const candidates = await stage.run(second.candidates())
    expect(candidates.map(({ data }) => text(data))).toEqual(['a', 'b'])
    expect(candidates[0]!.czxid).toBe(grant.fencingToken)
    await stage.run(first.close())
    expect(grant.signal.reason).toMatchObject({ code: 'RELEASED' })
    const next = await stage.run(second.leadership())
    expect(next.fencingToken).toBeGreaterThan(grant.fencingToken)
    expect(changes).toEqual([next.fencingToken])
    await stage.run(second.close())
    expect(changes).toEqual([next.fencingToken, null])
    expect(second.grant).toBeNull()
  })

  test('that gives a turn up stands again behind the others', async () => {
    const first = new LeaderLatch(a.zk, PATH, { layout })
    const second = new LeaderLatch(b.zk, PATH, { layout })
    const grant = await stage.run(first.leadership())
    second.start()
    await stage.runFor(100)
    await stage.run(grant.release())
    await stage.run(second.leadership())
    await stage.runFor(1000)
    expect([first.isLeader, second.isLeader]).toEqual([false, true])
    await stage.run(second.close())
    await stage.run(first.leadership())
    await stage.run(first.close())
  })
})

describe('a latch', () => {
  test('may be closed at any time, and before it was started', async () => {
    const never = new LeaderLatch(a.zk, PATH)
    await stage.run(never.close())
    expect(await stage.fails(never.leadership())).toMatchObject({ code: 'RELEASED' })
    for (const delayMs of [0, 0.1, 0.5, 1, 2, 3, 5, 10]) {
      const latch = new LeaderLatch(a.zk, PATH)
      const leading = latch.leadership().then(
        () => 'leads',
        ({ code }) => code as string,
      )
      await stage.runFor(delayMs)
      await stage.run(latch.close())
      expect(['leads', 'RELEASED']).toContain(await stage.run(leading))
      await stage.nothingLeft()
    }
  })

  test('waiting for leadership may be given up; the candidate stays', async () => {
    const first = new LeaderLatch(a.zk, PATH)
    await stage.run(first.leadership())
    const second = new LeaderLatch(b.zk, PATH)
    expect(await stage.fails(second.leadership({ timeoutMs: 500 }))).toMatchObject({
      code: 'TIMEOUT',
    })
    expect(stage.ephemerals().length).toBe(2)
    await stage.run(second.close())
    await stage.run(first.close())
  })

  test('that cannot go on says why', async () => {
    const mutex = await stage.run(new Mutex(a.zk, PATH).acquire())
    const latch = new LeaderLatch(b.zk, PATH)
    expect(await stage.fails(latch.leadership())).toMatchObject({ code: 'FOREIGN_CONTENDERS' })
    await stage.run(latch.close())
    await stage.run(mutex.release())
  })

  test('a strict one gives leadership up when the connection breaks', async () => {
    const latch = new LeaderLatch(a.zk, PATH, { isStrict: true })
    const grant = await stage.run(latch.leadership())
    stage.breakConnections(a.host)
    await stage.until(() => a.zk.state === 'suspended')
    await stage.runFor(0)
    expect([latch.isLeader, grant.signal.aborted]).toEqual([false, true])
    const again = await stage.run(latch.leadership())
    expect(again.fencingToken).toBeGreaterThan(grant.fencingToken)
    await stage.run(latch.close())
  })

  test('a listener that fails harms nobody', async () => {
    const latch = new LeaderLatch(a.zk, PATH)
    latch.onChange(() => {
      throw new Error('listener')
    })
    await stage.run(latch.leadership())
    await stage.run(latch.close())
    expect(stage.stage.logLines.map(({ message }) => message)).toContain(
      'a listener of a latch failed',
    )
  })
})

describe('a selector', () => {
  test('leads once, and gives what was done', async () => {
    const selector = new LeaderSelector(a.zk, PATH, { id: 'a' })
    const result = await stage.run(
      selector.lead(async (grant) => {
        expect([grant.isSure, selector.isLeader]).toEqual([true, true])
        return 'done'
      }),
    )
    expect([result, selector.isLeader]).toEqual(['done', false])
    const failure = new Error('work')
    const failing = selector.lead(async () => {
      throw failure
    })
    expect(await stage.fails(failing)).toBe(failure)
    expect(stage.ephemerals()).toEqual([])
  })

  test.each(LAYOUTS)('%s: leads again and again, in turns with others', async (layout) => {
    const order: string[] = []
    const abort = new AbortController()
    const runs = [a, b].map(({ zk, host }) =>
      new LeaderSelector(zk, PATH, { layout }).leadAgain(
        async () => {
          order.push(host)
          await stage.sleep(100)
        },
        { signal: abort.signal },
      ),
    )
    await stage.within(10_000, 'ten turns', () => order.length >= 10)
    abort.abort()
    await stage.run(Promise.all(runs))
    expect(new Set(order.slice(2, 6))).toEqual(new Set([a.host, b.host]))
    expect(order[2]).not.toBe(order[3])
  })

  test('a turn may be interrupted', async () => {
    const selector = new LeaderSelector(a.zk, PATH)
    const reasons: unknown[] = []
    const turn = selector.lead(
      (grant) =>
        new Promise<void>((resolve) => {
          grant.signal.addEventListener('abort', () => {
            reasons.push(grant.signal.reason)
            resolve()
          })
        }),
    )
    await stage.until(() => selector.isLeader)
    selector.interrupt()
    await stage.run(turn)
    expect(reasons).toEqual([expect.objectContaining({ code: 'INTERRUPTED' })])
  })

  test('the end of leading again waits for the turn', async () => {
    const selector = new LeaderSelector(a.zk, PATH)
    const abort = new AbortController()
    let isDone = false
    const running = selector.leadAgain(
      async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        await stage.sleep(1000)
        isDone = true
      },
      { signal: abort.signal },
    )
    await stage.until(() => selector.isLeader)
    abort.abort()
    await stage.runFor(500)
    expect([isDone, stage.ephemerals().length]).toEqual([false, 1])
    await stage.run(running)
    expect([isDone, stage.ephemerals().length]).toEqual([true, 0])
  })

  test('an error of the work ends leading again', async () => {
    const work = new Error('work')
    const running = new LeaderSelector(a.zk, PATH).leadAgain(async () => {
      throw work
    })
    expect(await stage.fails(running)).toBe(work)
  })

  test('a mutex at its path excludes it, and the other way round', async () => {
    const mutex = await stage.run(new Mutex(a.zk, PATH).acquire())
    const turn = new LeaderSelector(b.zk, PATH).lead(async () => {}, { timeoutMs: 500 })
    expect(await stage.fails(turn)).toMatchObject({ code: 'TIMEOUT' })
    await stage.run(mutex.release())
  })
})

describe('an observer', () => {
  test.each(LAYOUTS)('%s: tells who leads', async (layout) => {
    const c = await stage.member()
    const observer = new LeaderObserver(c.zk, PATH, { layout })
    const seen: string[] = []
    const watching = (async () => {
      for await (const leader of observer) seen.push(leader?.id ?? 'nobody')
    })()
    await stage.until(() => seen.length === 1)
    const latches = [a, b].map(
      ({ zk }, index) => new LeaderLatch(zk, PATH, { layout, id: 'ab'[index]! }),
    )
    for (const latch of latches) {
      latch.start()
      await stage.runFor(500)
    }
    await stage.run(latches[0]!.close())
    await stage.runFor(500)
    stage.isolate(true, c.host)
    await stage.run(latches[1]!.close())
    const back = new LeaderLatch(a.zk, PATH, { layout, id: 'a again' })
    const grant: Grant = await stage.run(back.leadership())
    await stage.runFor(20_000)
    stage.isolate(false, c.host)
    await stage.within(20_000, 'the last one is seen', () => seen.at(-1) === 'a again')
    expect(seen.slice(0, 3)).toEqual(['nobody', 'a', 'b'])
    expect(grant.isSure).toBe(true)
    await stage.run(observer.close())
    await stage.run(watching)
    await stage.run(back.close())
  })

  test('of a selector; leaving the loop closes it', async () => {
    const holder = await stage.run(new Mutex(a.zk, PATH, { data: 'm' }).acquire())
    const observer = new LeaderObserver(b.zk, PATH, { of: 'selector' })
    const first = await stage.run(
      (async () => {
        for await (const leader of observer) return leader
        return null
      })(),
    )
    expect(first).toEqual({ path: holder.path, id: 'm', fencingToken: holder.fencingToken })
    await stage.until(() => b.zk.watchCount === 0)
    expect(await stage.run(observer.next())).toEqual({ done: true, value: undefined })
    await stage.run(holder.release())
  })
})
