import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  byAge,
  Cancellation,
  type Contender,
  CURATOR_LATCH,
  CURATOR_MUTEX,
  CURATOR_READ_WRITE,
  cancellable,
  contenderName,
  type Family,
  hexId,
  isOverflown,
  Janitor,
  KAZOO_LOCK,
  onAbort,
  parseContenders,
  parseName,
  persist,
  uuid,
} from '../../recipes/base/index.ts'
import { PERMS } from '../../src/client/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const random = new SimRandom(1)

describe('names', () => {
  test('have ids of their own', () => {
    expect(uuid(random)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(hexId(random)).toMatch(/^[0-9a-f]{32}$/)
    const ids = Array.from({ length: 1000 }, () => hexId(random))
    expect(new Set(ids).size).toBe(1000)
    expect(contenderName(CURATOR_MUTEX, 'exclusive', random)).toMatch(/^_c_[0-9a-f-]{36}-lock-$/)
    expect(contenderName(CURATOR_READ_WRITE, 'shared', random)).toMatch(/^_c_.{36}-__READ__$/)
    expect(contenderName(KAZOO_LOCK, 'shared', random)).toMatch(/^[0-9a-f]{32}__rlock__$/)
  })

  const curator = '_c_7c118639-09f1-464c-b17b-a258253d0cdc-'
  const go = '_c_7c11863909f1464cb17ba258253d0cdc-'
  const kazoo = '803e6be8fa93427a87230db1d0c23d3c'
  test.each<[Family, string, string | null]>([
    [CURATOR_MUTEX, `${curator}lock-0000000012`, 'exclusive 12'],
    [CURATOR_MUTEX, `${go}lock-0000000012`, 'exclusive 12'],
    [CURATOR_MUTEX, `${curator}lock--2147483648`, 'exclusive -2147483648'],
    [CURATOR_MUTEX, `${curator}latch-0000000012`, null],
    [CURATOR_MUTEX, `${kazoo}__lock__0000000012`, null],
    [CURATOR_MUTEX, 'lock-12', null],
    [CURATOR_READ_WRITE, `${curator}__WRIT__0000000003`, 'exclusive 3'],
    [CURATOR_READ_WRITE, `${curator}__READ__0000000003`, 'shared 3'],
    [CURATOR_LATCH, `${curator}latch-0000000000`, 'exclusive 0'],
    [KAZOO_LOCK, `${kazoo}__lock__0000000007`, 'exclusive 7'],
    [KAZOO_LOCK, `${kazoo}__rlock__0000000007`, 'shared 7'],
    [KAZOO_LOCK, `${curator}lock-0000000007`, null],
  ])('of a family are known: case %#', (family, name, expected) => {
    const found = parseName(family, name)
    expect(found === null ? null : `${found.kind} ${found.sequence}`).toBe(expected)
  })

  test.each<[Family, string]>([
    [CURATOR_MUTEX, `${kazoo}__lock__0000000012`],
    [CURATOR_MUTEX, `${curator}latch-0000000012`],
    [CURATOR_MUTEX, `${curator}__READ__0000000012`],
    [CURATOR_MUTEX, 'x-72057594037927936-0000000000'],
    [CURATOR_MUTEX, 'n_0000000000'],
    [CURATOR_MUTEX, kazoo],
    [CURATOR_LATCH, `${curator}lock-0000000012`],
    [KAZOO_LOCK, `${curator}lock-0000000012`],
    [KAZOO_LOCK, kazoo],
  ])('of others are refused: case %#', (family, name) => {
    expect(() => parseContenders(family, '/p', ['config', name])).toThrow(
      expect.objectContaining({ code: 'FOREIGN_CONTENDERS', path: '/p' }),
    )
  })

  test('of no contender are passed over', () => {
    expect(parseContenders(CURATOR_MUTEX, '/p', ['config', 'leases', 'v2'])).toEqual([])
  })
})

test('age goes by number, and by czxid where the number does not tell', () => {
  const contender = (sequence: number, czxid?: bigint): Contender => ({
    name: `${sequence} ${czxid}`,
    kind: 'exclusive',
    sequence,
    ...(czxid === undefined ? {} : { czxid }),
  })
  const numbered = [contender(0), contender(7), contender(2147483646)]
  const overflown = [
    contender(2147483647, 90n),
    contender(-2147483648, 91n),
    contender(2147483647, 92n),
    contender(-2147483647, 93n),
  ]
  expect([...numbered, ...overflown].map(isOverflown)).toEqual([
    ...numbered.map(() => false),
    ...overflown.map(() => true),
  ])
  const sorted = [...numbered, ...overflown]
  for (let round = 0; round < 20; round++) {
    const shuffled = [...sorted].sort(() => random.below(3) - 1)
    expect(shuffled.sort(byAge)).toEqual(sorted)
  }
})

test('any number may listen to a signal, once and no longer than they want', () => {
  const warnings: unknown[] = []
  const onWarning = (warning: unknown): void => {
    warnings.push(warning)
  }
  process.on('warning', onWarning)
  const controller = new AbortController()
  const { signal } = controller
  let heard = 0
  const count = (): void => {
    heard += 1
  }
  const ignores = Array.from({ length: 100 }, () => onAbort(signal, count))
  ignores[7]!()
  ignores[7]!()
  controller.abort()
  expect(heard).toBe(99)
  onAbort(signal, count)
  expect(heard).toBe(100)
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})

describe('with a client', () => {
  let stage: RecipeStage
  let member: Member

  beforeEach(async () => {
    stage = new RecipeStage()
    member = await stage.member()
  })

  afterEach(async () => {
    await stage.finish()
  })

  test('an operation ends by its caller, in time, and leaves nothing', async () => {
    const { zk, timers } = member
    const before = timers.pending
    const never = (cancellation: Cancellation): Promise<void> => cancellation.sleep(1_000_000)
    const abort = new AbortController()
    const aborted = stage.fails(cancellable(zk, 'op', '/p', { signal: abort.signal }, never))
    const late = stage.fails(cancellable(zk, 'op', '/p', { timeoutMs: 100 }, never))
    await stage.runFor(50)
    abort.abort(new Error('enough'))
    expect(await aborted).toMatchObject({ code: 'ABORTED', op: 'op', cause: { message: 'enough' } })
    const atMs = stage.nowMs
    expect(await late).toMatchObject({ code: 'TIMEOUT', path: '/p', outcome: 'not-applied' })
    expect(stage.nowMs - atMs).toBeLessThan(60)
    expect(timers.pending).toBe(before)
    const { signal } = new AbortController()
    const done = cancellable(zk, 'op', '/p', { timeoutMs: 1_000_000, signal }, async () => 'done')
    expect(await stage.run(done)).toBe('done')
    expect([timers.pending, getEventListeners(signal, 'abort').length]).toEqual([before, 0])
    const already = { signal: AbortSignal.abort() }
    expect(await stage.fails(cancellable(zk, 'op', '/p', already, never))).toMatchObject({
      code: 'ABORTED',
    })
    expect(await stage.fails(cancellable(zk, 'op', '/p', { timeoutMs: 0 }, never))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(timers.pending).toBe(before)
  })

  test('a read goes on through lost connections', async () => {
    const cancellation = new Cancellation(member.zk, 'op', '/')
    let losses = 0
    member.network.plan = () => (losses++ < 10 ? 'after' : null)
    const { children } = await stage.run(persist(cancellation, () => member.zk.getChildren('/')))
    expect(children).toEqual(['zookeeper'])
    expect(losses).toBeGreaterThan(10)
    cancellation.end()
  })

  test('the janitor gives up what the server forbids, and says so', async () => {
    const { zk } = member
    const acl = [{ perms: PERMS.read | PERMS.create, scheme: 'world', id: 'anyone' }]
    await stage.run(zk.create('/forbidden', '', { acl }))
    await stage.run(zk.create('/forbidden/x'))
    const removed = stage.fails(Janitor.of(zk).remove('/forbidden/x', zk.session!.id))
    expect(Janitor.of(zk).pending).toBe(1)
    expect(await removed).toMatchObject({ code: 'NO_AUTH' })
    expect(stage.stage.logLines.map(({ message }) => message)).toContain(
      'a znode of a recipe cannot be removed',
    )
    await stage.within(1000, 'the janitor is done', () => Janitor.of(zk).pending === 0)
  })
})
