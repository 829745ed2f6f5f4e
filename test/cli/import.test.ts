import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { ROOT } from '../tidy/source-files.ts'
import { type Ending, exchange, Scratch } from './support/zabkeeper.ts'

/** Data folder of a member of an ensemble of 3.8.0, without the zeros behind the logs. */
const APACHE = path.join(ROOT, 'test/apache-files/testdata/apache-3.8')
const NEWEST = 'snapshot.100000100'
const LAST_LOG = 'log.200000001'

let scratch: Scratch

beforeEach(() => {
  scratch = new Scratch()
  cpSync(APACHE, at('apache'), { recursive: true })
})

afterEach(async () => {
  await scratch.discard()
})

function at(...names: readonly string[]): string {
  return path.join(scratch.folder, ...names)
}

async function run(...args: readonly string[]): Promise<Ending> {
  return await scratch.run(...args).ended
}

async function importInto(to: string, ...more: readonly string[]): Promise<Ending> {
  return await run('import', '--from', 'apache', '--to', to, ...more)
}

/** It failed like this, and there is nothing where the target would be. */
async function expectRefused(args: readonly string[], code: number, reason: RegExp): Promise<void> {
  const ending = await run(...args)
  expect(ending).toMatchObject({ code, stdout: '' })
  expect(ending.stderr).toMatch(reason)
  expect(existsSync(at('ours'))).toBe(false)
}

describe('import', () => {
  test('makes a data folder that a server starts from, and says what it did', async () => {
    const ending = await importInto('deep/down/ours')
    expect(ending.code).toBe(EXIT.ok.code)
    expect(ending.stdout.split('\n').slice(0, -1)).toEqual([
      `imported apache into ${at('deep/down/ours')}`,
      `  snapshot  ${at('apache/version-2', NEWEST)}, zxid 0x100000100`,
      '  log       33 transactions in 2 files, up to zxid 0x200000021',
      '  verified  every checksum, 34 tree digests',
      '  epochs    accepted 2, current 2',
      '  state     62 znodes, 4 sessions',
    ])
    expect(readdirSync(at('deep/down/ours')).sort()).toEqual(['checkpoint', 'log', 'myid'])
    const { run: server, port } = await scratch.serve('--data-dir', 'deep/down/ours')
    expect(server.stdout).toMatch(/"znodes":62,"sessions":4,"zxid":"0x200000021"/)
    expect(await exchange(port, 'srvr')).toMatch('Zxid: 0x200000021\n')
  })

  test('goes into an empty folder, and leaves the source as it was', async () => {
    mkdirSync(at('ours', 'lost+found'), { recursive: true })
    expect((await importInto('ours')).code).toBe(EXIT.ok.code)
    for (const name of readdirSync(path.join(APACHE, 'version-2'))) {
      const original = readFileSync(path.join(APACHE, 'version-2', name))
      expect(readFileSync(at('apache/version-2', name))).toEqual(original)
    }
  })

  test('finds the logs in a folder of their own when it is told', async () => {
    for (const name of readdirSync(at('apache/version-2'))) {
      if (!name.startsWith('log.')) continue
      cpSync(at('apache/version-2', name), at('logs/version-2', name))
      rmSync(at('apache/version-2', name))
    }
    const args = ['import', '--from', 'apache', '--to', 'ours']
    await expectRefused(args, EXIT.dataFolder.code, /no logs .*--log-dir/)
    const ending = await importInto('ours', '--log-dir', 'logs')
    expect(ending.stdout).toMatch('up to zxid 0x200000021')
    rmSync(at('ours'), { recursive: true })
    // Told that there are none, it takes the snapshot for all there is.
    const alone = await importInto('ours', '--log-dir', 'apache')
    expect(alone.stdout).toMatch('0 transactions in 0 files, up to zxid 0x100000100')
  })

  test('unpacks a snapshot that was written with gz', async () => {
    const file = at('apache/version-2', NEWEST)
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)))
    rmSync(file)
    expect((await importInto('ours')).stdout).toMatch(`${NEWEST}.gz, zxid 0x100000100`)
    writeFileSync(`${file}.gz`, gzipSync(Buffer.from('other')).subarray(0, 22))
    const other = await importInto('other')
    expect(other.stdout).toMatch(/snapshot.1000000ca, zxid 0x1000000ca/)
    expect(other.stdout).toMatch(/ {2}not used {2}.*snapshot.100000100.gz: cannot be unpacked/)
    expect(readdirSync(at('other')).sort()).toEqual(['checkpoint', 'log', 'myid'])
  })

  test('--salvage leaves an unfinished end out, and says so', async () => {
    const log = at('apache/version-2', LAST_LOG)
    const whole = readFileSync(log).length - 64
    writeFileSync(log, readFileSync(log).subarray(0, whole - 5))
    const args = ['import', '--from', 'apache', '--to', 'ours']
    await expectRefused(args, EXIT.dataDamaged.code, /ends in an unfinished record .*--salvage/)
    const ending = await importInto('ours', '--salvage')
    expect(ending.stdout).toMatch(/ {2}log {7}32 transactions .* up to zxid 0x200000020/)
    expect(ending.stdout).toMatch(/ {2}left out .*log.200000001: the last \d+ bytes, from offset/)
  })

  test('a damaged record is refused', async () => {
    const log = at('apache/version-2', LAST_LOG)
    const bytes = readFileSync(log)
    bytes[60]! ^= 1
    writeFileSync(log, bytes)
    const reason = /damaged record at offset 16, and a whole one behind it at \d+ \(.*log.200000001/
    const args = ['import', '--from', 'apache', '--to', 'ours', '--salvage']
    await expectRefused(args, EXIT.dataDamaged.code, reason)
  })

  test('an epoch file that is none is refused', async () => {
    appendFileSync(at('apache/version-2/currentEpoch'), 'x')
    const args = ['import', '--from', 'apache', '--to', 'ours']
    await expectRefused(args, EXIT.dataDamaged.code, /no epoch: "2x" .*currentEpoch/)
  })

  test.each([
    [['--from', 'nowhere'], /no folder version-2/],
    [['--from', 'apache/version-2'], /Give the folder above it with --from/],
    [['--from', 'apache', '--log-dir', 'nowhere'], /dataLogDir of its zoo.cfg with --log-dir/],
  ])('%j is refused', async (args, reason) => {
    await expectRefused(['import', ...args, '--to', 'ours'], EXIT.dataFolder.code, reason)
  })

  test('a target that holds anything stays as it is', async () => {
    mkdirSync(at('full'))
    writeFileSync(at('full/note'), 'mine')
    for (const [to, reason] of [
      ['full', /full is not empty: note/],
      ['full/note', /note is a file/],
    ] as const) {
      const ending = await importInto(to)
      expect(ending.code).toBe(EXIT.dataFolder.code)
      expect(ending.stderr).toMatch(reason)
    }
    expect(readdirSync(at('full'))).toEqual(['note'])
  })

  test('what a killed run left is not touched', async () => {
    mkdirSync(at('ours/import.unfinished'), { recursive: true })
    const ending = await importInto('ours')
    expect(ending.code).toBe(EXIT.dataFolder.code)
    expect(ending.stderr).toMatch(/left from a run that was ended by force.* delete it/)
  })
})

describe('export', () => {
  test('gives back what was imported, and import takes it', async () => {
    await importInto('ours')
    const ending = await run('export', '--from', 'ours', '--to', 'back')
    expect(ending.code).toBe(EXIT.ok.code)
    expect(ending.stdout.split('\n').slice(0, -1)).toEqual([
      `exported ours to ${at('back')}`,
      '  snapshot  snapshot.100000100, 7,699 bytes: 61 znodes, 2 sessions',
      '  log       log.200000001: 33 transactions after it',
      '  zxid      0x200000021',
      '  epochs    accepted 2, current 2',
    ])
    expect(readdirSync(at('back')).sort()).toEqual(['myid', 'version-2'])
    const again = await run('import', '--from', 'back', '--to', 'again')
    expect(again.stdout).toMatch('62 znodes, 4 sessions')
    // The log is byte for byte what Apache wrote.
    const [written, original] = ['back', 'apache'].map((folder) =>
      readFileSync(at(folder, 'version-2', LAST_LOG)),
    )
    expect(written!.equals(original!.subarray(0, written!.length))).toBe(true)
    expect(original!.length - written!.length).toBe(64)
  })

  test('refuses a folder that a server uses, and one without data', async () => {
    await importInto('ours')
    const { run: server } = await scratch.serve('--data-dir', 'ours')
    const used = await run('export', '--from', 'ours', '--to', 'back')
    expect(used).toMatchObject({ code: EXIT.dataFolder.code, stdout: '' })
    expect(used.stderr).toMatch(/in use by another server/)
    await server.kill()
    const none = await run('export', '--from', 'nowhere', '--to', 'back')
    expect(none).toMatchObject({ code: EXIT.dataFolder.code, stdout: '' })
    expect(none.stderr).toMatch(/no data folder of zabkeeper/)
    expect(existsSync(at('nowhere'))).toBe(false)
    expect(existsSync(at('back'))).toBe(false)
  })
})

test.each(['import', 'export'])('%s explains itself, and needs its folders', async (name) => {
  const help = await run(name, '--help')
  expect(help).toMatchObject({ code: EXIT.ok.code, stderr: '' })
  for (const text of ['--from <folder>', '--to <folder>', 'Exit codes:']) {
    expect(help.stdout).toContain(text)
  }
  const bare = await run(name, '--to', 'ours')
  expect(bare).toMatchObject({ code: EXIT.usage.code, stdout: '' })
  expect(bare.stderr).toMatch(/required option '--from/)
})
