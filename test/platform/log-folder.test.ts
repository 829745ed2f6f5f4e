import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InvariantError } from '../../src/base/index.ts'
import type { LogFile, LogFolder } from '../../src/env/index.ts'
import { dropBytes } from '../../src/platform/log-file.ts'
import type { Stage } from '../contract/stage.ts'
import { bytes, codeOf, finish, openRealStage, outcomeOf, succeed } from '../contract/stage.ts'

describe('log folders of the operating system', () => {
  let stage: Stage
  let path: string
  beforeEach(() => {
    stage = openRealStage()
    path = stage.folder()
  })
  afterEach(() => stage.close())

  const open = (at = path): Promise<LogFolder> =>
    succeed<LogFolder>(stage, (done) => stage.env.logFile.openFolder(at, done))
  const openError = (at = path): Promise<string> =>
    codeOf(stage, (done) => stage.env.logFile.openFolder(at, done))
  const close = (folder: LogFolder): Promise<void> => finish(stage, (done) => folder.close(done))

  test('new folders and files are for their owner alone', async () => {
    const folder = await open(join(path, 'a', 'b'))
    await succeed<LogFile>(stage, (done) => folder.create('x.log', 10, done))
    const modeOf = (name: string): number => fs.statSync(join(path, name)).mode & 0o777
    expect(modeOf('a')).toBe(0o700)
    expect(modeOf('a/b')).toBe(0o700)
    expect(modeOf('a/b/x.log')).toBe(0o600)
    await close(folder)
  })

  test('the lock is held against another process and goes with it, however it ends', async () => {
    await close(await open())
    // What another server does first, as far as the lock is concerned.
    const other = spawn(
      process.execPath,
      ['-e', LOCK_AND_WAIT, join(fs.realpathSync(path), 'lock')],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let isLocked = false
    let isGone = false
    other.stdout.once('data', () => {
      isLocked = true
    })
    other.once('exit', () => {
      isGone = true
    })
    await stage.until(() => isLocked || isGone)
    const { error } = await outcomeOf(stage, (done) => stage.env.logFile.openFolder(path, done))
    expect(error?.code).toBe('ELOCKED')
    expect(error?.message).toContain(path)
    expect(error?.message).toContain(`process ${process.pid}`)
    other.kill('SIGKILL')
    await stage.until(() => isGone)
    await close(await open())
  })

  test('a lock with damaged files is built anew', async () => {
    await close(await open())
    for (const name of fs.readdirSync(join(path, 'lock'))) {
      if (name.startsWith('MANIFEST')) fs.truncateSync(join(path, 'lock', name), 5)
    }
    const folder = await open()
    expect(await openError()).toBe('ELOCKED')
    await close(folder)
  })

  test('another spelling of the path is the same folder', async () => {
    const folder = await open()
    const link = stage.folder()
    fs.symlinkSync(path, link)
    expect(await openError(link)).toBe('ELOCKED')
    expect(await openError(join(path, '..', path.slice(path.lastIndexOf('/') + 1)))).toBe('ELOCKED')
    await close(folder)
  })

  test('a path that cannot be a folder is refused with its name', async () => {
    fs.writeFileSync(path, 'a file')
    const { error } = await outcomeOf(stage, (done) =>
      stage.env.logFile.openFolder(join(path, 'sub'), done),
    )
    expect(error?.code).toBe('ENOTDIR')
    expect(error?.message).toContain(join(path, 'sub'))
  })

  test('a file that a crash left unfinished is deleted at the next start', async () => {
    fs.mkdirSync(path)
    fs.writeFileSync(join(path, '7.log.creating'), 'half')
    fs.writeFileSync(join(path, '6.log'), 'whole')
    const folder = await open()
    const files = await succeed(stage, folder.list.bind(folder))
    expect(files).toEqual([{ name: '6.log', sizeBytes: 5 }])
    expect(fs.readdirSync(path).sort()).toEqual(['6.log', 'lock'])
    await close(folder)
  })

  test('work on names keeps the order of the calls', async () => {
    const folder = await open()
    const order: string[] = []
    folder.create('a.log', 2 << 20, () => order.push('create'))
    folder.rename('a.log', 'b.log', (error) => order.push(error?.code ?? 'rename'))
    folder.list((_, files) => order.push(files?.map((f) => f.name).join() ?? ''))
    folder.remove('b.log', (error) => order.push(error?.code ?? 'remove'))
    await stage.until(() => order.length === 4)
    expect(order).toEqual(['create', 'rename', 'b.log', 'remove'])
    await close(folder)
  })

  test('a name with a path in it is a mistake of the caller', async () => {
    const folder = await open()
    for (const name of ['', '.', '..', 'a/b', '../x', '/x', 'a\0b', 'x.creating']) {
      expect(() => folder.create(name, 1, () => {})).toThrow(InvariantError)
      expect(() => folder.remove(name, () => {})).toThrow(InvariantError)
    }
    await close(folder)
  })

  test('a failed create leaves no file', async () => {
    const folder = await open()
    // Renaming a file onto a folder fails after the zeros were written.
    const created = codeOf(stage, (done) => folder.create('x.log', 3 << 20, done))
    await stage.until(() => fs.existsSync(join(path, 'x.log.creating')))
    fs.mkdirSync(join(path, 'x.log'))
    expect(await created).toBe('EISDIR')
    expect(fs.readdirSync(path).sort()).toEqual(['lock', 'x.log'])
    await close(folder)
  })

  test('a full disk is reported with file and offset; the file is not written again', async () => {
    const folder = await open()
    fs.symlinkSync('/dev/full', join(path, 'full.log'))
    const file = await succeed<LogFile>(stage, (done) => folder.open('full.log', done))
    const { error } = await outcomeOf(stage, (done) =>
      file.writeDurably(4096, [bytes('abc'), bytes('de')], done),
    )
    expect(error?.code).toBe('ENOSPC')
    expect(error?.message).toContain('cannot write 5 bytes at offset 4096 of')
    expect(error?.message).toContain('full.log')
    expect(() => file.writeDurably(0, [bytes('x')], () => {})).toThrow(/after one has failed/)
    await close(folder)
  })

  test.runIf(process.platform === 'linux')('every write is synced by the kernel', async () => {
    const folder = await open()
    await succeed<LogFile>(stage, (done) => folder.create('new.log', 10, done))
    fs.writeFileSync(join(path, 'old.log'), 'content')
    await succeed<LogFile>(stage, (done) => folder.open('old.log', done))
    const flags = new Map<string, number>()
    for (const fd of fs.readdirSync('/proc/self/fd')) {
      const place = linkAt(`/proc/self/fd/${fd}`)
      // Other descriptors come and go meanwhile, the one that listed the folder among them.
      if (place === null || !place.startsWith(path)) continue
      const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
      const octal = /^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? ''
      flags.set(place, Number.parseInt(octal, 8))
    }
    for (const name of ['new.log', 'old.log']) {
      expect(flags.get(join(path, name))! & fs.constants.O_DSYNC).toBe(fs.constants.O_DSYNC)
    }
    await close(folder)
  })

  test('an error of a read names file and offset', async () => {
    const folder = await open()
    fs.mkdirSync(join(path, 'folder.log'))
    expect(await codeOf(stage, (done) => folder.open('folder.log', done))).toBe('EISDIR')
    const file = await succeed<LogFile>(stage, (done) => folder.create('x.log', 10, done))
    await finish(stage, (done) => file.close(done))
    const { error } = await outcomeOf(stage, (done) => file.read(3, 4, done))
    expect(error?.code).toBe('EBADF')
    expect(error?.message).toContain(`cannot read 4 bytes at offset 3 of ${join(path, 'x.log')}`)
    await close(folder)
  })
})

test('dropBytes gives what a short write has left', () => {
  const chunks = ['abc', '', 'de', 'f'].map(bytes)
  const rest = (count: number): string =>
    dropBytes(chunks, count)
      .map((chunk) => Buffer.from(chunk).toString())
      .join('|')
  expect([0, 1, 2, 3, 4, 5, 6].map(rest)).toEqual([
    'abc|de|f',
    'bc|de|f',
    'c|de|f',
    'de|f',
    'e|f',
    'f',
    '',
  ])
})

function linkAt(path: string): string | null {
  try {
    return fs.readlinkSync(path)
  } catch {
    return null
  }
}

const LOCK_AND_WAIT = `
  const { ClassicLevel } = require(${JSON.stringify(join(process.cwd(), 'node_modules/classic-level'))})
  new ClassicLevel(process.argv[1]).open().then(() => {
    console.log('locked')
    setInterval(() => {}, 1000)
  })
`
