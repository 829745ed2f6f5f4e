import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { PROGRAM } from '../cli/support/zabkeeper.ts'
import { readText } from '../tidy/source-files.ts'
import { runTool, skipWithoutTool } from './support/tools.ts'

const UNIT = readText('packaging/systemd/zabkeeper.service')
const isSkipped = skipWithoutTool('systemd-analyze', '--version')

function settingOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT)?.[1] ?? ''
}

/** Lets `use` have the unit as it would be installed here: systemd looks whether the program is there. */
function withUnit(use: (file: string) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-unit-'))
  const file = path.join(folder, 'zabkeeper.service')
  writeFileSync(file, UNIT.replace('/usr/local/bin/zabkeeper', PROGRAM))
  try {
    use(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test.skipIf(isSkipped)('systemd understands the unit', () => {
  withUnit((file) => {
    const { status, stderr } = runTool('systemd-analyze', ['verify', '--man=no', file])
    expect([status, stderr]).toEqual([0, ''])
  })
})

test.skipIf(isSkipped)('and holds what it may do for little', () => {
  withUnit((file) => {
    const threshold = ['--offline=yes', '--threshold=25', file]
    const { status, stdout } = runTool('systemd-analyze', ['security', ...threshold])
    expect([status, /exposure level for .*/.exec(stdout)?.[0]]).toEqual([
      0,
      expect.stringContaining('OK'),
    ])
  })
})

test('it starts what the package installs, with words that there are', () => {
  const [program = '', ...words] = settingOf('ExecStart').split(' ')
  const { bin } = JSON.parse(readText('package.json'))
  expect(Object.keys(bin)).toContain(path.basename(program))
  expect(words).toEqual(['serve', '/etc/zookeeper/conf/zoo.cfg', '--log-format', 'text'])
  const { stdout } = runTool(process.execPath, [PROGRAM, 'serve', '--help'])
  expect(stdout).toContain('--log-format')
})

test('it does not restart where that does not help', () => {
  const useless = [EXIT.usage, EXIT.dataFolder, EXIT.dataDamaged].map(({ code }) => String(code))
  expect(settingOf('RestartPreventExitStatus').split(' ')).toEqual(useless)
})

test('its user is the one that is made for it', () => {
  const [kind, name] = readText('packaging/systemd/zabkeeper.sysusers')
    .split('\n')
    .find((line) => !line.startsWith('#'))!
    .split(' ')
  expect([kind, name]).toEqual(['u', settingOf('User')])
})
