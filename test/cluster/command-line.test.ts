import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { Scratch } from '../cli/support/zabkeeper.ts'

let scratch: Scratch
/** Accepts and never says a word. */
let silent: Server
let silentPort: number
const sockets = new Set<Socket>()

beforeAll(async () => {
  scratch = new Scratch()
  silent = createServer((socket) => sockets.add(socket))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  silentPort = typeof address === 'object' && address !== null ? address.port : 0
})
afterAll(async () => {
  await scratch.discard()
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => silent.close(resolve))
})

describe('bad input gets one line that says what to do, and the exit code', () => {
  test.each<[string, number, RegExp]>([
    ['status --servers zoo1:99999', EXIT.usage.code, /port 99999/],
    ['status --config missing.cfg', EXIT.usage.code, /^zabkeeper: missing\.cfg: .*no such file/],
    ['health --require most', EXIT.usage.code, /all, quorum/],
    ['watch relative', EXIT.usage.code, /'relative' .* begins with a slash/],
    ['watch /a --servers 127.0.0.1:1 --connect-timeout 500', EXIT.failure.code, /127\.0\.0\.1:1/],
    ['check perf --data-dir missing', EXIT.failure.code, /missing does not exist: make it/],
    ['check perf --peers srv:a.b --data-dir .', EXIT.usage.code, /--peers takes host:port/],
    ['check speed', EXIT.usage.code, /unknown command/],
  ])('zabkeeper %s', async (words, code, text) => {
    const ending = await scratch.run(...words.split(' ')).ended
    expect(ending.stderr).toMatch(text)
    expect(
      ending.stderr.split('\n').filter((line) => line.startsWith('zabkeeper: ')).length,
    ).toBeLessThan(2)
    expect([ending.code, ending.stdout]).toEqual([code, ''])
  })

  test('a server that keeps silent is given up after --timeout', async () => {
    const ending = await scratch.run(
      ...['health', '--timeout', '100', '--servers', `127.0.0.1:${silentPort}`],
    ).ended
    expect(ending.stdout).toBe(`127.0.0.1:${silentPort} is unhealthy: no answer within 100 ms\n`)
    expect(ending.code).toBe(EXIT.failure.code)
  })
})
