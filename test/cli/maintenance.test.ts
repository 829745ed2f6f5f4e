import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { ROOT } from '../tidy/source-files.ts'
import { type Ending, Scratch } from './support/zabkeeper.ts'

const scratch = new Scratch()
const at = (name: string): string => path.join(scratch.folder, name)

beforeAll(async () => {
  cpSync(path.join(ROOT, 'test/apache-files/testdata/apache-3.8'), at('apache'), {
    recursive: true,
  })
  await run('import', '--from', 'apache', '--to', 'ours')
})

afterAll(async () => {
  await scratch.discard()
})

async function run(...args: readonly string[]): Promise<Ending> {
  return await scratch.run(...args).ended
}

test('wrong arguments are told from what failed', { timeout: 120_000 }, async () => {
  mkdirSync(at('nothing'))
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['doctor'], EXIT.usage.code, /missing required argument/],
    [['doctor', 'ours', '--yes'], EXIT.usage.code, /^zabkeeper: --yes goes with --repair\n$/],
    [
      ['log', 'dump', 'ours', '--from', 'x'],
      EXIT.usage.code,
      /^zabkeeper: --from is x: give a zxid/,
    ],
    [['log', 'dump', 'nowhere'], EXIT.failure.code, /^zabkeeper: .*nowhere does not exist; give/],
    [['snapshot', 'stat', 'nothing'], EXIT.failure.code, /^zabkeeper: .*nothing is no data folder/],
    [
      ['backup', 'ours'],
      EXIT.usage.code,
      /^zabkeeper: give a data folder or --server, and with --to/,
    ],
    [
      ['backup', 'apache', '--to', 'archive'],
      EXIT.failure.code,
      /belongs to an Apache ZooKeeper; zabkeeper import/,
    ],
    [
      ['restore', 'nothing', '--to', 'new'],
      EXIT.failure.code,
      /^zabkeeper: .*nothing is no backup/,
    ],
    [
      ['restore', 'x', '--subtree', '/a'],
      EXIT.usage.code,
      /^zabkeeper: --subtree goes with --servers/,
    ],
    [['purge', 'apache', '--keep', '2'], EXIT.usage.code, /^zabkeeper: --keep is 2, and an Apache/],
  ]
  const endings = await Promise.all(wrong.map(([args]) => run(...args)))
  for (const [index, [args, code, reason]] of wrong.entries()) {
    expect([args, endings[index]!.code]).toEqual([args, code])
    expect(endings[index]!.stderr).toMatch(reason)
    expect(endings[index]!.stdout).toBe('')
  }
  expect(existsSync(at('archive'))).toBe(false)
  expect(existsSync(at('new'))).toBe(false)
})

test('a doctor that finds something wrong ends with 1', async () => {
  const ending = await run('doctor', 'apache', '--json')
  expect(ending.code).toBe(EXIT.failure.code)
  expect(JSON.parse(ending.stdout)).toMatchObject({ kind: 'apache', worst: 'error' })
  expect(ending.stderr).toBe('')
})

test('a backup of a running server is restored into one that starts', {
  timeout: 120_000,
}, async () => {
  cpSync(at('ours'), at('live'), { recursive: true })
  await scratch.serve('--data-dir', 'live')
  const saved = await run('backup', 'live', '--to', 'saved.tar', '--json')
  expect(JSON.parse(saved.stdout)).toMatchObject({ chain: '0001', lastZxid: '0x200000021' })
  const examined = await run('doctor', 'live', '--json')
  expect(JSON.parse(examined.stdout)).toMatchObject({ isUsed: true, worst: 'note' })
  expect((await run('restore', 'saved.tar', '--to', 'again')).code).toBe(EXIT.ok.code)
  expect(readdirSync(at('again')).sort()).toEqual(['checkpoint', 'log', 'myid'])
  const { run: server } = await scratch.serve('--data-dir', 'again')
  expect(server.stdout).toMatch(/"znodes":62,"sessions":4,"zxid":"0x300000000"/)
})
