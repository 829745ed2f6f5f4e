import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InvariantError } from '../../src/base/index.ts'
import type { LogFile, LogFolder } from '../../src/env/index.ts'
import type { OpenStage, Stage } from './stage.ts'
import { bytes, codeOf, finish, succeed, text } from './stage.ts'

/** What every implementation of `LogFilePort` does. */
export function logFileContract(world: string, openStage: OpenStage): void {
  describe(`log files: ${world}`, () => {
    let stage: Stage
    let path: string
    let folder: LogFolder
    beforeEach(async () => {
      stage = openStage()
      path = `${stage.folder()}/below`
      folder = await openFolder()
    })
    afterEach(() => stage.close())

    const openFolder = (): Promise<LogFolder> =>
      succeed<LogFolder>(stage, (done) => stage.env.logFile.openFolder(path, done))
    const create = (name: string, sizeBytes: number): Promise<LogFile> =>
      succeed<LogFile>(stage, (done) => folder.create(name, sizeBytes, done))
    const read = async (file: LogFile, offset: number, length: number): Promise<string> =>
      text(await succeed<Uint8Array>(stage, (done) => file.read(offset, length, done)))
    const write = (file: LogFile, offset: number, ...chunks: readonly string[]): Promise<void> =>
      finish(stage, (done) => file.writeDurably(offset, chunks.map(bytes), done))
    const close = (file: LogFile): Promise<void> => finish(stage, (done) => file.close(done))
    const list = async (): Promise<readonly string[]> =>
      (await succeed(stage, folder.list.bind(folder))).map((f) => `${f.name} ${f.sizeBytes}`)

    test('a new folder is empty and says where it is', async () => {
      expect(await list()).toEqual([])
      expect(folder.path).toBe(path)
    })

    test('a created file has its size in zeros and is listed', async () => {
      const sizeBytes = (1 << 20) + 3
      const file = await create('b.log', sizeBytes)
      await create('a.log', 0)
      expect(file.name).toBe('b.log')
      const content = await succeed<Uint8Array>(stage, (done) => file.read(0, sizeBytes + 9, done))
      expect(content.length).toBe(sizeBytes)
      expect(content.every((byte) => byte === 0)).toBe(true)
      expect(await list()).toEqual(['a.log 0', `b.log ${sizeBytes}`])
    })

    test('a file is not created twice; the first keeps its content', async () => {
      const file = await create('one.log', 64)
      await write(file, 0, 'kept')
      expect(await codeOf(stage, (done) => folder.create('one.log', 32, done))).toBe('EEXIST')
      expect(await read(file, 0, 4)).toBe('kept')
      expect(await list()).toEqual(['one.log 64'])
    })

    test('chunks are written one after another, as many as there are', async () => {
      const file = await create('one.log', 100_000)
      await write(file, 10, 'ab', '', 'cde', '')
      expect(await read(file, 8, 9)).toBe('\0\0abcde\0\0')
      await write(file, 12, 'X')
      expect(await read(file, 10, 5)).toBe('abXde')
      // More than one system call takes.
      const many = Array.from({ length: 3000 }, (_, i) => String(i % 10).repeat(1 + (i % 7)))
      await write(file, 1000, ...many)
      expect(await read(file, 1000, many.join('').length)).toBe(many.join(''))
    })

    test('an empty group completes too', async () => {
      const file = await create('one.log', 10)
      await write(file, 0)
      await write(file, 3, '')
      expect(await read(file, 0, 10)).toBe('\0'.repeat(10))
    })

    test('a sync changes nothing, and is one of the writes of a file', async () => {
      const file = await create('one.log', 10)
      await write(file, 3, 'abc')
      let isDone = false
      file.sync(() => {
        isDone = true
      })
      expect(isDone).toBe(false)
      expect(() => file.writeDurably(1, [bytes('b')], () => {})).toThrow(InvariantError)
      await stage.until(() => isDone)
      await write(file, 6, 'd')
      await finish(stage, (done) => file.sync(done))
      expect(await read(file, 0, 10)).toBe('\0\0\0abcd\0\0\0')
    })

    test('a read is short at the end of the file only', async () => {
      const file = await create('one.log', 10)
      await write(file, 0, '0123456789')
      expect(await read(file, 0, 10)).toBe('0123456789')
      expect(await read(file, 7, 10)).toBe('789')
      expect(await read(file, 10, 10)).toBe('')
      expect(await read(file, 99, 10)).toBe('')
      expect(await read(file, 5, 0)).toBe('')
    })

    test('two writes to one file at a time are a mistake of the caller', async () => {
      const file = await create('one.log', 10)
      let isDone = false
      file.writeDurably(0, [bytes('a')], () => {
        isDone = true
      })
      expect(() => file.writeDurably(1, [bytes('b')], () => {})).toThrow(InvariantError)
      await stage.until(() => isDone)
      await write(file, 1, 'c')
      expect(await read(file, 0, 2)).toBe('ac')
    })

    test('a file is found again after everything was closed', async () => {
      const file = await create('one.log', 20)
      await write(file, 4, 'still here')
      await close(file)
      await finish(stage, (done) => folder.close(done))
      folder = await openFolder()
      expect(await list()).toEqual(['one.log 20'])
      const again = await succeed<LogFile>(stage, (done) => folder.open('one.log', done))
      expect(again.name).toBe('one.log')
      expect(await read(again, 4, 10)).toBe('still here')
      await write(again, 0, 'now')
      expect(await read(again, 0, 4)).toBe('now\0')
    })

    test('what is missing is reported as ENOENT', async () => {
      expect(await codeOf(stage, (done) => folder.open('no.log', done))).toBe('ENOENT')
      expect(await codeOf(stage, (done) => folder.remove('no.log', done))).toBe('ENOENT')
      expect(await codeOf(stage, (done) => folder.rename('no.log', 'x.log', done))).toBe('ENOENT')
      expect(await list()).toEqual([])
    })

    test('remove and rename, also onto an existing file', async () => {
      const first = await create('1.log', 8)
      await write(first, 0, 'first')
      await close(first)
      await close(await create('2.log', 9))
      await close(await create('3.log', 10))
      await finish(stage, (done) => folder.remove('3.log', done))
      expect(await list()).toEqual(['1.log 8', '2.log 9'])
      await finish(stage, (done) => folder.rename('1.log', '2.log', done))
      expect(await list()).toEqual(['2.log 8'])
      const renamed = await succeed<LogFile>(stage, (done) => folder.open('2.log', done))
      expect(await read(renamed, 0, 5)).toBe('first')
    })

    test('a folder has one owner; after close the next may have it', async () => {
      const { logFile } = stage.env
      expect(await codeOf(stage, (done) => logFile.openFolder(path, done))).toBe('ELOCKED')
      await create('still.log', 1)
      await finish(stage, (done) => folder.close(done))
      folder = await openFolder()
      expect(await list()).toEqual(['still.log 1'])
    })

    test('free space is a number of bytes', async () => {
      const free = await succeed<number>(stage, (done) => folder.freeBytes(done))
      expect(Number.isSafeInteger(free) || free === Number.POSITIVE_INFINITY).toBe(true)
      expect(free).toBeGreaterThan(0)
    })

    test('entries are the names of everything, folders with a slash', async () => {
      const { logFile } = stage.env
      const entries = (of: string): Promise<readonly string[]> =>
        succeed<readonly string[]>(stage, (done) => logFile.entries(of, done))
      await create('z.log', 1)
      await create('a.log', 1)
      const names = await entries(path)
      expect(names.filter((name) => !name.endsWith('/'))).toEqual(['a.log', 'z.log'])
      expect(await entries(path.slice(0, path.lastIndexOf('/')))).toEqual(['below/'])
      expect(await entries(`${path}/nowhere`)).toEqual([])
    })
  })
}
