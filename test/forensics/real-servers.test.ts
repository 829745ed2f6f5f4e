import { afterEach, describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/base/index.ts'
import { type Evidence, whyLeader, whySession } from '../../src/forensics/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { EnsembleStage } from '../server/support/ensemble-stage.ts'
import { closeSession, create } from '../server/support/index.ts'
import { askInProcess } from './support.ts'

let server: TestServer | null = null

afterEach(async () => {
  await server?.close()
  server = null
})

const WALL_MS = Date.UTC(2026, 10, 21, 12)

async function three(): Promise<TestServer> {
  server = await startTestServer({ servers: 3, clock: 'manual', seed: 7, wallMs: WALL_MS })
  return server
}

/** Every server that runs is asked; the others cannot be. */
function ask(servers: TestServer, sessionId: SessionId | null = null): Evidence {
  const running = servers.members.filter(({ state }) => state === 'running')
  const down = servers.members.filter(({ state }) => state !== 'running')
  return {
    reports: running.map((member) => {
      const keeper = member.server!
      return askInProcess(keeper, keeper.events.nowMs, sessionId)
    }),
    missing: down.map(({ id }) => ({ address: `s${id}`, reason: 'it does not run' })),
  }
}

describe('three servers are asked why a session ended', () => {
  test('closed by its client', async () => {
    const servers = await three()
    const zk = await servers.connect()
    const id = zk.session!.id as SessionId
    expect(whySession(id, ask(servers, id)).verdict).toBe('alive')
    await servers.advanceUntil(zk.close())
    await servers.advance(1000)
    expect(whySession(id, ask(servers, id)).verdict).toBe('closed')
  })

  test('its machine was cut off: its connection stood, and nothing came', async () => {
    const servers = await three()
    const machine = servers.machine()
    const zk = await machine.connect({ sessionTimeoutMs: 4000 })
    const id = zk.session!.id as SessionId
    machine.cut()
    await servers.advanceUntil(() => servers.sessions.length === 0)
    await servers.advance(1000)
    const answer = whySession(id, ask(servers, id))
    expect(answer.verdict).toBe('silent')
    expect(answer.sentences[0]).toMatch(
      /decided by leader \d: nothing heard for [45]\.\d s \(timeout 4\.0 s\)/,
    )
  })

  test('the server that it was connected to stood still', async () => {
    const servers = await three()
    const follower = servers.members.find(({ isLeader }) => !isLeader)!
    const machine = servers.machine()
    // It knows this one server only, so it cannot go elsewhere.
    const others = servers.members.filter((member) => member !== follower)
    machine.cut(others.map(({ id }) => id))
    const zk = await servers.advanceUntil(machine.connect({ sessionTimeoutMs: 2000 }))
    const id = zk.session!.id as SessionId
    await servers.advance(5000)
    follower.pause()
    await servers.advanceUntil(() => !servers.sessions.some((one) => one.id === id))
    follower.resume()
    await servers.advance(2000)
    const answer = whySession(id, ask(servers, id))
    expect(answer.verdict).toBe('server-stalled')
    expect(answer.sentences[2]).toContain(
      `Server ${follower.id}, which it was connected to, stood still`,
    )
  })

  test('somebody had it ended', async () => {
    const servers = await three()
    const zk = await servers.connect()
    const id = zk.session!.id as SessionId
    await servers.advanceUntil(servers.expireSession(zk))
    await servers.advance(1000)
    expect(whySession(id, ask(servers, id)).verdict).toBe('forced')
  })
})

describe('three servers are asked why the leader changed', () => {
  /** What it takes until there is another leader. */
  async function afterLosing(servers: TestServer, lose: (id: number) => Promise<void> | void) {
    const before = servers.leader!
    await lose(before.id)
    await servers.advanceUntil(() => servers.leader !== null && servers.leader.id !== before.id)
    await servers.advance(1000)
    return before
  }

  test('it did not: the first one leads', async () => {
    const servers = await three()
    expect(whyLeader(ask(servers))).toMatchObject({ verdict: 'first', leader: servers.leader!.id })
  })

  test('its server was stopped', async () => {
    const servers = await three()
    const before = await afterLosing(servers, async (id) => {
      await servers.advanceUntil(servers.members[id - 1]!.stop())
    })
    // A server that has been stopped takes its history along unless it is kept in a file.
    const answer = whyLeader(ask(servers))
    expect(answer.verdict).toBe('unreachable')
    expect(answer.sentences[0]).toContain(`before it server ${before.id}`)
  })

  test('its process was killed, and started again', async () => {
    const servers = await three()
    const before = await afterLosing(servers, (id) => servers.members[id - 1]!.kill())
    await servers.advanceUntil(before.start())
    const answer = whyLeader(ask(servers))
    expect(answer).toMatchObject({ verdict: 'crashed', leader: servers.leader!.id })
  })

  test('its process stood still', async () => {
    const servers = await three()
    const before = await afterLosing(servers, (id) => servers.members[id - 1]!.pause())
    before.resume()
    await servers.advanceUntil(servers.untilServing())
    const answer = whyLeader(ask(servers))
    expect(answer.verdict).toBe('stalled')
    expect(answer.sentences[1]).toContain(`Server ${before.id} stood still`)
  })

  test('it was cut off from its followers', async () => {
    const servers = await three()
    const before = await afterLosing(servers, (id) => servers.partition([id]))
    servers.heal()
    await servers.advanceUntil(servers.untilServing())
    const answer = whyLeader(ask(servers))
    expect(answer.verdict).toBe('quorum-lost')
    expect(answer.sentences[1]).toContain(`Server ${before.id} gave up its leadership`)
  })

  test('there is none', async () => {
    const servers = await three()
    for (const { id, isLeader } of servers.members) if (isLeader) servers.members[id - 1]!.kill()
    servers.members.find(({ state }) => state === 'running')!.kill()
    await servers.advanceUntil(() => servers.leader === null)
    await servers.advance(10_000)
    expect(whyLeader(ask(servers)).verdict).toBe('none')
  })
})

test('the disk of the leader hung, and why its successor leads', () => {
  const stage = new EnsembleStage({})
  const before = stage.leaderId
  const disk = stage.ensemble.members[before - 1]!.host.disk
  const client = stage.session(before)
  disk.hang()
  client.send(create('/a'))
  stage.until(() => stage.ensemble.leader !== null && stage.ensemble.leader.id !== before)
  disk.release()
  stage.runFor(20_000)
  const reports = stage.ensemble.members.map(({ server: keeper }) =>
    askInProcess(keeper!, keeper!.events.nowMs, null),
  )
  const answer = whyLeader({ reports, missing: [] })
  expect(answer).toMatchObject({ verdict: 'disk', leader: stage.ensemble.leader!.id })
  expect(answer.sentences[1]).toContain(`The disk of server ${before} did not finish a write`)
  const slow = reports[before - 1]!.events.filter(({ kind }) => kind === 'slowFsync')
  expect(slow.length).toBeGreaterThan(0)
})

test('sessions that only one server knows', () => {
  const stage = new EnsembleStage({ localSessions: { isEnabled: true, isUpgrading: false } })
  const { followerId } = stage
  const [closing, silent] = [stage.session(followerId), stage.session(followerId)]
  const ids = [closing.sessionId, silent.sessionId]
  closing.send(closeSession)
  stage.runFor(60_000)
  const verdicts = ids.map((id) => {
    const keeper = stage.ensemble.members[followerId - 1]!.server!
    const report = askInProcess(keeper, keeper.events.nowMs, id)
    return whySession(id, { reports: [report], missing: [] }).verdict
  })
  expect(verdicts).toEqual(['closed', 'silent'])
})
