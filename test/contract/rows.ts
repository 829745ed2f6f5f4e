import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Rows } from '../../src/env/index.ts'
import type { OpenStage, Stage } from './stage.ts'
import { bytes, codeOf, finish, succeed, text } from './stage.ts'

const EVERYTHING = { from: new Uint8Array(0), to: new Uint8Array(9).fill(0xff) }

/** What every implementation of `RowsPort` does. */
export function rowsContract(world: string, openStage: OpenStage): void {
  describe(`rows: ${world}`, () => {
    let stage: Stage
    let path: string
    let rows: Rows
    beforeEach(async () => {
      stage = openStage()
      path = `${stage.folder()}/rows`
      rows = await open(true)
    })
    afterEach(async () => {
      await finish(stage, (done) => rows.close(done))
      stage.close()
    })

    const open = (createIfMissing: boolean, at = path): Promise<Rows> =>
      succeed<Rows>(stage, (done) => stage.env.rows.open(at, { createIfMissing }, done))
    const openError = (at: string): Promise<string> =>
      codeOf(stage, (done) => stage.env.rows.open(at, { createIfMissing: false }, done))
    const write = (change: (batch: ReturnType<Rows['newBatch']>) => void): Promise<void> => {
      const batch = rows.newBatch()
      change(batch)
      return finish(stage, (done) => batch.write(done))
    }
    const scan = async (from = '', to = '\xff\xff\xff', chunk = 100): Promise<string[]> => {
      const found: string[] = []
      const range = { from: bytes(from), to: bytes(to) }
      const onChunk = (part: readonly { key: Uint8Array; value: Uint8Array }[]): void => {
        if (part.length === 0 || part.length > chunk) throw new Error(`chunk of ${part.length}`)
        for (const row of part) found.push(`${text(row.key)}=${text(row.value)}`)
      }
      await finish(stage, (done) => rows.scan(range, chunk, onChunk, done))
      return found
    }

    test('a new store is empty', async () => {
      expect(await scan()).toEqual([])
    })

    test('a batch is gathered, counted and written; its bytes may be reused', async () => {
      const batch = rows.newBatch()
      const key = bytes('k?')
      const value = bytes('v?')
      for (const digit of '12345') {
        key[1] = digit.charCodeAt(0)
        value[1] = digit.charCodeAt(0)
        batch.put(key, value)
      }
      batch.delete(bytes('k3'))
      expect(batch.length).toBe(6)
      expect(await scan()).toEqual([])
      await finish(stage, (done) => batch.write(done))
      expect(await scan()).toEqual(['k1=v1', 'k2=v2', 'k4=v4', 'k5=v5'])
    })

    test('within a batch and between batches the last change of a key counts', async () => {
      await write((batch) => {
        batch.put(bytes('a'), bytes('1'))
        batch.put(bytes('a'), bytes('2'))
        batch.put(bytes('b'), bytes('1'))
        batch.delete(bytes('b'))
        batch.delete(bytes('c'))
        batch.put(bytes('c'), bytes('3'))
      })
      expect(await scan()).toEqual(['a=2', 'c=3'])
      await write((batch) => {
        batch.put(bytes('a'), bytes('4'))
        batch.delete(bytes('c'))
        batch.delete(bytes('never was'))
      })
      expect(await scan()).toEqual(['a=4'])
    })

    test('a discarded batch changes nothing, an empty one may be written', async () => {
      const batch = rows.newBatch()
      batch.put(bytes('a'), bytes('1'))
      batch.discard()
      await write(() => {})
      expect(await scan()).toEqual([])
    })

    test('keys are ordered as unsigned bytes; a range includes its start and not its end', async () => {
      const keys = ['\x00', '\x00\x00', '\x01', 'A', 'a', 'aa', '\x7f', '\x80', '\xfe', '\xff']
      await write((batch) => {
        for (const key of [...keys].reverse()) batch.put(bytes(key), bytes(''))
      })
      expect(await scan()).toEqual(keys.map((key) => `${key}=`))
      expect(await scan('A', 'aa')).toEqual(['A=', 'a='])
      expect(await scan('\x7f', '\xff')).toEqual(['\x7f=', '\x80=', '\xfe='])
      expect(await scan('b', 'c')).toEqual([])
      expect(await scan('a', 'a')).toEqual([])
    })

    test('a scan delivers every row once, in chunks of the asked size at most', async () => {
      const expected: string[] = []
      await write((batch) => {
        for (let i = 0; i < 1000; i += 1) {
          const key = `row-${String(i).padStart(4, '0')}`
          batch.put(bytes(key), bytes(`value ${i}`))
          expected.push(`${key}=value ${i}`)
        }
      })
      for (const chunk of [1, 7, 1000, 5000]) expect(await scan('', 'z', chunk)).toEqual(expected)
    })

    test('long values come back whole', async () => {
      const long = new Uint8Array(1 << 20).map((_, i) => (i * 31) >> 3)
      await write((batch) => {
        for (const key of 'abc') batch.put(bytes(key), long)
      })
      const lengths: number[] = []
      await finish(stage, (done) =>
        rows.scan(
          EVERYTHING,
          10,
          (part) => {
            for (const row of part) {
              lengths.push(row.value.length)
              expect(row.value.every((byte, i) => byte === long[i])).toBe(true)
            }
          },
          done,
        ),
      )
      expect(lengths).toEqual([1 << 20, 1 << 20, 1 << 20])
    })

    test('rows are found again after close', async () => {
      await write((batch) => batch.put(bytes('a'), bytes('kept')))
      await finish(stage, (done) => rows.close(done))
      rows = await open(false)
      expect(await scan()).toEqual(['a=kept'])
    })

    test('a store has one owner', async () => {
      expect(await openError(path)).toBe('ELOCKED')
      await write((batch) => batch.put(bytes('a'), bytes('1')))
      expect(await scan()).toEqual(['a=1'])
    })

    test('a missing store is only created on demand', async () => {
      const missing = `${stage.folder()}/rows`
      expect(await openError(missing)).toBe('ENOENT')
      expect(await openError(missing)).toBe('ENOENT')
      const created = await open(true, missing)
      await finish(stage, (done) => created.close(done))
    })

    test('a destroyed store is gone; destroying nothing is no error', async () => {
      const doomed = `${stage.folder()}/rows`
      const store = await open(true, doomed)
      const batch = store.newBatch()
      batch.put(bytes('a'), bytes('1'))
      await finish(stage, (done) => batch.write(done))
      await finish(stage, (done) => store.close(done))
      await finish(stage, (done) => stage.env.rows.destroy(doomed, done))
      expect(await openError(doomed)).toBe('ENOENT')
      await finish(stage, (done) => stage.env.rows.destroy(doomed, done))
    })

    test('a batch of many megabytes is written as one', async () => {
      const value = new Uint8Array(900).fill(0x76)
      await write((batch) => {
        for (let i = 0; i < 7000; i += 1) batch.put(bytes(`many ${i}`), value)
      })
      let rowCount = 0
      const onChunk = (part: readonly unknown[]): void => {
        rowCount += part.length
      }
      await finish(stage, (done) => rows.scan(EVERYTHING, 500, onChunk, done))
      expect(rowCount).toBe(7000)
    })

    test('several operations at once all complete', async () => {
      const ended: string[] = []
      for (const name of ['x', 'y']) {
        const batch = rows.newBatch()
        batch.put(bytes(name), bytes('1'))
        batch.write((error) => ended.push(error?.message ?? `wrote ${name}`))
      }
      rows.scan(
        EVERYTHING,
        10,
        () => {},
        (error) => ended.push(error?.message ?? 'scanned'),
      )
      await stage.until(() => ended.length === 3)
      expect(ended.toSorted()).toEqual(['scanned', 'wrote x', 'wrote y'])
      expect(await scan()).toEqual(['x=1', 'y=1'])
    })
  })
}
