import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  type ApacheInstall,
  findApache,
  freePort,
  ServerProcess,
} from '../../../bench/servers/index.ts'
import { startTestServer } from '../../../src/testing/index.ts'
import { openAdmin, TOKEN } from '../../admin-http/support.ts'
import { dumpTree, skipWithoutServers } from '../ensemble/support/index.ts'
import { SUPER_DIGEST } from '../ensemble/support/tree-dump.ts'
import { expectSameTree, expectSession, fillTree, keepSession } from '../import/support/index.ts'

const JAVA_FOLDER = '/usr/share/java'
const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** What its admin server needs beside it. */
function withJetty(install: ApacheInstall): ApacheInstall {
  const jetty = readdirSync(JAVA_FOLDER).filter((name) => /^jetty9-[a-z]+\.jar$/.test(name))
  const jars = ['servlet-api.jar', ...jetty].map((name) => path.join(JAVA_FOLDER, name))
  return { ...install, classPath: [install.classPath, ...jars].join(':') }
}

function isWithoutJetty(): boolean {
  const needed = ['servlet-api.jar', 'jetty9-server.jar', 'jetty9-servlet.jar']
  return needed.some((name) => !existsSync(path.join(JAVA_FOLDER, name)))
}

const isSkipped = skipWithoutServers('apache-3.9') || isWithoutJetty()

test.skipIf(isSkipped)(
  'a snapshot of ours is restored by 3.9.3, and one of 3.9.3 here',
  { timeout: 240_000 },
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-snapshots-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const [, superDigest] = SUPER_DIGEST.split('superDigest=')
    const config = { extendedTypes: true, superDigest: superDigest!, maxSessionTimeoutMs: 120_000 }
    const server = await startTestServer({ config })
    ends.push(() => server.close())
    const ours = Number(server.addressOf(1).split(':')[1])
    const admin = await openAdmin(server.leader!.server!)
    ends.push(() => admin.close())
    const [theirs, theirAdmin] = [await freePort(), await freePort()]
    const apache = new ServerProcess({
      kind: 'apache-3.9',
      folder: path.join(folder, 'server'),
      port: theirs,
      dataDir: path.join(folder, 'data'),
      apache: withJetty(findApache('3.9')!),
      config: [
        SUPER_DIGEST,
        'extendedTypesEnabled=true',
        'maxSessionTimeout=120000',
        'admin.enableServer=true',
        'admin.serverAddress=127.0.0.1',
        `admin.serverPort=${theirAdmin}`,
      ],
      runtimeArguments: ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    })
    ends.push(() => apache.kill())
    await apache.start()

    const bearer = { Authorization: `Bearer ${TOKEN}` }
    const bob = { Authorization: 'digest bob:secret', 'Content-Type': 'application/octet-stream' }
    const commands = `http://127.0.0.1:${theirAdmin}/commands`
    const snapshotOf = async (url: string, headers: Record<string, string>): Promise<Uint8Array> =>
      new Uint8Array(await (await fetch(`${url}/snapshot`, { headers })).arrayBuffer())
    const restore = async (
      url: string,
      headers: Record<string, string>,
      body: Uint8Array<ArrayBuffer>,
    ): Promise<string> => (await fetch(`${url}/restore`, { method: 'POST', headers, body })).text()

    await fillTree(ours, '/first', 10)
    const session = await keepSession(ours)
    const before = await dumpTree(ours)
    const taken = new Uint8Array(await snapshotOf(`${admin.url}/commands`, bearer))
    expect(await restore(commands, bob, taken)).toContain('"error" : null')
    await expectSameTree(theirs, before)
    await expectSession(theirs, session)

    await fillTree(theirs, '/second', 3)
    const after = await dumpTree(theirs)
    const given = new Uint8Array(await snapshotOf(commands, bob))
    expect(await restore(`${admin.url}/commands`, bearer, given)).toContain('"error" : null')
    await expectSameTree(ours, after)
    await expectSession(ours, session)
  },
)
