import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeZxid, type Zxid } from '../../src/base/index.ts'
import { openPlatform } from '../../src/platform/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import {
  type EntriesRead,
  type Install,
  openStorage,
  type Storage,
  type StorageError,
  type StorageOptions,
} from '../../src/storage/index.ts'
import {
  type Change,
  decodeChange,
  encodeChange,
  MapMachine,
  randomText,
  SMALL_OPTIONS,
} from './support.ts'

/* The same storage on the operating system's files and LevelDB. SWEEP=full damages every block of the checkpoint. */

const { SWEEP } = process.env
const IS_FULL = SWEEP === 'full'
const BLOCK_BYTES = 512

let base: string
let folders = 0
beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'zabkeeper-storage-'))
})
afterEach(() => fs.rmSync(base, { recursive: true, force: true }))

interface Run {
  readonly machine: MapMachine
  readonly storage: Storage | null
  readonly error: StorageError | null
}

function run(options: StorageOptions, onDurable: (zxid: Zxid) => void = () => {}): Promise<Run> {
  const machine = new MapMachine()
  const env = openPlatform({ log: { level: 'error', fd: 2 } })
  const onFatal = (error: StorageError): void => {
    throw error
  }
  return new Promise((resolve) => {
    openStorage(env, options, machine, { onDurable, onFatal }, (error, storage) =>
      resolve({ machine, storage, error }),
    )
  })
}

function write({ machine, storage }: Run, change: Change): Zxid {
  const zxid = (storage!.lastAppended + 1n) as Zxid
  const bytes = encodeChange(change)
  storage!.append(zxid, bytes, 0, bytes.length)
  machine.apply(zxid, change)
  return zxid
}

async function durable({ storage }: Run): Promise<void> {
  storage!.flush()
  while (storage!.lastLogged !== storage!.lastAppended) await new Promise(setImmediate)
}

const checkpoint = ({ storage }: Run): Promise<void> =>
  new Promise((resolve) => storage!.checkpoint(resolve))
const close = ({ storage }: Run): Promise<void> => new Promise((resolve) => storage!.close(resolve))

function optionsIn(folder: string): StorageOptions {
  return { ...SMALL_OPTIONS, dataDir: folder, dataLogDir: folder, checkpointEntries: 1e9 }
}

describe('storage on a real disk', () => {
  it('keeps entries, epochs, rows and sessions over restarts, rolls and purges', async () => {
    const options = optionsIn(base)
    const random = new SimRandom(1)
    let expected = new MapMachine().summary()
    for (let round = 0; round < 6; round++) {
      const server = await run(options)
      expect(server.error).toBeNull()
      expect(server.storage!.recovery.isNew).toBe(round === 0)
      if (round > 0) expect(server.machine.summary()).toEqual(expected)
      for (let i = 0; i < 100; i++) {
        write(server, {
          values: { [`/${random.below(50)}`]: randomText(random, 50) },
          sessions: { [i]: random.oneIn(3) ? -1 : 4000 },
          pad: 'x'.repeat(random.below(900)),
        })
        if (random.oneIn(4)) await durable(server)
      }
      await durable(server)
      if (round % 2 === 0) await checkpoint(server)
      expected = server.machine.summary()
      await close(server)
    }
    const names = fs.readdirSync(join(base, 'log')).filter((name) => name.endsWith('.log'))
    expect(names).not.toContain('0000000001.log')
  })

  it('installs a snapshot over a state, reads entries, and finds both again', async () => {
    const options: StorageOptions = { ...optionsIn(base), replay: 'checkpoint' }
    const server = await run(options)
    for (let i = 0; i < 300; i++) write(server, { values: { [`/old${i}`]: 'x' } })
    await durable(server)
    await checkpoint(server)
    const leader = new MapMachine()
    leader.reset()
    const values: Record<string, string> = {}
    for (let i = 0; i < 500; i++) values[`/new${i}`] = 'y'.repeat(i)
    leader.apply(makeZxid(2, 9), { values, sessions: { '5': 4000 } })
    const txn = encodeChange({ values: { '/late': 'z' } })
    const install: Install = {
      zxid: makeZxid(2, 9),
      snapshot: leader.received(),
      entries: [{ zxid: makeZxid(2, 10), txn }],
      currentEpoch: 2,
    }
    await new Promise<void>((resolve) => server.storage!.install(install, resolve))
    server.machine.load(install)
    server.machine.apply(makeZxid(2, 10), { values: { '/late': 'z' } })
    write(server, { values: { '/last': 'z' } })
    await durable(server)
    const read = await new Promise<EntriesRead | null>((resolve) =>
      server.storage!.readEntries(makeZxid(2, 9), makeZxid(2, 11), 1e6, (_, found) =>
        resolve(found),
      ),
    )
    expect(read!.floor).toBe(makeZxid(2, 9))
    expect(read!.entries.map(({ zxid }) => zxid)).toEqual([makeZxid(2, 10), makeZxid(2, 11)])
    expect(decodeChange(read!.entries[0]!.txn).values).toEqual({ '/late': 'z' })
    while (server.storage!.stats.checkpointZxid !== makeZxid(2, 11)) {
      // Not while the old rows are being deleted.
      await new Promise(setImmediate)
      await checkpoint(server)
    }
    const expected = server.machine.summary()
    await close(server)
    const next = await run(options)
    expect(next.machine.summary()).toEqual(expected)
    expect(next.storage!.takeTail().base).toBe(makeZxid(2, 9))
    expect(next.storage!.currentEpoch).toBe(2)
    await close(next)
  })

  it('refuses a second server in the same process, and takes over after it', async () => {
    const options = optionsIn(base)
    const server = await run(options)
    expect((await run(options)).error).toMatchObject({ code: 'LOCKED' })
    write(server, { values: { '/a': '1' } })
    await durable(server)
    await close(server)
    const next = await run(options)
    expect(next.machine.get('/a')).toBe('1')
    await close(next)
  })

  it('refuses the folder of an Apache ZooKeeper and creates nothing in it', async () => {
    fs.mkdirSync(join(base, 'version-2'))
    fs.writeFileSync(join(base, 'version-2', 'log.1'), 'x')
    expect((await run(optionsIn(base))).error).toMatchObject({ code: 'FOREIGN_FILES' })
    expect(fs.readdirSync(base)).toEqual(['version-2'])
  })

  it('notices or survives damage of any block of the checkpoint', {
    timeout: 900_000,
  }, async () => {
    const original = join(base, 'original')
    const options = { ...optionsIn(original), segmentsKept: 0 }
    const server = await run(options)
    const random = new SimRandom(2)
    const count = IS_FULL ? 1500 : 150
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < count; i++) {
        const path = `/${random.below(count)}`
        write(server, { values: { [path]: randomText(random, 20 + random.below(300)) } })
      }
      await durable(server)
      await checkpoint(server)
    }
    write(server, { values: { '/last': 'yes' } })
    await durable(server)
    const expected = server.machine.summary()
    await close(server)

    const untouched = join(base, 'untouched')
    fs.cpSync(original, untouched, { recursive: true })
    const copy = await run({ ...options, dataDir: untouched, dataLogDir: untouched })
    expect(same(copy.machine.summary(), expected)).toBe(true)
    await close(copy)

    const tally = { detected: 0, harmless: 0, lost: [] as string[] }
    const files = fs.readdirSync(join(original, 'checkpoint'))
    for (const name of files) {
      const { size } = fs.statSync(join(original, 'checkpoint', name))
      const stride = (IS_FULL ? 1 : 31) * BLOCK_BYTES
      for (let at = 0; at < size; at += stride) {
        for (const kind of ['flip', 'zero', 'cut'] as const) {
          const folder = join(base, `copy-${++folders}`)
          fs.cpSync(original, folder, { recursive: true })
          damage(join(folder, 'checkpoint', name), at, kind, random)
          const again = await run({ ...options, dataDir: folder, dataLogDir: folder })
          if (again.error !== null) tally.detected++
          else {
            const isSame = same(again.machine.summary(), expected)
            if (isSame) tally.harmless++
            else tally.lost.push(`${name} at ${at}: ${kind}`)
            await close(again)
          }
          fs.rmSync(folder, { recursive: true })
        }
      }
    }
    if (IS_FULL)
      console.log(`LevelDB files: ${tally.detected} detected, ${tally.harmless} harmless`)
    expect(tally.lost).toEqual([])
    expect(tally.detected).toBeGreaterThan(10)
  })
})

function damage(path: string, at: number, kind: 'flip' | 'zero' | 'cut', random: SimRandom): void {
  const bytes = fs.readFileSync(path)
  const end = Math.min(at + BLOCK_BYTES, bytes.length)
  if (kind === 'flip') bytes[at + random.below(end - at)]! ^= 1 << random.below(8)
  else if (kind === 'zero') bytes.fill(0, at, end)
  fs.writeFileSync(path, kind === 'cut' ? bytes.subarray(0, at) : bytes)
}

function same(a: object, b: object): boolean {
  const text = (value: object): string => Object.values(value).map(String).join()
  return text(a) === text(b)
}
