import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  digestAcl,
  NodeExistsError,
  NoNodeError,
  READ_ACL,
  TransactionError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { ClientStage } from './support/client-stage.ts'

let stage: ClientStage
let zk: ZooKeeper

beforeEach(async () => {
  stage = new ClientStage({ config: { extendedTypes: true } })
  zk = await stage.connect()
})

afterEach(async () => {
  await stage.close()
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('every operation', () => {
  test('create, read, change, delete', async () => {
    const created = await stage.run(zk.create('/a', 'one'))
    expect(created).toMatchObject({ path: '/a', stat: { version: 0, dataLength: 3 } })
    expect(typeof created.stat.czxid).toBe('bigint')
    expect(created.stat.ctime).toBeGreaterThan(0n)
    const read = await stage.run(zk.getData('/a'))
    expect(text(read.data)).toBe('one')
    expect(read.stat).toEqual(created.stat)
    const changed = await stage.run(zk.setData('/a', new Uint8Array([0, 255]), 0))
    expect(changed.version).toBe(1)
    expect((await stage.run(zk.getData('/a'))).data).toEqual(Buffer.from([0, 255]))
    await stage.run(zk.delete('/a', 1))
    expect(await stage.run(zk.exists('/a'))).toBeNull()
  })

  test('modes of create', async () => {
    await stage.run(zk.create('/q', ''))
    const first = await stage.run(zk.create('/q/n-', '', { mode: 'ephemeral-sequential' }))
    expect(first.path).toBe('/q/n-0000000000')
    expect(first.stat.ephemeralOwner).toBe(zk.session?.id)
    const second = await stage.run(zk.create('/q/', '', { mode: 'persistent-sequential' }))
    expect(second.path).toBe('/q/0000000001')
    await stage.run(zk.create('/c', '', { mode: 'container' }))
    await stage.run(zk.create('/t', '', { ttlMs: 1000 }))
    expect(await stage.run(zk.getEphemerals())).toEqual(['/q/n-0000000000'])
    expect((await stage.run(zk.getChildren('/q'))).children.length).toBe(2)
    expect(await stage.run(zk.getAllChildrenNumber('/q'))).toBe(2)
  })

  test('ensurePath', async () => {
    await stage.run(zk.ensurePath('/x/y/z'))
    await stage.run(zk.ensurePath('/x/y/z'))
    expect(await stage.run(zk.exists('/x/y/z'))).not.toBeNull()
  })

  test('ACLs and identities', async () => {
    await stage.run(zk.create('/s', 'secret', { acl: [digestAcl('u', 'p')] }))
    expect(await stage.fails(zk.getData('/s'))).toMatchObject({ code: 'NO_AUTH' })
    await stage.run(zk.addAuth('digest', 'u:p'))
    expect(text((await stage.run(zk.getData('/s'))).data)).toBe('secret')
    expect(await stage.run(zk.whoAmI())).toContainEqual({ scheme: 'digest', id: 'u' })
    await stage.run(zk.setAcl('/s', READ_ACL))
    expect((await stage.run(zk.getAcl('/s'))).acl).toEqual(READ_ACL)
    await stage.run(zk.sync())
    expect((await stage.run(zk.getConfig())).stat.aversion).toBe(-1)
  })

  test('a transaction is applied as a whole', async () => {
    const [created, stat, deleted, checked] = await stage.run(
      zk.transaction().create('/a', '1').setData('/a', '2').delete('/a', 1).check('/').commit(),
    )
    expect(created.path).toBe('/a')
    expect(created.stat?.version).toBe(0)
    expect(stat.version).toBe(1)
    expect([deleted, checked]).toEqual([null, null])
  })

  test('or not at all', async () => {
    const error = await stage.fails(
      zk.transaction().create('/a').delete('/missing').check('/').commit(),
    )
    expect(error).toBeInstanceOf(TransactionError)
    expect(error).toMatchObject({ index: 1, path: '/missing', outcome: 'not-applied' })
    expect(error.cause).toBeInstanceOf(NoNodeError)
    expect(await stage.run(zk.exists('/a'))).toBeNull()
  })

  test('several reads at once', async () => {
    await stage.run(zk.create('/a', 'x'))
    const [data, children, missing] = await stage.run(
      zk.multiRead().getData('/a').getChildren('/').getData('/b').run(),
    )
    expect(data.ok && text(data.value.data)).toBe('x')
    expect(children.ok && children.value.children).toContain('a')
    expect(missing).toMatchObject({ ok: false, error: { code: 'NO_NODE', path: '/b' } })
  })
})

describe('errors', () => {
  test('of a server name the operation, the path and what became of it', async () => {
    const error = await stage.fails(zk.delete('/a'))
    expect(error).toBeInstanceOf(NoNodeError)
    expect(error).toMatchObject({
      code: 'NO_NODE',
      op: 'delete',
      path: '/a',
      outcome: 'not-applied',
      retryable: false,
      message: 'delete /a: no such znode',
    })
    expect(error.zxid).toBeGreaterThan(0n)
    await stage.run(zk.create('/a'))
    expect(await stage.fails(zk.create('/a'))).toBeInstanceOf(NodeExistsError)
    expect(await stage.fails(zk.setData('/a', '', 7))).toMatchObject({ code: 'BAD_VERSION' })
    expect(await stage.fails(zk.delete('/zookeeper'))).toMatchObject({ code: 'BAD_ARGUMENTS' })
  })

  test.each(['', 'a', '/a/', '//a', '/./a', '/a/..', '/a\0', '/\ud800'])(
    'path %j is refused before anything is sent',
    async (path) => {
      const before = zk.watchCount
      for (const call of [
        () => zk.create(path),
        () => zk.getData(path),
        () => zk.exists(path, { watch: true }),
        () => zk.watch(path),
        () => zk.delete(path),
      ]) {
        expect(await stage.fails(call())).toMatchObject({ code: 'INVALID_ARGUMENT', path })
      }
      expect(zk.watchCount).toBe(before)
    },
  )

  test('of arguments', async () => {
    const wrong = { code: 'INVALID_ARGUMENT', outcome: 'not-applied' }
    expect(await stage.fails(zk.create('/a', '', { acl: [] }))).toMatchObject(wrong)
    expect(await stage.fails(zk.create('/a', 7 as never))).toMatchObject(wrong)
    expect(await stage.fails(zk.create('/a', '', { mode: 'x' as never }))).toMatchObject(wrong)
    expect(await stage.fails(zk.setData('/a', '', 2 ** 40))).toMatchObject(wrong)
    expect(await stage.fails(zk.getData('/a', { timeoutMs: 0 }))).toMatchObject(wrong)
    const large = new Uint8Array(1024 * 1024)
    expect(await stage.fails(zk.create('/a', large))).toMatchObject(wrong)
    expect(zk.state).toBe('connected')
  })
})

test('a chroot hides the rest of the tree', async () => {
  await stage.run(zk.create('/app'))
  const inner = await stage.connect({}, '/app')
  expect((await stage.run(inner.create('/a', 'x', { mode: 'ephemeral' }))).path).toBe('/a')
  expect(await stage.run(zk.exists('/app/a'))).not.toBeNull()
  expect((await stage.run(inner.getChildren('/'))).children).toEqual(['a'])
  expect(await stage.run(inner.getEphemerals())).toEqual(['/a'])
  const numbered = await stage.run(inner.create('/', '', { mode: 'persistent-sequential' }))
  expect(numbered.path).toBe('/0000000001')
  const watch = await stage.run(inner.watch('/', { recursive: true }))
  const [created] = await stage.run(inner.transaction().create('/b').commit())
  expect(created.path).toBe('/b')
  expect((await stage.run(watch.next())).value).toMatchObject({ type: 'created', path: '/b' })
})

test('calls are answered in their order, however many there are', async () => {
  await stage.run(zk.create('/n', ''))
  const order: number[] = []
  const writes = Array.from({ length: 1000 }, (_, index) =>
    zk.setData('/n', String(index)).then(({ version }) => order.push(version)),
  )
  await stage.run(Promise.all(writes))
  expect(order).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
})
