import { expect, it } from 'vitest'
import type { Connection } from '../../src/env/index.ts'
import { ClientPort } from '../../src/server/client-port.ts'
import { SMALL_LIMITS, Stage } from './support/index.ts'

it('a connection that was accepted before the port closed and comes after is cut', () => {
  const { env } = Stage.open()
  const host = {
    newConnection: () => expect.fail('nobody serves it'),
    onListening: () => {},
    onListenError: () => {},
    clientEvents: { turnedAway: () => {} },
  }
  const port = new ClientPort(host, SMALL_LIMITS, env.clock, env.timers, env.logger, env.metrics)
  let isDestroyed = false
  const socket: Connection = {
    remote: { host: '10.0.0.2', port: 1 },
    local: { host: '10.0.0.1', port: 2181 },
    bufferedBytes: 0,
    write: () => true,
    keepAlive: () => {},
    pause: () => {},
    resume: () => {},
    end: () => {},
    destroy: () => {
      isDestroyed = true
    },
  }
  port.stopListening()
  port.onConnection(socket)
  expect(isDestroyed).toBe(true)
  expect(port.connections.size).toBe(0)
})
