import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LogFields, Logger } from '../../src/env/index.ts'
import { AuditFile, RollingFile, type RollingFileOptions } from '../../src/platform/index.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => 1_795_230_117_907 }
let folder = ''
let warnings: { readonly message: string; readonly fields: LogFields }[] = []
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message, fields = {}) => void warnings.push({ message, fields }),
  error: () => {},
}

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zk-rolling-'))
  warnings = []
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function open(changes: Partial<RollingFileOptions> = {}): RollingFile {
  const options = {
    path: path.join(folder, 'sub/lines.log'),
    name: 'file of lines',
    bytesMax: 100,
    backups: 2,
    waitingBytesMax: 1000,
    delayMs: 0,
    ...changes,
  }
  return new RollingFile(options, clock, logger)
}

function read(name: string): string | null {
  const file = path.join(folder, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

describe('a file of lines', () => {
  test('is made with its folder, and appended to', async () => {
    const first = open()
    first.write('a\n')
    first.write('b\n')
    await first.close()
    const second = open({ delayMs: 60_000 })
    second.write('c\n')
    await second.close()
    expect(read('sub/lines.log')).toBe('a\nb\nc\n')
  })

  test('is set aside when it is long, and the oldest goes', async () => {
    for (const letter of ['a', 'b', 'c', 'd']) {
      const file = open()
      file.write(`${letter.repeat(120)}\n`)
      await file.close()
    }
    expect(read('sub/lines.log')).toMatch(/^d+\n$/)
    expect(read('sub/lines.log.1')).toMatch(/^c+\n$/)
    expect(read('sub/lines.log.2')).toMatch(/^b+\n$/)
    expect(read('sub/lines.log.3')).toBeNull()
  })

  test('is written at once by a process that ends', () => {
    const file = open({ delayMs: 60_000 })
    file.write('last words\n')
    file.flushNow()
    expect(read('sub/lines.log')).toBe('last words\n')
  })

  test('that cannot be written is one warning; what waits is written once it can be', async () => {
    const blocker = path.join(folder, 'sub')
    writeFileSync(blocker, 'a file in place of the folder')
    const file = open({ waitingBytesMax: 10 })
    file.write('1234\n')
    await file.close()
    file.write('5678\n')
    file.write('too much\n')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]!.message).toContain(
      'the file of lines cannot be written; the server goes on',
    )
    rmSync(blocker)
    await vi.waitFor(() => expect(read('sub/lines.log')).toBe('1234\n5678\n'), 20_000)
    await vi.waitFor(() => expect(warnings).toHaveLength(2), 20_000)
    expect(warnings[1]!.fields['lostLines']).toBe(1)
  })

  test.runIf(existsSync('/dev/full'))('on a full disk is a warning', async () => {
    const file = open({ path: '/dev/full' })
    file.write('a\n')
    await file.close()
    expect(warnings[0]!.fields['reason']).toContain('ENOSPC')
  })
})

test('the audit log has time, level and logger as Apache writes them', async () => {
  const file = new AuditFile(path.join(folder, 'audit.log'), clock, logger)
  file.write(false, 'user=root\toperation=serverStart\tresult=success')
  file.write(true, 'user=root\toperation=serverStart\tresult=failure')
  await file.close()
  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,907`
  const name = String.raw`o\.a\.z\.a\.Slf4jAuditLogger: user=root\toperation=serverStart`
  expect(read('audit.log')).toMatch(
    new RegExp(`^${time} INFO ${name}\tresult=success\n${time} ERROR ${name}\tresult=failure\n$`),
  )
})
