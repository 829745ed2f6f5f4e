import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type ClientEnvironment,
  connectIn,
  parseConnectionString,
  type SrvRecord,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { ServerList } from '../../src/client/server-list.ts'
import { connect } from '../../src/client-node/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { ClientStage } from './support/client-stage.ts'

const NAME = '_zookeeper._tcp.example.org'
const GOOD: SrvRecord = { host: '10.0.0.1', port: 2181, priority: 0, weight: 0 }
const BAD: SrvRecord = { host: '10.0.0.9', port: 2181, priority: 0, weight: 0 }

describe('a connection string', () => {
  test('may have the name of SRV records', () => {
    expect(parseConnectionString(`srv:${NAME}/app`)).toEqual({ servers: NAME, chroot: '/app' })
    for (const text of ['srv:', 'srv:/a', 'srv:a b.c', 'srv:a.b,c.d', 'srv:a.b:2181']) {
      expect(() => parseConnectionString(text)).toThrow(text)
    }
    // It is not the path that is wrong.
    expect(() => parseConnectionString('http://zk1:2181')).toThrow('has no host:port in "http:"')
  })
})

describe('names of SRV records', () => {
  let stage: ClientStage
  let zk: ZooKeeper | null
  let answers: (readonly SrvRecord[] | Error)[]
  let lookups: string[]
  let env: ClientEnvironment

  beforeEach(() => {
    stage = new ClientStage()
    zk = null
    lookups = []
    const resolveSrv = async (name: string): Promise<readonly SrvRecord[]> => {
      lookups.push(name)
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!
      if (answer instanceof Error) throw answer
      return answer
    }
    env = Object.assign(Object.create(stage.env), { resolveSrv }) as ClientEnvironment
  })

  afterEach(async () => {
    if (zk !== null) await stage.run(zk.close())
    await stage.close()
  })

  async function connected(...results: (readonly SrvRecord[] | Error)[]): Promise<ZooKeeper> {
    answers = results
    const options = { attemptTimeoutMs: 1000, sessionTimeoutMs: 6000 }
    zk = await stage.run(connectIn(env, `srv:${NAME}/app`, options))
    return zk
  }

  test('lead to servers', async () => {
    const client = await connected([GOOD])
    await stage.run(client.ensurePath('/'))
    expect(lookups).toEqual([NAME])
  })

  test('are looked up anew after a round, and when a server has gone', async () => {
    const client = await connected([BAD], [GOOD])
    expect(lookups).toHaveLength(2)
    await stage.run(client.sync())
    stage.breakConnections()
    await stage.run(client.exists('/'))
    expect(lookups).toHaveLength(3)
  })

  test('may be unknown for a while', async () => {
    await connected(new Error('SERVFAIL'), [], [GOOD])
    expect(lookups).toHaveLength(3)
  })

  test('are not needed to come back to servers that were found', async () => {
    const client = await connected([GOOD], new Error('SERVFAIL'))
    await stage.run(client.sync())
    stage.breakConnections()
    await stage.run(client.exists('/'))
    expect(client.state).toBe('connected')
    expect(lookups.length).toBeGreaterThan(1)
  })

  test('that lead nowhere are named in the error', async () => {
    answers = [new Error('ENOTFOUND')]
    const connecting = connectIn(env, `srv:${NAME}`, { connectTimeoutMs: 500 })
    const error = await stage.fails(connecting)
    expect(error).toMatchObject({ code: 'CONNECT_FAILED' })
    expect(error.message).toBe(`cannot connect: ${NAME}: cannot be looked up: ENOTFOUND`)
  })

  test('need something that looks them up', async () => {
    const error = await stage.fails(connectIn(stage.env, `srv:${NAME}`))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test('all servers of a priority come before the next, heavier ones first as a rule', () => {
  const record = (host: string, priority: number, weight: number): SrvRecord => {
    return { host, port: 1, priority, weight }
  }
  const records = [record('c', 2, 9), record('a', 1, 90), record('b', 1, 10), record('d', 1, 0)]
  const random = new SimRandom(1)
  const first = new Map<string, number>()
  for (let round = 0; round < 1000; round++) {
    const list = new ServerList(NAME, random, 1000)
    expect(list.nameToLookUp).toBe(NAME)
    list.replace(records)
    const order = Array.from({ length: 4 }, () => list.next().host)
    expect([...order].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(order[3]).toBe('c')
    first.set(order[0]!, (first.get(order[0]!) ?? 0) + 1)
  }
  expect(first.get('a')).toBeGreaterThan(850)
  expect(first.get('b')).toBeGreaterThan(50)
})

test('Node looks names up', async () => {
  const connecting = connect('srv:_zookeeper._tcp.no-such-host.invalid', { connectTimeoutMs: 2000 })
  await expect(connecting).rejects.toThrow(/cannot be looked up|does not answer/)
})
