import { describe, expect, it } from 'vitest'
import { readGetDataResponse, readPathResponse } from '../../src/wire/index.ts'
import { create, decode, getData, ping, Stage, setData, sync } from './support/index.ts'

/** A disk slow enough that everything sent together is read before the first write is durable. */
const SLOW_DISK = { latencyMsMin: 20, latencyMsMax: 20 }

describe('order of replies', () => {
  it('is that of the requests, and a read sees the writes before it and not the ones behind it', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    stage.call(client, create('/a', '0'))
    const requests = []
    for (let i = 1; i <= 20; i++) {
      requests.push(getData('/a'), setData('/a', String(i)), getData('/a'), ping)
    }
    const replies = stage.callAll(client, ...requests)
    for (let i = 1; i <= 20; i++) {
      const [before, , after] = replies.slice(4 * (i - 1))
      expect(decode(before!, readGetDataResponse).data).toBe(String(i - 1))
      expect(decode(after!, readGetDataResponse).data).toBe(String(i))
      expect(after!.zxid).toBe(replies[4 * (i - 1) + 1]!.zxid)
    }
  })

  it('keeps a write behind a sync that waits for the write of somebody else', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const [one, two] = [stage.session(), stage.session()]
    stage.call(one, create('/a', 'old'))
    const [theirs] = one.send(setData('/a', 'theirs'))
    stage.until(() => stage.server.outstanding.requests === 1)
    const [synced, read, written] = stage.callAll(
      two,
      sync('/a'),
      getData('/a'),
      setData('/a', 'ours'),
    )
    expect(decode(synced!, readPathResponse)).toBe('/a')
    expect(decode(read!, readGetDataResponse).data).toBe('theirs')
    expect(synced!.zxid).toBe(theirs!.reply!.zxid)
    expect(written!.zxid).toBe(theirs!.reply!.zxid + 1n)
  })

  it('lets a read overtake the writes of others, but not a sync', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const [one, two] = [stage.session(), stage.session()]
    stage.call(one, create('/a', 'old'))
    const [theirs] = one.send(setData('/a', 'new'))
    stage.until(() => stage.server.outstanding.requests === 1)
    const [read] = stage.callAll(two, getData('/a'))
    expect(theirs!.reply).toBeNull()
    expect(decode(read!, readGetDataResponse).data).toBe('old')
    const [, again] = stage.callAll(two, sync('/a'), getData('/a'))
    expect(decode(again!, readGetDataResponse).data).toBe('new')
  })

  it('answers a sync at once when nothing is on its way', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    const before = stage.nowMs
    stage.call(client, sync(''))
    expect(stage.nowMs - before).toBeLessThan(5)
  })
})
