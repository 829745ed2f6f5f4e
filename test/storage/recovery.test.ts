import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/base/index.ts'
import { SimDisk, type SimFile } from '../../src/sim/index.ts'
import type { StorageErrorCode, StorageOptions } from '../../src/storage/index.ts'
import { Life, SMALL_OPTIONS, start, startWell } from './support.ts'

const LOG = '/data/log'
const ROWS = '/data/checkpoint'
const NO_PURGE: StorageOptions = { ...SMALL_OPTIONS, segmentsKept: 100 }
const PURGE: StorageOptions = { ...SMALL_OPTIONS, segmentsKept: 0 }

/** A server that has logged 300 entries in several segments, made a checkpoint at 200 and stopped. */
function used(options: StorageOptions, end: 'stopped' | 'killed' = 'stopped'): SimDisk {
  const disk = new SimDisk()
  const manual = { ...options, checkpointEntries: 1e9, checkpointLogBytes: 1e9 }
  const life = startWell(disk, manual, 1)
  for (let i = 1; i <= 300; i++) {
    life.writeDurably({ values: { [`/${i % 50}`]: String(i) }, pad: 'x'.repeat(400) })
    if (i === 200) life.checkpoint()
  }
  if (end === 'stopped') life.close()
  else life.powerLoss()
  return disk
}

function segmentsOf(disk: SimDisk): string[] {
  return [...disk.folders.get(LOG)!.files.keys()].filter((name) => name.endsWith('.log')).sort()
}

function fileOf(disk: SimDisk, name: string): SimFile {
  return disk.folders.get(LOG)!.files.get(name)!
}

/** Everything on the disk that a refused start must leave as it was. */
function contentOf(disk: SimDisk): string {
  const files = [...disk.folders].flatMap(([path, folder]) =>
    [...folder.files].map(([name, { bytes }]) => `${path}/${name}:${hash(bytes)}`),
  )
  const rows = [...disk.stores].map(([path, store]) => `${path}:${store.rows.size}`)
  return [...files, ...rows].sort().join('\n')
}

function hash(bytes: Uint8Array): string {
  let sum = bytes.length
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0
  return String(sum)
}

function expectRefused(disk: SimDisk, code: StorageErrorCode, texts: readonly string[]): void {
  const before = contentOf(disk)
  const life = start(disk)
  expect(life.storage).toBeNull()
  expect(life.error).toMatchObject({ code })
  for (const text of texts) expect(life.error!.message).toContain(text)
  expect(life.error!.whatToDo.length).toBeGreaterThan(10)
  expect(contentOf(disk)).toBe(before)
  // Nothing stays locked: the next attempt fails in the same way, not with LOCKED.
  const again = start(disk)
  expect(again.error).toMatchObject({ code })
}

function expectWhole(life: Life): void {
  expect(life.error).toBeNull()
  expect(life.storage!.lastLogged).toBe(300n)
  for (let i = 251; i <= 300; i++) expect(life.machine.get(`/${i % 50}`)).toBe(String(i))
}

describe('a start after an orderly stop', () => {
  it('loads the checkpoint and the log behind it', () => {
    const life = start(used(NO_PURGE))
    expectWhole(life)
    expect(life.storage!.recovery).toMatchObject({
      wasCleanStop: true,
      checkpointZxid: 200n,
      entriesReplayed: 100,
    })
  })

  it('says when the stop was not orderly', () => {
    const life = start(used(NO_PURGE, 'killed'))
    expectWhole(life)
    expect(life.storage!.recovery.wasCleanStop).toBe(false)
  })
})

describe('the checkpoint', () => {
  const losses: readonly [string, (disk: SimDisk) => void, string][] = [
    ['is missing', (disk) => disk.stores.delete(ROWS), 'it is missing'],
    [
      'cannot be read',
      (disk) => Object.assign(disk.stores.get(ROWS)!, { isCorrupt: true }),
      'read',
    ],
    ['is empty', (disk) => disk.stores.get(ROWS)!.rows.clear(), 'no complete state'],
    [
      'belongs to another server',
      (disk) => disk.stores.set(ROWS, other(NO_PURGE).stores.get(ROWS)!),
      'another server',
    ],
    [
      'is an old copy',
      (disk) => {
        const { rows } = disk.stores.get(ROWS)!
        const key = [...rows.keys()].find((name) => name[4] === 'm')!
        const meta = rows.get(key)!
        meta[16 + 4 + 7] = 100
      },
      'checksum',
    ],
  ]

  for (const [what, lose, reason] of losses) {
    it(`that ${what} is rebuilt from a complete log`, () => {
      const disk = used(NO_PURGE)
      lose(disk)
      const life = start(disk)
      expectWhole(life)
      expect(life.storage!.recovery).toMatchObject({ checkpointZxid: null, entriesReplayed: 300 })
      expect(life.logLines.join()).toContain('rebuilt from the log')
      life.checkpoint()
      life.close()
      const again = start(disk)
      expectWhole(again)
      expect(again.storage!.recovery.checkpointZxid).toBe(300n)
    })

    it(`that ${what} is not replaced by an empty one when the log was purged`, () => {
      const disk = used(PURGE)
      lose(disk)
      expectRefused(disk, 'CHECKPOINT_LOST', [ROWS, reason, 'backup'])
    })
  }

  it('from before the log was put back is noticed', () => {
    const older = used(PURGE)
    const disk = used(PURGE)
    const life = startWell(disk, PURGE)
    life.writeDurably({ values: { '/new': '1' } })
    life.checkpoint()
    life.close()
    // An operator restores the rows of a backup and keeps the newer log.
    const rows = older.stores.get(ROWS)!
    const newer = disk.stores.get(ROWS)!
    newer.rows.clear()
    for (const [key, value] of rows.rows) newer.rows.set(key, value)
    expect(start(disk).error).toMatchObject({ code: 'CHECKPOINT_LOST' })
  })
})

function other(options: StorageOptions): SimDisk {
  const disk = new SimDisk()
  const life = startWell(disk, options, 987)
  life.writeDurably({ values: { '/other': '1' } })
  life.checkpoint()
  life.close()
  return disk
}

describe('the log', () => {
  it('may not be missing when there is a checkpoint', () => {
    const disk = used(PURGE)
    disk.folders.get(LOG)!.files.clear()
    expectRefused(disk, 'LOG_DAMAGED', [LOG, 'The log is missing', ROWS])
  })

  it('may not be missing when there is a checkpoint that cannot even be read', () => {
    const disk = used(PURGE)
    disk.folders.get(LOG)!.files.clear()
    Object.assign(disk.stores.get(ROWS)!, { isCorrupt: true })
    expectRefused(disk, 'LOG_DAMAGED', ['The log is missing'])
    expect(disk.stores.has(ROWS)).toBe(true)
  })

  it('may not be missing when a remnant of it is there', () => {
    const disk = used(PURGE)
    disk.stores.delete(ROWS)
    for (const name of segmentsOf(disk)) disk.folders.get(LOG)!.files.delete(name)
    expectRefused(disk, 'LOG_DAMAGED', ['The log is missing'])
  })

  it('may not be missing before the first checkpoint either', () => {
    const disk = new SimDisk()
    const life = startWell(disk)
    life.writeDurably({ values: { '/a': '1' } })
    life.close()
    disk.folders.delete(LOG)
    expectRefused(disk, 'LOG_DAMAGED', ['The log is missing'])
  })

  it('may not lack a segment: first, middle, last', () => {
    const count = segmentsOf(used(NO_PURGE)).length
    expect(count).toBeGreaterThan(4)
    for (let index = 0; index < count; index++) {
      const disk = used(NO_PURGE)
      const name = segmentsOf(disk)[index]!
      disk.folders.get(LOG)!.files.delete(name)
      if (index === 0) expectWhole(start(disk))
      else expectRefused(disk, 'LOG_DAMAGED', [name, 'missing'])
    }
  })

  it('may not be an older copy than the checkpoint, however complete', () => {
    const disk = used(NO_PURGE)
    const older = new Map<string, Uint8Array>()
    for (const [name, { bytes }] of disk.folders.get(LOG)!.files) older.set(name, bytes.slice())
    const life = startWell(disk, NO_PURGE)
    life.writeDurably({ values: { '/new': '1' } })
    life.checkpoint()
    life.close()
    const { files } = disk.folders.get(LOG)!
    files.clear()
    for (const [name, bytes] of older) files.set(name, { bytes })
    expectRefused(disk, 'LOG_DAMAGED', ['ends at zxid 0x12c', 'its end is missing'])
  })

  it('may not begin behind the checkpoint', () => {
    const disk = used(NO_PURGE)
    for (const name of segmentsOf(disk).slice(0, -1)) disk.folders.get(LOG)!.files.delete(name)
    expectRefused(disk, 'LOG_DAMAGED', ['begins after zxid', 'its beginning is missing'])
  })

  it('may not lose its last segments, prepared one and all, while the checkpoint is newer', () => {
    const disk = used(NO_PURGE)
    const [first] = segmentsOf(disk)
    const { files } = disk.folders.get(LOG)!
    for (const name of [...files.keys()]) if (name !== first) files.delete(name)
    expect(start(disk).error).toMatchObject({ code: 'LOG_DAMAGED' })
  })

  it('may not have segments swapped, renamed, or taken from another server', () => {
    const [one, two] = segmentsOf(used(NO_PURGE)) as [string, string]
    const swapped = used(NO_PURGE)
    const { files } = swapped.folders.get(LOG)!
    const [a, b] = [files.get(one)!, files.get(two)!]
    files.set(one, b).set(two, a)
    expectRefused(swapped, 'LOG_DAMAGED', [one, 'another name'])

    const mixed = used(NO_PURGE)
    mixed.folders.get(LOG)!.files.set(two, fileOf(usedWithSeed(77), two))
    expectRefused(mixed, 'LOG_DAMAGED', [two, 'another server'])
  })

  it('is refused with file and offset when a byte in the middle is wrong', () => {
    const disk = used(NO_PURGE)
    const name = segmentsOf(disk)[1]!
    fileOf(disk, name).bytes[5 * 512 + 100]! ^= 1
    expectRefused(disk, 'LOG_DAMAGED', [`${LOG}/${name}`, 'at byte 2', 'Nothing was changed'])
  })

  it('is refused when it reads differently the second time', () => {
    const disk = used(NO_PURGE)
    const file = fileOf(disk, segmentsOf(disk).at(-1)!)
    const life = new Life(disk, 1, SMALL_OPTIONS)
    life.run(() => disk.stores.get(ROWS)!.isOpen)
    file.bytes[1500]! ^= 1
    life.opened()
    expect(life.error).toMatchObject({ code: 'LOG_DAMAGED' })
    expect(life.error!.message).toContain('second time')
  })

  it('is refused when a version wrote it that is not known', () => {
    const disk = used(NO_PURGE)
    const { bytes } = fileOf(disk, segmentsOf(disk)[0]!)
    bytes[11] = 99
    new DataView(bytes.buffer).setUint32(508, crc32c(bytes, 0, 508))
    expectRefused(disk, 'UNKNOWN_FORMAT', [segmentsOf(disk)[0]!, 'version 99'])
  })

  it('is cut where a write did not finish, and goes on from there', () => {
    const disk = new SimDisk()
    const life = startWell(disk)
    life.writeDurably({ values: { '/a': '1' } })
    life.writeDurably({ values: { '/b': '2' }, pad: 'x'.repeat(3000) })
    life.powerLoss()
    const { bytes } = fileOf(disk, '0000000001.log')
    const end = bytes.findLastIndex((byte) => byte !== 0)
    bytes.fill(0, end - 1024, end + 1)
    const next = start(disk)
    expect(next.error).toBeNull()
    expect(next.storage!.recovery.tornBytes).toBeGreaterThan(1000)
    expect(next.logLines.join()).toContain('unfinished write')
    expect(next.machine.get('/a')).toBe('1')
    expect(next.machine.get('/b')).toBeUndefined()
    next.writeDurably({ values: { '/c': '3' } })
    next.powerLoss()
    expect(start(disk).machine.get('/c')).toBe('3')
  })

  it('is not cut when the unfinished looking write is followed by others', () => {
    const disk = new SimDisk()
    const life = startWell(disk)
    life.writeDurably({ values: { '/a': '1' }, pad: 'x'.repeat(3000) })
    life.writeDurably({ values: { '/b': '2' } })
    life.powerLoss()
    const { bytes } = fileOf(disk, '0000000001.log')
    bytes.fill(0, 1024, 2048)
    expectRefused(disk, 'LOG_DAMAGED', ['before group'])
  })
})

function usedWithSeed(seed: number): SimDisk {
  const disk = new SimDisk()
  const life = startWell(disk, NO_PURGE, seed)
  for (let i = 0; i < 300; i++) life.writeDurably({ values: {}, pad: 'x'.repeat(400) })
  life.close()
  return disk
}

describe('a data folder', () => {
  it('of an Apache ZooKeeper is refused', () => {
    for (const names of [['myid', 'version-2/'], ['log.100000001'], ['snapshot.0']]) {
      const disk = new SimDisk()
      disk.strangers.set('/data', names)
      expectRefused(disk, 'FOREIGN_FILES', ['/data', names[names.length - 1]!, 'Apache'])
      expect(disk.folders.size).toBe(0)
    }
  })

  it('of an Apache ZooKeeper is refused when only the log folder is one', () => {
    const disk = new SimDisk()
    disk.strangers.set('/logs', ['version-2/'])
    const life = start(disk, { ...SMALL_OPTIONS, dataLogDir: '/logs' })
    expect(life.error).toMatchObject({ code: 'FOREIGN_FILES', where: '/logs' })
  })

  it('with the files a new one may have is taken', () => {
    const disk = new SimDisk()
    disk.strangers.set('/data', ['myid', 'initialize', 'lost+found/', 'zookeeper_server.pid'])
    expect(start(disk).error).toBeNull()
  })

  it('with something strange among the log files is refused', () => {
    const disk = used(NO_PURGE)
    disk.folders.get(LOG)!.files.set('0000000001.log.bak', fileOf(disk, segmentsOf(disk)[0]!))
    expectRefused(disk, 'FOREIGN_FILES', [LOG, '0000000001.log.bak', 'Move'])
  })

  it('that may not be used is refused', () => {
    const disk = new SimDisk()
    disk.forbidden.add(LOG)
    expectRefused(disk, 'NO_PERMISSION', [LOG])
    const other = used(PURGE)
    other.forbidden.add(ROWS)
    expectRefused(other, 'NO_PERMISSION', [ROWS])
  })

  it('whose disk cannot be read is refused', () => {
    const kinds = ['entries', 'openFolder', 'list', 'open', 'read', 'rowsOpen', 'rowsScan'] as const
    for (const kind of kinds) {
      const disk = used(PURGE)
      disk.injectFault({ kind, code: 'EIO', times: 100 })
      expectRefused(disk, 'IO', ['EIO'])
      disk.clearFaults()
      expectWhole(start(disk))
    }
  })

  it('is taken over a first start that was interrupted', () => {
    for (const kind of ['create', 'write', 'rename'] as const) {
      const disk = new SimDisk()
      disk.injectFault({ kind, code: 'EIO' })
      expect(start(disk).error).toMatchObject({ code: 'IO' })
      expect(start(disk).error).toBeNull()
    }
  })
})

describe('an entry that cannot be applied', () => {
  it('is reported with its zxid', () => {
    const disk = new SimDisk()
    const life = startWell(disk)
    life.storage!.append(1n as never, new Uint8Array([1, 2, 3]), 0, 3)
    life.storage!.flush()
    life.run(() => life.acked === 1n)
    life.close()
    expectRefused(disk, 'REPLAY_FAILED', ['0x1', LOG])
  })
})
