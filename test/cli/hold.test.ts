import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/servers/index.ts'
import { HOLD_EXIT } from '../../src/cli/hold-exit-codes.ts'
import { connect } from '../../src/client-node/index.ts'
import { CuttableProxy } from '../client/support/cuttable-proxy.ts'
import { readText } from '../tidy/source-files.ts'
import { PROGRAM, type Run, Scratch } from './support/zabkeeper.ts'

/** Says it is up, then waits. */
const WAITING = 'echo up; while :; do sleep 0.05; done'

/** The session ends soon after its server. */
const SOON = ['--session-timeout', '4000']

/** Every run is a process that starts. */
const LIMITS = { timeout: 180_000 }

let scratch: Scratch
let port: number
let server: Run
const runs: Run[] = []

/** A server with sessions of 1 to 10 seconds. */
async function serve(): Promise<void> {
  server = (await scratch.serve('--tick-time', '500', '--port', String(port))).run
}

beforeAll(async () => {
  scratch = new Scratch()
  port = await freePort()
  await serve()
})

afterAll(async () => {
  await scratch.discard()
})

afterEach(async () => {
  // Not SIGKILL, which would leave their commands behind.
  for (const run of runs.splice(0)) {
    run.signal('SIGTERM')
    await run.ended
  }
})

function zabkeeper(command: string, ...args: readonly string[]): Run {
  const run = scratch.run(command, '-s', `127.0.0.1:${port}`, '--session-timeout', '10000', ...args)
  runs.push(run)
  return run
}

function shell(script: string): string[] {
  return ['--', 'sh', '-c', script]
}

async function contenders(at: string): Promise<number> {
  const zk = await connect(`127.0.0.1:${port}`)
  const { children } = await zk.getChildren(at)
  await zk.close()
  return children.length
}

describe('zabkeeper lock', LIMITS, () => {
  test('runs the command with its token, and ends as the command does', async () => {
    const script = 'echo $ZABKEEPER_FENCING_TOKEN $ZABKEEPER_GRANT_PATH; cat; exit 7'
    const tokens: number[] = []
    for (let round = 0; round < 2; round++) {
      const ending = await zabkeeper('lock', '/locks/a', ...shell(script)).ended
      expect(ending).toMatchObject({ code: 7, stderr: '' })
      const [, token] = /^(\d+) \/locks\/a\/_c_\S+-lock-\d{10}\n$/.exec(ending.stdout)!
      tokens.push(Number(token))
    }
    expect(tokens[1]).toBeGreaterThan(tokens[0]!)
    expect(await contenders('/locks/a')).toBe(0)
  })

  test('has one holder at a time', async () => {
    await scratch.runProgram('mkfifo', ['pipe']).ended
    const first = zabkeeper('lock', '/locks/b', ...shell('echo up; read line < pipe'))
    await first.says(/up/)
    const second = zabkeeper('lock', '/locks/b', ...shell('echo second'))
    for (const limit of ['0', '300']) {
      const { code, stderr } = await zabkeeper('lock', '-t', limit, '/locks/b', '--', 'true').ended
      expect(code).toBe(HOLD_EXIT.timeout.code)
      expect(stderr).toContain('/locks/b')
    }
    expect(second.stdout).toBe('')
    await scratch.runProgram('sh', ['-c', 'echo > pipe']).ended
    expect((await first.ended).code).toBe(0)
    expect(await second.ended).toMatchObject({ code: 0, stdout: 'second\n' })
  })

  test('passes signals on, also to what the command has started', async () => {
    const script = `trap 'echo bye; exit 3' TERM; trap 'echo again' HUP; ${WAITING}`
    const trapping = zabkeeper('lock', '/locks/c', ...shell(script))
    await trapping.says(/up/)
    trapping.signal('SIGHUP')
    await trapping.says(/again/)
    trapping.signal('SIGTERM')
    expect(await trapping.ended).toMatchObject({ code: 3, stdout: 'up\nagain\nbye\n' })
    const nested = zabkeeper('lock', '/locks/c', ...shell(`sh -c '${WAITING}'; true`))
    await nested.says(/up/)
    nested.signal('SIGINT')
    expect((await nested.ended).code).toBe(130)
    const foreground = zabkeeper('lock', '--foreground', '/locks/c', ...shell(WAITING))
    await foreground.says(/up/)
    foreground.signal('SIGTERM')
    expect((await foreground.ended).code).toBe(143)
  })

  test('leaves the queue when a signal comes before its turn', async () => {
    const holder = zabkeeper('lock', '/locks/d', ...shell(WAITING))
    await holder.says(/up/)
    const waiting = zabkeeper('lock', '/locks/d', '--', 'true')
    while ((await contenders('/locks/d')) < 2) {}
    waiting.signal('SIGTERM')
    expect((await waiting.ended).code).toBe(143)
    expect(await contenders('/locks/d')).toBe(1)
  })

  test('without a command holds it until a signal', async () => {
    const holder = zabkeeper('lock', '/locks/e')
    await holder.says(/^\/locks\/e\/\S+ \d+\n$/)
    holder.signal('SIGTERM')
    expect((await holder.ended).code).toBe(0)
    expect(await contenders('/locks/e')).toBe(0)
  })

  test('stops the command, and all it has started, when the lock is lost', async () => {
    // Neither the shell nor its child listens to SIGTERM.
    const script = `trap '' TERM; sh -c '${WAITING}' & echo pid $!; wait`
    const run = zabkeeper('lock', ...SOON, '--kill-after', '100', '/locks/f', ...shell(script))
    await run.says(/up/)
    const pid = Number((await run.says(/pid (\d+)\n/))[1])
    await server.kill()
    const ending = await run.ended
    expect(ending.code).toBe(HOLD_EXIT.lost.code)
    expect(ending.stderr).toMatch(/\/locks\/f was lost: .*session/)
    expect(isRunning(pid)).toBe(false)
    await serve()
  })

  test('with --strict counts a broken connection as a loss', async () => {
    const proxy = await CuttableProxy.open(port)
    const through = ['-s', `127.0.0.1:${proxy.port}`, '--strict', '/locks/g']
    const run = zabkeeper('lock', ...through, ...shell(WAITING))
    await run.says(/up/)
    proxy.cut()
    expect((await run.ended).code).toBe(HOLD_EXIT.lost.code)
    proxy.close()
  })

  test('says what went wrong', async () => {
    const none = zabkeeper('lock', '/locks/h', '--', 'no-such-command')
    expect((await none.ended).code).toBe(HOLD_EXIT.notFound.code)
    const folder = zabkeeper('lock', '/locks/h', '--', '/')
    expect((await folder.ended).code).toBe(HOLD_EXIT.cannotRun.code)
  })

  test('says why it could not be asked for', async () => {
    const nowhere = ['-s', '127.0.0.1:1', '--connect-timeout', '200', '/locks/h', '--', 'true']
    const lost = await zabkeeper('lock', ...nowhere).ended
    expect(lost.code).toBe(HOLD_EXIT.failure.code)
    expect(lost.stderr).toContain('cannot connect')
    const path = await zabkeeper('lock', 'locks', '--', 'true').ended
    expect(path.code).toBe(HOLD_EXIT.failure.code)
    expect(path.stderr).toContain('locks')
  })

  test('refuses wrong arguments', async () => {
    for (const wrong of [
      [],
      ['--timeout', 'soon', '/a'],
      ['--layout', 'etcd', '/a'],
      ['--odd', '/a'],
    ]) {
      expect((await zabkeeper('lock', ...wrong).ended).code).toBe(2)
    }
  })

  test('gives its identities', async () => {
    const file = path.join(scratch.folder, 'identities')
    writeFileSync(file, 'digest:user:pass:word\n\n')
    const run = zabkeeper('lock', '--auth-file', file, '/locks/i', '--', 'true')
    expect((await run.ended).code).toBe(0)
    writeFileSync(file, 'user\n')
    expect((await zabkeeper('lock', '--auth-file', file, '/locks/i').ended).code).toBe(2)
    expect((await zabkeeper('lock', '--auth-file', 'none', '/locks/i').ended).code).toBe(2)
  })
})

describe('zabkeeper elect', LIMITS, () => {
  test('shows who leads', async () => {
    const first = zabkeeper('elect', '--id', 'one', '/leader', ...shell(WAITING))
    await first.says(/up/)
    const watching = zabkeeper('elect', '--observe', '/leader')
    await watching.says(/^one \/leader\/\S+ \d+\n$/)
    const second = zabkeeper('elect', '--id', 'two', '/leader', ...shell(WAITING))
    while ((await contenders('/leader')) < 2) {}
    first.signal('SIGTERM')
    await second.says(/up/)
    await watching.says(/^two /m)
    second.signal('SIGTERM')
    await watching.says(/^-$/m)
  })

  test('shows it no longer when nobody reads', async () => {
    const observe = `"${process.execPath}" "${PROGRAM}" elect -s 127.0.0.1:${port} --observe /piped`
    const pipe = scratch.runProgram('sh', ['-c', `${observe} | head -n 1`])
    await pipe.says(/^-$/m)
    let isOver = false
    const ended = pipe.ended.finally(() => {
      isOver = true
    })
    while (!isOver) await zabkeeper('elect', '/piped', ...shell('true')).ended
    expect(await ended).toMatchObject({ code: 0, stdout: '-\n', stderr: '' })
  })
})

describe('zabkeeper run', LIMITS, () => {
  test('starts the command again after a loss, and ends with it', async () => {
    const run = zabkeeper('run', ...SOON, '/service', ...shell(`trap 'exit 5' INT; ${WAITING}`))
    await run.says(/up/)
    await server.kill()
    while (!run.stderr.includes('was lost')) await tick()
    await serve()
    await run.says(/up\nup/)
    run.signal('SIGINT')
    expect((await run.ended).code).toBe(5)
  })
})

test('docs/commands.md has every exit code and flag', LIMITS, async () => {
  const page = readText('docs/commands.md')
  const rows = [...page.matchAll(/^\| (\d+) \| (.+) \|$/gm)]
  expect(rows.map((row) => ({ code: Number(row[1]), meaning: row[2] }))).toEqual(
    Object.values(HOLD_EXIT),
  )
  const documented = new Set([...page.matchAll(/`(--[\w-]+)/g)].map((match) => match[1]!))
  for (const command of ['lock', 'elect', 'run']) {
    const { stdout } = await scratch.run(command, '--help').ended
    const existing = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map((match) => match[1]!)
    expect(existing.filter((flag) => flag !== '--help' && !documented.has(flag))).toEqual([])
  }
})

/** Not gone, and not only waiting for its parent to notice its end. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
