import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Logger } from '../../src/env/index.ts'
import type { LogFormat, LogLevel } from '../../src/platform/index.ts'
import { openPlatform } from '../../src/platform/index.ts'

let folder: string
let fd: number
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'zabkeeper-logger-'))
  fd = fs.openSync(join(folder, 'out'), 'w')
})
afterEach(() => {
  fs.closeSync(fd)
  fs.rmSync(folder, { recursive: true })
})

const open = (format: LogFormat, level: LogLevel = 'info'): Logger =>
  openPlatform({ log: { format, level, fd } }).logger
/** What has left the process when the call has returned. */
const lines = (): string[] => fs.readFileSync(join(folder, 'out'), 'utf8').split('\n').slice(0, -1)

test('JSON lines carry level, time, sentence and fields; 64-bit values are hexadecimal strings', () => {
  const logger = open('json')
  logger.warn('a sentence', { zxid: 0x100000001n, count: 3, path: '/a\n', on: true, none: null })
  const line = JSON.parse(lines()[0]!)
  expect(line).toMatchObject({
    level: 'warn',
    msg: 'a sentence',
    zxid: '0x100000001',
    count: 3,
    path: '/a\n',
    on: true,
    none: null,
  })
  expect(new Date(line.time).getTime()).toBeGreaterThan(1_600_000_000_000)
  logger.info('without fields')
  expect(JSON.parse(lines()[1]!)).toMatchObject({ level: 'info', msg: 'without fields' })
})

test('text lines are time, level, sentence, fields', () => {
  open('text').error('a sentence', { sessionId: -1n, host: '10.0.0.1:21', why: 'no space', n: 1.5 })
  const [time, ...rest] = lines()[0]!.split(' ')
  expect(new Date(time!).toISOString()).toBe(time)
  expect(rest.join(' ')).toBe(
    'ERROR a sentence sessionId=0xffffffffffffffff host=10.0.0.1:21 why="no space" n=1.5',
  )
})

test('nothing from outside starts a second text line or reaches the terminal', () => {
  const evil = 'x\n2026-01-01 INFO forged\r\u001b[31m\u0085\u2028\u007f'
  open('text').info(evil, { path: evil, quote: 'a"b=c' })
  expect(lines().length).toBe(1)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  expect(lines()[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  expect(lines()[0]).toContain('quote="a\\"b=c"')
})

test.each<LogFormat>(['json', 'text'])(
  'levels below the chosen one are left out (%s)',
  (format) => {
    const counts = (['debug', 'info', 'warn', 'error'] as const).map((level) => {
      const before = lines().length
      const logger = open(format, level)
      logger.debug('1')
      logger.info('2')
      logger.warn('3')
      logger.error('4')
      return lines().length - before
    })
    expect(counts).toEqual([4, 3, 2, 1])
  },
)
