import { describe, expect, test } from 'vitest'
import type { ByteString } from '../../src/wire/index.ts'
import { ErrorCode, type OpResult } from '../../src/wire/index.ts'
import { QuotaText } from '../../src/znodes/quota.ts'
import { Bench, CLOSE_SESSION, check, create, multi, remove, rowsOf, set } from './support.ts'

const LIMITS = '/zookeeper/quota/a/zookeeper_limits'
const STATS = '/zookeeper/quota/a/zookeeper_stats'

describe('accounting', () => {
  test('stats follow every change below, without version, zxid, time or event', () => {
    const bench = withQuota('count=100,bytes=100')
    const before = { ...statOf(bench) }
    bench.events.length = 0
    const seen = [statsOf(bench)]
    bench.must(create('/a/b/c', { data: '12345' }))
    seen.push(statsOf(bench))
    bench.must(set('/a/b/c', '123'))
    seen.push(statsOf(bench))
    bench.must(set('/a', null))
    seen.push(statsOf(bench))
    bench.must(remove('/a/b/c'))
    seen.push(statsOf(bench))
    bench.must(create('/other', { data: 'xxx' }))
    seen.push(statsOf(bench))
    expect(seen).toEqual([
      'count=2,bytes=4',
      'count=3,bytes=9',
      'count=3,bytes=7',
      'count=3,bytes=3',
      'count=2,bytes=0',
      'count=2,bytes=0',
    ])
    expect(statOf(bench)).toEqual({ ...before, dataLength: 15 })
    expect(bench.events.some((event) => event.includes('zookeeper_stats'))).toBe(false)
    expect(bench.tree.digestMismatches).toBe(0)
  })

  test('creating the stats node counts the subtree at once', () => {
    const bench = new Bench()
    bench.must(create('/a', { data: '12' }))
    bench.must(create('/a/b', { data: null }))
    bench.must(create('/a/b/c', { data: '345' }))
    bench.must(create('/ab', { data: 'not below /a' }))
    bench.must(create('/zookeeper/quota/a'))
    bench.must(create(LIMITS, { data: 'count=9,bytes=9' }))
    bench.must(create(STATS, { data: 'anything' }))
    expect(statsOf(bench)).toBe('count=3,bytes=5')
  })

  test('only the nearest quota counts', () => {
    const bench = withQuota('count=9,bytes=9')
    bench.must(create('/zookeeper/quota/a/b'))
    bench.must(create('/zookeeper/quota/a/b/zookeeper_limits', { data: 'count=9' }))
    bench.must(create('/zookeeper/quota/a/b/zookeeper_stats'))
    bench.must(create('/a/b/c', { data: '1' }))
    expect(statsOf(bench)).toBe('count=2,bytes=4')
    expect(bench.at('/zookeeper/quota/a/b/zookeeper_stats').data).toBe('count=2,bytes=1')
    bench.must(remove('/zookeeper/quota/a/b/zookeeper_limits'))
    bench.must(create('/a/b/d', { data: '1' }))
    expect(statsOf(bench), 'without limits there is no quota').toBe('count=3,bytes=5')
  })

  test('ephemerals of a closed session are given back', () => {
    const bench = withQuota('count=9,bytes=9')
    bench.must(create('/a/e', { flags: 1, data: '123' }))
    expect(statsOf(bench)).toBe('count=3,bytes=7')
    bench.must(CLOSE_SESSION)
    expect(statsOf(bench)).toBe('count=2,bytes=4')
  })

  test('limits without stats, and limits of the root, do no harm', () => {
    const bench = new Bench({ enforceQuota: true })
    bench.must(create('/zookeeper/quota/zookeeper_limits', { data: 'countHardLimit=0' }))
    bench.must(create('/zookeeper/quota/a'))
    bench.must(create(LIMITS, { data: 'count=0=;countHardLimit=0' }))
    bench.must(create('/a'))
    expect(bench.tree.hasQuotas).toBe(true)
  })

  test('changes above a soft limit are counted, unless a hard limit takes its place', () => {
    const bench = withQuota('count=3,bytes=-1')
    bench.must(create('/a/1'))
    expect(bench.tree.softQuotaExceeded).toBe(0)
    bench.must(create('/a/2'))
    expect(bench.tree.softQuotaExceeded).toBe(1)
    bench.must(set(LIMITS, 'count=3,bytes=-1=;countHardLimit=3'))
    bench.must(create('/a/3'))
    expect(bench.tree.softQuotaExceeded).toBe(1)
  })
})

describe('hard limits', () => {
  test('count: the create that goes over is refused', () => {
    const bench = withQuota('count=-1,bytes=-1=;countHardLimit=3', true)
    bench.must(create('/a/1'))
    expect(bench.run(create('/a/2')).err).toBe(ErrorCode.quotaExceeded)
    bench.must(remove('/a/1'))
    bench.must(create('/a/2'))
  })

  test('bytes: also a setData that shrinks but stays above; same size and delete are free', () => {
    const bench = withQuota('count=-1,bytes=-1=;byteHardLimit=10', true)
    expect(bench.run(create('/a/1', { data: '1234567' })).err).toBe(ErrorCode.quotaExceeded)
    bench.must(create('/a/1', { data: '123456' }))
    bench.must(create('/a/empty'))
    bench.must(set(LIMITS, 'byteHardLimit=5'))
    expect(bench.run(set('/a/1', '1234')).err).toBe(ErrorCode.quotaExceeded)
    expect(bench.run(set('/a/1', 'abcdef')).err).toBe(0)
    expect(bench.run(set('/a/1', '1', 9)).err).toBe(ErrorCode.badVersion)
    bench.must(set('/a/1', '1'))
    bench.must(remove('/a/1'))
  })

  test('without enforcement nothing is refused', () => {
    const bench = withQuota('count=0,bytes=0=;byteHardLimit=0;countHardLimit=0', false)
    bench.must(create('/a/1', { data: 'much' }))
  })

  test('what is on its way counts, inside a multi too', () => {
    const bench = withQuota('countHardLimit=4;byteHardLimit=100', true)
    const errs = [1, 2, 3].map((i) => {
      const { txn } = bench.propose(create(`/a/${i}`))
      return txn.type === -1 ? txn.err : 0
    })
    expect(errs).toEqual([0, 0, ErrorCode.quotaExceeded])
    bench.propose(remove('/a/1'))
    const ops = bench.propose(multi(create('/a/4'), create('/a/5')))
    expect(ops.txn).toMatchObject({ txns: [{ type: 1 }, { err: ErrorCode.quotaExceeded }] })
    bench.propose(create('/a/6'))
    const results: OpResult[] = bench.commitAll()
    expect(results.map(({ err }) => err)).toEqual([0, 0, ErrorCode.quotaExceeded, 0, 0, 0])
    expect(statsOf(bench)).toBe('count=4,bytes=4')
  })

  test('a quota on its way counts too, with what is on its way below it', () => {
    const bench = new Bench({ enforceQuota: true })
    bench.must(create('/a', { data: '1' }))
    bench.must(create('/a/gone', { data: '22' }))
    bench.propose(create('/a/new', { data: '333' }))
    bench.propose(set('/a', '55555'))
    bench.propose(remove('/a/gone'))
    bench.propose(create('/zookeeper/quota/a'))
    bench.propose(create(LIMITS, { data: 'countHardLimit=3' }))
    bench.propose(create(STATS))
    expect(bench.preparer.pending.find(STATS)!.data).toBe('count=2,bytes=8')
    expect(bench.propose(create('/a/3')).txn.type).toBe(1)
    expect(bench.propose(create('/a/4')).txn).toMatchObject({ err: ErrorCode.quotaExceeded })
    bench.propose(remove(LIMITS))
    expect(bench.propose(create('/a/5')).txn.type).toBe(1)
    bench.commitAll()
    expect(statsOf(bench)).toBe('count=3,bytes=8')
    expect(bench.preparer.pending.size).toBe(0)
    bench.propose(multi(create(LIMITS), check('/none')))
    bench.commitAll()
    expect(bench.preparer.pending.hasQuotas, 'nothing is looked up any more').toBe(false)
  })
})

describe('quota texts', () => {
  test.each([
    ['count=5,bytes=7', 5, 7, -1],
    ['count=5,bytes=-1=;byteHardLimit=3;countHardLimit=9', 5, -1, 9],
    ['count=5;bytes=7', 5, 7, -1],
    ['', -1, -1, -1],
    ['count=abc,bytes=', -1, -1, -1],
    ['no such text,,=5,count', -1, -1, -1],
    ['count=1e3,bytes=0x10', -1, -1, -1],
    ['\u0000\u00ff=;count=2', 2, -1, -1],
  ])('%j: count %i, bytes %i, countHardLimit %i', (text, count, bytes, countHardLimit) => {
    const quota = new QuotaText(text as ByteString)
    expect(quota.get('count')).toBe(count)
    expect(quota.get('bytes')).toBe(bytes)
    expect(quota.get('countHardLimit')).toBe(countHardLimit)
  })

  test('are written as upstream writes them', () => {
    const text = 'bytes=2,count=1=;countHardLimit=9;byteHardLimit=3' as ByteString
    expect(new QuotaText(text).format()).toBe('count=1,bytes=2=;byteHardLimit=3;countHardLimit=9')
    expect(new QuotaText(null).format()).toBe('count=-1,bytes=-1')
  })

  test('nonsense in a limits znode is no limit and no error', () => {
    const bench = withQuota('countHardLimit=x;;=,', true)
    bench.must(create('/a/1', { data: 'x' }))
    bench.must(set(STATS, 'rubbish'))
    bench.must(create('/a/2', { data: 'x' }))
    expect(rowsOf(bench.tree).has('/a/2')).toBe(true)
  })
})

/** `/a` with 4 bytes, `/a/b` without, and a quota on `/a`. */
function withQuota(limits: string, enforceQuota = false): Bench {
  const bench = new Bench({ enforceQuota })
  bench.must(create('/a', { data: '1234' }))
  bench.must(create('/a/b'))
  bench.must(create('/zookeeper/quota/a'))
  bench.must(create(LIMITS, { data: limits }))
  bench.must(create(STATS, { data: 'count=0,bytes=0' }))
  return bench
}

function statsOf(bench: Bench): string | null {
  return bench.at(STATS).data
}

function statOf(bench: Bench): object {
  const { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, dataLength } =
    bench.at(STATS)
  return { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, dataLength }
}
