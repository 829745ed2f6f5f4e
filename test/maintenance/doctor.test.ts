import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { crc32c, type Zxid } from '../../src/base/index.ts'
import {
  describeExamination,
  type Examination,
  examinationJson,
  examine,
  lookAtFolder,
  MaintenanceError,
  ourFolder,
  type RepairReport,
  repair,
  worstOf,
} from '../../src/maintenance/index.ts'
import {
  APACHE,
  contents,
  damage,
  Folders,
  flipBit,
  groupsOf,
  segments,
  Writer,
  zxid,
} from './support.ts'

/** 120 transactions in several segments, a checkpoint in the middle with the segments from before it still there. */
const WRITES = 117
const LAST = zxid(WRITES + 3)

const folders = new Folders()
let digests: ReadonlyMap<Zxid, bigint>
let checkpoint: Zxid
let copies = 0

beforeAll(async () => {
  const writer = await Writer.open(folders.at('alone'), { segmentsKept: 10 })
  await writer.fill(60)
  await writer.checkpoint()
  checkpoint = writer.state.lastApplied
  for (let version = 61; version <= WRITES; version++) await writer.set('/app', version)
  digests = writer.digests
  await writer.close()
  const member = await Writer.open(folders.at('member'), { segmentsKept: 10 })
  await member.epochs(4)
  await member.fill(20)
  await member.close()
})

afterAll(() => folders.discard())

function copy(of: string = 'alone'): string {
  copies++
  return folders.copy(of, `copy${copies}`)
}

async function look(dataDir: string, isMember: boolean | null = null): Promise<Examination> {
  return await examine(lookAtFolder(dataDir), { isMember })
}

function codes({ findings }: Examination): string[] {
  return findings.filter(({ severity }) => severity !== 'note').map(({ code }) => code)
}

async function mend(
  dataDir: string,
  acceptLossFrom: Zxid | null = null,
  isMember: boolean = false,
): Promise<RepairReport> {
  const options = { isMember, acceptLossFrom, onProgress: () => {} }
  return await repair(ourFolder(dataDir), options)
}

/** The segment that holds a transaction, and where its group is. */
function placeOf(dataDir: string, wanted: Zxid): { file: string; offset: number } {
  for (const file of segments(dataDir)) {
    const group = groupsOf(file).find(({ zxids }) => zxids.includes(wanted))
    if (group !== undefined) return { file, offset: group.offset }
  }
  throw new Error(`${wanted} is in no segment`)
}

/** A server starts from the folder and has the state after this transaction. */
async function expectState(dataDir: string, last: Zxid): Promise<Zxid> {
  const writer = await Writer.open(dataDir)
  const { lastApplied, tree } = writer.state
  expect(tree.digest()).toBe(digests.get(last))
  await writer.close()
  return lastApplied
}

describe('a folder in which nothing is wrong', () => {
  test('is explained', async () => {
    const dataDir = copy()
    const before = contents(dataDir)
    const examination = await look(dataDir)
    expect(codes(examination)).toEqual([])
    expect(worstOf(examination.findings)).toBe('note')
    const text = describeExamination(examination)
    expect(text).toMatch('standalone: a server that stands alone')
    expect(text).toMatch('120 transactions, 0x1 to 0x78, in ')
    expect(text).toMatch('checkpoint: at zxid 0x3f: 6 znodes, 1 session, every row verified')
    expect(text).toMatch('the last stop was in good order')
    expect(text).toMatch(/nothing is wrong\n$/)
    expect(contents(dataDir)).toEqual(before)
  })

  test('is only read while a server uses it, and that one is named', async () => {
    const dataDir = copy()
    const writer = await Writer.open(dataDir)
    await writer.set('/app', WRITES + 1)
    const examination = await look(dataDir)
    expect(codes(examination)).toEqual([])
    expect(examination.use).toEqual({ isUsed: true, pid: process.pid })
    await expect(mend(dataDir)).rejects.toThrow(`in use by a server (process ${process.pid})`)
    await writer.close()
    expect((await look(dataDir)).use).toEqual({ isUsed: false })
  })

  test('of a member has epochs and wants a myid', async () => {
    const dataDir = copy('member')
    expect(codes(await look(dataDir))).toEqual(['myid-missing'])
    writeFileSync(path.join(dataDir, 'myid'), 'three\n')
    expect(codes(await look(dataDir))).toEqual(['myid'])
    writeFileSync(path.join(dataDir, 'myid'), '3\n')
    const examination = await look(dataDir)
    expect(codes(examination)).toEqual([])
    expect(describeExamination(examination)).toMatch(
      'acceptedEpoch 4, currentEpoch 4, last transaction of epoch 0',
    )
    expect(JSON.parse(examinationJson(examination))).toMatchObject({
      kind: 'ours',
      isMember: true,
      worst: 'note',
    })
  })
})

describe('folders of others', () => {
  test('Apache, nothing, no folder', async () => {
    const apache = await look(APACHE)
    expect(codes(apache)).toEqual(['apache'])
    expect(describeExamination(apache)).toMatch('zabkeeper import --from')
    mkdirSync(folders.at('nothing'))
    expect(worstOf((await look(folders.at('nothing'))).findings)).toBe('note')
    expect(codes(await look(folders.at('nowhere')))).toEqual(['missing'])
  })

  test('a later version is named, and not touched', async () => {
    const dataDir = copy()
    const [first] = segments(dataDir)
    damage(first!, (bytes) => {
      bytes.writeUInt32BE(2, 8)
      bytes.writeUInt32BE(crc32c(bytes, 0, 508), 508)
      return undefined
    })
    const examination = await look(dataDir)
    expect(codes(examination)).toContain('other-version')
    await expect(mend(dataDir)).rejects.toThrow('it was written by another version')
  })

  test('a strange file among the segments is moved aside', async () => {
    const dataDir = copy()
    writeFileSync(path.join(dataDir, 'log', 'notes.txt'), 'mine')
    expect(codes(await look(dataDir))).toEqual(['foreign'])
    const { aside, after } = await mend(dataDir)
    expect(aside).toHaveLength(1)
    expect(codes(after)).toEqual([])
    expect(await expectState(dataDir, LAST)).toBe(LAST)
  })
})

describe('damage in the log', () => {
  test('a torn end is explained and left to the start', async () => {
    const dataDir = copy()
    const { file, offset } = placeOf(dataDir, LAST)
    // The header of the last group reached the disk, its second sector did not, nor what came later.
    damage(file, (bytes) => bytes.fill(0, offset + 512))
    const examination = await look(dataDir)
    expect(codes(examination)).toEqual([])
    expect(describeExamination(examination)).toMatch(
      `512 bytes of an unfinished write at offset ${offset.toLocaleString('en-US')}`,
    )
    expect(await expectState(dataDir, zxid(WRITES + 2))).toBe(zxid(WRITES + 2))
  })

  test('before the checkpoint nothing is lost by the repair', async () => {
    const dataDir = copy()
    const { file, offset } = placeOf(dataDir, zxid(30))
    flipBit(file, offset + 300)
    const examination = await look(dataDir)
    expect(codes(examination)).toEqual(['damage'])
    const text = describeExamination(examination)
    expect(text).toMatch(
      `at byte ${offset.toLocaleString('en-US')}: a record whose checksum does not match`,
    )
    expect(text).toMatch('Affected: transaction 0x1e')
    expect(text).toMatch('no transaction is lost')
    await expect(Writer.open(dataDir)).rejects.toThrow('The log is damaged')
    const { aside, after } = await mend(dataDir)
    expect(codes(after)).toEqual([])
    expect(aside.every((place) => place.includes('doctor-'))).toBe(true)
    expect(await expectState(dataDir, LAST)).toBe(LAST)
  })

  test('after the checkpoint it says what is lost, and wants it agreed to', async () => {
    const dataDir = copy()
    const { file, offset } = placeOf(dataDir, zxid(100))
    flipBit(file, offset + 300)
    const before = contents(dataDir)
    const examination = await look(dataDir)
    expect(describeExamination(examination)).toMatch('LOST: transactions from 0x64 to 0x78')
    await expect(mend(dataDir)).rejects.toThrow('loses transactions from 0x64 on')
    await expect(mend(dataDir, zxid(101))).rejects.toThrow('from 0x64 on would be lost')
    expect(contents(dataDir)).toEqual(before)
    const { aside, after } = await mend(dataDir, zxid(100))
    expect(codes(after)).toEqual([])
    // What was lost is not given out again: it goes on in a new epoch.
    expect(await expectState(dataDir, zxid(99))).toBe(zxid(0, 1))
    expect(readdirSync(aside[0]!)).toContain(path.basename(file))
  })

  test('a group header, zeros in the middle, and a segment header are damage too', async () => {
    for (const spoil of [
      (bytes: Buffer, offset: number) => bytes.fill(0xff, offset, offset + 8),
      (bytes: Buffer, offset: number) => bytes.fill(0, offset, offset + 512),
      (bytes: Buffer) => bytes.fill(0xff, 100, 108),
    ]) {
      const dataDir = copy()
      const { file, offset } = placeOf(dataDir, zxid(100))
      damage(file, (bytes) => spoil(bytes, offset))
      const examination = await look(dataDir)
      expect(codes(examination)).toContain('damage')
      const { plan } = examination
      if (plan.kind !== 'rebuild' || plan.lostFrom === null)
        throw new Error('it has lost something')
      expect(plan.lostFrom <= zxid(100)).toBe(true)
      await mend(dataDir, plan.lostFrom)
      await expectState(dataDir, plan.through)
    }
  })

  test('a missing segment: behind the checkpoint, and before it', async () => {
    const lossy = copy()
    const behind = placeOf(lossy, zxid(100)).file
    const [firstGone] = groupsOf(behind)
    rmSync(behind)
    const examination = await look(lossy)
    expect(codes(examination)).toContain('segment-missing')
    expect(examination.plan).toMatchObject({ kind: 'rebuild', lostFrom: firstGone!.zxids[0] })

    const lossless = copy()
    rmSync(segments(lossless)[0]!)
    // The log begins later: the checkpoint has what is missing, and a start takes it so.
    expect(codes(await look(lossless))).toEqual([])
    expect(await expectState(lossless, LAST)).toBe(LAST)
  })

  test('a segment that was cut, and one under another name', async () => {
    const cut = copy()
    damage(segments(cut).at(-1)!, (bytes) => bytes.subarray(0, 4096))
    expect(describeExamination(await look(cut))).toMatch(
      'the file has 4096 bytes and was made with',
    )
    const renamed = copy()
    const [first, second] = segments(renamed)
    renameSync(second!, `${second!}.tmp`)
    renameSync(first!, second!)
    renameSync(`${second!}.tmp`, first!)
    expect(describeExamination(await look(renamed))).toMatch('under another name')
  })

  test('a member is never cut: it is emptied, and its files kept', async () => {
    const dataDir = copy('member')
    writeFileSync(path.join(dataDir, 'myid'), '3\n')
    const { file, offset } = placeOf(dataDir, zxid(10))
    flipBit(file, offset + 100)
    const examination = await look(dataDir)
    expect(examination.plan.kind).toBe('rejoin')
    expect(describeExamination(examination)).toMatch('Start it only while the others have a leader')
    const { aside } = await mend(dataDir, zxid(10), true)
    expect(readdirSync(aside[0]!)).toContain(path.basename(file))
    expect(readdirSync(dataDir).filter((name) => !name.startsWith('doctor-'))).toEqual(['myid'])
  })
})

describe('damage in the checkpoint', () => {
  test('is made good from the log when that has everything', async () => {
    const dataDir = copy()
    rmSync(path.join(dataDir, 'checkpoint'), { recursive: true })
    expect(codes(await look(dataDir))).toEqual(['checkpoint-rebuilt'])
    expect(await expectState(dataDir, LAST)).toBe(LAST)
  })

  test('needs a backup when the log begins later', async () => {
    for (const spoil of [
      (dataDir: string) => rmSync(path.join(dataDir, 'checkpoint'), { recursive: true }),
      (dataDir: string) => spoilStore(path.join(dataDir, 'checkpoint')),
    ]) {
      const dataDir = copy()
      rmSync(segments(dataDir)[0]!)
      spoil(dataDir)
      const examination = await look(dataDir)
      expect(codes(examination)).toEqual(['checkpoint-lost'])
      expect(examination.plan.kind).toBe('restore')
      await expect(mend(dataDir)).rejects.toThrow(MaintenanceError)
      expect((await look(dataDir, true)).plan.kind).toBe('rejoin')
    }
  })

  test('a log that is gone leaves the checkpoint', async () => {
    const dataDir = copy()
    for (const file of segments(dataDir)) rmSync(file)
    const examination = await look(dataDir)
    expect(codes(examination)).toContain('log-missing')
    const lostFrom = (checkpoint + 1n) as Zxid
    expect(examination.plan).toMatchObject({ kind: 'rebuild', through: checkpoint, lostFrom })
    await mend(dataDir, lostFrom)
    await expectState(dataDir, checkpoint)
  })
})

/** A bit in each table and log of a LevelDB store. */
function spoilStore(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (/\.(ldb|log)$/.test(name)) flipBit(path.join(folder, name), 40)
  }
}

test('what other commands left is named', async () => {
  const dataDir = copy()
  mkdirSync(path.join(dataDir, 'version-2'))
  mkdirSync(path.join(dataDir, 'restore.unfinished'))
  const examination = await look(dataDir)
  expect(codes(examination)).toEqual(['unfinished'])
  expect(describeExamination(examination)).toMatch('left beside the data: version-2')
})
