import { afterEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import type { Program } from '../compat/clients/support/index.ts'
import { startExample } from './support/example.ts'

let server: TestServer
const programs: Program[] = []

afterEach(async () => {
  for (const program of programs.splice(0)) program.kill()
  await server.close()
})

function start(file: string, args: readonly string[], env: Record<string, string> = {}): Program {
  const program = startExample(file, args, { ZOOKEEPER: server.connectionString, ...env })
  programs.push(program)
  return program
}

describe('cron-job', { timeout: 120_000 }, () => {
  interface Run {
    readonly name: string
    readonly slot: number
  }

  test('is run by one of three replicas, by another when that dies, never twice', async () => {
    server = await startTestServer({ servers: 3 })
    const names = ['a', 'b', 'c']
    const replicas = new Map(
      names.map((name) => [name, start('cron-job/replica.js', [name], { JOB_EVERY_MS: '50' })]),
    )
    const runs = (name: string): Run[] =>
      [...replicas.get(name)!.output.matchAll(/^\w+ runs (\d+)$/gm)].map((match) => ({
        name,
        slot: Number(match[1]),
      }))
    const leads = (name: string): Promise<string> =>
      replicas
        .get(name)!
        .waitFor(`${name} leads`)
        .then(() => name)

    const first = await Promise.race(names.map(leads))
    await replicas.get(first)!.waitFor(/(runs \d+\n[\s\S]*){3}/)
    const others = names.filter((name) => name !== first)
    // Both are candidates: the first one's death is all that they wait for.
    const candidates = (): number =>
      server.sessions.filter(({ ephemerals }) => ephemerals.length > 0).length
    while (candidates() < 3)
      await replicas.get(first)!.waitFor('\n', replicas.get(first)!.output.length)
    expect(others.flatMap(runs)).toEqual([])

    const leader = server.sessions.reduce((a, b) => (sequenceOf(a) < sequenceOf(b) ? a : b))
    replicas.get(first)!.kill()
    await replicas.get(first)!.finished()
    await server.expireSession(leader.id)
    const second = await Promise.race(others.map(leads))
    await replicas.get(second)!.waitFor(/(runs \d+\n[\s\S]*){3}/)

    const slots = names.flatMap(runs).map(({ slot }) => slot)
    expect(new Set(slots).size).toBe(slots.length)
    const lastOfFirst = Math.max(...runs(first).map(({ slot }) => slot))
    expect(Math.min(...runs(second).map(({ slot }) => slot))).toBeGreaterThan(lastOfFirst)
    for (const name of others) {
      replicas.get(name)!.signal('SIGTERM')
      const { code, stderr } = await replicas.get(name)!.finished()
      expect([code, stderr]).toEqual([0, ''])
    }
  })

  function sequenceOf({ ephemerals }: { ephemerals: readonly string[] }): number {
    return Number(ephemerals[0]?.slice(-10) ?? Number.POSITIVE_INFINITY)
  }
})

describe('config-watcher', { timeout: 120_000 }, () => {
  test('follows, and keeps the last good configuration', async () => {
    server = await startTestServer()
    const zk = await server.connect()
    const watcher = start('config-watcher/watcher.js', [])
    await watcher.waitFor('there is none, still {"greeting":"hello"}\n')

    await zk.ensurePath('/examples')
    await zk.create('/examples/config', '{"greeting":"hi"}')
    await watcher.waitFor('version 0: {"greeting":"hi"}\n')
    await zk.setData('/examples/config', 'no JSON')
    await watcher.waitFor('version 1 is no JSON, still {"greeting":"hi"}\n')

    // What happens while the server is gone is seen afterwards.
    await server.members[0]!.stop()
    await watcher.waitFor('the connection broke')
    await server.members[0]!.start()
    let isSet = false
    while (!isSet) {
      isSet = await zk.setData('/examples/config', '{"greeting":"ahoy"}').then(
        () => true,
        () => false,
      )
    }
    await watcher.waitFor(/version \d+: \{"greeting":"ahoy"\}\n/)
    await zk.delete('/examples/config')
    await watcher.waitFor('there is none, still {"greeting":"ahoy"}\n')

    watcher.signal('SIGTERM')
    const { code, stderr } = await watcher.finished()
    expect([code, stderr]).toEqual([0, ''])
  })
})
