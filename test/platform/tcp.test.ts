import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:net'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from '../../bench/servers/index.ts'
import type { ConnectionHandler, Listener, LogFields } from '../../src/env/index.ts'
import { formatAddress, plainAddress } from '../../src/platform/addresses.ts'
import { TcpNetwork } from '../../src/platform/network.ts'
import { openRealStage } from '../contract/stage.ts'

const IGNORE: ConnectionHandler = {
  onBytes: () => {},
  onDrain: () => {},
  onEnd: () => {},
  onClose: () => {},
}

test('an IPv4 address that came through an IPv6 socket is plain', () => {
  expect(plainAddress('::ffff:10.1.2.3', 5)).toEqual({ host: '10.1.2.3', port: 5 })
  expect(plainAddress('::FFFF:10.1.2.3', 5)).toEqual({ host: '10.1.2.3', port: 5 })
  expect(plainAddress('fe80::1', 5)).toEqual({ host: 'fe80::1', port: 5 })
  expect(plainAddress(undefined, undefined)).toEqual({ host: '', port: 0 })
})

test('addresses in messages', () => {
  expect(formatAddress({ host: '', port: 1 })).toBe('*:1')
  expect(formatAddress({ host: '10.0.0.1', port: 1 })).toBe('10.0.0.1:1')
  expect(formatAddress({ host: '::1', port: 1 })).toBe('[::1]:1')
})

test.each([
  ['192.0.2.1', 0, 'EADDRNOTAVAIL', 'cannot listen on 192.0.2.1:0: no network interface'],
  ['127.0.0.1', 65_536, 'EINVAL', 'cannot listen on 127.0.0.1:65536: no such port'],
  ['127.0.0.1', 1.5, 'EINVAL', 'cannot listen on 127.0.0.1:1.5: no such port'],
])('listening on %s:%s fails with a sentence', async (host, port, code, message) => {
  const stage = openRealStage()
  let failure: unknown = null
  stage.env.network.listen(
    { host, port },
    {},
    {
      onListening: () => {},
      onConnection: () => IGNORE,
      onError: (error) => {
        failure = error
      },
    },
  )
  await stage.until(() => failure !== null)
  expect(failure).toMatchObject({ code, message: expect.stringContaining(message) })
  stage.close()
})

test('when accepting fails, the port is opened again after a while', async () => {
  const stage = openRealStage()
  const log: string[] = []
  const note = (message: string, fields?: LogFields): void => {
    const code = Object.entries(fields ?? {}).find(([key]) => key === 'code')?.[1]
    log.push(`${message} ${code ?? ''}`)
  }
  const network = new TcpNetwork({ debug: note, info: note, warn: note, error: note })
  const accepted: string[] = []
  const listeners: Listener[] = []
  // Descriptors cannot be made to run out in here, so the server is told that they have.
  const servers: Server[] = []
  const onSocket = (message: unknown): void => {
    servers.push((message as { socket: { server: Server } }).socket.server)
  }
  subscribe('net.server.socket', onSocket)
  // One that the system gives nobody else while it is closed.
  const port = await freePort()
  network.listen(
    { host: '127.0.0.1', port },
    {},
    {
      onListening: (listener) => listeners.push(listener),
      onConnection: (connection) => {
        accepted.push(connection.remote.host)
        setImmediate(() => connection.destroy())
        return IGNORE
      },
      onError: (error) => log.push(error.message),
    },
  )
  await stage.until(() => listeners.length === 1)
  connect({ host: '127.0.0.1', port }).resume()
  await stage.until(() => servers.length === 1 && accepted.length === 1)
  const full = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })
  servers[0]!.emit('error', full)
  servers[0]!.emit('error', full)
  await stage.until(() => log.length === 2)
  expect(log).toEqual([
    'cannot accept connections, trying again EMFILE',
    'accepting connections again ',
  ])
  expect(listeners.length).toBe(1)
  connect({ host: '127.0.0.1', port }).resume()
  await stage.until(() => accepted.length === 2)
  unsubscribe('net.server.socket', onSocket)
  let isClosed = false
  listeners[0]!.close(() => {
    isClosed = true
  })
  await stage.until(() => isClosed)
  stage.close()
})
