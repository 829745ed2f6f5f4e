import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/servers/index.ts'
import { snapshotFileBytes } from '../../src/apache-files/index.ts'
import { formatHex, type Zxid } from '../../src/base/index.ts'
import { FolderTarget, TarTarget } from '../../src/maintenance/backup/target.ts'
import {
  type BackupReport,
  backUpFolder,
  backUpServer,
  loadState,
  openArchive,
  ourFolder,
  overwrites,
  type Point,
  planSubtree,
  type RestoreOptions,
  type RestoreReport,
  rangeOf,
  restoreFolder,
  restoreSubtree,
  verifyChain,
} from '../../src/maintenance/index.ts'
import { startTestServer } from '../../src/testing/index.ts'
import { FIRST_MS, Folders, flipBit, segments, Writer, zxid } from './support.ts'

const LAST_OF_ALL: Point = { kind: 'last' }
const folders = new Folders()
let source: Writer

/** Backed up twice: with the beginning of the log, and 20 transactions and a checkpoint later. */
beforeAll(async () => {
  source = await Writer.open(folders.at('source'))
  await source.fill(27)
  await save('archive')
  for (let version = 28; version <= 47; version++) await source.set('/app', version)
  await source.checkpoint()
  await save('archive')
  for (let version = 48; version <= 57; version++) await source.set('/app', version)
  await save('archive')
  await source.close()
})

afterAll(() => folders.discard())

async function save(to: string, from: string = 'source'): Promise<BackupReport> {
  return await backUpFolder(ourFolder(folders.at(from)), folders.at(to), () => {})
}

async function bring(
  from: string,
  to: string,
  options: Partial<RestoreOptions> = {},
): Promise<RestoreReport> {
  return await restoreFolder(folders.at(from), folders.at(to), {
    point: LAST_OF_ALL,
    keepZxid: false,
    above: null,
    dropSessions: false,
    myid: null,
    onProgress: () => {},
    ...options,
  })
}

/** A server starts there with the state after this transaction of the source, and gives out zxids. */
async function expectState(name: string, of: Zxid): Promise<Zxid> {
  const writer = await Writer.open(folders.at(name))
  const { lastApplied, tree } = writer.state
  expect(formatHex(tree.digest())).toBe(formatHex(source.digests.get(of)!))
  expect(await writer.set('/app', 1000)).toBe(lastApplied + 1n)
  await writer.close()
  return lastApplied
}

describe('a backup of a folder', () => {
  test('goes on where the last one ended', async () => {
    const [chain, ...more] = openArchive(folders.at('archive'))
    expect(more).toEqual([])
    const { snapshots, logs } = chain!.manifest
    expect(snapshots.map(({ zxid: of }) => of)).toEqual([zxid(0), zxid(50)])
    expect(logs.map(({ firstZxid, lastZxid }) => [firstZxid, lastZxid])).toEqual([
      [zxid(1), zxid(30)],
      [zxid(31), zxid(50)],
      [zxid(51), zxid(60)],
    ])
    expect(await verifyChain(chain!, () => {})).toBeGreaterThan(30_000)
    expect(rangeOf(chain!)).toMatch(
      '0001: zxid 0x0 (1970-01-01T00:00:00.000Z) to 0x3c (2026-11-21T12:01:00',
    )
  })

  test('can be restored to every transaction in it', async () => {
    for (const counter of [1, 30, 31, 50, 51, 60]) {
      const to = `point${counter}`
      const report = await bring('archive', to, { point: { kind: 'zxid', zxid: zxid(counter) } })
      expect(report).toMatchObject({ zxid: zxid(counter), startZxid: zxid(0, 1), myid: null })
      expect(await expectState(to, zxid(counter))).toBe(zxid(0, 1))
    }
    const tooLate = bring('archive', 'none', { point: { kind: 'zxid', zxid: zxid(61) } })
    await expect(tooLate).rejects.toThrow('no state at zxid 0x3d; it has 0001: zxid 0x0')
    expect(existsSync(folders.at('none'))).toBe(false)
  })

  test('can be restored to a time', async () => {
    const at = (counter: number): Point => ({ kind: 'time', ms: FIRST_MS + counter * 1000 + 999 })
    for (const counter of [7, 30, 44, 55]) {
      const to = `time${counter}`
      expect((await bring('archive', to, { point: at(counter) })).zxid).toBe(zxid(counter))
      await expectState(to, zxid(counter))
    }
    expect((await bring('archive', 'future', { point: at(1_000_000) })).zxid).toBe(zxid(60))
  })

  test('leaves zxids and sessions as they were, or ends all sessions', async () => {
    const kept = await bring('archive', 'kept', { keepZxid: true })
    expect(kept).toMatchObject({ startZxid: zxid(60), sessions: 1, ephemerals: 1 })
    expect(await expectState('kept', zxid(60))).toBe(zxid(60))
    const dropped = await bring('archive', 'dropped', { dropSessions: true })
    expect(dropped).toMatchObject({ sessions: 0, ephemerals: 0, znodes: kept.znodes - 1 })
    const both = bring('archive', 'both', { keepZxid: true, dropSessions: true })
    await expect(both).rejects.toThrow('--keep-zxid is not possible')
  })

  test('begins an epoch above what it is told, for a member too', async () => {
    const report = await bring('archive', 'member', { above: zxid(5, 7), myid: 3 })
    expect(report).toMatchObject({ startZxid: zxid(0, 8), myid: '3', epoch: 8 })
    expect(readFileSync(folders.at('member', 'myid'), 'utf8')).toBe('3\n')
    const writer = await Writer.open(folders.at('member'))
    expect([writer.storage.acceptedEpoch, writer.storage.currentEpoch]).toEqual([8, 8])
    await writer.close()
  })

  test('as one file is a tar file', async () => {
    const report = await save('one.tar')
    expect(report).toMatchObject({ isContinued: false, lastZxid: zxid(60) })
    const listed = execFileSync('tar', ['-tf', folders.at('one.tar')], { encoding: 'utf8' })
    expect(listed.trim().split('\n')).toEqual([
      '0001/snapshot.32',
      '0001/log.33',
      '0001/backup.json',
    ])
    await bring('one.tar', 'of-tar')
    await expectState('of-tar', zxid(60))
    await expect(save('one.tar')).rejects.toThrow('is there already')
  })

  test('begins anew when the log does not go on where it ended', async () => {
    const writer = await Writer.open(folders.copy('source', 'gone'))
    await save('gap', 'gone')
    for (let version = 58; version <= 300; version++) await writer.set('/app', version)
    await writer.checkpoint()
    await writer.close()
    const report = await save('gap', 'gone')
    expect(report).toMatchObject({ chain: '0002', isContinued: false })
    expect(openArchive(folders.at('gap')).map(({ name }) => name)).toEqual(['0001', '0002'])
    // What the first one had can still be had.
    await bring('gap', 'gap-restored', { point: { kind: 'zxid', zxid: zxid(60) } })
    await expectState('gap-restored', zxid(60))
  })

  test('while its server writes, rolls and purges is of one state', async () => {
    const writer = await Writer.open(folders.copy('source', 'busy'))
    let isOver = false
    const writing = (async () => {
      for (let version = 58; !isOver; version++) {
        await writer.set('/app', version)
        if (version % 40 === 0) await writer.checkpoint()
      }
    })()
    const seen: Zxid[] = []
    for (let i = 0; i < 4; i++) seen.push((await save('busy-archive', 'busy')).lastZxid)
    isOver = true
    await writing
    await writer.close()
    for (const [at, last] of seen.entries()) {
      const { state } = await loadState(folders.at('busy-archive'), null, last, () => {})
      expect(state.lastApplied).toBe(last)
      expect(state.tree.digest()).toBe(writer.digests.get(last) ?? source.digests.get(last))
      expect(last >= (seen[at - 1] ?? zxid(60))).toBe(true)
    }
  })
})

describe('what is wrong with a backup is said', () => {
  function copyOf(name: string): string {
    return path.join(folders.copy('archive', name), '0001')
  }

  test('a file that was cut, is missing, or has changed', async () => {
    truncateSync(path.join(copyOf('cut'), 'log.33'), 100)
    await expect(bring('cut', 'no1')).rejects.toThrow('it has 100 bytes instead of')
    flipBit(path.join(copyOf('flipped'), 'snapshot.32'), 200)
    await expect(bring('flipped', 'no2')).rejects.toThrow('its SHA-256 is another than noted')
    const list = path.join(copyOf('list'), 'backup.json')
    const text = readFileSync(list, 'utf8')
    writeFileSync(list, text.slice(0, 300))
    await expect(bring('list', 'no3')).rejects.toThrow('it is no JSON, so it was cut or changed')
    writeFileSync(list, text.replace('"version": 1', '"version": 9'))
    await expect(bring('list', 'no4')).rejects.toThrow('is of format version 9')
    writeFileSync(list, text.replace('log.33', '../log.33'))
    await expect(bring('list', 'no5')).rejects.toThrow('is no file of a backup')
    writeFileSync(list, text.replace('"log.33"', '"log.99"'))
    await expect(bring('list', 'no6')).rejects.toThrow('log.99 is missing')
    for (let n = 1; n <= 6; n++) expect(existsSync(folders.at(`no${n}`))).toBe(false)
  })

  test('a tar file that was cut, and what is no backup at all', async () => {
    await save('whole.tar')
    truncateSync(folders.at('whole.tar'), 5000)
    await expect(bring('whole.tar', 'no7')).rejects.toThrow('is cut off')
    writeFileSync(folders.at('text.tar'), 'x'.repeat(2000))
    await expect(bring('text.tar', 'no8')).rejects.toThrow('is no backup')
    mkdirSync(folders.at('void'))
    await expect(bring('void', 'no9')).rejects.toThrow('there is no backup.json in it')
    await expect(bring('archive', 'archive')).rejects.toThrow('is not empty')
  })

  test('a damaged folder is not backed up', async () => {
    flipBit(segments(folders.copy('source', 'bad'))[0]!, 60)
    await expect(save('of-bad', 'bad')).rejects.toThrow('is damaged, and a backup would be too')
    expect(existsSync(folders.at('of-bad'))).toBe(false)
  })

  test('what could not be written to the end is deleted', async () => {
    function* breaking(): Iterable<Uint8Array> {
      yield new Uint8Array(1000)
      throw Object.assign(new Error('ENOSPC: no space left on device'), { syscall: 'write' })
    }
    const folder = new FolderTarget(folders.at('full', 'deep'))
    await expect(folder.write('snapshot.1', breaking())).rejects.toThrow('ENOSPC')
    expect(readdirSync(folders.at('full', 'deep'))).toEqual(['snapshot.1.unfinished'])
    folder.discard()
    expect(existsSync(folders.at('full'))).toBe(false)
    const tar = await TarTarget.open(folders.at('full.tar'), '0001')
    await expect(tar.write('snapshot.1', breaking())).rejects.toThrow('ENOSPC')
    tar.discard()
    expect(readdirSync(folders.base).filter((name) => name.startsWith('full'))).toEqual([])
  })
})

describe('of a running server', () => {
  let server: Server
  let address = ''
  let bytes = Buffer.alloc(0)
  const TOKEN = 'Bearer secret'

  beforeAll(async () => {
    bytes = Buffer.concat([...snapshotFileBytes(source.state, 1024)])
    server = createServer((request, response) => {
      if (request.headers.authorization !== TOKEN) {
        response.writeHead(401).end('{ "error" : "Auth info is missing for the command" }')
        return
      }
      const isShort = request.url!.startsWith('/short')
      const sent = isShort ? bytes.subarray(0, bytes.length - 10) : bytes
      const size = String(isShort ? sent.length : bytes.length)
      response.writeHead(200, { last_zxid: '0x3c', snapshot_size: size }).end(sent)
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve())
    })
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterAll(() => server.close())

  test('the state is fetched, verified, and can be restored', async () => {
    const port = { address, authorization: TOKEN }
    const to = folders.at('fetched')
    const first = await backUpServer(port, to, () => {})
    expect(first).toMatchObject({ chain: '0001', isContinued: false, lastZxid: zxid(60) })
    expect(await backUpServer(port, to, () => {})).toMatchObject({
      isContinued: true,
      snapshot: null,
    })
    await bring('fetched', 'of-fetched')
    await expectState('of-fetched', zxid(60))
  })

  test('a refusal, a broken answer and nobody there leave nothing', async () => {
    const to = folders.at('not-fetched')
    const refused = backUpServer({ address, authorization: null }, to, () => {})
    await expect(refused).rejects.toThrow('refuses (401): Auth info is missing')
    const short = { address: `http://${address}/short`, authorization: TOKEN }
    await expect(backUpServer(short, to, () => {})).rejects.toThrow('is no whole snapshot')
    const nobody = { address: `127.0.0.1:${await freePort()}`, authorization: null }
    await expect(backUpServer(nobody, to, () => {})).rejects.toThrow('ECONNREFUSED')
    expect(existsSync(to)).toBe(false)
  })
})

test('a subtree goes into a running ensemble', async () => {
  const writer = await Writer.open(folders.at('tree'))
  await writer.fill(1)
  await writer.create('/app/config', 'as it was')
  await writer.create('/app/config/deep', 'below')
  await writer.create('/other', 'not wanted')
  await writer.close()
  const { state } = await loadState(folders.at('tree'), null, null, () => {})
  const rows = (): Iterable<Parameters<typeof state.loadZnode>[0]> => state.tree.znodes()
  await using server = await startTestServer({ servers: 1, transport: 'memory' })
  const zk = await server.connect()
  const at = '/restored/app'
  const plan = await planSubtree(zk, rows(), '/app', at, () => {})
  expect(plan.steps.map(({ kind, path: where }) => [kind, where])).toEqual([
    ['create', '/restored/app'],
    ['create', '/restored/app/config'],
    ['create', '/restored/app/config/deep'],
  ])
  expect(plan).toMatchObject({ same: 0, ephemerals: 1 })
  await restoreSubtree(zk, plan, at, () => {})
  expect(String(new TextDecoder().decode((await zk.getData(`${at}/config/deep`)).data!))).toBe(
    'below',
  )

  await zk.setData(`${at}/config`, 'changed since')
  await zk.setAcl(`${at}/config/deep`, [{ perms: 1, scheme: 'world', id: 'anyone' }])
  await zk.create(`${at}/new`, 'only there')
  const again = await planSubtree(zk, rows(), '/app', at, () => {})
  expect(overwrites(again).map(({ kind, path: where }) => [kind, where])).toEqual([
    ['set data', `${at}/config`],
    ['set acl', `${at}/config/deep`],
  ])
  // Somebody changes it once more after it was looked at: that is not overwritten.
  await zk.setData(`${at}/config`, 'changed again')
  await expect(restoreSubtree(zk, again, at, () => {})).rejects.toThrow('0 of 2 changes are done')
  await expect(planSubtree(zk, rows(), '/gone', at, () => {})).rejects.toThrow('has no znode /gone')
  await zk.close()
})
