import { describe, expect, it } from 'vitest'
import {
  ErrorCode,
  EventType,
  OpCode,
  readGetChildren2Response,
  readGetDataResponse,
  readMultiReadResults,
  readStat,
  type Stat,
  writeMultiRead,
  writePathWatch,
} from '../../src/wire/index.ts'
import {
  auth,
  create,
  decode,
  EnsembleStage,
  exists,
  getData,
  type Request,
  Stage,
  setData,
  sync,
  type WireClient,
} from './support/index.ts'

const CONFIG = '/zookeeper/config'
const SUPER = { superDigest: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=' }
const TEXT = /^server\.1=\S+\nserver\.2=\S+\nserver\.3=\S+\nversion=0$/

const getChildren2: Request = {
  type: OpCode.getChildren2,
  writeBody: (out) => writePathWatch(out, { path: CONFIG, watch: false }),
}
const multiRead: Request = {
  type: OpCode.multiRead,
  writeBody: (out) => writeMultiRead(out, [{ type: OpCode.getData, path: CONFIG }]),
}

function read(stage: EnsembleStage, client: WireClient): { data: string | null; stat: Stat } {
  return decode(stage.call(client, getData(CONFIG)), readGetDataResponse)
}

function superUser(stage: EnsembleStage, server: number): WireClient {
  const client = stage.session(server)
  expect(stage.call(client, auth('digest', 'super:secret')).err).toBe(ErrorCode.ok)
  return client
}

/** The tree, as checkpoints and snapshots have it, of each server. */
function storedTrees(stage: EnsembleStage): unknown[] {
  return stage.ensemble.members.map(({ server }) => {
    const { znodes, digest, systemDigest } = server!.state.summary()
    return [znodes, digest, systemDigest, server!.state.tree.find(CONFIG)!.dataLength]
  })
}

describe('/zookeeper/config of a member', () => {
  it('has the servers of the ensemble, whatever reads it', () => {
    const stage = new EnsembleStage()
    const lines = stage.ensemble.members.map(
      ({ id, host }) => `server.${id}=${host.address}:2888:3888:participant\n`,
    )
    const text = `${lines.join('')}version=0`
    for (const id of [1, 2, 3]) {
      const client = stage.session(id)
      const { data, stat } = read(stage, client)
      expect(data).toBe(text)
      expect(stat).toEqual({
        ...{ czxid: 0n, mzxid: 0n, pzxid: 0n, ctime: 0, mtime: stat.mtime },
        ...{ version: -1, cversion: 0, aversion: -1, ephemeralOwner: 0n },
        ...{ dataLength: text.length, numChildren: 0 },
      })
      expect(stat.mtime).toBeGreaterThan(0)
      expect(decode(stage.call(client, exists(CONFIG)), readStat)).toEqual(stat)
      const children = decode(stage.call(client, getChildren2), readGetChildren2Response)
      expect(children).toEqual({ children: [], stat })
      const [result] = decode(stage.call(client, multiRead), readMultiReadResults)
      expect(result).toMatchObject({ data, stat })
    }
  })

  it('is not replicated, not stored and in no digest', () => {
    const stage = new EnsembleStage()
    const client = stage.session(stage.followerId)
    stage.call(client, create('/a', 'x'))
    for (const { id } of stage.ensemble.members) stage.call(stage.session(id), sync('/'))
    const alone = Stage.open().server.state
    const [first, ...others] = storedTrees(stage)
    expect(others).toEqual([first, first])
    expect(first).toEqual([5, expect.anything(), alone.tree.systemDigest(), 0])
  })

  it('is set anew when a server begins to follow or lead, which no watch tells', () => {
    const stage = new EnsembleStage()
    const before = [1, 2, 3].map((id) => read(stage, stage.session(id)).stat.mtime)
    const kept = stage.session(stage.leaderId)
    stage.call(kept, getData(CONFIG, true))
    const { followerId } = stage
    stage.crash(followerId)
    stage.runFor(5000)
    stage.restart(followerId)
    stage.until(() => stage.ensemble.isWhole)
    const after = [1, 2, 3].map((id) => read(stage, stage.session(id)).stat.mtime)
    const isLater = after.map((mtime, i) => mtime > before[i]!)
    expect(isLater).toEqual([1, 2, 3].map((id) => id === followerId))
    expect(kept.isClosed).toBe(false)
    expect(kept.events).toEqual([])
  })

  it('shows what the super user wrote until then', () => {
    const stage = new EnsembleStage({}, 500, SUPER)
    const client = superUser(stage, stage.leaderId)
    const watching = stage.session(stage.followerId)
    stage.call(watching, getData(CONFIG, true))
    expect(stage.call(client, setData(CONFIG, 'mine')).err).toBe(ErrorCode.ok)
    stage.until(() => watching.events.length === 1)
    expect(watching.events).toMatchObject([{ type: EventType.nodeDataChanged, path: CONFIG }])
    for (const one of [client, watching]) {
      const { data, stat } = read(stage, one)
      expect([data, stat.mzxid > 0n, stat.dataLength]).toEqual(['mine', true, 4])
    }
    const { followerId } = stage
    stage.crash(followerId)
    stage.runFor(100)
    stage.restart(followerId)
    stage.until(() => stage.ensemble.isWhole)
    expect(read(stage, stage.session(followerId)).data).toMatch(TEXT)
    expect(read(stage, client).data).toBe('mine')
  })

  it('is shown in read-only mode, also before there was any leader', () => {
    const stage = new EnsembleStage({ isReadOnlyModeEnabled: true })
    stage.call(stage.session(1), create('/a', 'x'))
    const mtime = read(stage, stage.session(1)).stat.mtime
    stage.crash(2, 3)
    stage.until(() => stage.isReadOnly(1))
    const reader = stage.session(1, { canBeReadOnly: true })
    expect(read(stage, reader)).toMatchObject({
      data: expect.stringMatching(TEXT),
      stat: { mtime },
    })
    stage.crash(1)
    stage.restart(1)
    stage.until(() => stage.isReadOnly(1))
    const again = stage.session(1, { canBeReadOnly: true })
    expect(stage.call(again, exists('/a')).err).toBe(ErrorCode.ok)
    expect(read(stage, again)).toMatchObject({
      data: expect.stringMatching(TEXT),
      stat: { mzxid: 0n, version: -1 },
    })
  })
})

it('is empty on a server that stands alone', () => {
  const stage = Stage.open()
  const { data, stat } = decode(stage.call(stage.session(), getData(CONFIG)), readGetDataResponse)
  expect(data).toBe('')
  expect(stat).toMatchObject({ mzxid: 0n, mtime: 0, version: 0, aversion: -1, dataLength: 0 })
})
