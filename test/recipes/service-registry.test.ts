import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  buildUri,
  type NewService,
  random,
  roundRobin,
  ServiceRegistry,
  sticky,
} from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

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

const web = (id: string, more: Partial<NewService> = {}): NewService => ({
  name: 'web',
  id,
  address: '10.1.0.7',
  port: 80,
  registrationTimeUTC: 1_700_000_000_000,
  ...more,
})

test('registers, finds and follows instances', async () => {
  const here = new ServiceRegistry(a.zk, '/services')
  const there = new ServiceRegistry(b.zk, '/services')
  expect([await stage.run(there.names()), await stage.run(there.instances('web'))]).toEqual([
    [],
    [],
  ])
  const view = await stage.run(there.watch('web'))
  const registration = await stage.run(here.register(web('1', { payload: { weight: 2 } })))
  expect(stage.ephemerals()).toEqual(['/services/web/1'])
  const { data } = await stage.run(b.zk.getData('/services/web/1'))
  expect(JSON.parse(new TextDecoder().decode(data))).toEqual({
    name: 'web',
    id: '1',
    address: '10.1.0.7',
    port: 80,
    sslPort: null,
    payload: { weight: 2 },
    registrationTimeUTC: 1_700_000_000_000,
    serviceType: 'DYNAMIC',
    uriSpec: null,
    enabled: true,
  })
  expect(await stage.run(there.names())).toEqual(['web'])
  expect(await stage.run(there.instances('web'))).toEqual([registration.instance])
  expect(await stage.run(there.instance('web', '1'))).toEqual(registration.instance)
  expect(await stage.run(there.instance('web', '2'))).toBeNull()
  await stage.within(1000, 'the view knows it', () => view.instances.length === 1)
  await stage.run(registration.update({ port: 81, enabled: false }))
  await stage.within(1000, 'the view knows more', () => view.instances[0]?.port === 81)
  expect(view.pick(roundRobin())).toBeNull()
  await stage.run(registration.unregister())
  await stage.within(1000, 'the view knows that it went', () => view.instances.length === 0)
  expect([view.isCurrent, view.name]).toEqual([true, 'web'])
  await stage.run(view.close())
})

test('a dynamic instance comes back after a lost session, a static one stays', async () => {
  const registry = new ServiceRegistry(a.zk, '/services')
  const dynamic = await stage.run(registry.register(web('1')))
  const fixed = await stage.run(registry.register(web('2', { serviceType: 'STATIC' })))
  stage.isolate(true, a.host)
  const there = new ServiceRegistry(b.zk, '/services')
  await stage.within(20_000, 'one is gone', () => stage.ephemerals().length === 0)
  expect((await stage.run(there.instances('web'))).map(({ id }) => id)).toEqual(['2'])
  stage.isolate(false, a.host)
  await stage.within(20_000, 'it is back', () => stage.ephemerals().length === 1)
  const again = await stage.run(there.register(web('2', { serviceType: 'STATIC', port: 90 })))
  expect((await stage.run(there.instance('web', '2')))?.port).toBe(90)
  const clash = stage.fails(there.register(web('1', { serviceType: 'PERMANENT' })))
  expect(await clash).toMatchObject({ code: 'NODE_EXISTS' })
  await stage.run(again.update({ address: null }))
  await stage.run(again.unregister())
  await stage.run(fixed.unregister())
  await stage.run(dynamic.unregister())
  expect(await stage.run(there.instances('web'))).toEqual([])
})

test('who follows is told of every change', async () => {
  const registry = new ServiceRegistry(a.zk, '/services')
  const view = await stage.run(registry.watch('web'))
  const told: number[] = []
  const reading = (async () => {
    for await (const instances of view) told.push(instances.length)
  })()
  const first = await stage.run(registry.register(web('1')))
  const second = await stage.run(registry.register(web('2')))
  await stage.run(first.unregister())
  await stage.run(second.unregister())
  await stage.runFor(100)
  await stage.run(view.close())
  await stage.run(reading)
  expect([told[0], told.includes(1), told.includes(2), told.at(-1)]).toEqual([0, true, true, 0])
})

test('what others wrote: less than we write, more, or no instance at all', async () => {
  const { zk } = a
  await stage.run(zk.ensurePath('/services/web'))
  await stage.run(zk.create('/services/web/old', '{"name":"web","id":"old","payload":"x","new":1}'))
  await stage.run(zk.create('/services/web/text', 'no JSON'))
  await stage.run(zk.create('/services/web/list', '[1]'))
  await stage.run(zk.create('/services/web/null', 'null'))
  const found = await stage.run(new ServiceRegistry(zk, '/services').instances('web'))
  expect(found).toEqual([
    {
      name: 'web',
      id: 'old',
      address: null,
      port: null,
      sslPort: null,
      payload: 'x',
      registrationTimeUTC: 0,
      serviceType: 'DYNAMIC',
      uriSpec: null,
      enabled: true,
    },
  ])
})

test('strategies', async () => {
  const registry = new ServiceRegistry(a.zk, '/services')
  const view = await stage.run(registry.watch('web'))
  const registrations = []
  for (const id of ['1', '2', '3']) {
    registrations.push(await stage.run(registry.register(web(id, { enabled: id !== '2' }))))
  }
  await stage.within(1000, 'all are known', () => view.instances.length === 3)
  const pick = (strategy: ReturnType<typeof roundRobin>, times: number): string =>
    Array.from({ length: times }, () => view.pick(strategy)?.id).join('')
  expect(pick(roundRobin(), 4)).toBe('1313')
  expect(new Set(pick(random(a.zk), 50))).toEqual(new Set(['1', '3']))
  const loyal = sticky(roundRobin())
  expect(pick(loyal, 3)).toBe('111')
  await stage.run(registrations[0]!.unregister())
  await stage.within(1000, 'one went', () => view.instances.length === 2)
  expect(pick(loyal, 3)).toBe('333')
  expect([roundRobin()([]), random(a.zk)([]), loyal([])]).toEqual([null, null, null])
  await stage.run(registrations[1]!.unregister())
  await stage.run(registrations[2]!.unregister())
  await stage.run(view.close())
})

test('URIs', async () => {
  const registry = new ServiceRegistry(a.zk, '/services')
  const part = (value: string, variable = false) => ({ value, variable })
  const uriSpec = {
    parts: [
      part('scheme', true),
      part('://'),
      part('address', true),
      part(':'),
      part('port', true),
      part('/'),
      part('zone', true),
      part('[', true),
      part('nothing', true),
    ],
  }
  const { instance, unregister } = await stage.run(
    registry.register(web('1', { uriSpec })).then((registration) => ({
      instance: registration.instance,
      unregister: () => registration.unregister(),
    })),
  )
  expect(buildUri(instance, new Map([['zone', 'b']]))).toBe('http://10.1.0.7:80/b{')
  expect(buildUri({ ...instance, sslPort: 443 })).toBe('https://10.1.0.7:80/{')
  expect(buildUri({ ...instance, uriSpec: null })).toBe('')
  await stage.run(unregister())
})

test('bad names and ended calls', async () => {
  const registry = new ServiceRegistry(a.zk, '/services')
  expect(await stage.fails(registry.register(web('a/b')))).toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
  expect(await stage.fails(registry.instances(''))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  stage.deafen(true, a.host)
  expect(await stage.fails(registry.names({ timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
  expect(await stage.fails(registry.register(web('1'), { timeoutMs: 500 }))).toMatchObject({
    code: 'TIMEOUT',
  })
  stage.deafen(false, a.host)
})

test('every request lost, dynamic and static', async () => {
  await everyLoss({
    members: 1,
    play: async (scene, [victim]) => {
      const registry = new ServiceRegistry(victim!.zk, '/services')
      const dynamic = await scene.run(registry.register(web('1')))
      const fixed = await scene.run(registry.register(web('2', { serviceType: 'STATIC' })))
      await scene.run(dynamic.update({ port: 1 }))
      await scene.run(fixed.update({ port: 2 }))
      const found = await scene.run(registry.instances('web'))
      expect(found.map(({ port }) => port).sort()).toEqual([1, 2])
      await scene.run(dynamic.unregister())
      await scene.run(fixed.unregister())
      expect(await scene.run(registry.instances('web'))).toEqual([])
    },
  })
})
