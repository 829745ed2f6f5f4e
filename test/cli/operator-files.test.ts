import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ServerId, SessionId } from '../../src/base/index.ts'
import { MemoryWatch } from '../../src/cli/memory-watch.ts'
import { OperatorFiles } from '../../src/cli/operator-files.ts'
import { type Config, defaultConfig } from '../../src/config/index.ts'
import { openPlatform } from '../../src/platform/index.ts'
import { EventHistory } from '../../src/server/index.ts'

const platform = openPlatform({ log: { fd: 2, level: 'error' } })
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zk-operator-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function configOf(changes: Partial<Config> = {}): Config {
  return { ...defaultConfig({ dataDir: folder }), ...changes }
}

function newHistory(): EventHistory {
  return new EventHistory(platform.clock, 1 as ServerId)
}

test('the history of events goes on after a restart, also behind a torn line', async () => {
  const before = newHistory()
  const files = new OperatorFiles(platform, configOf())
  files.attachTo(before)
  const sessionId = 0x1000000000000a7n as SessionId
  before.record({ kind: 'sessionRefused', sessionId, remote: '10.0.0.9:4' })
  before.record({ kind: 'stopping' })
  await files.close()
  appendFileSync(path.join(folder, 'events.jsonl'), '{"kind":"stall","sequ')
  const after = newHistory()
  new OperatorFiles(platform, configOf()).attachTo(after)
  expect(after.list()).toEqual(before.list())
  after.record({ kind: 'stopping' })
  expect(after.list().map(({ sequence }) => sequence)).toEqual([1, 2, 3])
})

test('a process that ends at once leaves what it knows, but not in a folder it could not open', () => {
  const history = newHistory()
  const files = new OperatorFiles(platform, configOf())
  files.attachTo(history)
  history.record({ kind: 'failed', reason: 'the disk is gone' })
  const file = path.join(folder, 'events.jsonl')
  files.flushNow(false)
  expect(existsSync(file)).toBe(false)
  files.flushNow(true)
  expect(readFileSync(file, 'utf8')).toContain('"reason":"the disk is gone"')
})

test('events.persist=false leaves no file, audit.enable brings one', async () => {
  const { warnings } = defaultConfig()
  const audit = { isEnabled: true, file: path.join(folder, 'audit.log') }
  const config = configOf({ warnings: { ...warnings, keepsEvents: false }, audit })
  const history = newHistory()
  const files = new OperatorFiles(platform, config)
  files.attachTo(history)
  history.record({ kind: 'stopping' })
  files.auditOptions.audit!.sink.write(false, 'user=root\toperation=serverStart\tresult=success')
  await files.close()
  expect(existsSync(path.join(folder, 'events.jsonl'))).toBe(false)
  expect(readFileSync(audit.file, 'utf8')).toContain('operation=serverStart')
  expect(new OperatorFiles(platform, configOf()).auditOptions).toEqual({})
})

test('a heap that is nearly used up is told once, until it is well again', () => {
  const history = newHistory()
  let usedBytes = 80
  const read = () => ({ usedBytes, maxBytes: 100 })
  const watch = new MemoryWatch(read, history, { ...platform.logger, warn: () => {} })
  for (const used of [80, 90, 95, 75, 90, 60, 88]) {
    usedBytes = used
    watch.look()
  }
  const told = history.list().map((event) => 'usedBytes' in event && event.usedBytes)
  expect(told).toEqual([90, 88])
})
