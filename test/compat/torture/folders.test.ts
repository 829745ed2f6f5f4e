import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createBody,
  Op,
  readBody,
  readData,
  readNames,
  WireClient,
} from '../../../bench/client/index.ts'
import { freePort, type ServerOptions, ServerProcess } from '../../../bench/servers/index.ts'
import { ON_ZABKEEPER } from '../clients/support/index.ts'

/*
 * Data folders that are taken, forbidden, foreign, cut, incomplete or damaged: the server either serves every
 * acknowledged write or says what is wrong, where and what to do, and leaves the folder as it found it.
 */
const EXIT_OK = 0
const EXIT_FAILURE = 1
const EXIT_DATA_FOLDER = 3
const EXIT_DISK_FAILED = 10
const EXIT_DATA_DAMAGED = 11

/** Generous: a busy machine takes its time for a start, too. */
const EXIT_MS = 60_000
const ZNODES = 3000
const CONFIG = ['preAllocSize=1024', 'snapCount=700', 'snapSizeLimitInKb=65536']
/** Nobody's user and group, to whom permissions apply. */
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
const CAN_SWITCH_USER = spawnSync(AS_NOBODY[0] ?? '', [...AS_NOBODY.slice(1), 'true']).status === 0

const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-folders-'))
/** Data folders as they are after a clean stop and after a kill. */
const stopped = path.join(folder, 'stopped')
const killed = path.join(folder, 'killed')
const copies: string[] = []
let running: ServerProcess[] = []

async function serverOn(
  dataDir: string,
  options: Partial<ServerOptions> = {},
): Promise<ServerProcess> {
  const own = mkdtempSync(path.join(folder, 'run-'))
  chmodSync(own, 0o755)
  const port = await freePort()
  const server = new ServerProcess({
    ...{ kind: 'zabkeeper', folder: own, dataDir, port, config: CONFIG },
    ...options,
  })
  running.push(server)
  return server
}

function value(i: number): Buffer {
  return Buffer.alloc(500 + (i % 700), `${i} `)
}

async function fill(server: ServerProcess): Promise<void> {
  const client = await WireClient.open({ port: server.options.port })
  await client.request(Op.create, createBody('/n', null, 0))
  for (let i = 0; i < ZNODES; i += 100) {
    const batch = Array.from({ length: 100 }, async (_, n) => {
      const { err } = await client.request(Op.create, createBody(`/n/${i + n}`, value(i + n), 0))
      expect(err).toBe(0)
    })
    await Promise.all(batch)
  }
  client.destroy()
}

/** True when nothing is missing; throws when something is. */
async function holdsEverything(server: ServerProcess): Promise<boolean> {
  const client = await WireClient.open({ port: server.options.port })
  const names = readNames((await client.request(Op.getChildren, readBody('/n', false))).body)
  expect(names.length).toBe(ZNODES)
  const wrong: string[] = []
  await Promise.all(
    names.map(async (name) => {
      const { body } = await client.request(Op.getData, readBody(`/n/${name}`, false))
      if (readData(body).data?.equals(value(Number(name))) !== true) wrong.push(name)
    }),
  )
  expect(wrong).toEqual([])
  await client.close()
  return true
}

/** Starts, and waits for service or the end. */
async function outcome(server: ServerProcess): Promise<'serves' | number> {
  server.launch()
  const status = await server.ready().then(
    () => 'serves' as const,
    async () => (await server.exit(EXIT_MS)).code ?? -1,
  )
  return status
}

function copyOf(golden: string): string {
  const copy = path.join(mkdtempSync(path.join(folder, 'copy-')), 'data')
  chmodSync(path.dirname(copy), 0o755)
  cpSync(golden, copy, { recursive: true })
  copies.push(copy)
  return copy
}

function segments(dataDir: string): string[] {
  const log = path.join(dataDir, 'log')
  const isSegment = (name: string): boolean => statSync(path.join(log, name)).size >= 1 << 20
  return readdirSync(log)
    .filter((name) => !/reserve|prepared|next/.test(name) && isSegment(name))
    .sort()
    .map((name) => path.join(log, name))
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
  writeFileSync(file, bytes)
}

/** Contents of the files that hold data; what a start may write besides is left out. */
function fingerprint(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file).update(readFileSync(file))
  return hash.digest('hex')
}

describe.skipIf(!ON_ZABKEEPER)('data folders', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    chmodSync(folder, 0o755)
    const server = await serverOn(stopped)
    mkdirSync(stopped)
    await server.start()
    await fill(server)
    await server.kill()
    cpSync(stopped, killed, { recursive: true })
    await server.start()
    expect((await server.stop()).code).toBe(EXIT_OK)
    expect(segments(stopped).length).toBeGreaterThan(1)
  }, 180_000)

  afterEach(async () => {
    for (const server of running) await server.kill()
    running = []
    for (const copy of copies.splice(0))
      rmSync(path.dirname(copy), { recursive: true, force: true })
  })

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    ['stopped', stopped],
    ['killed', killed],
  ])('a %s one is served again', async (_, golden) => {
    const server = await serverOn(copyOf(golden))
    await server.start()
    expect(await holdsEverything(server)).toBe(true)
  })

  test('a second server on it is refused, and the first goes on', async () => {
    const data = copyOf(stopped)
    const first = await serverOn(data)
    await first.start()
    const second = await serverOn(data)
    expect(await outcome(second)).toBe(EXIT_DATA_FOLDER)
    expect(second.output).toContain(data)
    expect(second.output).toMatch(/another|in use|lock/i)
    expect(await holdsEverything(first)).toBe(true)
    await first.kill()
    expect(await outcome(await serverOn(data))).toBe('serves')
  })

  test('a taken port is named', async () => {
    const first = await serverOn(copyOf(stopped))
    await first.start()
    const second = await serverOn(copyOf(stopped), { port: first.options.port })
    second.launch()
    expect((await second.exit(EXIT_MS)).code).toBe(EXIT_FAILURE)
    expect(second.output).toContain(String(first.options.port))
  })

  test.skipIf(!CAN_SWITCH_USER)('a forbidden one is refused', async () => {
    const data = copyOf(stopped)
    chmodSync(data, 0o700)
    const server = await serverOn(data, { wrapper: AS_NOBODY })
    expect(await outcome(server)).toBe(EXIT_DATA_FOLDER)
    expect(server.output).toMatch(/EACCES|permi/i)
    expect(server.output).toContain(data)
  })

  test.skipIf(!CAN_SWITCH_USER)('a read-only one is refused', async () => {
    const data = copyOf(stopped)
    const server = await serverOn(data, { wrapper: AS_NOBODY })
    const code = await outcome(server)
    expect([EXIT_DATA_FOLDER, EXIT_DISK_FAILED]).toContain(code)
    expect(server.output).toMatch(/EACCES|permi/i)
    expect(server.output).toContain(data)
  })

  test('a file in its place is refused', async () => {
    const data = path.join(mkdtempSync(path.join(folder, 'copy-')), 'data')
    writeFileSync(data, 'not a folder')
    const server = await serverOn(data)
    expect([EXIT_DATA_FOLDER, EXIT_DISK_FAILED, EXIT_FAILURE]).toContain(await outcome(server))
    expect(server.output).toContain(data)
    expect(readFileSync(data, 'utf8')).toBe('not a folder')
  })

  test('one of Apache ZooKeeper is refused and left alone', async () => {
    const data = path.join(mkdtempSync(path.join(folder, 'copy-')), 'data')
    const snapshot = path.join(data, 'version-2/snapshot.0')
    mkdirSync(path.dirname(snapshot), { recursive: true })
    writeFileSync(snapshot, 'ZKSN')
    const server = await serverOn(data)
    expect(await outcome(server)).toBe(EXIT_DATA_FOLDER)
    expect(server.output).toMatch(/Apache ZooKeeper/)
    expect(readFileSync(snapshot, 'utf8')).toBe('ZKSN')
  })

  test('foreign files in the log are named', async () => {
    const data = copyOf(stopped)
    writeFileSync(path.join(data, 'log/notes.txt'), 'mine')
    const server = await serverOn(data)
    expect(await outcome(server)).toBe(EXIT_DATA_FOLDER)
    expect(server.output).toContain('notes.txt')
    expect(existsSync(path.join(data, 'log/notes.txt'))).toBe(true)
  })

  type Damage = readonly [string, (data: string) => void]
  const damages: readonly Damage[] = [
    ['the first segment is missing', (data) => rmSync(segments(data)[0]!)],
    ['the last segment is missing', (data) => rmSync(segments(data).at(-1)!)],
    ['the last segment is empty', (data) => truncateSync(segments(data).at(-1)!, 0)],
    ['the first segment is cut in half', (data) => truncateSync(segments(data)[0]!, 1 << 19)],
    ['a bit of the first segment is flipped', (data) => flip(segments(data)[0]!, 400_000)],
    ['a bit of the header is flipped', (data) => flip(segments(data)[0]!, 20)],
    ['the log is missing', (data) => rmSync(path.join(data, 'log'), { recursive: true })],
    [
      'the log is empty',
      (data) => {
        rmSync(path.join(data, 'log'), { recursive: true })
        mkdirSync(path.join(data, 'log'))
      },
    ],
    [
      'the checkpoint is missing',
      (data) => rmSync(path.join(data, 'checkpoint'), { recursive: true }),
    ],
    [
      'the checkpoint is empty',
      (data) => {
        rmSync(path.join(data, 'checkpoint'), { recursive: true })
        mkdirSync(path.join(data, 'checkpoint'))
      },
    ],
    ['CURRENT is missing', (data) => rmSync(path.join(data, 'checkpoint/CURRENT'))],
    ['CURRENT is empty', (data) => truncateSync(path.join(data, 'checkpoint/CURRENT'), 0)],
    [
      'tables are cut',
      (data) => tables(data).map((file) => truncateSync(file, Math.floor(statSync(file).size / 2))),
    ],
    ['tables are missing', (data) => tables(data).map((file) => rmSync(file))],
    ['a bit of every table is flipped', (data) => tables(data).map((file) => flip(file, 1000))],
  ]

  /** Files of the checkpoint that hold rows. */
  function tables(data: string): string[] {
    const store = path.join(data, 'checkpoint')
    const files = readdirSync(store).filter((name) => /\.(ldb|log)$/.test(name))
    return files.map((name) => path.join(store, name)).filter((file) => statSync(file).size > 1000)
  }

  describe.each([
    ['stopped', stopped],
    ['killed', killed],
  ])('%s', (_, golden) => {
    test.each(damages)('%s: everything is served, or nothing', async (what, damage) => {
      const data = copyOf(golden)
      damage(data)
      const before = existsSync(path.join(data, 'log')) ? segments(data) : []
      const print = fingerprint(before)
      const server = await serverOn(data)
      const result = await outcome(server)
      console.log(`${what}: ${result}`)
      if (result === 'serves') expect(await holdsEverything(server)).toBe(true)
      else {
        expect(result, server.output).toBe(EXIT_DATA_DAMAGED)
        expect(server.output).toContain(data)
        expect(fingerprint(before)).toBe(print)
      }
    })
  })
})
