import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IoError, Row, Rows } from '../../src/env/index.ts'
import { redoFileOf } from '../../src/platform/level-rows.ts'
import { writeRedoFile } from '../../src/platform/redo-file.ts'
import { RowSlab, SlabPool } from '../../src/platform/row-slab.ts'
import type { Stage } from '../contract/stage.ts'
import {
  bytes,
  codeOf,
  finish,
  openRealStage,
  outcomeOf,
  succeed,
  text,
} from '../contract/stage.ts'

describe('rows in LevelDB', () => {
  let stage: Stage
  let path: string
  beforeEach(async () => {
    stage = openRealStage()
    path = stage.folder()
    const rows = await succeed<Rows>(stage, (done) =>
      stage.env.rows.open(path, { createIfMissing: true }, done),
    )
    const batch = rows.newBatch()
    for (let i = 0; i < 100; i += 1) batch.put(bytes(`key ${i}`), bytes(`value ${i}`))
    await finish(stage, (done) => batch.write(done))
    await finish(stage, (done) => rows.close(done))
  })
  afterEach(() => stage.close())

  const openError = (createIfMissing: boolean): Promise<string> =>
    codeOf(stage, (done) => stage.env.rows.open(path, { createIfMissing }, done))

  test('without CURRENT the store is damaged, not empty, and no file is touched', async () => {
    fs.rmSync(join(path, 'CURRENT'))
    const before = fs.readdirSync(path).sort()
    for (const createIfMissing of [false, true]) {
      expect(await openError(createIfMissing)).toBe('ECORRUPT')
    }
    expect(fs.readdirSync(path).sort()).toEqual(before)
  })

  test('damaged metadata is ECORRUPT; destroy makes room for a new store', async () => {
    const manifest = fs.readdirSync(path).find((name) => name.startsWith('MANIFEST'))!
    const file = join(path, manifest)
    const content = fs.readFileSync(file)
    content[12]! ^= 0x55
    fs.writeFileSync(file, content)
    expect(await openError(false)).toBe('ECORRUPT')
    await finish(stage, (done) => stage.env.rows.destroy(path, done))
    expect(await openError(false)).toBe('ENOENT')
    const rows = await succeed<Rows>(stage, (done) =>
      stage.env.rows.open(path, { createIfMissing: true }, done),
    )
    await finish(stage, (done) => rows.close(done))
  })

  test('an error says which store', async () => {
    fs.writeFileSync(join(path, 'CURRENT'), 'nonsense')
    const { error } = await outcomeOf(stage, (done) =>
      stage.env.rows.open(path, { createIfMissing: false }, done),
    )
    expect(error?.name).toBe('IoError')
    expect(error?.message).toContain(`cannot open the store ${path}: `)
  })

  test('a file in the place of the store is refused', async () => {
    fs.rmSync(path, { recursive: true })
    fs.writeFileSync(path, '')
    expect(await openError(true)).toBe('ENOTDIR')
  })

  describe('a batch that was too big for one part', () => {
    const big = (fill: (slab: RowSlab) => void): RowSlab => {
      const slab = RowSlab.after(null, 10, 2_000_000, new SlabPool())
      fill(slab)
      return slab
    }
    const slabs = [
      big((slab) => {
        slab.add(bytes('key 1'), bytes('changed'))
        slab.add(bytes('key 2'), null)
        slab.add(bytes('long'), new Uint8Array(1_500_000).fill(7))
      }),
      big((slab) => slab.add(bytes('key 3'), bytes(''))),
      big((slab) => slab.add(bytes('last'), new Uint8Array(1_900_000))),
      big((slab) => slab.add(bytes('key 1'), bytes('changed again'))),
    ]
    const redo = (): string => redoFileOf(path)
    const writeRedo = (): Promise<void> =>
      finish(stage, (done) => writeRedoFile(redo(), slabs, (error) => done(error as IoError)))
    const rowsAfterOpen = async (): Promise<Map<string, string>> => {
      const rows = await succeed<Rows>(stage, (done) =>
        stage.env.rows.open(path, { createIfMissing: false }, done),
      )
      const found = new Map<string, string>()
      const range = { from: bytes(''), to: bytes('z') }
      const onChunk = (part: readonly Row[]): void => {
        for (const row of part) found.set(text(row.key), text(row.value))
      }
      await finish(stage, (done) => rows.scan(range, 1000, onChunk, done))
      await finish(stage, (done) => rows.close(done))
      return found
    }

    test('is completed at the next open when its file was complete', async () => {
      await writeRedo()
      for (let round = 0; round < 2; round += 1) {
        const found = await rowsAfterOpen()
        expect(found.size).toBe(101)
        expect(found.get('key 1')).toBe('changed again')
        expect(found.has('key 2')).toBe(false)
        expect(found.get('key 3')).toBe('')
        expect(found.get('long')?.length).toBe(1_500_000)
        expect(found.get('last')?.length).toBe(1_900_000)
        expect(fs.existsSync(redo())).toBe(false)
      }
    })

    test('leaves nothing when its file was not complete', async () => {
      await writeRedo()
      const whole = fs.readFileSync(redo())
      const flipped = Buffer.from(whole)
      flipped[700_000]! ^= 1
      const endFlipped = Buffer.from(whole)
      endFlipped[whole.length - 4]! ^= 1
      const torn = [0, 3, 8, 20, 1_600_000, whole.length - 8, whole.length - 1]
      const versions = [...torn.map((end) => whole.subarray(0, end)), flipped, endFlipped]
      for (const version of versions) {
        fs.writeFileSync(redo(), version)
        const found = await rowsAfterOpen()
        expect(found.size).toBe(100)
        expect(found.get('key 1')).toBe('value 1')
        expect(fs.existsSync(redo())).toBe(false)
      }
    })

    test('is not taken over by a new store in the same place', async () => {
      await finish(stage, (done) => stage.env.rows.destroy(path, done))
      fs.mkdirSync(path)
      await writeRedo()
      const rows = await succeed<Rows>(stage, (done) =>
        stage.env.rows.open(path, { createIfMissing: true }, done),
      )
      await finish(stage, (done) => rows.close(done))
      expect((await rowsAfterOpen()).size).toBe(0)
    })

    test('is destroyed with its store', async () => {
      await writeRedo()
      await finish(stage, (done) => stage.env.rows.destroy(path, done))
      expect(fs.existsSync(path)).toBe(false)
    })

    test('is written whole; its file is gone afterwards', async () => {
      const rows = await succeed<Rows>(stage, (done) =>
        stage.env.rows.open(path, { createIfMissing: false }, done),
      )
      const batch = rows.newBatch()
      for (let i = 0; i < 9000; i += 1) batch.put(bytes(`new ${i}`), new Uint8Array(1000).fill(i))
      batch.delete(bytes('key 5'))
      let isDone = false
      batch.write((error) => {
        expect(error).toBe(null)
        isDone = true
      })
      await stage.until(() => fs.existsSync(redo()))
      await stage.until(() => isDone)
      expect(fs.existsSync(redo())).toBe(false)
      await finish(stage, (done) => rows.close(done))
      const found = await rowsAfterOpen()
      expect(found.size).toBe(9099)
      expect(found.get('new 8999')).toBe(text(new Uint8Array(1000).fill(8999)))
    })
  })

  test('close during a scan ends the scan with an error or completely, once', async () => {
    const rows = await succeed<Rows>(stage, (done) =>
      stage.env.rows.open(path, { createIfMissing: false }, done),
    )
    const ends: string[] = []
    let seen = 0
    rows.scan(
      { from: bytes(''), to: bytes('z') },
      10,
      (chunk) => {
        if (seen === 0) rows.close((error) => ends.push(error === null ? 'closed' : error.message))
        seen += chunk.length
      },
      (error) => ends.push(error === null ? 'complete' : 'cut'),
    )
    await stage.until(() => ends.length === 2)
    expect(ends.includes('closed')).toBe(true)
    expect(ends.includes('complete')).toBe(seen === 100)
  })
})
