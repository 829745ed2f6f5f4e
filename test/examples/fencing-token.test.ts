import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { type Program, skipWithout } from '../compat/clients/support/index.ts'
import { readText } from '../tidy/source-files.ts'
import { startExample } from './support/example.ts'
import { Postgres, postgres } from './support/postgres.ts'

const programs = await postgres()

describe.skipIf(skipWithout(programs))('fencing-token', { timeout: 120_000 }, () => {
  let database: Postgres
  let server: TestServer
  const writers: Program[] = []

  beforeAll(async () => {
    database = await Postgres.start(programs.found!)
  }, 60_000)

  afterAll(async () => {
    await database.discard()
  })

  beforeEach(async () => {
    server = await startTestServer()
    await database.query(
      `DROP TABLE IF EXISTS report; ${readText('examples/fencing-token/schema.sql')}`,
    )
  })

  afterEach(async () => {
    for (const writer of writers.splice(0)) writer.kill()
    await server.close()
  })

  function start(name: string, env: Record<string, string>): Program {
    const all = { ZOOKEEPER: server.connectionString, ...database.env, ...env }
    const writer = startExample('fencing-token/writer.js', [name], all)
    writers.push(writer)
    return writer
  }

  /**
   * A decides to write and stands still, as a process may; its session ends, B gets the lock and writes; A goes on.
   * Returns what A says of its write.
   */
  async function writeLate(env: Record<string, string>): Promise<string> {
    const a = start('a', env)
    await a.waitFor('a holds the lock')
    const { id } = server.sessions.find(({ ephemerals }) => ephemerals.length === 1)!
    const b = start('b', env)
    a.writeLine('begin from a')
    await a.waitFor('a is going to write')
    a.signal('SIGSTOP')
    await server.expireSession(id)

    await b.waitFor('b holds the lock')
    b.writeLine('begin from b')
    b.writeLine('commit')
    await b.waitFor('b has written')

    a.writeLine('commit')
    a.signal('SIGCONT')
    await a.waitFor(/a (has written|is refused)/)
    b.writeLine('release')
    expect((await b.finished()).code).toBe(0)
    return /a (has written|is refused)/.exec(a.output)![1]!
  }

  test('the table refuses the writer whose time is over', async () => {
    expect(await writeLate({})).toBe('is refused')
    const [row] = await database.query('SELECT body, token > 0 FROM report')
    expect(row).toBe('from b|t')
  })

  test('without the token the stale write comes through', async () => {
    expect(await writeLate({ FENCING: 'off' })).toBe('has written')
    expect(await database.query('SELECT body FROM report')).toEqual(['from a'])
  })

  test('one holder may write often, and the next after it', async () => {
    for (const name of ['a', 'b']) {
      const writer = start(name, {})
      for (const text of ["it's one", 'two']) {
        writer.writeLine(`begin ${text}`)
        writer.writeLine('commit')
      }
      writer.writeLine('release')
      const { code, output } = await writer.finished()
      expect(output.match(/has written/g)?.length, output).toBe(2)
      expect(code).toBe(0)
    }
    expect(await database.query('SELECT body FROM report')).toEqual(['two'])
  })
})
