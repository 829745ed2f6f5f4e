import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  findApache,
  freePort,
  type ServerKind,
  type ServerProcess,
} from '../../bench/servers/index.ts'
import { connect, SessionLostError } from '../../src/client-node/index.ts'
import { discardServer, makeServer } from '../compat/clients/support/index.ts'

const KINDS: readonly ServerKind[] =
  findApache('3.8') === null ? ['zabkeeper'] : ['zabkeeper', 'apache-3.8']

/** A member of an ensemble whose other members are not there, and a server beside it that takes writes. */
describe.each(KINDS)('a read-only server of %s', (kind) => {
  let lonely: ServerProcess
  let writable: ServerProcess

  beforeAll(async () => {
    const { options } = await makeServer({ kind })
    const ports = [await freePort(), await freePort()].join(':')
    lonely = await makeServer({
      ...options,
      tickTime: 500,
      config: [
        ...['initLimit=5', 'syncLimit=2', 'localSessionsEnabled=true', 'readonlymode.enabled=true'],
        `server.1=127.0.0.1:${ports}`,
        ...['server.2=127.0.0.1:1:2', 'server.3=127.0.0.1:3:4'],
      ],
      // Apache takes it from here alone.
      ...(kind === 'zabkeeper' ? {} : { runtimeArguments: ['-Dreadonlymode.enabled=true'] }),
    })
    mkdirSync(lonely.dataDir, { recursive: true })
    writeFileSync(path.join(lonely.dataDir, 'myid'), '1')
    writable = await makeServer({ kind: 'zabkeeper' })
    await lonely.start()
  })

  afterAll(async () => {
    await discardServer(lonely)
    await discardServer(writable)
  })

  test('is no server for a client that did not ask for one', async () => {
    const connecting = connect(lonely.address, { connectTimeoutMs: 1000 })
    await expect(connecting).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })

  test('serves reads until one is found that takes writes', { timeout: 180_000 }, async () => {
    const servers = `${lonely.address},${writable.address}`
    const options = { canBeReadOnly: true, connectTimeoutMs: 60_000, renewSession: false }
    const zk = await connect(servers, options)
    expect(zk.state).toBe('readonly')
    const { session } = zk
    expect((await zk.getChildren('/')).children).toEqual(['zookeeper'])
    const { watch } = await zk.exists('/a', { watch: true })
    const write = zk.create('/a')
    await expect(write).rejects.toMatchObject({ code: 'NOT_READ_ONLY', retryable: true })
    const states: string[] = []
    const isWritable = new Promise<void>((resolve) => {
      zk.onState(({ state }) => {
        states.push(state)
        if (state === 'connected') resolve()
      })
    })
    await writable.start()
    await isWritable
    // Nothing could be written in the session of a read-only server: that it ends is no loss.
    expect(states).toEqual(['suspended', 'connected'])
    expect(session?.signal.reason).toBeInstanceOf(SessionLostError)
    expect(zk.session?.id).not.toBe(session?.id)
    await zk.create('/a')
    expect(await watch.fired).toMatchObject({ type: 'created', path: '/a' })
    await zk.close()
  })
})
