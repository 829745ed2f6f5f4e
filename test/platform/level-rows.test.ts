import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Rows } from '../../src/env/index.ts'
import type { Stage } from '../contract/stage.ts'
import { bytes, codeOf, finish, openRealStage, outcomeOf, succeed } from '../contract/stage.ts'

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
