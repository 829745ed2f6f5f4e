import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  fourLetterWord,
  freePort,
  pause,
  type ServerKind,
  ServerProcess,
} from '../../../bench/servers/index.ts'
import { dumpTree, skipWithoutServers } from '../ensemble/support/index.ts'
import { SUPER_DIGEST } from '../ensemble/support/tree-dump.ts'
import { command, expectSameTree, expectSession, fillTree, keepSession } from './support/index.ts'

let folder: string
let server: ServerProcess | null = null

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-import-'))
})

afterEach(async () => {
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** Ends the server before; the next one has another port. */
async function start(
  kind: ServerKind,
  dataDir: string,
  java: readonly string[] = [],
): Promise<number> {
  const port = await freePort()
  const config = [
    SUPER_DIGEST,
    'extendedTypesEnabled=true',
    'snapCount=100',
    'maxSessionTimeout=120000',
  ]
  const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...java]
  server = new ServerProcess({
    kind,
    folder: path.join(folder, `server-${port}`),
    port,
    dataDir: path.join(folder, dataDir),
    config,
    runtimeArguments: kind === 'zabkeeper' ? [] : jvm,
  })
  await server.start()
  return port
}

/** Waits until Apache, which takes snapshots beside its work, has finished one behind that of the start. */
async function snapshotUnderLoad(port: number): Promise<void> {
  for (;;) {
    const answer = await fourLetterWord(port, 'mntr', 60_000)
    if (Number(/^zk_cnt_snapshottime\t(\d+)$/m.exec(answer)?.[1]) > 1) return
    await pause(50)
  }
}

async function stop(): Promise<void> {
  await server!.stop()
}

const GZIP = '-Dzookeeper.snapshot.compression.method=gz'

interface Way {
  readonly from: ServerKind
  readonly back: ServerKind
  readonly java: readonly string[]
  /** The Apache server is ended as a power cut would. */
  readonly byForce: boolean
}

const WAYS: readonly Way[] = [
  { from: 'apache-3.8', back: 'apache-3.8', java: [], byForce: true },
  { from: 'apache-3.9', back: 'apache-3.9', java: [GZIP], byForce: false },
  { from: 'apache-3.8', back: 'apache-3.9', java: [], byForce: false },
  { from: 'apache-3.9', back: 'apache-3.8', java: [], byForce: true },
]

describe('a standalone server is replaced and gone back to', () => {
  for (const { from, back, java, byForce } of WAYS) {
    const isSkipped = skipWithoutServers('zabkeeper', from, back)
    const title = `${from} → ours → ${back}${byForce ? ', the first ended by force' : ''}`
    test.skipIf(isSkipped)(title, { timeout: 240_000 }, async () => {
      const dir = (name: string): string => path.join(folder, name)
      const apache = await start(from, 'apache', java)
      await fillTree(apache, '/first', 30)
      const session = await keepSession(apache)
      const before = await dumpTree(apache)
      const lastZxid = await expectSession(apache, session)
      const changed = await dumpTree(apache)
      expect(changed.get('/held')).not.toBe(before.get('/held'))
      await snapshotUnderLoad(apache)
      if (byForce) await server!.kill()
      else await stop()

      const imported = await command('import', '--from', dir('apache'), '--to', dir('ours'))
      // One that was taken under load, not the one of the start.
      expect(imported).toMatch(
        java.includes(GZIP) ? /snapshot\.[1-9a-f]\w*\.gz,/ : /snapshot\.[1-9a-f]\w*,/,
      )
      const ours = await start('zabkeeper', 'ours')
      await expectSameTree(ours, changed)
      const nextZxid = await expectSession(ours, session)
      // Each dump opens and closes a session.
      expect(nextZxid - lastZxid).toBe(5n)
      await fillTree(ours, '/second', 5)
      const after = await dumpTree(ours)
      await stop()

      await command('export', '--from', dir('ours'), '--to', dir('again'))
      const again = await start(back, 'again', java)
      await expectSameTree(again, after)
      expect(await expectSession(again, session)).toBeGreaterThan(nextZxid)
      await fillTree(again, '/third', 2)
      expect(await fourLetterWord(again, 'mntr', 60_000)).toMatch(
        /^zk_digest_mismatches_count\t0$/m,
      )
    })
  }
})
