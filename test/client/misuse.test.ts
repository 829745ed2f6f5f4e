import { afterEach, beforeEach, expect, test } from 'vitest'
import { serverError } from '../../src/client/errors.ts'
import {
  type ClientEnvironment,
  type ClientOptions,
  type Credentials,
  connectIn,
  ZkError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { connect } from '../../src/client-node/index.ts'
import { startTestServer } from '../../src/testing/index.ts'
import { ErrorCode } from '../../src/wire/index.ts'
import { ClientStage } from './support/client-stage.ts'

let stage: ClientStage
let zk: ZooKeeper

beforeEach(async () => {
  stage = new ClientStage()
  zk = await stage.connect()
})

afterEach(async () => {
  await stage.close()
})

/** What no TypeScript program passes, and a JavaScript program does. */
const junk = (value: unknown): never => value as never

test.each<[string, Credentials]>([
  ['a password that is not set', { scheme: 'digest', credentials: junk(undefined) }],
  ['a number', { scheme: 'digest', credentials: junk(5) }],
  ['no scheme', { scheme: '', credentials: 'u:p' }],
  ['a scheme that is none', { scheme: junk(null), credentials: 'u:p' }],
])('credentials with %s are refused, and the client lives', async (_, credentials) => {
  const refusal = { code: 'INVALID_ARGUMENT', outcome: 'not-applied' }
  const added = zk.addAuth(credentials.scheme, credentials.credentials)
  expect(await stage.fails(added)).toMatchObject({ ...refusal, op: 'addAuth' })
  const connecting = stage.connect({ auth: [credentials] })
  expect(await stage.fails(connecting)).toMatchObject({ ...refusal, op: 'connect' })
  await stage.run(zk.sync())
  stage.breakConnections()
  await stage.run(zk.sync())
})

test('the credentials themselves are in no message', async () => {
  const error = await stage.fails(zk.addAuth('digest', junk(['u:secret'])))
  expect(error.message).not.toContain('secret')
})

test('auth that is no list is refused', async () => {
  const options: ClientOptions = { auth: junk({ scheme: 'digest', credentials: 'u:p' }) }
  expect((await stage.fails(stage.connect(options))).message).toBe('option auth is no list')
})

test('a reconfiguration that cannot be encoded is refused, and the client lives', async () => {
  for (const change of [{ joining: 5 }, { leaving: {} }, { members: null }, { fromConfig: 5 }]) {
    expect(await stage.fails(zk.reconfig(junk(change)))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      op: 'reconfig',
    })
  }
  await stage.run(zk.sync())
})

test('a request that fails while it is encoded fails alone', async () => {
  const acl = [
    {
      perms: 31,
      scheme: 'world',
      // Good when it is checked, and not when it is encoded.
      get id() {
        checks += 1
        return checks === 1 ? 'anyone' : junk(undefined)
      },
    },
  ]
  let checks = 0
  const [before, failed, after] = await stage.run(
    Promise.allSettled([zk.create('/a'), zk.setAcl('/', junk(acl)), zk.create('/b')]),
  )
  expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled'])
  const { reason } = failed as PromiseRejectedResult
  expect(reason).toBeInstanceOf(ZkError)
  expect(reason).toMatchObject({ code: 'INVALID_ARGUMENT', outcome: 'not-applied' })
})

test('a path that is no text at all is named in the error', async () => {
  for (const path of [5n, Symbol('x'), null, {}]) {
    const error = await stage.fails(zk.create(junk(path), '', { mode: 'ephemeral-sequential' }))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', path: null })
    expect(error.message).toBe(`create: path ${String(path)} is no string`)
  }
})

test('a logger and an observer that throw do not stop the client', async () => {
  const fails = (): never => {
    throw new Error('not my day')
  }
  const env: Partial<ClientEnvironment> = {
    logger: { debug: fails, info: fails, warn: fails, error: fails },
    observer: {
      wantsRequests: false,
      request: (_, run) => run(),
      state: fails,
      connectionEnd: fails,
      watchEvent: fails,
    },
  }
  const world = Object.assign(Object.create(stage.env), env) as ClientEnvironment
  const client = await stage.run(connectIn(world, '10.0.0.1:2181', { sessionTimeoutMs: 6000 }))
  const { watch } = await stage.run(client.exists('/a', { watch: true }))
  stage.breakConnections()
  await stage.run(client.sync())
  await stage.run(client.create('/a'))
  expect((await stage.run(watch.fired)).type).toBe('created')
  await stage.run(client.close())
})

test('fields of the log can become JSON', async () => {
  const server = await startTestServer()
  const lines: string[] = []
  const write = (message: string, fields?: object): void => {
    lines.push(JSON.stringify({ message, ...fields }))
  }
  const logger = { debug: write, info: write, warn: write, error: write }
  const client = await connect(server.connectionString, { logger })
  await client.close()
  await server.close()
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(
    expect.arrayContaining(['client is connected', 'client is closed']),
  )
  const first = lines.find((line) => line.includes('client is connected'))!
  expect(JSON.parse(first).session).toMatch(/^0x[0-9a-f]+$/)
})

test.each([
  [ErrorCode.ephemeralOnLocalSession, 'EPHEMERAL_ON_LOCAL_SESSION'],
  [ErrorCode.sessionClosedRequireSaslAuth, 'AUTH_FAILED'],
])('error %i of a server means that nothing was done', (serverCode, code) => {
  const error = serverError(serverCode, { op: 'create', path: '/a', outcome: 'unknown' })
  expect(error).toMatchObject({ code, outcome: 'not-applied', retryable: false })
})
