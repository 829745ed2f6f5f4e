import { describe, expect, it } from 'vitest'
import { makeZxid } from '../../src/base/index.ts'
import { encodeChange, KIB, Life, newDisk, SMALL_OPTIONS, startWell } from './support.ts'

const pad = 'x'.repeat(500)

describe('Storage', () => {
  it('starts a new server with nothing logged', () => {
    const life = startWell(newDisk())
    expect(life.storage!.recovery.isNew).toBe(true)
    expect(life.storage!.lastLogged).toBe(0n)
    expect(life.machine.values.size).toBe(1)
    expect(life.storage!.isFull).toBe(false)
  })

  it('reports an entry durable after flush, never inside a call, and finds it again', () => {
    const disk = newDisk()
    const life = startWell(disk)
    const zxid = life.write({ values: { '/a': 'one' } })
    life.storage!.flush()
    expect(life.acked).toBe(0n)
    life.run(() => life.acked >= zxid)
    expect(life.storage!.lastLogged).toBe(zxid)
    life.close()

    const next = startWell(disk)
    expect(next.storage!.recovery).toMatchObject({
      isNew: false,
      wasCleanStop: true,
      entriesReplayed: 1,
      tornBytes: 0,
      lastLogged: zxid,
    })
    expect(next.machine.get('/a')).toBe('one')
  })

  it('writes what is appended during a write as the next group, without another flush', () => {
    const life = startWell(newDisk())
    const { storage } = life
    life.write({ values: { '/a': '1' } })
    storage!.flush()
    for (let i = 0; i < 10; i++) life.write({ values: { '/b': String(i) } })
    const before = storage!.stats.groupsWritten
    life.run(() => storage!.lastLogged === 11n)
    expect(storage!.stats.groupsWritten - before).toBe(2)
    expect(storage!.stats.entriesWritten).toBe(11)
  })

  it('splits what is pending into groups of bounded size', () => {
    const life = startWell(newDisk())
    life.write({ values: { '/a': '1' } })
    life.storage!.flush()
    for (let i = 0; i < 20; i++) life.write({ values: {}, pad: 'x'.repeat(2000) })
    life.run(() => life.storage!.lastLogged === 21n)
    expect(life.storage!.stats.groupsWritten).toBeGreaterThanOrEqual(6)
  })

  it('keeps entries larger than a group and larger than a segment', () => {
    const disk = newDisk()
    const life = startWell(disk)
    life.writeDurably({ values: { '/a': 'small' } })
    life.writeDurably({ values: { '/b': 'large' }, pad: 'x'.repeat(20 * KIB) })
    life.writeDurably({ values: { '/c': 'huge' }, pad: 'x'.repeat(100 * KIB) })
    life.writeDurably({ values: { '/d': 'small again' } })
    expect(life.storage!.lastLogged).toBe(4n)
    life.kill()
    const next = startWell(disk)
    expect(['/a', '/b', '/c', '/d'].map((path) => next.machine.get(path))).toEqual([
      'small',
      'large',
      'huge',
      'small again',
    ])
  })

  it('keeps entries of every size around the sector boundaries', () => {
    const disk = newDisk()
    let life = startWell(disk)
    for (let size = 380; size < 1100; size += 7) {
      life.writeDurably({ values: { '/a': String(size) }, pad: 'x'.repeat(size) })
    }
    // Payloads that end in many zero bytes fill whole sectors with zeros.
    const zeros = encodeZeros(3000)
    life.storage!.append((life.storage!.lastAppended + 1n) as never, zeros, 0, zeros.length)
    life.storage!.flush()
    life.runFor(200)
    life.powerLoss()
    life = startWell(disk)
    expect(life.machine.get('/a')).toBe('1094')
    expect(life.machine.get('/zero')).toBe('yes')
  })

  it('fills the rest of a sector with zeros, not with what the buffer held before', () => {
    const disk = newDisk()
    const life = startWell(disk)
    for (let i = 0; i < 4; i++) life.writeDurably({ values: {}, pad: 'x'.repeat(2000) })
    life.writeDurably({ values: {} })
    const { bytes } = disk.folders.get('/data/log')!.files.get('0000000001.log')!
    const last = bytes.findLastIndex((byte) => byte !== 0)
    expect(String.fromCharCode(...bytes.subarray(last - 12, last + 1))).toBe('{"values":{}}')
  })

  it('goes on in further segments and finds everything after many restarts', () => {
    const disk = newDisk()
    const options = { ...SMALL_OPTIONS, checkpointEntries: 1e9, checkpointLogBytes: 1e9 }
    for (let round = 0; round < 12; round++) {
      const life = startWell(disk, options)
      expect(life.machine.values.size).toBe(1 + round * 40)
      for (let i = 0; i < 40; i++) {
        life.writeDurably({ values: { [`/n${round}-${i}`]: 'v' }, pad: 'x'.repeat(300) })
      }
      if (round % 3 === 0) life.close()
      else if (round % 3 === 1) life.kill()
      else life.powerLoss()
    }
    expect(disk.folders.get('/data/log')!.files.size).toBeGreaterThan(6)
  })

  it('prepares the next segment in time, and none for a server with little to log', () => {
    const disk = newDisk()
    const life = startWell(disk)
    life.runFor(100)
    const { files } = disk.folders.get('/data/log')!
    expect([...files.keys()].sort()).toEqual(['0000000001.log', 'reserve'])
    for (let i = 0; i < 16; i++) life.writeDurably({ values: {}, pad })
    life.runFor(100)
    expect([...files.keys()]).toContain('0000000002.next')
    expect(files.has('0000000002.log')).toBe(false)
  })

  it('remembers the epochs', () => {
    const disk = newDisk()
    const life = startWell(disk)
    let promised = 0
    life.storage!.setAcceptedEpoch(5, () => {
      promised = life.storage!.acceptedEpoch
    })
    expect(promised).toBe(0)
    life.run(() => promised !== 0)
    expect(promised).toBe(5)
    life.storage!.setCurrentEpoch(4, () => {})
    for (let i = 0; i < 200; i++) life.writeDurably({ values: {}, pad: 'x'.repeat(400) })
    life.kill()
    const next = startWell(disk)
    expect(next.storage!.acceptedEpoch).toBe(5)
    expect(next.storage!.currentEpoch).toBe(4)
  })

  it('takes entries back, across segments and restarts', () => {
    const disk = newDisk()
    let life = startWell(disk)
    for (let i = 1; i <= 100; i++) life.writeDurably({ values: { [`/${i}`]: 'old' }, pad })
    let isDone = false
    life.storage!.truncate(makeZxid(0, 40), () => {
      isDone = true
    })
    life.run(() => isDone)
    expect(life.storage!.lastLogged).toBe(40n)
    life.powerLoss()

    life = startWell(disk)
    expect(life.storage!.lastLogged).toBe(40n)
    expect(life.machine.values.size).toBe(1 + 40)
    for (let i = 0; i < 100; i++) life.writeDurably({ values: { [`/new${i}`]: 'new' }, pad })
    life.storage!.truncate(makeZxid(0, 130), () => {})
    life.acked = makeZxid(0, 130)
    life.write({ values: { '/last': 'yes' } })
    life.storage!.flush()
    life.run(() => life.storage!.lastLogged === 131n)
    life.close()

    life = startWell(disk)
    expect(life.storage!.lastLogged).toBe(131n)
    expect(life.machine.values.size).toBe(1 + 40 + 90 + 1)
    expect(life.machine.get('/last')).toBe('yes')
    life.checkpoint()
    expect(() => life.storage!.truncate(makeZxid(0, 130), () => {})).toThrow('committed')
    expect(() => life.storage!.truncate(makeZxid(0, 132), () => {})).toThrow('it has')
  })

  it('refuses a zxid that does not increase', () => {
    const life = startWell(newDisk())
    life.write({ values: {} })
    expect(() => life.storage!.append(makeZxid(0, 1), new Uint8Array(3), 0, 3)).toThrow('follow')
  })

  it('refuses a folder that another server uses, and leaves that one alone', () => {
    const disk = newDisk()
    const life = startWell(disk)
    const other = new Life(disk, 2, SMALL_OPTIONS, disk.openBeside)
    other.opened()
    expect(other.error).toMatchObject({ code: 'LOCKED', where: '/data/log' })
    life.writeDurably({ values: { '/a': '1' } })
    life.close()
    expect(startWell(disk).machine.get('/a')).toBe('1')
  })

  it('proves the last write with a watermark soon after, once', () => {
    const life = startWell(newDisk())
    life.runFor(1000)
    life.writeDurably({ values: { '/a': '1' } })
    const steps = life.disk.steps
    life.runFor(1000)
    expect(life.disk.steps).toBe(steps + 1)
  })
})

function encodeZeros(length: number): Uint8Array {
  const json = encodeChange({ values: { '/zero': 'yes' } })
  const bytes = new Uint8Array(json.length + length)
  bytes.set(json)
  return bytes
}
