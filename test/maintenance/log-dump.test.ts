import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatHex, type SessionId } from '../../src/base/index.ts'
import {
  type DumpedEntry,
  type DumpFilter,
  type DumpReport,
  dumpLog,
  entryJson,
  entryText,
} from '../../src/maintenance/index.ts'
import { CreateMode, OpCode } from '../../src/wire/index.ts'
import {
  APACHE,
  damage,
  Folders,
  flipBit,
  groupsOf,
  SESSION,
  segments,
  Writer,
  zxid,
} from './support.ts'

const folders = new Folders()
const OTHER = 0x2000_0000_0001n as SessionId
const ALL: DumpFilter = { from: null, to: null, path: null, session: null }

beforeAll(async () => {
  const writer = await Writer.open(folders.at('ours'))
  await writer.epochs(2)
  await writer.fill(150)
  await writer.commit({ type: OpCode.createSession, timeOut: 4000 }, OTHER)
  await writer.commit(
    {
      type: OpCode.multi,
      txns: [
        { type: OpCode.check, path: '/app', version: 151 },
        { type: OpCode.delete, path: '/app/mine' },
      ],
    },
    OTHER,
  )
  await writer.commit({ type: OpCode.error, err: -101 }, OTHER)
  await writer.close()
})

afterAll(() => folders.discard())

interface Dumped {
  readonly report: DumpReport
  readonly entries: DumpedEntry[]
  readonly remarks: string[]
  readonly faults: string[]
}

async function dump(
  where: string,
  filter: Partial<DumpFilter> = {},
  onEntry: () => void = () => {},
): Promise<Dumped> {
  const entries: DumpedEntry[] = []
  const remarks: string[] = []
  const faults: string[] = []
  const report = await dumpLog(
    where,
    null,
    { ...ALL, ...filter },
    {
      entry: (entry) => {
        onEntry()
        entries.push(entry)
      },
      remark: (text, isFault) => {
        if (isFault) faults.push(text)
        else remarks.push(text)
      },
    },
  )
  return { report, entries, remarks, faults }
}

describe('the log of a server of ours', () => {
  test('reads to the end what its server deletes meanwhile', async () => {
    const whole = await dump(folders.at('ours'))
    const running = folders.copy('ours', 'purging')
    const read = await dump(running, {}, () => {
      for (const name of segments(running).slice(0, -1)) rmSync(name)
    })
    expect(segments(running).length).toBe(1)
    expect(read.faults).toEqual([])
    expect(read.entries.map((entry) => entry.zxid)).toEqual(
      whole.entries.map((entry) => entry.zxid),
    )
  })

  test('a link to nowhere in the place of a segment is an error', async () => {
    const linked = folders.copy('ours', 'linked')
    const name = segments(linked)[1]!
    rmSync(name)
    symlinkSync(folders.at('nowhere'), name)
    await expect(dump(linked)).rejects.toThrow(`ENOENT: no such file or directory, open '${name}'`)
  })

  test('goes on where its server does, in a segment that was not there when the reading began', async () => {
    const whole = await dump(folders.at('ours'))
    const running = folders.copy('ours', 'running')
    const names = segments(running)
    expect(names.length).toBe(3)
    const next = names[2]!
    renameSync(next, folders.at('prepared'))
    let isBegun = false
    const read = await dump(running, {}, () => {
      // The first segment is being read, the second one is not yet.
      if (!isBegun) renameSync(folders.at('prepared'), next)
      isBegun = true
    })
    expect(read.faults).toEqual([])
    expect(read.entries.map((entry) => entry.zxid)).toEqual(
      whole.entries.map((entry) => entry.zxid),
    )
  })

  test('is given in order, with what is between transactions', async () => {
    const { entries, remarks, report } = await dump(folders.at('ours'))
    expect(entries.map((entry) => entry.zxid)).toEqual(
      Array.from({ length: 156 }, (_, at) => zxid(at + 1)),
    )
    expect(remarks).toEqual(['acceptedEpoch 2', 'currentEpoch 2'])
    expect(report).toEqual({ entries: 156, shown: 156, isDamaged: false })
    expect(entries.slice(0, 4).map((entry) => entryText(entry, true).slice(0, 140))).toEqual([
      '0x1  2026-11-21T12:00:01.000Z  session 0x100000000001 cxid 0x1  createSession timeout 10000 ms  (48 bytes)\n',
      '0x2  2026-11-21T12:00:02.000Z  session 0x100000000001 cxid 0x2  create2 /app data 11 "root of all"  (99 bytes)\n',
      '0x3  2026-11-21T12:00:03.000Z  session 0x100000000001 cxid 0x3  create2 /app/mine data 9 ephemeral "ephemeral"  (102 bytes)\n',
      expect.stringMatching(/^0x4 .* setData \/app data 502 version 1 "1 xxx/),
    ])
    const [multi, error] = entries.slice(-2)
    expect(entryText(multi!, false)).toMatch('multi [check /app version 151; delete /app/mine]')
    expect(entryText(error!, false)).toMatch('error noNode')
    const json = JSON.parse(entryJson(entries[1]!, true)) as { file: string }
    expect(json).toMatchObject({
      zxid: '0x2',
      session: '0x100000000001',
      type: 'create2',
      path: '/app',
      dataBytes: 11,
      data: 'cm9vdCBvZiBhbGw=',
    })
    expect(segments(folders.at('ours'))).toContain(json.file)
  })

  test('by range, znode and session', async () => {
    const ours = folders.at('ours')
    const some = await dump(ours, { from: zxid(5), to: zxid(7) })
    expect(some.entries.map((entry) => entry.zxid)).toEqual([zxid(5), zxid(6), zxid(7)])
    const mine = await dump(ours, { path: '/app/mine' })
    expect(mine.entries.map((entry) => entry.zxid)).toEqual([zxid(3), zxid(155)])
    expect((await dump(ours, { path: '/ap' })).entries).toEqual([])
    expect((await dump(ours, { session: OTHER })).entries).toHaveLength(3)
    expect((await dump(ours, { session: SESSION })).entries).toHaveLength(153)
  })

  test('while it is written to', async () => {
    const writer = await Writer.open(folders.copy('ours', 'busy'))
    await writer.set('/app', 200)
    const { entries, faults } = await dump(folders.at('busy'))
    expect(entries.at(-1)!.zxid).toBe(zxid(157))
    expect(faults).toEqual([])
    await writer.close()
  })

  test('that is torn ends there, and says where', async () => {
    const dataDir = folders.copy('ours', 'torn')
    const file = segments(dataDir).at(-1)!
    const { offset } = groupsOf(file).findLast(({ zxids }) => zxids.includes(zxid(153)))!
    damage(file, (bytes) => bytes.fill(0, offset + 512))
    const { entries, remarks, report } = await dump(dataDir)
    expect(entries.at(-1)!.zxid).toBe(zxid(152))
    expect(remarks.at(-1)).toBe(
      `the log ends at byte ${offset.toLocaleString('en-US')} of ${file}: behind it 512 bytes of an unfinished write, never acknowledged`,
    )
    expect(report.isDamaged).toBe(false)
  })

  test('that is damaged goes on behind it, and says what is missing', async () => {
    const dataDir = folders.copy('ours', 'damaged')
    const file = segments(dataDir)[0]!
    const { offset } = groupsOf(file).find(({ zxids }) => zxids.includes(zxid(20)))!
    flipBit(file, offset + 200)
    const { entries, faults, report } = await dump(dataDir)
    expect(entries.map((entry) => entry.zxid)).not.toContain(zxid(20))
    expect(entries).toHaveLength(155)
    expect(faults).toEqual([
      expect.stringMatching(
        /at byte [\d,]+: a record whose checksum does not match, .* Affected: transaction 0x14$/,
      ),
    ])
    expect(report.isDamaged).toBe(true)
  })
})

describe('the log of an Apache ZooKeeper', () => {
  test('is read like ours: folder and single file', async () => {
    const folder = await dump(APACHE)
    expect(folder.entries.at(0)!.zxid).toBe(zxid(0x9c, 1))
    expect(folder.entries.at(-1)!.zxid).toBe(zxid(0x21, 2))
    const file = await dump(path.join(APACHE, 'version-2', 'log.200000001'))
    expect(file.entries.map(({ zxid: id }) => formatHex(id))).toEqual(
      folder.entries.filter(({ zxid: id }) => id > zxid(0, 2)).map(({ zxid: id }) => formatHex(id)),
    )
    expect((await dump(APACHE, { from: zxid(0x20, 2) })).entries).toHaveLength(2)
    const created = file.entries.find(({ op }) => op.path === '/app/eph2')!
    expect(created.op.details).toContain('ephemeral')
    expect(CreateMode.ephemeral).toBe(1)
  })

  test('that is torn or damaged says so', async () => {
    const log = readFileSync(path.join(APACHE, 'version-2', 'log.200000001'))
    const torn = folders.at('log.200000001')
    const end = log.findLastIndex((byte) => byte !== 0)
    writeFileSync(torn, log.subarray(0, end - 10))
    const unfinished = await dump(torn)
    expect(unfinished.entries).toHaveLength(32)
    expect(unfinished.remarks.at(-1)).toMatch(
      /ends in an unfinished record at offset \d+: \d+ bytes/,
    )
    flipBit(torn, 50)
    const wrong = await dump(torn)
    expect(wrong.faults).toEqual([
      expect.stringMatching(/a record with a wrong checksum at offset \d+/),
    ])
    writeFileSync(torn, 'not a log at all, by its first bytes')
    await expect(dump(torn)).rejects.toThrow('is no log file: it does not begin with ZKLG')
    await expect(dump(folders.at('ours', 'log', '0000000001.log'))).rejects.toThrow('by its name')
    mkdirSync(folders.at('nothing'))
    await expect(dump(folders.at('nothing'))).rejects.toThrow('is no data folder')
  })
})
