import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findApache, type ServerProcess } from '../../bench/servers/index.ts'
import {
  connect,
  connectIn,
  digestMd5,
  type SaslMechanism,
  type ZkError,
} from '../../src/client-node/index.ts'
import { discardServer, makeServer } from '../compat/clients/support/index.ts'
import { ClientStage } from './support/client-stage.ts'

async function failure(promise: Promise<unknown>): Promise<ZkError> {
  return await promise.then(
    () => {
      throw new Error('resolved')
    },
    (error) => error,
  )
}

describe('a mechanism', () => {
  let stage: ClientStage
  let heard: (string | null)[]

  beforeEach(() => {
    stage = new ClientStage()
    heard = []
  })

  afterEach(async () => {
    await stage.close()
  })

  /** Says `words`, one after the other. The server answers nothing to each of them. */
  function saying(...words: readonly string[]): SaslMechanism {
    return {
      name: 'WORDS',
      begin: () => {
        const left = [...words]
        return {
          answer: async (challenge) => {
            heard.push(challenge === null ? null : Buffer.from(challenge).toString())
            const word = left.shift()
            if (word === 'fail') throw new Error('no ticket')
            const token = word === undefined ? null : Buffer.from(word)
            return { token, isDone: token === null || word === 'last' }
          },
        }
      },
    }
  }

  test('speaks first on every connection, before watches and calls', async () => {
    const zk = await stage.connect({ sasl: saying('a', 'b') })
    expect(heard).toEqual([null, '', ''])
    const watch = await stage.run(zk.watch('/'))
    stage.breakConnections()
    await stage.run(zk.exists('/a'))
    expect(heard).toEqual([null, '', '', null, '', ''])
    expect((await stage.run(watch.next())).value?.type).toBe('gap')
  })

  test('may end with a word of its own', async () => {
    const zk = await stage.connect({ sasl: saying('last') })
    expect(heard).toEqual([null])
    await stage.run(zk.sync())
  })

  test('may have nothing to say', async () => {
    await stage.connect({ sasl: saying() })
    expect(heard).toEqual([null])
  })

  test('that fails costs the attempt, and the reason is told', async () => {
    const options = { sasl: saying('a', 'fail'), connectTimeoutMs: 1000 }
    const error = await stage.fails(stage.connect(options))
    expect(error).toMatchObject({ code: 'CONNECT_FAILED' })
    expect(error.message).toContain('SASL WORDS: no ticket')
    expect(heard.length).toBeGreaterThan(2)
  })

  test('that never answers is bounded by the attempt', async () => {
    const sasl: SaslMechanism = {
      name: 'SILENT',
      begin: () => ({ answer: () => new Promise(() => {}) }),
    }
    const beganMs = stage.nowMs
    const options = { sasl, attemptTimeoutMs: 500, connectTimeoutMs: 2000 }
    const connecting = connectIn(stage.env, '10.0.0.1:2181', options)
    expect(await stage.fails(connecting)).toMatchObject({ code: 'CONNECT_FAILED' })
    expect(stage.nowMs - beganMs).toBeLessThan(2100)
  })

  test('is checked', async () => {
    const error = await stage.fails(stage.connect({ sasl: { name: 'x' } as never }))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('DIGEST-MD5', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text)
  const CHALLENGE =
    'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8'

  test('does not answer what it does not know', () => {
    for (const text of ['', 'nonce="x"', 'nonce="x",algorithm=md5-sess,qop="auth-conf"']) {
      const exchange = digestMd5({ username: 'u', password: 'p' }).begin({ host: 'a', port: 1 })
      expect(exchange.answer(null)).toMatchObject({ isDone: false })
      expect(() => exchange.answer(bytes(text))).toThrow()
    }
  })

  test('wants the server to know the password, too', () => {
    const exchange = digestMd5({ username: 'u', password: 'p' }).begin({ host: 'a', port: 1 })
    exchange.answer(null)
    exchange.answer(bytes(CHALLENGE))
    expect(() => exchange.answer(bytes(`rspauth=${'0'.repeat(32)}`))).toThrow('password')
    expect(() => exchange.answer(bytes(''))).toThrow('password')
  })
})

// A JVM is started twice.
const LIMIT = { timeout: 120_000 }

describe.skipIf(findApache('3.8') === null)('Apache ZooKeeper 3.8 with SASL', LIMIT, () => {
  let server: ServerProcess

  beforeAll(async () => {
    const { options } = await makeServer({ kind: 'apache-3.8' })
    const { folder } = options
    const jaas = path.join(folder, 'jaas.conf')
    server = await makeServer({
      ...options,
      config: [
        'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
        'sessionRequireClientSASLAuth=true',
      ],
      runtimeArguments: [`-Djava.security.auth.login.config=${jaas}`],
    })
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      jaas,
      `Server {
         org.apache.zookeeper.server.auth.DigestLoginModule required
         user_bob="bob's secret" user_jos\u00e9="sesi\u00f3n" user_eva="10 \u20ac";
       };`,
    )
    await server.start()
  })

  afterAll(async () => {
    await discardServer(server)
  })

  test('lets in who knows the password', async () => {
    const zk = await connect(server.address, {
      sasl: digestMd5({ username: 'bob', password: "bob's secret" }),
      sessionTimeoutMs: 40_000,
    })
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'sasl', id: 'bob' })
    await zk.create('/bob', 'x', { acl: [{ perms: 31, scheme: 'sasl', id: 'bob' }] })
    await server.kill()
    await server.start()
    expect((await zk.getData('/bob')).stat.version).toBe(0)
    await zk.close()
  })

  test.each([
    ['jos\u00e9', 'sesi\u00f3n'],
    ['eva', '10 \u20ac'],
  ])('whatever letters they use: %s', async (username, password) => {
    const zk = await connect(server.address, { sasl: digestMd5({ username, password }) })
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'sasl', id: username })
    await zk.close()
  })

  test('and nobody else', async () => {
    const sasl = digestMd5({ username: 'bob', password: 'guess' })
    const error = await failure(connect(server.address, { sasl }))
    expect(error).toMatchObject({ code: 'AUTH_FAILED' })
    expect(error.message).toContain('DIGEST-MD5')
  })
})
