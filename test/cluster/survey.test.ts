import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { clientNetwork } from '../../src/client-node/network/index.ts'
import {
  ClusterError,
  judgeHealth,
  listMembers,
  probeAll,
  problemsOf,
  type SurveyOptions,
  survey,
} from '../../src/cluster/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import {
  confOf,
  FOLLOWER_SRVR,
  LEADER_MNTR,
  LEADER_SRVR,
  NOT_SERVING,
  OBSERVER_SRVR,
  READ_ONLY_SRVR,
} from './support/texts.ts'
import { WordServer } from './support/word-server.ts'

const TIMEOUT_MS = 20_000

function options(servers: string, more: Partial<SurveyOptions> = {}): SurveyOptions {
  const reach = { network: clientNetwork, timeoutMs: TIMEOUT_MS }
  return { servers, reach, connection: {}, isWhole: false, list: null, ...more }
}

const started: WordServer[] = []

async function wordServer(answers: Readonly<Record<string, string>>): Promise<WordServer> {
  const server = await WordServer.start(answers)
  started.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()))
})

describe("Apache's servers", () => {
  /** Three of them that list each other, the second leads. */
  async function startThree(): Promise<readonly WordServer[]> {
    const servers = await Promise.all(
      [FOLLOWER_SRVR, LEADER_SRVR, OBSERVER_SRVR].map((srvr) => wordServer({ srvr })),
    )
    const lines = servers.map(({ port }, index) => {
      const role = index === 2 ? 'observer' : 'participant'
      return `server.${index + 1}=127.0.0.1:${100 + index}:${200 + index}:${role};127.0.0.1:${port}`
    })
    for (const [index, server] of servers.entries()) {
      server.answers.set('conf', confOf(index + 1, server.port, lines))
    }
    servers[1]!.answers.set('mntr', LEADER_MNTR)
    return servers
  }

  test('are found from one of them, and each says what its whitelist lets it', async () => {
    const [first] = await startThree()
    const found = await survey(options(first!.address, { isWhole: true }))
    expect(problemsOf(found)).toEqual([])
    const shown = found.servers.map(({ id, role, state, version, lag, uptimeMs }) => ({
      ...{ id, role, state, version, lag, uptimeMs },
    }))
    const voter = { role: 'participant' }
    expect(shown).toEqual([
      { id: 1, ...voter, state: 'follower', version: '3.9.3', lag: 1, uptimeMs: null },
      { id: 2, ...voter, state: 'leader', version: '3.8.0', lag: null, uptimeMs: 187_504 },
      { id: 3, role: 'observer', state: 'observer', version: '3.9.3', lag: 1, uptimeMs: null },
    ])
    expect(found.quorum).toEqual({ voters: 2, servingVoters: 2, isThere: true, spare: 0 })
  })

  test('are found by the next one when the first does not tell', async () => {
    const [, second, third] = await startThree()
    const silent = await wordServer({ srvr: NOT_SERVING, conf: NOT_SERVING })
    second!.answers.delete('conf')
    const servers = `${silent.address},${second!.address},${third!.address}`
    const members = await listMembers(options(servers))
    expect(members.map(({ id, client, report }) => [id, client.port, report.state])).toEqual([
      [1, started[0]!.port, 'follower'],
      [2, second!.port, 'leader'],
      [3, third!.port, 'observer'],
    ])
  })

  test('that answer srvr only are shown all the same', async () => {
    const server = await wordServer({ srvr: FOLLOWER_SRVR })
    const [row] = (await survey(options(server.address))).servers
    expect(row).toMatchObject({ state: 'follower', znodes: 22, id: null, uptimeMs: null })
  })

  test('that answer stat in place of srvr are asked with that', async () => {
    const stat = FOLLOWER_SRVR.replace('\n', '\nClients:\n /127.0.0.1:1[1](queued=0,recved=1)\n\n')
    const server = await wordServer({ stat })
    expect((await survey(options(server.address))).servers[0]!.state).toBe('follower')
  })
})

describe('a server that is not well', () => {
  test.each<[string, Readonly<Record<string, string>>, string, RegExp]>([
    ['has no leader', { srvr: NOT_SERVING }, 'not serving', /no leader/],
    ['serves reads only', { srvr: READ_ONLY_SRVR }, 'read-only', /lost the others/],
    ['refuses every word', {}, 'unknown', /whitelist/],
    ['is a web server', { srvr: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, 'unknown', /no ZooKeeper/],
    ['says nothing', { srvr: '' }, 'unknown', /without a word/],
    [
      'is of another kind',
      { srvr: FOLLOWER_SRVR.replace(/Mode: .*/, 'Mode: new') },
      'unknown',
      /new/,
    ],
  ])('because it %s', async (_, answers, state, reason) => {
    const server = await wordServer(answers)
    const found = await survey(options(server.address))
    expect(found.servers[0]!.state).toBe(state)
    expect(found.servers[0]!.reason).toMatch(reason)
    expect(found.serverProblems).toHaveLength(1)
    expect(judgeHealth(found, null, 'all').isHealthy).toBe(false)
  })

  test('because nothing listens there', async () => {
    const server = await wordServer({})
    await server.close()
    const found = await survey(options(server.address))
    expect(found.servers[0]).toMatchObject({ state: 'unreachable', reason: /refused/ })
  })

  test('because it keeps silent', async () => {
    const silent = await WordServer.start({})
    const reach = { network: { connect: () => {} }, timeoutMs: 20 }
    const found = await survey(options(silent.address, { reach }))
    await silent.close()
    expect(found.servers[0]).toMatchObject({
      state: 'unreachable',
      reason: 'no answer within 20 ms',
    })
  })

  test('and nobody tells who the others are', async () => {
    const server = await wordServer({ srvr: NOT_SERVING, conf: NOT_SERVING })
    // The words have to be answered within it, and a session is waited for to its end.
    const reach = { network: clientNetwork, timeoutMs: 3000 }
    const asking = listMembers(options(server.address, { reach }))
    await expect(asking).rejects.toThrow(ClusterError)
    await expect(asking).rejects.toThrow(/it has no leader.*whitelist.*--servers.*--config/)
  })
})

describe('our servers', () => {
  let servers: TestServer

  beforeAll(async () => {
    servers = await startTestServer({ servers: 3 })
  })
  afterAll(async () => {
    await servers.close()
  })

  test('are well, take a write through each of them, and keep nothing of it', async () => {
    const asked = options(servers.connectionString)
    const found = await survey(asked)
    expect(problemsOf(found)).toEqual([])
    expect(found.servers.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(found.leader?.id).toBe(servers.leader!.id)
    const probes = await probeAll(found, asked, '/probe-')
    expect(judgeHealth(found, probes, 'all')).toMatchObject({ isHealthy: true })
    const zk = await servers.connect()
    await zk.sync()
    expect((await zk.getChildren('/')).children).toEqual(['zookeeper'])
    expect(servers.sessions).toHaveLength(1)
    await zk.close()
  })

  test('a write is made below the chroot, and its failure is told', async () => {
    const asked = options(`${servers.addressOf(1)}/nowhere`)
    const found = await survey(asked)
    const probes = await probeAll(found, asked, '/probe-')
    expect(judgeHealth(found, probes, 'all').servers[0]!.reason).toMatch(
      /^the write failed: .*no such znode/,
    )
  })

  test('a server that stands alone has no list of servers', async () => {
    await using alone = await startTestServer()
    const asked = options(alone.connectionString, { isWhole: true })
    const found = await survey(asked)
    expect([found.quorum, found.leader?.state, problemsOf(found)]).toEqual([null, 'standalone', []])
    await expect(listMembers(asked)).rejects.toThrow(/stands alone/)
  })
})
