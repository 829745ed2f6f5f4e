import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { close, makeData, open, Place, zooCfg } from '../rescue/support/fixture.ts'
import { PROGRAM } from './support/zabkeeper.ts'

const place = new Place()
let second: Server
let port: number

beforeAll(async () => {
  await makeData(place.at('data'), { id: 1, acceptedEpoch: 3, currentEpoch: 3, transactions: 4 })
  await makeData(place.at('peer'), { id: 4, acceptedEpoch: 3, currentEpoch: 3, transactions: 9 })
  second = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => second.listen(0, '127.0.99.2', resolve))
  port = (second.address() as { port: number }).port
})

afterAll(async () => {
  await new Promise((resolve) => second.close(resolve))
  place.discard()
})

/** Five servers, of which the second one answers; `isHeard` false for a list in which nobody does. */
function writeConfig(isHeard: boolean): string {
  const servers = [1, 3, 4, 5].map((id) => ({ id }))
  const answering = isHeard ? { id: 2, electionPort: port } : { id: 2 }
  const file = place.at('zoo.cfg')
  writeFileSync(file, zooCfg(place.at('data'), [...servers, answering]))
  return file
}

async function run(
  args: readonly string[],
  input: string = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'force-quorum', ...args])
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

describe('zabkeeper force-quorum', () => {
  test('is refused with 1, 2 or 3, and a line that says why', { timeout: 120_000 }, async () => {
    const quiet = writeConfig(false)
    const facts = await run([quiet, '--peer', 'nonsense'])
    expect(facts).toMatchObject({ code: 2, stdout: '' })
    expect(facts.stderr).toMatch(/^zabkeeper: --peer nonsense is neither .*\n$/)
    const missing = await run([place.at('nothing.cfg')])
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    const behind = await run([quiet, '--peer', place.at('peer'), '--yes'])
    expect(behind.code).toBe(1)
    expect(behind.stdout).toContain('REFUSED: server 4 has more: epoch 3 up to 0x300000009')
    expect(behind.stdout).toMatch(/nothing was changed\n$/)
    const { storage } = await open(place.at('data'))
    expect(await run([quiet, '--yes'])).toMatchObject({ code: 3, stdout: '' })
    await close(storage)
  })

  test('gives up a server that answers only if that is typed', { timeout: 120_000 }, async () => {
    const file = writeConfig(true)
    const before = readFileSync(file, 'utf8')
    const refused = await run([file, '--yes'])
    expect(refused.code).toBe(1)
    expect(refused.stdout).toContain('REFUSED: server 2 answers on its election port')
    const untyped = await run([file, '--yes', '--ignore-reachable'], 'yes\n')
    expect(untyped.code).toBe(1)
    expect(untyped.stderr).toContain('type: abandon 2\n')
    expect(readFileSync(file, 'utf8')).toBe(before)
    const typed = await run([file, '--yes', '--json', '--ignore-reachable'], 'abandon 2\n')
    expect(typed.code).toBe(0)
    expect(JSON.parse(typed.stdout)).toMatchObject({
      server: 1,
      lastZxid: '0x300000004',
      members: [1],
      lost: [2, 3, 4, 5],
      done: true,
    })
    expect(readFileSync(file, 'utf8')).toMatch(/^#server\.5=/m)
    const again = await run([file, '--yes'])
    expect(again.code).toBe(0)
    expect(again.stdout).toMatch(/done already: start this server\n$/)
  })
})
