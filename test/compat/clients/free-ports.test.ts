import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts } from '../../../bench/servers/index.ts'

test('a port that was given out can be listened on, and is given to nobody else', async () => {
  const ports = [...(await freePorts(20)), ...(await freePorts(20))]
  expect(new Set(ports).size).toBe(40)
  for (const port of ports) {
    // What another process tries first.
    const claim = createSocket('udp4').bind({ port, address: '127.0.0.1', exclusive: true })
    const [error] = await once(claim, 'error')
    expect(error.code).toBe('EADDRINUSE')
    claim.close()
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    // The system gives these to connections and listeners of its own choice.
    expect(port).toBeLessThan(32_768)
  }
})

test('a port that somebody listens on is not given out', async () => {
  const [first] = await freePorts(1)
  const taken = createServer().listen(first! + 1, '127.0.0.1')
  await Promise.race([once(taken, 'listening'), once(taken, 'error')])
  expect(await freePorts(3)).not.toContain(first! + 1)
  taken.close()
})
