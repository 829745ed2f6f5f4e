import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import { discardServer, makeServer, ON_ZABKEEPER, Program } from '../clients/support/index.ts'
import { cyclesOf, newDice, Writer } from './support/index.ts'

/*
 * The disk reports an error: the server stops at once, says why, and starts again with everything that it had
 * acknowledged. strace makes the system calls fail. `ZABKEEPER_DISK_ERROR_CYCLES` sets how often each one does.
 */
const CYCLES = cyclesOf('ZABKEEPER_DISK_ERROR_CYCLES', 1)
const EXIT_DISK_FAILED = 10
/** A campaign has the machine for itself; in CI it is busy with other tests. */
const STOP_MS = process.env['ZABKEEPER_DISK_ERROR_CYCLES'] === undefined ? 60_000 : 1000
const HAS_STRACE = spawnSync('strace', ['-V']).status === 0 && ON_ZABKEEPER
if (!HAS_STRACE) console.warn('skipped: strace is missing (Debian: apt-get install strace)')

let server: ServerProcess | undefined

afterEach(async () => {
  await discardServer(server)
})

/** The log's segments are written through (O_DSYNC); checkpoints and directories are synced. */
const LOG_WRITES = 'pwrite64,pwritev,pwritev2'
/**
 * `spread`: which call of a thread is the first to fail, at most. strace counts for each thread alone, and libuv has
 * four of them: with a spread of 2 the fifth call fails at the latest.
 */
const FAULTS = [
  { what: 'the log', calls: LOG_WRITES, error: 'EIO', spread: 40 },
  { what: 'the log', calls: LOG_WRITES, error: 'ENOSPC', spread: 40 },
  { what: 'syncing', calls: 'fdatasync,fsync', error: 'EIO', spread: 2 },
] as const

/** strace on a running process. */
class Injector {
  /** When the first call failed. */
  readonly injected: Promise<number>

  static async attach(pid: number, fault: string): Promise<Injector> {
    const args = [
      '-f',
      '-p',
      String(pid),
      '-e',
      `trace=${fault.split(':')[0]}`,
      '-e',
      `inject=${fault}`,
    ]
    const strace = new Program('strace', args, { timeoutMs: 90_000 })
    await strace.waitFor('attached')
    return new Injector(strace)
  }

  private constructor(strace: Program) {
    this.injected = strace.waitFor('(INJECTED)').then(() => Date.now())
  }
}

describe.skipIf(!HAS_STRACE)('a disk that fails', () => {
  test.each(FAULTS)(
    '$error from $what stops the server at once',
    { timeout: 120_000 + CYCLES * 60_000 },
    async ({ calls, error, spread }) => {
      const dice = newDice()
      // Many segments and checkpoints: each of them syncs, on a slow machine too.
      const config = ['preAllocSize=1024', 'snapCount=500']
      server = await makeServer({ config })
      const { folder, port } = server.options
      // Writes must go on until one fails, which they would not once both have closed their sessions.
      const endless = new Writer('/b', port, dice, { isClosing: false })
      const writers = [new Writer('/a', port, dice), endless]
      try {
        for (let cycle = 0; cycle < CYCLES; cycle++) {
          // A healthy start first: an error while starting is another story.
          await server.start()
          await Promise.all(writers.map(async (writer) => await writer.recover()))
          const when = 1 + dice.below(spread)
          const fault = await Injector.attach(server.pid, `${calls}:error=${error}:when=${when}+`)
          const loads = writers.map(async (writer) => await writer.load(8))
          const failedAt = await fault.injected
          const status = await server.exit(STOP_MS)
          expect(Date.now() - failedAt).toBeLessThan(STOP_MS)
          expect(status.code, server.output).toBe(EXIT_DISK_FAILED)
          expect(server.output).toMatch(new RegExp(error))
          expect(server.output).toContain(folder)
          await Promise.all(loads)
          for (const writer of writers) if (writer.fault !== null) throw writer.fault
        }
        await server.start()
        await Promise.all(writers.map(async (writer) => await writer.recover()))
      } catch (problem) {
        throw new Error(`seed ${dice.seed}: ${String(problem)}\n${server.output}`, {
          cause: problem,
        })
      } finally {
        for (const writer of writers) writer.drop()
      }
    },
  )
})
