import { describe, expect, it } from 'vitest'
import { SimDisk, SimRandom } from '../../src/sim/index.ts'
import type { StorageOptions } from '../../src/storage/index.ts'
import { KIB, type Life, SMALL_OPTIONS, start, startWell } from './support.ts'

const MANUAL: StorageOptions = {
  ...SMALL_OPTIONS,
  checkpointEntries: 1e9,
  checkpointLogBytes: 1e9,
  segmentsKept: 0,
}

describe('a failed write', () => {
  for (const code of ['EIO', 'ENOSPC', 'EDQUOT']) {
    it(`of the log is fatal (${code}): nothing is written or reported durable afterwards`, () => {
      const disk = new SimDisk()
      const life = startWell(disk)
      const acked = life.writeDurably({ values: { '/a': '1' } })
      life.runFor(20)
      disk.injectFault({ kind: 'write', code })
      life.writeDurably({ values: { '/b': '2' } })
      expect(life.fatal!.message).toContain(code)
      expect(life.fatal!.message).toContain('/data/log')
      expect(life.fatal!.whatToDo).toContain('again')
      const { steps } = disk
      life.write({ values: { '/c': '3' } })
      life.storage!.flush()
      life.storage!.checkpoint()
      life.storage!.checkpointIfDue()
      life.runFor(10_000)
      expect(life.acked).toBe(acked)
      expect(disk.steps).toBe(steps)
      life.close()

      const next = startWell(disk)
      expect(next.machine.get('/a')).toBe('1')
      expect(next.machine.get('/c')).toBeUndefined()
    })
  }

  it('of a full queue of groups reports none of them', () => {
    const disk = new SimDisk()
    const life = startWell(disk)
    for (let i = 0; i < 50; i++) life.write({ values: { '/a': '1' }, pad: 'x'.repeat(1000) })
    disk.injectFault({ kind: 'write', code: 'EIO', skip: 2 })
    life.storage!.flush()
    life.run(() => life.fatal !== null)
    life.runFor(1000)
    expect(life.acked).toBeGreaterThan(0n)
    expect(life.acked).toBeLessThan(50n)
    expect(life.storage!.lastLogged).toBe(life.acked)
    life.env.stop()
    expect(startWell(disk).storage!.lastLogged).toBeGreaterThanOrEqual(life.acked)
  })

  it('of any kind while rolling is fatal and loses nothing acknowledged', () => {
    const faults = [
      { kind: 'rename', code: 'EIO' },
      { kind: 'create', code: 'EIO' },
      { kind: 'close', code: 'EIO' },
      { kind: 'write', code: 'EIO', name: /0002/ },
    ] as const
    for (const fault of faults) {
      const disk = new SimDisk()
      const life = startWell(disk, MANUAL)
      life.runFor(100)
      disk.injectFault(fault)
      for (let i = 0; i < 100 && life.fatal === null; i++) {
        life.writeDurably({ values: { '/a': String(i) }, pad: 'x'.repeat(1000) })
      }
      expect(life.fatal, fault.kind).toMatchObject({ code: 'IO' })
      const { acked } = life
      life.close()
      expect(startWell(disk, MANUAL).storage!.lastLogged).toBeGreaterThanOrEqual(acked)
    }
  })

  it('of the checkpoint with anything but a full disk is fatal; the start settles it', () => {
    for (let seed = 1; seed < 20; seed++) {
      const disk = new SimDisk()
      const life = startWell(disk, MANUAL, seed)
      life.writeDurably({ values: { '/a': '1' } })
      life.checkpoint()
      life.writeDurably({ values: { '/a': '2' } })
      disk.injectFault({ kind: 'rowsWrite', code: 'EIO' })
      life.checkpoint()
      expect(life.fatal).toMatchObject({ code: 'IO', where: '/data/checkpoint' })
      life.close()
      const next = startWell(disk, MANUAL)
      expect(next.machine.get('/a')).toBe('2')
    }
  })

  it('of the markers at a start refuses the start', () => {
    const disk = new SimDisk()
    const life = startWell(disk)
    life.writeDurably({ values: { '/a': '1' } })
    life.powerLoss()
    disk.injectFault({ kind: 'write', code: 'EIO' })
    expect(start(disk).error).toMatchObject({ code: 'IO' })
    expect(startWell(disk).machine.get('/a')).toBe('1')
  })
})

describe('a full disk', () => {
  const CAPACITY = 256 * KIB

  function fill(life: Life, pad = 900): number {
    let count = 0
    while (!life.storage!.isFull && count < 2000) {
      life.writeDurably({ values: { [`/${count % 20}`]: String(count) }, pad: 'x'.repeat(pad) })
      count++
    }
    return count
  }

  it('refuses writes in time, keeps what was acknowledged, and recovers by itself', () => {
    const disk = new SimDisk({ capacityBytes: CAPACITY })
    disk.otherBytes = 64 * KIB
    const life = startWell(disk, MANUAL)
    life.runFor(100)
    // Others fill what is left.
    disk.otherBytes = CAPACITY - 2 * 32 * KIB - 32 * KIB - 4 * KIB
    life.writeDurably({ values: { '/a': '1' } })
    for (let i = 0; i < 40; i++) life.writeDurably({ values: {}, pad: 'x'.repeat(1000) })
    life.runFor(10)
    expect(life.storage!.isFull).toBe(true)
    expect(life.fatal).toBeNull()
    expect(life.logLines.join()).toContain('writes are refused')
    // What was admitted before is still written.
    life.writeDurably({ values: { '/a': '2' } })
    expect(life.acked).toBe(life.storage!.lastAppended)

    disk.otherBytes = 0
    life.runFor(3000)
    expect(life.storage!.isFull).toBe(false)
    expect(life.logLines.join()).toContain('room on the disk again')
    expect([...disk.folders.get('/data/log')!.files.keys()]).toContain('reserve')
    life.writeDurably({ values: { '/a': '3' } })
    life.close()
    expect(startWell(disk, MANUAL).machine.get('/a')).toBe('3')
  })

  it('frees itself by a checkpoint and a purge', () => {
    const disk = new SimDisk({ capacityBytes: CAPACITY })
    const life = startWell(disk, MANUAL)
    const count = fill(life)
    expect(count).toBeGreaterThan(50)
    expect(life.storage!.stats.checkpoints).toBe(0)
    life.runFor(5000)
    expect(life.storage!.stats.checkpoints).toBe(1)
    expect(life.storage!.isFull).toBe(false)
    life.close()
    const next = startWell(disk, MANUAL)
    expect(next.storage!.lastLogged).toBe(BigInt(count))
  })

  it('stops taking writes in flight only when the reserve is used up, and loses none of them', () => {
    const disk = new SimDisk({ capacityBytes: CAPACITY })
    const life = startWell(disk, MANUAL)
    fill(life)
    // No room for the checkpoint either.
    disk.otherBytes = CAPACITY
    for (let i = 0; i < 150; i++)
      life.write({ values: { '/late': String(i) }, pad: 'x'.repeat(900) })
    life.storage!.flush()
    life.runFor(5000)
    expect(life.fatal).toBeNull()
    expect(life.acked).toBeLessThan(life.storage!.lastAppended)
    disk.otherBytes = 0
    disk.capacityBytes = 2 * CAPACITY
    life.runFor(5000)
    expect(life.acked).toBe(life.storage!.lastAppended)
    expect(life.storage!.isFull).toBe(false)
    life.close()
    expect(startWell(disk, MANUAL).machine.get('/late')).toBe('149')
  })

  it('takes writes again also when all that waits fits into one segment', () => {
    const disk = new SimDisk({ capacityBytes: CAPACITY })
    const life = startWell(disk, MANUAL)
    fill(life)
    disk.otherBytes = CAPACITY
    while (life.acked === life.storage!.lastAppended) {
      life.write({ values: { '/late': 'x' }, pad: 'x'.repeat(900) })
      life.storage!.flush()
      life.runFor(1000)
    }
    disk.otherBytes = 0
    disk.capacityBytes = 2 * CAPACITY
    life.runFor(5000)
    expect(life.acked).toBe(life.storage!.lastAppended)
    // No further write asks for it.
    expect(life.storage!.isFull).toBe(false)
  })

  it('can be stopped on, with writes that wait, and started on', () => {
    const disk = new SimDisk({ capacityBytes: CAPACITY })
    const life = startWell(disk, MANUAL)
    fill(life)
    disk.otherBytes = CAPACITY
    for (let i = 0; i < 150; i++)
      life.write({ values: { '/late': String(i) }, pad: 'x'.repeat(900) })
    life.storage!.flush()
    life.runFor(3000)
    const { acked } = life
    life.close()

    const next = startWell(disk, MANUAL)
    expect(next.storage!.lastLogged).toBeGreaterThanOrEqual(acked)
    next.runFor(100)
    expect(next.storage!.isFull).toBe(true)
    next.powerLoss()
    const third = startWell(disk, MANUAL)
    expect(third.storage!.lastLogged).toBeGreaterThanOrEqual(acked)
  })

  it('says so when there is no room for a new server', () => {
    const disk = new SimDisk({ capacityBytes: 8 * KIB })
    expect(start(disk).error).toMatchObject({ code: 'DISK_FULL' })
    disk.capacityBytes = CAPACITY
    expect(start(disk).error).toBeNull()
  })

  it('does not spoil a checkpoint that failed on it', () => {
    for (let seed = 1; seed < 30; seed++) {
      const disk = new SimDisk()
      const life = startWell(disk, MANUAL, seed)
      for (let i = 0; i < 10; i++) life.writeDurably({ values: { [`/${i}`]: 'old', '/x': 'y' } })
      if (seed % 2 === 0) life.checkpoint()
      for (let i = 5; i < 10; i++) life.writeDurably({ values: { [`/${i}`]: null } })
      disk.injectFault({ kind: 'rowsWrite', code: 'ENOSPC' })
      life.checkpoint()
      expect(life.fatal).toBeNull()
      life.writeDurably({ values: { '/5': 'new' } })
      if (seed % 3 === 0) life.checkpoint()
      const expected = life.machine.summary()
      life.powerLoss()
      const next = startWell(disk, MANUAL)
      expect(next.machine.summary()).toEqual(expected)
      next.checkpoint()
      next.close()
      expect(startWell(disk, MANUAL).machine.summary()).toEqual(expected)
    }
  })

  it('and a crash at any step of the checkpoint after the one that failed on it', () => {
    for (let seed = 1; seed < 12; seed++) {
      for (let step = 1; step < 10; step++) {
        const disk = new SimDisk()
        const life = startWell(disk, MANUAL, seed)
        for (let i = 0; i < 120; i++)
          life.writeDurably({ values: { '/a': `${i}` }, pad: 'x'.repeat(900) })
        life.checkpoint()
        life.writeDurably({ values: { '/a': 'new' } })
        disk.injectFault({ kind: 'rowsWrite', code: 'ENOSPC' })
        life.checkpoint()
        life.writeDurably({ values: { '/a': 'newer' } })
        life.runFor(200)
        disk.crashAtStep = disk.steps + step
        life.checkpoint()
        disk.crashAtStep = Infinity
        life.powerLoss()
        const next = start(disk, MANUAL)
        expect(next.error, `seed=${seed} step=${step}`).toBeNull()
        expect(next.machine.get('/a')).toBe('newer')
      }
    }
  })

  it('and freed again, 100 times at random: nothing acknowledged is lost', () => {
    const seed = 4711
    const random = new SimRandom(seed)
    const disk = new SimDisk({ capacityBytes: CAPACITY })
    let wasFull = 0
    let last = ''
    let acked = 0n
    for (let cycle = 0; cycle < 100; cycle++) {
      const life = start(disk, MANUAL, random.uint32())
      const context = `seed=${seed} cycle=${cycle}`
      expect(life.error, context).toBeNull()
      expect(life.storage!.lastLogged, context).toBeGreaterThanOrEqual(acked)
      if (life.storage!.lastLogged === acked && acked > 0n) {
        expect(life.machine.get('/last'), context).toBe(last)
      }
      for (let i = 0; i < 60; i++) {
        disk.otherBytes = random.below(CAPACITY)
        if (life.storage!.isFull) wasFull++
        else {
          last = `${cycle}.${i}`
          life.write({ values: { '/last': last }, pad: 'x'.repeat(random.below(2000)) })
          life.storage!.flush()
        }
        life.runFor(random.below(3))
        if (random.oneIn(20)) life.storage!.checkpoint()
      }
      disk.otherBytes = 0
      life.runFor(3000)
      expect(life.fatal, context).toBeNull()
      expect(life.acked === 0n || life.acked === life.storage!.lastAppended, context).toBe(true)
      acked = life.storage!.lastLogged
      expect(life.storage!.isFull, context).toBe(false)
      if (random.oneIn(2)) life.powerLoss()
      else life.close()
    }
    expect(wasFull).toBeGreaterThan(500)
  })
})
