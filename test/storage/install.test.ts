import { describe, expect, it } from 'vitest'
import { makeZxid, type SessionId, type Zxid } from '../../src/base/index.ts'
import { SimDisk } from '../../src/sim/index.ts'
import type { Install, StorageOptions } from '../../src/storage/index.ts'
import {
  encodeChange,
  KIB,
  type Life,
  MapMachine,
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
  firstCheckpointBatchRows: 4,
}

/** A snapshot with some znodes, and some entries after it. */
function received(epoch: number, counter: number, entries: number, znodes = 10): Install {
  const zxid = makeZxid(epoch, counter)
  const machine = new MapMachine()
  machine.reset()
  const values: Record<string, string> = {}
  for (let i = 0; i < znodes; i++) values[`/snap${i}`] = `${epoch}.${counter}`
  machine.apply(zxid, { values, sessions: { '77': 4000 } })
  return {
    zxid,
    snapshot: machine.received(),
    entries: Array.from({ length: entries }, (_, i) => ({
      zxid: makeZxid(epoch, counter + 1 + i),
      txn: encodeChange({ values: { '/after': String(counter + 1 + i) } }),
    })),
    currentEpoch: epoch,
  }
}

/** Hands a snapshot over; the machine gets it as soon as it is durable. */
function hand(life: Life, install: Install, done: () => void = () => {}): void {
  life.storage!.install(install, () => {
    life.machine.load(install)
    done()
  })
  life.storage!.flush()
}

function handAndWait(life: Life, install: Install): void {
  let isDone = false
  hand(life, install, () => {
    isDone = true
  })
  life.run(() => isDone || life.fatal !== null)
}

function write(life: Life, count: number): void {
  for (let i = 0; i < count; i++) {
    life.writeDurably({ values: { [`/old${i}`]: 'x' }, pad: 'x'.repeat(500) })
  }
}

function rowsOn(disk: SimDisk): number {
  return disk.stores.get('/data/checkpoint')!.rows.size
}

/** Root, znodes, session and meta row of a snapshot. */
const ROWS = 1 + 10 + 1 + 1

describe('install', () => {
  it('replaces log, state and epoch, and is found again', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    write(life, 200)
    life.checkpoint()
    life.writeDurably({ values: { '/old': 'late' } })
    handAndWait(life, received(3, 5, 4))
    expect(life.storage!.lastLogged).toBe(makeZxid(3, 9))
    expect(life.storage!.currentEpoch).toBe(3)
    life.runFor(1000)
    expect(life.storage!.stats.segments).toBe(1)
    expect(life.storage!.diskBase).toBe(makeZxid(3, 5))
    expect(rowsOn(disk)).toBe(ROWS)
    life.powerLoss()

    const next = startWell(disk, REPLICA)
    expect(next.storage!.recovery.checkpointZxid).toBe(makeZxid(3, 5))
    expect(next.machine.get('/snap9')).toBe('3.5')
    expect(next.machine.get('/old')).toBeUndefined()
    expect(next.machine.sessions.get(77n as SessionId)).toBe(4000)
    const tail = next.storage!.takeTail()
    expect(tail.base).toBe(makeZxid(3, 5))
    expect(tail.entries.map(({ zxid }) => zxid)).toEqual([6, 7, 8, 9].map((i) => makeZxid(3, i)))
    expect(next.storage!.currentEpoch).toBe(3)
  })

  it('takes a snapshot that is shorter than the log, and checkpoints go on from it', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    write(life, 150)
    handAndWait(life, received(0, 20, 2))
    expect(life.storage!.lastAppended).toBe(22n)
    // The old rows are being deleted.
    life.runFor(100)
    life.machine.apply(21n as Zxid, { values: { '/after': '21' } })
    life.checkpoint()
    expect(life.storage!.stats.checkpointZxid).toBe(21n)
    life.writeDurably({ values: { '/new': '23' } })
    life.powerLoss()

    const next = startWell(disk, REPLICA)
    expect(next.machine.zxid).toBe(21n)
    expect(next.machine.get('/after')).toBe('21')
    expect(next.storage!.takeTail()).toMatchObject({
      base: 20n,
      entries: [{ zxid: 21n }, { zxid: 22n }, { zxid: 23n }],
    })
  })

  it('keeps its place between what was handed over before and after it', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    const order: string[] = []
    const storage = life.storage!
    life.write({ values: { '/old': '1' } })
    storage.setAcceptedEpoch(2, () => order.push('accepted'))
    storage.whenDurable(() => order.push(`before ${storage.currentEpoch}`))
    hand(life, received(2, 1, 1), () => order.push(`installed ${storage.currentEpoch}`))
    storage.whenDurable(() => order.push('with it'))
    const txn = encodeChange({ values: { '/late': '1' } })
    storage.append(makeZxid(2, 3), txn, 0, txn.length)
    storage.setAcceptedEpoch(4, () => order.push('accepted again'))
    storage.truncate(makeZxid(2, 2), () => order.push('truncated'))
    storage.whenDurable(() => order.push('after'))
    life.run(() => order.length === 7)
    expect(order).toEqual([
      'accepted',
      'before 0',
      'installed 2',
      'with it',
      'accepted again',
      'truncated',
      'after',
    ])
    life.powerLoss()
    const next = startWell(disk, REPLICA)
    expect(next.storage!.acceptedEpoch).toBe(4)
    expect(next.storage!.lastLogged).toBe(makeZxid(2, 2))
  })

  it('over an install leaves the last one, and no rows of the others', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    write(life, 5)
    let done = 0
    for (const epoch of [2, 3, 4]) hand(life, received(epoch, 1, 1), () => done++)
    life.run(() => done === 3)
    expect(life.machine.get('/snap0')).toBe('4.1')
    life.runFor(1000)
    expect(rowsOn(disk)).toBe(ROWS)
    life.close()
    expect(startWell(disk, REPLICA).machine.get('/snap0')).toBe('4.1')
  })

  it('refuses a truncation to before it', () => {
    const life = startWell(new SimDisk(), REPLICA)
    hand(life, received(2, 5, 2))
    expect(() => life.storage!.truncate(makeZxid(2, 4), () => {})).toThrow('checkpoint')
  })

  it('refuses a snapshot with fewer znodes than its summary says', () => {
    const life = startWell(new SimDisk(), REPLICA)
    const install = received(2, 5, 0)
    const znodes = [...install.snapshot.znodes()]
    const snapshot = { ...install.snapshot, znodes: () => znodes.slice(1)[Symbol.iterator]() }
    hand(life, { ...install, snapshot })
    expect(() => life.runFor(100)).toThrow('a snapshot of 11 znodes had 10')
  })
})

describe('an install and a checkpoint', () => {
  it('that is running, at any moment of it: the snapshot wins', () => {
    for (let ms = 0; ms < 60; ms++) {
      const disk = new SimDisk({ latencyMsMin: 2, latencyMsMax: 4 })
      const life = startWell(disk, { ...REPLICA, checkpointPauseMs: 3 }, 3)
      write(life, 30)
      if (ms % 2 === 0) life.checkpoint()
      life.writeDurably({ values: { '/old': 'late' } })
      let ended = 0
      life.storage!.checkpoint(() => ended++)
      life.runFor(ms / 2)
      handAndWait(life, received(3, 5, 1))
      expect(ended, `${ms / 2} ms`).toBe(1)
      life.runFor(ms % 3 === 0 ? 500 : 0)
      life.powerLoss()
      const next = start(disk, REPLICA)
      expect(next.error, `${ms / 2} ms`).toBeNull()
      expect(next.machine.zxid).toBe(makeZxid(3, 5))
      next.machine.apply(makeZxid(3, 6), { values: { '/after': '6' } })
      next.checkpoint()
      expect(next.storage!.stats.checkpointZxid).toBe(makeZxid(3, 6))
      expect(rowsOn(disk)).toBe(ROWS + 1)
    }
  })

  it('tell of each part that was written', () => {
    const options = { ...REPLICA, firstCheckpointBatchRows: 10 }
    const life = startWell(new SimDisk(), options)
    write(life, 3)
    const partsAt: Zxid[] = []
    const onProgress = (): void => {
      partsAt.push(life.machine.zxid)
    }
    handAndWait(life, { ...received(3, 5, 2, 95), onProgress })
    // 95 znodes and a session in parts of ten; what is left goes with the last row.
    expect(partsAt.length).toBe(9)
    // None of them comes after the whole.
    expect(partsAt.every((zxid) => zxid < makeZxid(3, 5))).toBe(true)
  })

  it('wait for each other; a state of before is not written over the snapshot', () => {
    const life = startWell(new SimDisk(), REPLICA)
    write(life, 3)
    const install = received(3, 5, 2)
    let isDone = false
    life.storage!.install(install, () => {
      isDone = true
    })
    life.checkpoint()
    expect(isDone).toBe(false)
    expect(life.storage!.stats.checkpoints).toBe(0)
    life.run(() => isDone)
    life.runFor(100)
    // The machine has not been loaded yet.
    life.checkpoint()
    expect(life.storage!.stats.checkpoints).toBe(0)
    expect(life.storage!.stats.checkpointZxid).toBe(makeZxid(3, 5))
  })
})

describe('a power cut in an install', () => {
  /** A checkpoint, a snapshot over it, another over that, a checkpoint; the power goes at durable step `crashAtStep`. */
  function run(crashAtStep: number): { disk: SimDisk; done: number } {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA, 11)
    disk.crashAtStep = crashAtStep
    let done = 0
    write(life, 70)
    life.checkpoint()
    for (const epoch of [3, 5]) {
      if (disk.isDown) break
      life.storage!.setAcceptedEpoch(epoch, () => {})
      handAndWait(life, received(epoch, 5, 3))
      if (disk.isDown) break
      done = epoch
      life.machine.apply(makeZxid(epoch, 6), { values: { '/after': '6' } })
      life.checkpoint()
    }
    if (!disk.isDown) life.runFor(100)
    life.powerLoss()
    disk.crashAtStep = Number.POSITIVE_INFINITY
    return { disk, done }
  }

  it('leaves what was before, or all of it, at every durable step', () => {
    const { steps } = run(Number.POSITIVE_INFINITY).disk
    const found = new Map<number, number>()
    for (let step = 1; step <= steps; step++) {
      const { disk, done } = run(step)
      const next = start(disk, REPLICA, step)
      expect(next.error, `step ${step}`).toBeNull()
      const { currentEpoch, lastLogged } = next.storage!
      const { entries } = next.storage!.takeTail()
      found.set(currentEpoch, (found.get(currentEpoch) ?? 0) + 1)
      expect(currentEpoch, `step ${step}`).toBeGreaterThanOrEqual(done)
      if (currentEpoch > 0) {
        expect(next.machine.get('/snap0')).toBe(`${currentEpoch}.5`)
        expect(next.machine.get('/old1')).toBeUndefined()
        expect(lastLogged).toBe(makeZxid(currentEpoch, 8))
        expect(entries.at(-1)!.zxid).toBe(lastLogged)
      } else expect(next.machine.get('/snap0')).toBeUndefined()
      // Only rows of one generation are left, and no segment of before.
      const checkpoint = next.storage!.recovery.checkpointZxid
      if (checkpoint !== null) {
        const after = next.machine.values.has('/after') ? 1 : 0
        const rows = currentEpoch > 0 ? ROWS + after : 1 + 70 + 1
        expect(rowsOn(disk), `step ${step}`).toBe(rows)
      }
      next.runFor(100)
      if (currentEpoch > 0) expect(next.storage!.stats.segments).toBe(1)
      next.powerLoss()
      expect(start(disk, REPLICA, step).error, `step ${step}, again`).toBeNull()
    }
    for (const epoch of [0, 3, 5]) expect(found.get(epoch)).toBeGreaterThan(5)
  })

  it('or before anything was logged', () => {
    for (let step = 1; step < 25; step++) {
      const disk = new SimDisk()
      const life = startWell(disk, REPLICA, 5)
      disk.crashAtStep = disk.steps + step
      handAndWait(life, received(2, 7, 2))
      life.powerLoss()
      disk.crashAtStep = Number.POSITIVE_INFINITY
      const next = start(disk, REPLICA)
      expect(next.error).toBeNull()
      const isThere = next.storage!.lastLogged === makeZxid(2, 9)
      expect(next.machine.values.size).toBe(isThere ? 11 : 1)
      handAndWait(next, received(3, 1, 0))
      expect(next.machine.get('/snap1')).toBe('3.1')
    }
  })

  it('while old segments are being deleted leaves no hole in the log', () => {
    const options = { ...REPLICA, firstCheckpointBatchRows: 1000 }
    for (let seed = 1; seed < 60; seed++) {
      const disk = new SimDisk()
      const life = startWell(disk, options, seed)
      for (let i = 0; i < 40; i++) life.write({ values: { '/a': 'x' }, pad: 'x'.repeat(20 * KIB) })
      life.storage!.flush()
      life.run(() => life.acked === life.storage!.lastAppended)
      expect(life.storage!.stats.segments).toBeGreaterThan(30)
      let purged = 0
      life.onLogPurged = () => purged++
      life.storage!.checkpoint()
      life.run(() => purged > 1)
      let isDone = false
      hand(life, received(3, 5, 1), () => {
        isDone = true
      })
      life.run(() => isDone)
      expect(purged).toBeLessThan(25)
      life.run(() => purged > 20 + (seed % 15))
      life.powerLoss()
      const next = start(disk, options)
      expect(next.error, `seed ${seed}`).toBeNull()
      expect(next.machine.zxid).toBe(makeZxid(3, 5))
      next.runFor(100)
      expect(next.storage!.stats.segments).toBe(1)
    }
  })

  it('is nothing special to a server that is stopped in it', () => {
    for (let ms = 0; ms < 30; ms++) {
      const disk = new SimDisk()
      const life = startWell(disk, REPLICA, 9)
      write(life, 10)
      hand(life, received(3, 5, 3))
      const txn = encodeChange({ values: { '/late': '1' } })
      life.storage!.append(makeZxid(3, 9), txn, 0, txn.length)
      life.runFor(ms / 4)
      life.close()
      const next = startWell(disk, REPLICA)
      expect(next.storage!.recovery.wasCleanStop).toBe(true)
      const epoch = next.storage!.currentEpoch
      expect(next.storage!.lastLogged).toBe(epoch === 3 ? makeZxid(3, 9) : 10n)
    }
  })
})

describe('a failing disk in an install', () => {
  it('ends the server: full or broken, before or while the rows are written', () => {
    for (const code of ['ENOSPC', 'EIO']) {
      for (const skip of [0, 1, 2]) {
        const disk = new SimDisk()
        const life = startWell(disk, REPLICA)
        write(life, 10)
        const { lastLogged } = life.storage!
        disk.injectFault({ kind: 'rowsWrite', code, skip })
        handAndWait(life, received(3, 5, 1))
        expect(life.fatal, code).toMatchObject({
          code: code === 'EIO' ? 'IO' : 'DISK_FULL',
          where: '/data/checkpoint',
        })
        life.close()
        const next = startWell(disk, REPLICA)
        expect(next.storage!.lastLogged).toBe(lastLogged)
        handAndWait(next, received(3, 5, 1))
        expect(next.machine.get('/snap0')).toBe('3.5')
      }
    }
  })

  it('full only when rows are deleted: nothing is lost, and they go later', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    write(life, 10)
    life.checkpoint()
    disk.injectFault({ kind: 'rowsWrite', code: 'ENOSPC', skip: 4 })
    handAndWait(life, received(3, 5, 1))
    life.runFor(100)
    expect(life.fatal).toBeNull()
    expect(life.logLines.join()).toContain('Old rows cannot be deleted')
    handAndWait(life, received(4, 5, 1))
    life.runFor(100)
    expect(rowsOn(disk)).toBe(ROWS)
    life.close()
    expect(startWell(disk, REPLICA).machine.get('/snap0')).toBe('4.5')
  })

  it('also full at the start, with rows left of a torn install', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA, 2)
    write(life, 10)
    life.checkpoint()
    hand(life, received(3, 5, 1))
    life.run(() => rowsOn(disk) > 12 + 5)
    life.powerLoss()
    expect(rowsOn(disk)).toBeGreaterThan(12)
    disk.injectFault({ kind: 'rowsWrite', code: 'ENOSPC' })
    const next = startWell(disk, REPLICA)
    expect(next.machine.get('/old9')).toBe('x')
    // Rows of the torn one must not mix with those of the next.
    handAndWait(next, received(4, 1, 0, 3))
    next.close()
    const last = startWell(disk, REPLICA)
    expect(last.machine.values.size).toBe(4)
    expect(rowsOn(disk)).toBe(1 + 3 + 1 + 1)
  })

  it('damaged rows of a snapshot cannot be rebuilt from the log, and are refused', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    handAndWait(life, received(3, 5, 1))
    life.close()
    const { rows } = disk.stores.get('/data/checkpoint')!
    const [key] = [...rows.keys()].filter((name) => name.includes('/snap3'))
    rows.get(key!)![3]! ^= 1
    expect(start(disk, REPLICA).error).toMatchObject({ code: 'CHECKPOINT_LOST' })
  })
})

describe('a large snapshot', () => {
  it('is written in bounded batches, and its entries make a segment as large as they need', () => {
    const disk = new SimDisk()
    const life = startWell(disk, { ...REPLICA, firstCheckpointBatchRows: 100 })
    const { steps } = disk
    const install = received(3, 5, 0, 1000)
    const txn = encodeChange({ values: { '/big': 'x' }, pad: 'x'.repeat(20 * KIB) })
    const entries = Array.from({ length: 10 }, (_, i) => ({ zxid: makeZxid(3, 6 + i), txn }))
    handAndWait(life, { ...install, entries })
    expect(disk.steps - steps).toBeGreaterThanOrEqual(11)
    expect(life.storage!.lastLogged).toBe(makeZxid(3, 15))
    life.powerLoss()
    expect(startWell(disk, REPLICA).storage!.takeTail().entries).toHaveLength(10)
  })
})
