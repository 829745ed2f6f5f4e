import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CreateFlag,
  createBody,
  Op,
  readBody,
  readStat,
  WireClient,
} from '../../../bench/client/index.ts'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import {
  discardServer,
  kazoo,
  ON_ZABKEEPER,
  Program,
  passedSteps,
  skipWithout,
  startServer,
} from '../clients/support/index.ts'
import { cyclesOf } from './support/index.ts'

/*
 * A server that stood still (SIGSTOP, a suspended virtual machine) for longer than the session timeout must not
 * expire the sessions whose pings it could not read. Apache ZooKeeper 3.8 and 3.9 do.
 * `ZABKEEPER_PAUSE_CYCLES` sets the number of pauses.
 */
const CYCLES = cyclesOf('ZABKEEPER_PAUSE_CYCLES', 1)
const SESSIONS = 20
const TIMEOUT_MS = 4000
const PAUSE_MS = 7000
/** Far more than the timeout, for the dead session's end. */
const EXPIRY_MS = 60_000

const python = await kazoo()
let server: ServerProcess

beforeAll(async () => {
  server = await startServer({ tickTime: 1000 })
})

afterAll(async () => {
  await discardServer(server)
})

/** A client that is gone: its session must still expire. */
async function deadSession(port: number): Promise<void> {
  const dead = await WireClient.open({ port, timeoutMs: TIMEOUT_MS, silent: true })
  const { err } = await dead.request(Op.create, createBody('/dead', null, CreateFlag.ephemeral))
  expect(err).toBe(0)
  dead.destroy()
}

async function pingingSessions(port: number): Promise<WireClient[]> {
  const clients: WireClient[] = []
  for (let i = 0; i < SESSIONS; i++) {
    const client = await WireClient.open({ port, timeoutMs: TIMEOUT_MS })
    expect(client.negotiatedTimeoutMs).toBe(TIMEOUT_MS)
    const { err } = await client.request(
      Op.create,
      createBody(`/p${i}`, null, CreateFlag.ephemeral),
    )
    expect(err).toBe(0)
    clients.push(client)
  }
  return clients
}

/** A kazoo client that asks for the pause by itself, where there is one. */
async function kazooSession(): Promise<Program | null> {
  if (skipWithout(python)) return null
  const script = path.join(import.meta.dirname, '../clients/kazoo/pause.py')
  const program = new Program(python.found ?? '', ['-B', script, server.address])
  await program.waitFor('ask pause')
  return program
}

test.skipIf(!ON_ZABKEEPER)(
  `a pause of 7 s expires no session of a living client, and those of dead ones (${CYCLES} x)`,
  { timeout: 60_000 + CYCLES * 120_000 },
  async () => {
    const port = server.options.port
    const clients = await pingingSessions(port)
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const kazooProgram = await kazooSession()
      // The last one: it must not have expired before the pause.
      await deadSession(port)
      server.signal('SIGSTOP')
      await sleep(PAUSE_MS)
      server.signal('SIGCONT')
      if (kazooProgram !== null) {
        kazooProgram.writeLine('done')
        const { code, output } = await kazooProgram.finished()
        expect(passedSteps(output), output).toEqual(['session survives'])
        expect(code).toBe(0)
      }
      const watcher = clients[0]!
      const limit = Date.now() + EXPIRY_MS
      while ((await watcher.request(Op.exists, readBody('/dead', false))).err === 0) {
        expect(Date.now(), 'the dead session is still there').toBeLessThan(limit)
        await sleep(100)
      }
      // The dead session has had its time, so an unjust expiry would have happened by now as well.
      for (const [i, client] of clients.entries()) {
        expect(client.open, `connection ${i}`).toBe(true)
        const { err, body } = await client.request(Op.exists, readBody(`/p${i}`, false))
        expect(err, `ephemeral ${i}`).toBe(0)
        expect(readStat(body, 0).ephemeralOwner).toBe(client.sessionId)
      }
    }
    for (const client of clients) await client.close()
  },
)
