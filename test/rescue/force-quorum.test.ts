import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { epochOf, formatHex, makeZxid } from '../../src/base/index.ts'
import { parseZooCfg } from '../../src/config/index.ts'
import {
  carryOutRescue,
  formatSurvivor,
  inspect,
  prepareRescue,
  type RescuePlan,
  type RescueTarget,
  type RescueWishes,
} from '../../src/rescue/index.ts'
import { failingWorld, Writes } from './support/failing-world.ts'
import { append, close, makeData, open, Place, targetOf, zooCfg } from './support/fixture.ts'

const place = new Place()
const TRANSACTIONS = 30
const OWN = { id: 1, acceptedEpoch: 5, currentEpoch: 3, transactions: TRANSACTIONS }
const LAST_ZXID = makeZxid(3, TRANSACTIONS)
const SERVERS = [{ id: 1 }, { id: 2 }, { id: 3 }]
const WISHES: RescueWishes = {
  peers: [],
  allowBehind: false,
  configOnly: false,
  backup: null,
  newConfig: null,
}
/** For those who are not to fail. */
const world = failingWorld(new Writes(Number.POSITIVE_INFINITY))

beforeAll(async () => {
  await makeData(place.at('origin', 'data'), OWN)
  writeFileSync(place.at('origin', 'zoo.cfg'), '')
})

afterAll(() => place.discard())

/** A copy of the survivor, with this configuration. */
function survivor(
  name: string,
  servers: Parameters<typeof zooCfg>[1] = SERVERS,
  more: readonly string[] = [],
): RescueTarget {
  place.copy('origin', name)
  const file = place.at(name, 'zoo.cfg')
  const text = zooCfg(place.at(name, 'data'), servers, more)
  writeFileSync(file, text)
  return targetOf(file, text, 1)
}

/** As the command would find it now. */
function again({ config, dataDir }: RescueTarget): RescueTarget {
  const { file } = config!
  const text = readFileSync(file, 'utf8')
  expect(parseZooCfg(text, file, { beside: { myid: 1 } }).config.dataDir).toBe(dataDir)
  return targetOf(file, text, 1)
}

const plan = (target: RescueTarget, wishes: Partial<RescueWishes> = {}): Promise<RescuePlan> =>
  prepareRescue(world, target, { ...WISHES, ...wishes })

async function pathsIn(dataDir: string): Promise<string[]> {
  const { storage, state } = await open(dataDir, 'checkpoint')
  const paths = Array.from(state.tree.znodes(), ({ path: name }) => name)
  await close(storage)
  return paths.filter((name) => name.startsWith('/n')).sort()
}

/** The lock is taken and given back. */
function namesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }).map(String)
  return names.filter((name) => !name.includes('lock/')).sort()
}

const ALL_PATHS = Array.from({ length: TRANSACTIONS }, (_, i) => `/n${i + 1}`).sort()

describe('a rescue', () => {
  test('raises the epoch, keeps everything, and takes the lost servers off the list', async () => {
    const target = survivor('whole')
    const before = readFileSync(target.config!.file, 'utf8')
    const decided = await plan(target)
    expect(decided).toMatchObject({ members: [1], lost: [2, 3], objections: [] })
    const epoch = decided.raise!.epoch
    expect(epoch).toBeGreaterThan(5 + 2 ** 24)
    await carryOutRescue(world, target, decided, () => {})
    expect(await inspect(world.env, target.dataLogDir)).toMatchObject({
      acceptedEpoch: epoch,
      currentEpoch: epoch,
      lastZxid: makeZxid(epoch, 0),
      wasCleanStop: true,
    })
    expect(await pathsIn(target.dataDir)).toEqual(ALL_PATHS)
    expect(again(target).config!.ensemble).toBeNull()
    expect(readFileSync(decided.config!.oldCopy!.file, 'utf8')).toBe(before)
    // The backup is a data folder like any other.
    const backup = decided.raise!.backup
    expect(readFileSync(path.join(backup, 'zoo.cfg'), 'utf8')).toBe(before)
    expect((await inspect(world.env, backup)).lastZxid).toBe(LAST_ZXID)
    const { storage, state } = await open(backup)
    expect(state.lastApplied).toBe(LAST_ZXID)
    await close(storage)
  })

  test('changes nothing before it is told to', async () => {
    const target = survivor('dry')
    const before = namesBelow(place.at('dry'))
    const first = await plan(target)
    expect(await plan(target)).toEqual(first)
    expect(namesBelow(place.at('dry'))).toEqual(before)
  })

  test('is done once', async () => {
    const target = survivor('once')
    await carryOutRescue(world, target, await plan(target), () => {})
    expect(await plan(again(target))).toMatchObject({ raise: null, config: null, objections: [] })
    // The next loss is another matter: the server has gone on, with another one at its side.
    const { storage } = await open(target.dataDir)
    const { currentEpoch } = storage
    append(storage, makeZxid(currentEpoch, 1), '/later')
    storage.flush()
    await new Promise<void>((resolve) => storage.whenDurable(resolve))
    await close(storage)
    writeFileSync(target.config!.file, zooCfg(target.dataDir, [{ id: 1 }, { id: 2 }]))
    const second = await plan(again(target))
    expect(second.raise!.epoch).toBeGreaterThanOrEqual(currentEpoch + 2 ** 24)
    expect(existsSync(second.raise!.backup)).toBe(false)
  })

  test('cut short at any write, is finished by the next run', { timeout: 120_000 }, async () => {
    let kills = 0
    const counts = { withBackup: 0, raised: 0 }
    for (let isWhole = false; !isWhole; kills++) {
      const target = survivor('killed')
      const writes = new Writes(kills)
      const dying = failingWorld(writes)
      const decided = await plan(target)
      isWhole = await carryOutRescue(dying, target, decided, () => {}).then(
        () => true,
        () => false,
      )
      const where = `killed after ${writes.done.at(-1) ?? 'nothing'}`
      const between = await inspect(world.env, target.dataLogDir)
      const isRaised = between.currentEpoch === decided.raise!.epoch
      // Either what was, or all of it; and never the new list of servers without it.
      expect(formatHex(between.lastZxid), where).toBe(
        formatHex(isRaised ? makeZxid(decided.raise!.epoch, 0) : LAST_ZXID),
      )
      if (!isRaised) expect(again(target).config!.ensemble, where).not.toBeNull()
      if (existsSync(decided.raise!.backup)) counts.withBackup++
      else expect(isRaised, where).toBe(false)
      if (isRaised) counts.raised++

      const rest = await plan(again(target))
      expect(rest.raise?.epoch ?? decided.raise!.epoch, where).toBe(decided.raise!.epoch)
      await carryOutRescue(world, again(target), rest, () => {})
      expect(await inspect(world.env, target.dataLogDir), where).toMatchObject({
        currentEpoch: decided.raise!.epoch,
        lastZxid: makeZxid(decided.raise!.epoch, 0),
      })
      expect(again(target).config!.ensemble, where).toBeNull()
      expect((await inspect(world.env, decided.raise!.backup)).lastZxid, where).toBe(LAST_ZXID)
      expect(await pathsIn(target.dataDir), where).toEqual(ALL_PATHS)
    }
    expect(kills).toBeGreaterThan(20)
    expect(counts.withBackup).toBeGreaterThan(5)
    expect(counts.raised).toBeGreaterThan(2)
  })

  test('keeps two of five, and the other takes over the list', async () => {
    const five = [1, 2, 3, 4, 5].map((id) => ({ id }))
    const target = survivor('two', [...five.slice(0, 4), { id: 5, role: 'observer' }])
    const peer = { id: 5, acceptedEpoch: 4, currentEpoch: 3, lastZxid: makeZxid(3, 7) }
    const decided = await plan(target, { peers: [peer] })
    expect(decided).toMatchObject({ members: [1, 5], lost: [2, 3, 4], objections: [] })
    await carryOutRescue(world, target, decided, () => {})
    const { ensemble } = again(target).config!
    expect(ensemble!.members.map(({ id, role }) => `${id} ${role}`)).toEqual([
      '1 participant',
      '5 participant',
    ])

    await makeData(place.at('fifth', 'data'), {
      id: 5,
      acceptedEpoch: 4,
      currentEpoch: 3,
      transactions: 7,
    })
    const file = place.at('fifth', 'zoo.cfg')
    const text = zooCfg(place.at('fifth', 'data'), five)
    writeFileSync(file, text)
    const fifth = targetOf(file, text, 5)
    const raised = decided.raise!.epoch
    const first = {
      id: 1,
      acceptedEpoch: raised,
      currentEpoch: raised,
      lastZxid: makeZxid(raised, 0),
    }
    const early = await plan(fifth, {
      configOnly: true,
      peers: [{ ...OWN, currentEpoch: 2, acceptedEpoch: 2, lastZxid: makeZxid(2, 1) }],
    })
    expect(early.objections).toMatchObject([{ overruledBy: null }])
    const taking = await plan(fifth, { configOnly: true, peers: [first] })
    expect(taking).toMatchObject({ raise: null, members: [1, 5], objections: [] })
    await carryOutRescue(world, fifth, taking, () => {})
    expect((await inspect(world.env, fifth.dataLogDir)).currentEpoch).toBe(3)
    expect(readFileSync(file, 'utf8')).toMatch(/^server\.1=.*\n#.*\n#server\.2=/m)
  })

  test('writes a dynamic file under a new name', async () => {
    place.copy('origin', 'dynamic')
    const file = place.at('dynamic', 'zoo.cfg')
    const dynamicFile = place.at('dynamic', 'zoo.cfg.dynamic.100000000')
    const dynamicText = [
      ...SERVERS.map(({ id }) => `server.${id}=127.0.99.${id}:1:2:participant;2181`),
      'group.1=1:2:3',
      'weight.1=1',
      '',
    ].join('\r\n')
    const text = zooCfg(place.at('dynamic', 'data'), [], [`dynamicConfigFile=${dynamicFile}`])
    writeFileSync(file, text)
    writeFileSync(dynamicFile, dynamicText)
    const target = targetOf(file, text, 1, { file: dynamicFile, text: dynamicText })
    const decided = await plan(target)
    await carryOutRescue(world, target, decided, () => {})
    const newText = readFileSync(file, 'utf8')
    const newFile = /^dynamicConfigFile=(.*)$/m.exec(newText)![1]!
    expect(newFile).not.toBe(dynamicFile)
    expect(readFileSync(dynamicFile, 'utf8')).toBe(dynamicText)
    const lines = readFileSync(newFile, 'utf8').split('\r\n')
    expect(lines[0]).toBe('server.1=127.0.99.1:1:2:participant;2181')
    expect(lines.slice(1).every((line) => line === '' || line.startsWith('#'))).toBe(true)
    expect(newText.replace(newFile, dynamicFile)).toBe(text)
  })
})

describe('a rescue is refused', () => {
  test('while another server answers', async () => {
    const listener = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => listener.listen(0, '127.0.99.2', resolve))
    const { port } = listener.address() as { port: number }
    const five = [1, 3, 4, 5].map((id) => ({ id }))
    const target = survivor('answers', [...five, { id: 2, electionPort: port }])
    const decided = await plan(target)
    expect(decided.objections).toHaveLength(1)
    expect(decided.objections[0]).toMatchObject({ overruledBy: '--ignore-reachable' })
    expect(decided.objections[0]!.reason).toContain(`server 2 answers on its election port`)
    // One that is to stay has to be stopped as well, and nobody may overrule that.
    const peer = { id: 2, acceptedEpoch: 3, currentEpoch: 3, lastZxid: makeZxid(3, 1) }
    const staying = await plan(target, { peers: [peer] })
    expect(staying.objections).toMatchObject([{ overruledBy: null }])
    // Two of three are a majority.
    const three = survivor('answers', [{ id: 1 }, { id: 2, electionPort: port }, { id: 3 }])
    const { objections } = await plan(three)
    expect(objections[0]).toMatchObject({ overruledBy: null })
    expect(objections[0]!.reason).toContain('the majority is not lost: servers 1, 2')
    await new Promise((resolve) => listener.close(resolve))
  })

  test('while another survivor has more, by epoch or by zxid', async () => {
    const target = survivor(
      'behind',
      [1, 2, 3, 4, 5].map((id) => ({ id })),
    )
    const ahead = [
      { id: 2, acceptedEpoch: 4, currentEpoch: 4, lastZxid: makeZxid(3, 1) },
      { id: 2, acceptedEpoch: 3, currentEpoch: 3, lastZxid: makeZxid(3, TRANSACTIONS + 1) },
    ]
    for (const peer of ahead) {
      const { objections } = await plan(target, { peers: [peer] })
      expect(objections).toMatchObject([{ overruledBy: '--allow-behind' }])
      expect(objections[0]!.reason).toContain('Run this on server 2')
      const allowed = await plan(target, { peers: [peer], allowBehind: true })
      expect(allowed.objections).toEqual([])
      expect(epochOf(makeZxid(allowed.raise!.epoch, 0))).toBeGreaterThan(peer.acceptedEpoch)
    }
    const equal = { id: 2, acceptedEpoch: 9, currentEpoch: 3, lastZxid: LAST_ZXID }
    expect((await plan(target, { peers: [equal] })).objections).toEqual([])
  })

  test('while the server runs', async () => {
    const target = survivor('runs')
    const { storage } = await open(target.dataDir)
    await expect(plan(target)).rejects.toMatchObject({ code: 'LOCKED' })
    await close(storage)
  })

  test('when there is nothing to rescue or nobody to ask', async () => {
    const alone = survivor('alone', [{ id: 1 }])
    await expect(plan(alone)).rejects.toMatchObject({ code: 'usage' })
    mkdirSync(place.at('empty'))
    const empty = {
      ...survivor('known'),
      dataDir: place.at('empty'),
      dataLogDir: place.at('empty'),
    }
    await expect(plan(empty)).rejects.toMatchObject({ code: 'NO_LOG' })
    const bare = { ...survivor('bare'), config: null }
    const { objections } = await plan(bare)
    expect(objections).toMatchObject([{ overruledBy: '--ignore-reachable' }])
    const stranger = { id: 9, acceptedEpoch: 1, currentEpoch: 1, lastZxid: makeZxid(1, 1) }
    await expect(plan(survivor('known'), { peers: [stranger] })).rejects.toThrow('server 9 is not')
  })

  test('when no epoch is left', async () => {
    await makeData(place.at('late', 'data'), {
      id: 1,
      acceptedEpoch: 0x7e00_0000,
      currentEpoch: 3,
      transactions: 1,
    })
    const file = place.at('late', 'zoo.cfg')
    const text = zooCfg(place.at('late', 'data'), SERVERS)
    await expect(plan(targetOf(file, text, 1))).rejects.toThrow('No epoch is left')
  })
})

test('facts go through the command line and back', () => {
  const peer = { id: 2, acceptedEpoch: 4, currentEpoch: 3, lastZxid: makeZxid(3, 0x41) }
  expect(formatSurvivor(peer)).toBe('2:4:3:0x300000041')
})
