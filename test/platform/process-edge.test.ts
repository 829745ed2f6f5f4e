import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const PLATFORM = pathToFileURL(join(process.cwd(), 'dist/src/platform/index.js')).href

interface Ended {
  readonly code: number | null
  readonly lines: readonly string[]
}

/** Runs `body` in a process of its own, with the compiled platform as `platform` and a text `logger`. */
function run(
  body: string,
  onLine: (line: string, child: ChildProcessByStdio<null, Readable, null>) => void = () => {},
): Promise<Ended> {
  const code = `
    import * as platform from ${JSON.stringify(PLATFORM)}
    const { logger } = platform.openPlatform({ log: { format: 'text' } })
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!
    for (const line of parts) {
      lines.push(line.replace(/^\S+Z /, ''))
      onLine(lines.at(-1)!, child)
    }
  })
  return new Promise((resolve) => child.once('close', (exit) => resolve({ code: exit, lines })))
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s is reported once and lets the server stop',
  async (name) => {
    const ended = await run(
      `platform.onStopSignal((signal) => {
      logger.info('stopping', { signal })
      clearInterval(alive)
    })
    const alive = setInterval(() => {}, 1000)
    logger.info('running')`,
      (line, child) => line.endsWith('running') && child.kill(name),
    )
    expect(ended).toEqual({ code: 0, lines: ['INFO  running', `INFO  stopping signal=${name}`] })
  },
)

test('a second signal does not wait', async () => {
  const ended = await run(
    `platform.onStopSignal(() => logger.info('stopping'))
    setInterval(() => {}, 1000)
    logger.info('running')`,
    (_, child) => child.kill('SIGINT'),
  )
  expect(ended).toEqual({ code: 130, lines: ['INFO  running', 'INFO  stopping'] })
})

test.each([
  ['an exception', `setImmediate(() => { throw new RangeError('broken rule') })`],
  ['a rejection', `Promise.reject(new RangeError('broken rule'))`],
])('%s nobody caught is logged and ends the process', async (_, failure) => {
  const ended = await run(`
    platform.exitOnProgramFailure(logger)
    setInterval(() => {}, 1000)
    ${failure}`)
  expect(ended.code).toBe(70)
  expect(ended.lines.length).toBe(1)
  expect(ended.lines[0]).toMatch(
    /^ERROR the program failed and stops error=RangeError reason="broken rule" stack="RangeError/,
  )
})

test('a fatal exit writes everything that was logged before', async () => {
  const ended = await run(`
    for (let i = 0; i < 2000; i += 1) logger.info('line', { i })
    platform.exitFatally(logger, 3, 'the disk failed', new Error('EIO'))`)
  expect(ended.code).toBe(3)
  expect(ended.lines.length).toBe(2001)
  expect(ended.lines.at(-1)).toBe('ERROR the disk failed error=Error reason=EIO')
})

test('a reader of the log that goes away does not take the server with it', async () => {
  const ended = await run(
    `setTimeout(() => {
      for (let i = 0; i < 1000; i += 1) logger.info('nobody reads this')
      process.exit(7)
    }, 100)
    logger.info('running')`,
    (_, child) => child.stdout.destroy(),
  )
  expect(ended.code).toBe(7)
})
