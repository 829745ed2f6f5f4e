import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/servers/index.ts'
import type { SessionId } from '../../src/base/index.ts'
import { type AskOptions, askServers, whySession } from '../../src/forensics/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { type OpenAdmin, openAdmin } from '../admin-http/support.ts'

const closing: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function asking(servers: readonly string[], sessionId: SessionId | null = null): AskOptions {
  return { servers, sessionId, commandPath: '/commands', timeoutMs: 20_000 }
}

/** A server of HTTP that answers everything alike. */
async function answering(status: number, text: string): Promise<string> {
  const server: Server = createServer((_, response) => {
    response.writeHead(status).end(text)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closing.push(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('real servers are asked over their admin ports', async () => {
  const servers: TestServer = await startTestServer({ servers: 3, transport: 'memory' })
  closing.push(() => servers.close())
  const zk = await servers.connect()
  const id = zk.session!.id as SessionId
  await zk.close()
  const ports: OpenAdmin[] = []
  for (const { server } of servers.members) ports.push(await openAdmin(server!))
  closing.push(() => {
    for (const port of ports) port.close()
  })
  const addresses = ports.map(({ port }) => `127.0.0.1:${port}`)
  const evidence = await askServers(asking(addresses, id))
  expect(evidence.missing).toEqual([])
  expect(evidence.reports.map(({ serverId }) => serverId)).toEqual([1, 2, 3])
  expect(evidence.reports[0]!.members).toEqual([1, 2, 3])
  expect(whySession(id, evidence).verdict).toBe('closed')
})

describe('a server that gives no history is missing, and why is told:', () => {
  test.each([
    [404, 'no', 'it has no command events: an older version, or Apache ZooKeeper'],
    [500, 'no', 'it answers with HTTP status 500'],
    [200, 'pong', 'its answer is no JSON: is this the admin port of a zabkeeper server?'],
    [200, '[]', 'no history of events in the answer'],
    [200, '{"server_id":1,"now_ms":"soon","events":[]}', 'no history of events in the answer'],
  ])('status %i and %j', async (status, text, reason) => {
    const address = await answering(status, text)
    expect((await askServers(asking([address]))).missing).toEqual([{ address, reason }])
  })

  test('nothing listens', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const { missing } = await askServers(asking([address]))
    expect(missing).toEqual([{ address, reason: 'nothing listens there' }])
  })
})
