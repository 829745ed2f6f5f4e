import { describe, expect, it } from 'vitest'
import type { LogFile, LogFolder, Rows } from '../../src/env/index.ts'
import {
  createSimEnvironment,
  SIM_SECTOR_BYTES,
  SimDisk,
  type SimEnvironment,
  type SimWorld,
} from '../../src/sim/index.ts'

/** A process on the disk, and its calls made to return. */
class Process {
  readonly disk: SimDisk
  readonly world: SimWorld
  readonly env: SimEnvironment

  constructor(disk: SimDisk, seed: number) {
    this.disk = disk
    const { world, env } = createSimEnvironment(seed, disk.open)
    this.world = world
    this.env = env
  }

  call<T>(start: (done: (error: Error | null, value?: T | null) => void) => void): T {
    let result: { error: Error | null; value: T | null } | null = null
    start((error, value) => {
      result = { error, value: value ?? null }
    })
    this.world.events.runUntilDone(() => result !== null)
    const { error, value } = result!
    if (error !== null) throw error
    return value as T
  }

  folder(): LogFolder {
    return this.call<LogFolder>((done) => this.env.logFile.openFolder('/data', done))
  }

  file(sectors: number): LogFile {
    return this.call<LogFile>((done) => this.folder().create('a', sectors * SIM_SECTOR_BYTES, done))
  }

  rows(): Rows {
    return this.call<Rows>((done) => this.env.rows.open('/rows', { createIfMissing: true }, done))
  }
}

function sectorsOf(disk: SimDisk): number[] {
  const { bytes } = disk.folders.get('/data')!.files.get('a')!
  const sectors: number[] = []
  for (let at = 0; at < bytes.length; at += SIM_SECTOR_BYTES) {
    const [first] = bytes.subarray(at)
    const isWhole = bytes.subarray(at, at + SIM_SECTOR_BYTES).every((byte) => byte === first)
    sectors.push(isWhole ? first! : -1)
  }
  return sectors
}

describe('a power cut', () => {
  it('leaves any set of sectors of an unfinished write, each whole', () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 200; seed++) {
      const disk = new SimDisk()
      const process = new Process(disk, seed)
      const file = process.file(4)
      // Chunks need not end where sectors do.
      const chunks = [new Uint8Array(700).fill(7), new Uint8Array(4 * 512 - 700).fill(7)]
      file.writeDurably(0, chunks, () => expect.unreachable('the power was gone'))
      disk.crash()
      process.world.events.runUntil(100)
      const sectors = sectorsOf(disk)
      expect(sectors.every((sector) => sector === 0 || sector === 7)).toBe(true)
      outcomes.add(sectors.join(''))
    }
    expect(outcomes.size).toBe(16)
  })

  it('keeps everything that was reported durable', () => {
    const disk = new SimDisk()
    const process = new Process(disk, 1)
    const file = process.file(2)
    process.call((done) => file.writeDurably(0, [new Uint8Array(1024).fill(9)], done))
    disk.crash()
    expect(sectorsOf(disk)).toEqual([9, 9])
  })

  it('leaves a batch of rows, a new file and a new name done or not done', () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 60; seed++) {
      const disk = new SimDisk()
      const process = new Process(disk, seed)
      const folder = process.folder()
      process.call((done) => folder.create('old', 10, done))
      const batch = process.rows().newBatch()
      for (let i = 0; i < 3; i++) batch.put(Uint8Array.of(i), Uint8Array.of(i))
      batch.write(() => {})
      folder.create('new', 20, () => {})
      folder.rename('old', 'renamed', () => {})
      disk.crash()
      const names = [...disk.folders.get('/data')!.files.keys()].sort().join('+')
      outcomes.add(`${names} ${disk.stores.get('/rows')!.rows.size}`)
    }
    const names = ['new+old', 'new+renamed', 'old', 'renamed']
    expect([...outcomes].sort()).toEqual(names.flatMap((name) => [`${name} 0`, `${name} 3`]))
  })

  it('comes at the durable step that was asked for, and releases the locks', () => {
    const disk = new SimDisk()
    const first = new Process(disk, 1)
    const file = first.file(4)
    expect(disk.steps).toBe(1)
    disk.crashAtStep = 3
    first.call((done) => file.writeDurably(0, [new Uint8Array(512).fill(1)], done))
    file.writeDurably(512, [new Uint8Array(512).fill(2)], () => expect.unreachable())
    first.world.events.runUntil(100)
    expect(disk.isDown).toBe(true)
    const second = new Process(disk, 2)
    expect(disk.isDown).toBe(false)
    expect(second.folder().path).toBe('/data')
  })
})

describe('a fault', () => {
  it('hits the operation it is for, as often as asked', () => {
    const disk = new SimDisk()
    const process = new Process(disk, 1)
    const folder = process.folder()
    disk.injectFault({ kind: 'create', name: /b$/, code: 'EIO', skip: 1, times: 2 })
    const create = (name: string): string => {
      try {
        process.call((done) => folder.create(name, 1, done))
        return 'made'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(['1a', '1b', '2b', '2a', '3b', '4b'].map(create)).toEqual([
      'made',
      'made',
      'EIO',
      'made',
      'EIO',
      'made',
    ])
    expect(disk.folders.get('/data')!.files.has('2b')).toBe(false)
  })

  it('of a write leaves a part of it, and the file must not be written again', () => {
    const disk = new SimDisk()
    const process = new Process(disk, 1)
    const file = process.file(2)
    disk.injectFault({ kind: 'write', code: 'EIO' })
    const write = (): void =>
      process.call((done) => file.writeDurably(0, [new Uint8Array(1024).fill(3)], done))
    expect(write).toThrow('injected')
    expect(write).toThrow('after one that failed')
  })
})

describe('a full disk', () => {
  it('counts files and rows, and refuses what does not fit', () => {
    const disk = new SimDisk({ capacityBytes: 1000 })
    const process = new Process(disk, 1)
    const folder = process.folder()
    process.call((done) => folder.create('a', 600, done))
    expect(process.call((done) => folder.freeBytes(done))).toBe(400)
    expect(() => process.call((done) => folder.create('b', 401, done))).toThrow('no room')
    const rows = process.rows()
    const write = (bytes: number): void => {
      const batch = rows.newBatch()
      batch.put(new Uint8Array(10), new Uint8Array(bytes))
      process.call((done) => batch.write(done))
    }
    write(100)
    expect(disk.freeBytes).toBe(290)
    expect(() => write(300)).toThrow('no room')
    disk.otherBytes = 5000
    expect(disk.freeBytes).toBe(0)
  })
})
