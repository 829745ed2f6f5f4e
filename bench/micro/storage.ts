import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { crc32c, type Zxid } from '../../src/base/index.ts'
import { openPlatform } from '../../src/platform/index.ts'
import {
  ChangeKind,
  type CheckpointChange,
  type CheckpointSource,
  defaultStorageOptions,
  openStorage,
  type StateMachine,
  type StateSummary,
  type Storage,
  type StorageOptions,
  type ZnodeRow,
} from '../../src/storage/index.ts'
import type { ByteString } from '../../src/wire/index.ts'

/*
 * Costs of the log and the checkpoint on a real disk: `node dist/bench/micro/storage.js [folder]` after
 * `npm run build`. Entries have 250 bytes, about what a set of 100 bytes to a path of 24 characters takes.
 */

const ENTRY_BYTES = 250
const ENTRIES = 1_000_000
const ZNODES = 1_000_000
const DATA = 'x'.repeat(100) as ByteString
const ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }]

const entry = new Uint8Array(ENTRY_BYTES).fill(0x61)

/** Counts what it is given, so that only storage is measured. */
class CountingMachine implements StateMachine {
  zxid = 0n as Zxid
  replayed = 0
  loaded = 0
  /** How many znodes the next checkpoint has. */
  changed = 0

  get lastApplied(): Zxid {
    return this.zxid
  }

  reset(): void {}
  beginLoad(): void {}
  loadZnode(): void {
    this.loaded++
  }
  loadSession(): void {}
  endLoad(zxid: Zxid): void {
    this.zxid = zxid
  }
  summary(): StateSummary {
    return {
      zxid: this.zxid,
      znodes: ZNODES,
      digest: 1n,
      systemDigest: 2n,
      sessions: 0,
      sessionsDigest: 3n,
    }
  }
  replay(zxid: Zxid): void {
    this.zxid = zxid
    this.replayed++
  }
  beginCheckpoint(): CheckpointSource {
    const { changed } = this
    let given = 0
    const { zxid } = this
    return {
      summary: this.summary(),
      next: (max) => {
        const changes: CheckpointChange[] = []
        while (changes.length < max && given < changed) {
          changes.push({ kind: ChangeKind.znode, row: rowOf(given++, zxid) })
        }
        return changes
      },
      end: () => {},
    }
  }
}

function rowOf(number: number, zxid: Zxid): ZnodeRow {
  return {
    path: `/bench/nodes/n${String(number).padStart(10, '0')}`,
    data: DATA,
    acl: ACL,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: 1_700_000_000_000,
    mtime: 1_700_000_000_000,
    version: 0,
    storedCversion: 0,
    aversion: 0,
    storedOwner: 0n,
  }
}

const handlers = {
  onDurable: (_zxid: Zxid): void => {},
  onFatal: (error: Error): void => {
    throw error
  },
}

function open(options: StorageOptions, machine: StateMachine): Promise<Storage> {
  const env = openPlatform({ log: { level: 'warn', fd: 2 } })
  const shared = { onDurable: (zxid: Zxid) => handlers.onDurable(zxid), onFatal: handlers.onFatal }
  return new Promise((resolve, reject) => {
    openStorage(env, options, machine, shared, (error, storage) => {
      if (error !== null) reject(error)
      else resolve(storage!)
    })
  })
}

function close(storage: Storage): Promise<void> {
  return new Promise((resolve) => storage.close(resolve))
}

/** `perTurn` entries per turn until all are durable, at most `outstanding` on their way. */
function write(storage: Storage, count: number, outstanding: number): Promise<number> {
  return new Promise((resolve) => {
    const first = storage.lastAppended
    const last = (first + BigInt(count)) as Zxid
    let zxid = first
    let appendMs = 0
    const fill = (until: Zxid): void => {
      const start = performance.now()
      while (zxid < until && zxid < last) {
        zxid = (zxid + 1n) as Zxid
        storage.append(zxid, entry, 0, ENTRY_BYTES)
      }
      appendMs += performance.now() - start
      storage.flush()
    }
    handlers.onDurable = (durable) => {
      if (durable === last) resolve(appendMs)
      else fill((durable + BigInt(outstanding)) as Zxid)
    }
    fill((zxid + BigInt(outstanding)) as Zxid)
  })
}

function show(what: string, value: string): void {
  console.log(`${what.padEnd(56)} ${value}`)
}

function benchCrc(): void {
  const bytes = new Uint8Array(1 << 20).fill(7)
  let sum = 0
  for (const size of [ENTRY_BYTES, bytes.length]) {
    const rounds = Math.ceil(300e6 / size)
    const start = performance.now()
    for (let i = 0; i < rounds; i++) sum ^= crc32c(bytes, 0, size, sum)
    const ms = performance.now() - start
    show(`CRC-32C of ${size} bytes`, `${((ms * 1e6) / rounds).toFixed(0)} ns`)
  }
  if (sum === 1) console.log(sum)
}

async function benchLog(options: StorageOptions): Promise<void> {
  const machine = new CountingMachine()
  const storage = await open(options, machine)
  await write(storage, 100_000, 1000)
  for (const outstanding of [1, 16, 1024]) {
    const count = outstanding === 1 ? 5000 : outstanding === 16 ? 50_000 : ENTRIES
    const groups = storage.stats.groupsWritten
    const start = performance.now()
    const appendMs = await write(storage, count, outstanding)
    const ms = performance.now() - start
    const perGroup = (ms / (storage.stats.groupsWritten - groups)).toFixed(2)
    show(
      `durable appends, ${outstanding} outstanding`,
      `${Math.round(count / ms)} k/s, ${((appendMs * 1e6) / count).toFixed(0)} ns per append, ${perGroup} ms per group`,
    )
  }
  await close(storage)
  const start = performance.now()
  const again = await open(options, machine)
  const ms = performance.now() - start
  show(
    `start, ${machine.replayed} entries in the log`,
    `${ms.toFixed(0)} ms, ${((ms * 1e6) / machine.replayed).toFixed(0)} ns each`,
  )
  await close(again)
}

async function benchCheckpoint(options: StorageOptions): Promise<void> {
  const machine = new CountingMachine()
  const storage = await open(options, machine)
  for (const [what, changed] of [
    ['first checkpoint', ZNODES],
    ['next checkpoint', ZNODES / 10],
    ['next checkpoint of everything', ZNODES],
  ] as const) {
    await write(storage, 10, 10)
    machine.zxid = storage.lastLogged
    machine.changed = changed
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const start = performance.now()
    await new Promise<void>((resolve) => storage.checkpoint(resolve))
    const ms = performance.now() - start
    delay.disable()
    const pauses = `longest pause ${(delay.max / 1e6).toFixed(1)} ms, p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`
    show(`${what}, ${changed} znodes`, `${ms.toFixed(0)} ms, ${pauses}`)
  }
  await close(storage)
  const start = performance.now()
  const again = await open(options, machine)
  show(`start, ${machine.loaded} rows`, `${(performance.now() - start).toFixed(0)} ms`)
  await close(again)
}

const base = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'zabkeeper-bench-'))
try {
  benchCrc()
  const noCheckpoint = { checkpointEntries: 1e12, checkpointLogBytes: 1e12 }
  await benchLog({ ...defaultStorageOptions(join(base, 'log')), ...noCheckpoint })
  await benchCheckpoint({ ...defaultStorageOptions(join(base, 'rows')), ...noCheckpoint })
} finally {
  rmSync(base, { recursive: true, force: true })
}
