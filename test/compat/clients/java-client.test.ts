import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import {
  curator,
  discardServer,
  javaClient,
  type Peer,
  Program,
  passedSteps,
  skipWithout,
  startServer,
} from './support/index.ts'

const client = await javaClient()
const recipes = await curator()
let server: ServerProcess

beforeAll(async () => {
  server = await startServer({ tickTime: 500, config: ['maxSessionTimeout=60000'] })
}, 60_000)

afterAll(async () => {
  await discardServer(server)
})

function start(peer: Peer<string>, source: string): Program {
  const file = path.join(import.meta.dirname, 'java', source)
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
  const args = [quiet, '-cp', peer.found ?? '', file, server.address]
  return new Program('java', args, { timeoutMs: 220_000 })
}

describe.skipIf(skipWithout(client))('the Java client', { timeout: 240_000 }, () => {
  test('makes every request, and keeps session and watches over a kill of the server', async () => {
    const program = start(client, 'JavaSession.java')
    await program.waitFor('ask kill and start')
    await server.kill()
    await server.start()
    program.writeLine('done')
    const { code, output } = await program.finished()
    expect(passedSteps(output), output).toEqual(['requests', 'multi', 'asynchronous', 'restart'])
    expect(code).toBe(0)
  })
})

describe.skipIf(skipWithout(recipes))('Curator', { timeout: 240_000 }, () => {
  test('runs its recipes', async () => {
    const { code, output } = await start(recipes, 'CuratorRecipes.java').finished()
    expect(passedSteps(output), output).toEqual([
      'lock',
      'leader latch',
      'persistent node',
      'cache',
      'counter',
      'containers and transactions',
    ])
    expect(code).toBe(0)
  })
})
