import { describe, expect, it } from 'vitest'
import { makeZxid, type Zxid } from '../../src/base/index.ts'
import { SimDisk } from '../../src/sim/index.ts'
import type { EntriesRead, StorageOptions } from '../../src/storage/index.ts'
import {
  decodeChange,
  encodeChange,
  KIB,
  type Life,
  SMALL_OPTIONS,
  start,
  startWell,
} from './support.ts'

const REPLICA: StorageOptions = {
  ...SMALL_OPTIONS,
  replay: 'checkpoint',
  checkpointEntries: 1e9,
  checkpointLogBytes: 1e9,
  segmentsKept: 0,
}

/** Logs entries without applying them, as a follower does. */
function log(life: Life, zxids: readonly Zxid[], pad = ''): void {
  for (const zxid of zxids) {
    const txn = encodeChange({ values: { '/a': String(zxid) }, pad })
    life.storage!.append(zxid, txn, 0, txn.length)
  }
  let isDone = false
  life.storage!.whenDurable(() => {
    isDone = true
  })
  life.storage!.flush()
  life.run(() => isDone)
}

function apply(life: Life, zxid: Zxid): void {
  life.machine.apply(zxid, { values: { '/a': String(zxid) } })
}

/** Counters of one epoch. */
function zxids(epoch: number, from: number, to: number): Zxid[] {
  return Array.from({ length: to - from + 1 }, (_, i) => makeZxid(epoch, from + i))
}

function read(life: Life, after: Zxid, upTo: Zxid, bytesMax = 1e9): EntriesRead | string {
  let result: EntriesRead | string | null = null
  life.storage!.readEntries(after, upTo, bytesMax, (problem, found) => {
    result = problem ?? found
  })
  expect(result).toBeNull()
  life.run(() => result !== null)
  return result!
}

function zxidsRead(life: Life, after: Zxid, upTo: Zxid): readonly Zxid[] {
  const result = read(life, after, upTo)
  if (typeof result === 'string') throw new Error(result)
  for (const { zxid, txn } of result.entries) {
    expect(decodeChange(txn).values['/a']).toBe(String(zxid))
  }
  return result.entries.map(({ zxid }) => zxid)
}

describe("replay: 'checkpoint'", () => {
  it('gives a new server no entries', () => {
    const life = startWell(new SimDisk(), REPLICA)
    expect(life.storage!.takeTail()).toEqual({ base: 0n, entries: [] })
    expect(() => life.storage!.takeTail()).toThrow('once')
  })

  it('without a checkpoint hands out the whole log and applies none of it', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    log(life, zxids(1, 1, 80), 'x'.repeat(600))
    log(life, zxids(2, 1, 3))
    life.powerLoss()
    const next = startWell(disk, REPLICA)
    expect(next.machine.zxid).toBe(0n)
    expect(next.storage!.recovery).toMatchObject({ entriesReplayed: 0, checkpointZxid: null })
    const { base, entries } = next.storage!.takeTail()
    expect(base).toBe(0n)
    expect(entries.map(({ zxid }) => zxid)).toEqual([...zxids(1, 1, 80), ...zxids(2, 1, 3)])
    expect(decodeChange(entries[5]!.txn).values).toEqual({ '/a': String(makeZxid(1, 6)) })
  })

  it('takes a folder of a standalone server as it is', () => {
    const disk = new SimDisk()
    const alone = startWell(disk, { ...REPLICA, replay: 'all' })
    for (let i = 0; i < 4; i++) alone.writeDurably({ values: { '/a': String(i) } })
    alone.checkpoint()
    alone.writeDurably({ values: { '/a': 'late' } })
    alone.close()
    const replica = startWell(disk, REPLICA)
    expect(replica.machine.get('/a')).toBe('3')
    const { base, entries } = replica.storage!.takeTail()
    expect([base, entries.map(({ zxid }) => zxid)]).toEqual([0n, [1n, 2n, 3n, 4n, 5n]])
    log(replica, zxids(1, 1, 1))
    replica.close()
    expect(startWell(disk, { ...REPLICA, replay: 'all' }).machine.zxid).toBe(makeZxid(1, 1))
  })

  it('hands out a window before the checkpoint, within its limits and without holes', () => {
    const disk = new SimDisk()
    const life = startWell(disk, { ...REPLICA, segmentsKept: 2 })
    log(life, zxids(1, 1, 150), 'x'.repeat(900))
    for (const zxid of zxids(1, 1, 140)) apply(life, zxid)
    life.checkpoint()
    life.powerLoss()
    const tail = (options: Partial<StorageOptions>): string => {
      const next = startWell(disk, { ...REPLICA, ...options })
      const { base, entries } = next.storage!.takeTail()
      expect(base).toBeGreaterThanOrEqual(next.storage!.diskBase)
      expect(next.machine.zxid).toBe(makeZxid(1, 140))
      expect(entries.map(({ zxid }) => zxid)).toEqual(zxids(1, Number(base & 0xffffn) + 1, 150))
      next.powerLoss()
      return `${base & 0xffffn}`
    }
    expect(tail({ tailEntries: 0 })).toBe('140')
    expect(tail({ tailEntries: 7 })).toBe('133')
    expect(tail({ tailBytes: 2500 })).toBe('138')
    // The segment with the checkpoint and the one before it.
    expect(Number(tail({}))).toBeLessThan(120)
  })
})

describe('epochs', () => {
  it('jump in zxids, and survive the purge of the segments they were promised in', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    life.storage!.setAcceptedEpoch(4, () => {})
    log(life, zxids(4, 1, 2))
    life.storage!.setCurrentEpoch(4, () => {})
    life.storage!.setAcceptedEpoch(9, () => {})
    log(life, zxids(9, 1, 200), 'x'.repeat(600))
    for (const zxid of [...zxids(4, 1, 2), ...zxids(9, 1, 200)]) apply(life, zxid)
    const purged: Zxid[] = []
    life.onLogPurged = (base) => purged.push(base)
    life.checkpoint()
    expect(disk.folders.get('/data/log')!.files.has('0000000001.log')).toBe(false)
    expect(purged.length).toBeGreaterThan(1)
    expect(purged.at(-1)).toBe(life.storage!.diskBase)
    life.powerLoss()
    const next = startWell(disk, REPLICA)
    expect([next.storage!.acceptedEpoch, next.storage!.currentEpoch]).toEqual([9, 4])
    expect(next.storage!.lastLogged).toBe(makeZxid(9, 200))
  })
})

describe('whenDurable', () => {
  it('is called later and in order, with nothing to write too', () => {
    const life = startWell(new SimDisk(), REPLICA)
    const storage = life.storage!
    const calls: string[] = []
    storage.whenDurable(() => calls.push(`nothing at ${storage.lastLogged}`))
    const txn = encodeChange({ values: {} })
    storage.append(makeZxid(1, 1), txn, 0, txn.length)
    storage.whenDurable(() => calls.push(`first at ${storage.lastLogged}`))
    storage.flush()
    storage.append(makeZxid(1, 2), txn, 0, txn.length)
    storage.whenDurable(() => calls.push(`second at ${storage.lastLogged}`))
    storage.whenDurable(() => calls.push('second again'))
    expect(calls).toEqual([])
    life.run(() => calls.length === 4)
    expect(calls).toEqual([
      'nothing at 0',
      `first at ${makeZxid(1, 1)}`,
      `second at ${makeZxid(1, 2)}`,
      'second again',
    ])
  })

  it('comes after what became durable, and never after a failure', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    const calls: string[] = []
    life.onDurable = () => calls.push('entries')
    life.storage!.setAcceptedEpoch(3, () => calls.push('epoch'))
    life.write({ values: { '/a': '1' } })
    life.storage!.whenDurable(() => calls.push('all'))
    life.storage!.flush()
    life.run(() => calls.includes('all'))
    expect(calls).toEqual(['epoch', 'entries', 'all'])
    disk.injectFault({ kind: 'write', code: 'EIO' })
    life.write({ values: { '/a': '2' } })
    life.storage!.whenDurable(() => calls.push('never'))
    life.storage!.flush()
    life.runFor(1000)
    life.storage!.whenDurable(() => calls.push('never'))
    life.runFor(1000)
    expect(life.fatal).not.toBeNull()
    expect(calls).toHaveLength(3)
  })
})

describe('a checkpoint while the log is ahead', () => {
  it('holds what is applied, keeps what is not, and the log can be truncated to it', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    log(life, zxids(1, 1, 200), 'x'.repeat(600))
    for (const zxid of zxids(1, 1, 70)) apply(life, zxid)
    life.checkpoint()
    expect(life.storage!.stats.checkpointZxid).toBe(makeZxid(1, 70))
    expect(life.storage!.diskBase).toBeLessThanOrEqual(makeZxid(1, 70))
    expect(life.storage!.diskBase).toBeGreaterThan(makeZxid(1, 1))
    life.kill()

    const next = startWell(disk, REPLICA)
    expect(next.machine.zxid).toBe(makeZxid(1, 70))
    expect(next.storage!.takeTail().entries.at(-1)!.zxid).toBe(makeZxid(1, 200))
    expect(() => next.storage!.truncate(makeZxid(1, 69), () => {})).toThrow('committed')
    next.storage!.truncate(makeZxid(1, 70), () => {})
    log(next, zxids(2, 1, 2))
    next.powerLoss()

    const last = startWell(disk, REPLICA)
    expect(last.machine.zxid).toBe(makeZxid(1, 70))
    const { entries } = last.storage!.takeTail()
    expect(entries.map(({ zxid }) => zxid).slice(-3)).toEqual([makeZxid(1, 70), ...zxids(2, 1, 2)])
  })

  it('is due when everything that made it due is applied, and counts from there', () => {
    const options = { ...REPLICA, checkpointEntries: 50 }
    const disk = new SimDisk()
    const life = startWell(disk, options)
    const due = (): boolean => {
      const before = life.storage!.stats.checkpoints
      life.storage!.checkpointIfDue()
      life.runFor(100)
      return life.storage!.stats.checkpoints > before
    }
    log(life, zxids(1, 1, 49))
    for (const zxid of zxids(1, 1, 49)) apply(life, zxid)
    expect(due()).toBe(false)
    log(life, zxids(1, 50, 60))
    expect(due()).toBe(false)
    log(life, zxids(1, 61, 80))
    for (const zxid of zxids(1, 50, 59)) apply(life, zxid)
    expect(due()).toBe(false)
    apply(life, makeZxid(1, 60))
    expect(due()).toBe(true)
    expect(life.storage!.stats.checkpointZxid).toBe(makeZxid(1, 60))
    // 61 to 80 count for the next one.
    log(life, zxids(1, 81, 109))
    for (const zxid of zxids(1, 61, 109)) apply(life, zxid)
    expect(due()).toBe(false)
    log(life, zxids(1, 110, 110))
    expect(due()).toBe(false)
    // What made it due is taken back.
    life.storage!.truncate(makeZxid(1, 109), () => {})
    expect(due()).toBe(true)
    expect(life.storage!.stats.checkpointZxid).toBe(makeZxid(1, 109))
  })

  it('is due after a start when what was found is applied', () => {
    const options = { ...REPLICA, checkpointEntries: 50 }
    const disk = new SimDisk()
    const before = startWell(disk, options)
    log(before, zxids(1, 1, 60))
    before.powerLoss()
    const life = startWell(disk, options)
    life.storage!.checkpointIfDue()
    for (const zxid of zxids(1, 1, 59)) apply(life, zxid)
    life.storage!.checkpointIfDue()
    life.runFor(100)
    expect(life.storage!.stats.checkpoints).toBe(0)
    apply(life, makeZxid(1, 60))
    life.storage!.checkpointIfDue()
    life.runFor(100)
    expect(life.storage!.stats.checkpoints).toBe(1)
  })
})

describe('readEntries', () => {
  const many: StorageOptions = { ...REPLICA, segmentBytes: 1024 * KIB, groupBytesMax: 64 * KIB }

  it('reads any range over segments, written now or found at the start', () => {
    const disk = new SimDisk()
    const life = startWell(disk, many)
    for (let from = 1; from < 1500; from += 100)
      log(life, zxids(1, from, from + 99), 'x'.repeat(2000))
    const check = (server: Life): void => {
      expect(server.storage!.stats.segments).toBeGreaterThan(2)
      for (const [from, to] of [
        [0, 1500],
        [1, 2],
        [700, 1500],
        [1499, 1500],
        [1500, 1500],
      ] as const) {
        expect(zxidsRead(server, makeZxid(1, from), makeZxid(1, to))).toEqual(
          zxids(1, from + 1, to),
        )
      }
    }
    check(life)
    life.powerLoss()
    check(startWell(disk, many))
  })

  it('says which place in the log it went on from', () => {
    const life = startWell(new SimDisk(), REPLICA)
    log(life, [...zxids(1, 1, 5), ...zxids(3, 1, 3)])
    expect(read(life, makeZxid(1, 9), makeZxid(3, 3))).toMatchObject({ floor: makeZxid(1, 5) })
    expect(read(life, makeZxid(3, 0), makeZxid(3, 3))).toMatchObject({ floor: makeZxid(1, 5) })
    expect(read(life, makeZxid(1, 0), makeZxid(1, 2))).toMatchObject({ floor: 0n })
    expect(read(life, makeZxid(3, 7), makeZxid(3, 9))).toBe('the log ends at zxid 0x300000003')
  })

  it('refuses what is too much or purged', () => {
    const life = startWell(new SimDisk(), REPLICA)
    log(life, zxids(1, 1, 200), 'x'.repeat(600))
    const [first] = (read(life, makeZxid(1, 0), makeZxid(1, 1)) as EntriesRead).entries
    const size = first!.txn.length
    expect(read(life, makeZxid(1, 100), makeZxid(1, 103), 3 * size)).toHaveProperty(
      'entries.length',
      3,
    )
    expect(read(life, makeZxid(1, 100), makeZxid(1, 103), 3 * size - 1)).toContain('more than')
    for (const zxid of zxids(1, 1, 150)) apply(life, zxid)
    life.checkpoint()
    expect(read(life, makeZxid(1, 1), makeZxid(1, 200))).toBe('that is not on disk any more')
    const { diskBase } = life.storage!
    expect(zxidsRead(life, diskBase, makeZxid(1, 200))).toHaveLength(
      Number(makeZxid(1, 200) - diskBase),
    )
    expect(read(life, (diskBase - 1n) as Zxid, makeZxid(1, 200))).toContain('not on disk')
  })

  it('never gives what was truncated, or is being truncated', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    log(life, zxids(1, 1, 120), 'x'.repeat(600))
    let isDone = false
    let result = ''
    life.storage!.readEntries(makeZxid(1, 30), makeZxid(1, 100), 1e9, (problem) => {
      result = problem ?? 'read'
    })
    life.storage!.truncate(makeZxid(1, 40), () => {
      isDone = true
    })
    expect(read(life, makeZxid(1, 30), makeZxid(1, 100))).toContain('being cut')
    life.run(() => isDone && result !== '')
    expect(result).toBe('the log has been cut meanwhile')
    log(life, zxids(2, 1, 2))
    const check = (server: Life): void => {
      expect(zxidsRead(server, makeZxid(1, 38), makeZxid(2, 2))).toEqual([
        ...zxids(1, 39, 40),
        ...zxids(2, 1, 2),
      ])
      // 1:90 was in the log once.
      const beside = read(server, makeZxid(1, 90), makeZxid(2, 2))
      expect(beside).toMatchObject({ floor: makeZxid(1, 40) })
    }
    check(life)
    life.kill()
    check(startWell(disk, REPLICA))
  })

  it('reports damage and leaves it to the next start', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    log(life, zxids(1, 1, 100), 'x'.repeat(600))
    disk.folders.get('/data/log')!.files.get('0000000001.log')!.bytes[5000]! ^= 1
    expect(read(life, makeZxid(1, 0), makeZxid(1, 100))).toContain('cannot be read')
    expect(life.fatal).toBeNull()
    expect(life.logLines.join()).toContain('cannot be read')
    disk.injectFault({ kind: 'read', code: 'EIO' })
    expect(read(life, makeZxid(1, 90), makeZxid(1, 100))).toContain('EIO')
    life.powerLoss()
    expect(start(disk, REPLICA).error).toMatchObject({ code: 'LOG_DAMAGED' })
  })
})
