import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect as openSocket } from 'node:net'
import path from 'node:path'
import { createServer, type Server, type TlsOptions as ServerTlsOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findApache, freePort, type ServerProcess } from '../../bench/servers/index.ts'
import {
  type ConnectOptions,
  connect,
  type Logger,
  SILENT_LOGGER,
  type ZkError,
} from '../../src/client-node/index.ts'
import { discardServer, makeServer, startServer } from '../compat/clients/support/index.ts'
import { Authority } from './support/certificates.ts'

const authority = new Authority('test authority')
const stranger = new Authority('another authority')
const serverIdentity = authority.issue({
  name: 'server',
  hosts: { dns: ['localhost', 'zk.test'], ip: ['127.0.0.1'] },
})
const alice = authority.issue({ name: 'alice' })
const ca = authority.certificate
const credentials = { ca, cert: alice.certificate, key: alice.key }
const LIMIT = { timeout: 120_000 }
const PATIENCE = { connectTimeoutMs: 60_000, attemptTimeoutMs: 50_000 }

async function failure(promise: Promise<unknown>): Promise<ZkError> {
  return await promise.then(
    () => {
      throw new Error('resolved')
    },
    (error) => error,
  )
}

/** Why the first attempt fails. */
async function reason(servers: string, options: ConnectOptions): Promise<string> {
  const abort = new AbortController()
  const logger: Logger = {
    ...SILENT_LOGGER,
    debug: (_, fields) => abort.abort(new Error(String(fields?.['reason']))),
  }
  const { signal } = abort
  const error = await failure(connect(servers, { ...PATIENCE, ...options, signal, logger }))
  expect(error).toMatchObject({ code: 'ABORTED' })
  return (error.cause as Error).message
}

describe('TLS in front of a server', LIMIT, () => {
  let server: ServerProcess
  const fronts: Server[] = []

  /** Ends TLS and passes on what is inside. */
  async function front(options: ServerTlsOptions = {}): Promise<number> {
    const { certificate: cert, key } = serverIdentity
    const frontEnd = createServer({ cert, key, ...options }, (near) => {
      const far = openSocket(server.options.port, '127.0.0.1')
      for (const socket of [near, far]) {
        socket.on('error', () => {})
        socket.on('close', () => {
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far).pipe(near)
    })
    frontEnd.on('tlsClientError', () => {})
    frontEnd.listen(0, '127.0.0.1')
    await once(frontEnd, 'listening')
    fronts.push(frontEnd)
    return (frontEnd.address() as { port: number }).port
  }

  beforeAll(async () => {
    server = await startServer({ kind: 'zabkeeper' })
  })

  afterAll(async () => {
    for (const frontEnd of fronts) frontEnd.close()
    await discardServer(server)
  })

  test('carries the client, large values too', async () => {
    const zk = await connect(`localhost:${await front()}`, { tls: { ca } })
    const data = Buffer.alloc(900_000, 7)
    await zk.create('/large', data)
    expect(data.equals((await zk.getData('/large')).data)).toBe(true)
    await Promise.all(Array.from({ length: 500 }, () => zk.setData('/large', 'x')))
    expect((await zk.exists('/large'))?.version).toBe(500)
    await zk.delete('/large')
    await zk.close()
  })

  test('compares the certificate with name, address or `servername`', async () => {
    const port = await front()
    for (const [host, tls] of [
      ['127.0.0.1', { ca }],
      ['localhost', { ca, servername: 'zk.test' }],
      ['localhost', () => ({ ca })],
    ] as const) {
      const zk = await connect(`${host}:${port}`, { tls })
      await zk.sync()
      await zk.close()
    }
    const wrong = { tls: { ca, servername: 'other.test' } }
    expect(await reason(`localhost:${port}`, wrong)).toContain('other.test')
  })

  test('trusts nobody it was not told to', async () => {
    const port = await front()
    for (const tls of [true, { ca: stranger.certificate }] as const) {
      expect(await reason(`localhost:${port}`, { tls })).toMatch(/certificate/)
    }
  })

  test('shows the certificate that a server asks for', async () => {
    const port = await front({ ca, requestCert: true, rejectUnauthorized: true })
    const zk = await connect(`localhost:${port}`, { tls: credentials })
    await zk.sync()
    await zk.close()
    expect(await reason(`localhost:${port}`, { tls: { ca } })).toMatch(/certificate|closed|reset/i)
  })

  test('says what is wrong when the other side does not speak it', async () => {
    expect(await reason(server.address, { tls: { ca } })).toMatch(/TLS|SSL|closed|reset/i)
    expect(await reason(`localhost:${await front()}`, {})).toMatch(/closed|reset|frame/i)
  })

  test('reads keys and certificates before it connects', async () => {
    for (const tls of [{ ...credentials, key: 'no key' }, { minVersion: 'SSLv9' }, 'yes', null]) {
      const error = await failure(connect('localhost:1', { tls: tls as never }))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', op: 'connect' })
      expect(error.message).toContain('tls')
    }
  })

  test('tells of a function that has no options to give', async () => {
    const tls = (): never => {
      throw new Error('the file is gone')
    }
    const error = await failure(connect('localhost:1', { connectTimeoutMs: 300, tls }))
    expect(error.message).toContain('the file is gone')
  })
})

const apache = findApache('3.8')
/** Debian's package names only some of the jars that TLS needs. */
const NETTY = ['netty-all', 'netty-codec', 'netty-handler', 'netty-resolver'].map(
  (name) => `/usr/share/java/${name}.jar`,
)

describe.skipIf(apache === null)('the secure port of Apache ZooKeeper 3.8', LIMIT, () => {
  let server: ServerProcess
  let address: string

  beforeAll(async () => {
    const port = await freePort()
    address = `localhost:${port}`
    const { options } = await makeServer({ kind: 'apache-3.8' })
    const { folder } = options
    const keyStore = path.join(folder, 'server.pem')
    const trustStore = path.join(folder, 'authority.pem')
    server = await makeServer({
      ...options,
      apache: { ...apache!, classPath: `${apache!.classPath}:${NETTY.join(':')}` },
      config: [
        `secureClientPort=${port}`,
        'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
        `ssl.keyStore.location=${keyStore}`,
        `ssl.trustStore.location=${trustStore}`,
        'authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider',
      ],
    })
    mkdirSync(folder, { recursive: true })
    writeFileSync(keyStore, serverIdentity.key + serverIdentity.certificate)
    writeFileSync(trustStore, ca)
    await server.start()
  })

  afterAll(async () => {
    await discardServer(server)
  })

  test('takes the client for whom its certificate says', async () => {
    const zk = await connect(address, { ...PATIENCE, tls: credentials })
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'x509', id: 'CN=alice' })
    await zk.create('/mine', 'x', { acl: [{ perms: 31, scheme: 'x509', id: 'CN=alice' }] })
    expect((await zk.getData('/mine')).stat.version).toBe(0)
    const plain = await connect(server.address)
    expect(await failure(plain.getData('/mine'))).toMatchObject({ code: 'NO_AUTH' })
    await plain.close()
    await zk.close()
  })

  test('refuses a client without one', async () => {
    expect(await reason(address, { tls: { ca } })).toMatch(/certificate|closed|reset/i)
  })
})
