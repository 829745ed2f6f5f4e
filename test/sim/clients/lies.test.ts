import { afterEach, describe, expect, it, vi } from 'vitest'
import type { SessionId, Zxid } from '../../../src/base/index.ts'
import { ClientLink } from '../../../src/sim/clients/client-link.ts'
import type { Answer, Operation, WorkloadName } from '../../../src/sim/clients/index.ts'
import { type ByteString, OpCode, type Stat } from '../../../src/wire/index.ts'
import { Play } from './support.ts'

/* Every expectation of a workload can fail: each of these falsifies what a good server answers. */

type Lie = (operation: Operation, answer: Answer) => Answer

const liar = vi.hoisted(() => ({ lie: null as Lie | null }))

vi.mock('../../../src/sim/clients/operation.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/sim/clients/operation.ts')>()
  return {
    ...original,
    readAnswer: (...parts: Parameters<typeof original.readAnswer>): Answer => {
      const answer = original.readAnswer(...parts)
      return liar.lie === null ? answer : liar.lie(parts[1], answer)
    },
  }
})

afterEach(() => {
  liar.lie = null
  vi.restoreAllMocks()
})

/** Rules found broken while about one in five answers that the lie can falsify is falsified. */
function rulesBroken(weights: Partial<Record<WorkloadName, number>>, lie: Lie | null): string {
  let answers = 0
  liar.lie =
    lie &&
    ((operation, answer) => {
      answers += 1
      return answers > 60 && answers % 5 === 0 ? lie(operation, answer) : answer
    })
  const { pool } = new Play(5, { opsTarget: 500, weights }).run()
  return pool.violations.map(({ rule }) => rule).join('\n')
}

function withStat(answer: Answer, change: Partial<Stat>): Answer {
  return answer.stat === undefined ? answer : { ...answer, stat: { ...answer.stat, ...change } }
}

const OK = 0
const NO_NODE = -101
const STAT: Stat = {
  czxid: 1n as Zxid,
  mzxid: 1n as Zxid,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n as SessionId,
  dataLength: 0,
  numChildren: 0,
  pzxid: 1n as Zxid,
}

const LIES: readonly (readonly [string, WorkloadName, RegExp, Lie])[] = [
  [
    'another value at the same zxid',
    'registers',
    /D1/,
    (op, answer) => (op.type === OpCode.getData ? { ...answer, data: '?' as ByteString } : answer),
  ],
  [
    'an older mzxid',
    'registers',
    /C3/,
    (op, answer) =>
      op.type === OpCode.getData ? withStat(answer, { mzxid: 1n as Zxid, version: -9 }) : answer,
  ],
  [
    'a version that another write has made',
    'registers',
    /C9: version \d+ of .* was made twice/,
    (op, answer) =>
      op.type === OpCode.setData ? withStat(answer, { version: 1, mzxid: answer.zxid }) : answer,
  ],
  [
    'a conditional write that jumps a version',
    'registers',
    /C9: version \d+ became/,
    (op, answer) =>
      op.type === OpCode.setData && answer.stat
        ? withStat(answer, { version: answer.stat.version + 1000 })
        : answer,
  ],
  [
    'an increment too many',
    'counters',
    /C8/,
    (op, answer) =>
      op.type === OpCode.getData
        ? { ...answer, data: String(Number(answer.data) + 1) as ByteString }
        : answer,
  ],
  [
    'a refused increment that is said to be done',
    'counters',
    /C8: .* increments and 0 without/,
    (op, answer) =>
      op.type === OpCode.setData ? { zxid: answer.zxid, err: OK, stat: STAT } : answer,
  ],
  [
    'half of a multi',
    'bank',
    /D5: the accounts hold/,
    (op, answer) => {
      const first = answer.reads?.[0]
      if (op.type !== OpCode.multiRead || first?.type !== OpCode.getData) return answer
      const changed = { ...first, data: '99999' as ByteString }
      return { ...answer, reads: [changed, ...answer.reads!.slice(1)] }
    },
  ],
  [
    'a doomed multi that is said to be done',
    'bank',
    /D5: a multi with an impossible/,
    (op, answer) =>
      op.type === OpCode.multi && answer.ops
        ? { ...answer, ops: answer.ops.map((result) => ({ ...result, type: 2, err: OK })) }
        : answer,
  ],
  [
    'errors of a multi in the wrong places',
    'bank',
    /D5: errors/,
    (op, answer) =>
      op.type === OpCode.multi && answer.ops?.some(({ err }) => err !== OK)
        ? { ...answer, ops: answer.ops.map((result) => ({ ...result, err: -7 })) }
        : answer,
  ],
  [
    'a child too few',
    'tree',
    /C9: numChildren/,
    (op, answer) =>
      op.type === OpCode.getChildren2 && answer.children
        ? { ...answer, children: answer.children.slice(1) }
        : answer,
  ],
  [
    'a new znode with a version',
    'tree',
    /C9: the Stat of a new znode/,
    (op, answer) => (op.type === OpCode.create2 ? withStat(answer, { version: 3 }) : answer),
  ],
  [
    'an own znode that is gone',
    'growth',
    /C2: .* is gone/,
    (op, answer) => (op.type === OpCode.exists ? { zxid: answer.zxid, err: NO_NODE } : answer),
  ],
  [
    'an own znode that is there after its deletion',
    'growth',
    /C2: .* is there/,
    (op, answer) =>
      op.type === OpCode.exists ? { zxid: answer.zxid, err: OK, stat: STAT } : answer,
  ],
  [
    'a sequence number used before',
    'queue',
    /C10/,
    (op, answer) =>
      op.type === OpCode.create ? { ...answer, path: '/queue/1-0000000001' } : answer,
  ],
  [
    'an item taken twice',
    'queue',
    /C1: .* was taken|C7: .* was taken/,
    (op, answer) => (op.type === OpCode.delete ? { zxid: answer.zxid, err: OK } : answer),
  ],
  [
    'a queued item that is nowhere',
    'queue',
    /C7: .* nobody took it/,
    (op, answer) =>
      op.type === OpCode.create
        ? { ...answer, path: `/queue/9-0${answer.path!.slice(-9)}` }
        : answer,
  ],
  [
    'a missing ephemeral',
    'ephemerals',
    /C2: .* is not among/,
    (op, answer) => (op.type === OpCode.getEphemerals ? { ...answer, children: [] } : answer),
  ],
  [
    'an ephemeral of somebody else',
    'ephemerals',
    /E5/,
    (op, answer) =>
      op.type === OpCode.exists ? withStat(answer, { ephemeralOwner: 7n as SessionId }) : answer,
  ],
  [
    'a child of an ephemeral',
    'ephemerals',
    /an ephemeral has a child/,
    (op, answer) =>
      op.type === OpCode.create && op.path!.endsWith('child')
        ? { zxid: answer.zxid, err: OK, path: op.path }
        : answer,
  ],
  [
    'a container taken with its child',
    'boxes',
    /is gone at/,
    (op, answer) =>
      op.type === OpCode.getChildren2 ? { zxid: answer.zxid, err: NO_NODE } : answer,
  ],
  [
    'a secret told',
    'acls',
    /W5/,
    (op, answer) =>
      op.type === OpCode.getData
        ? { zxid: answer.zxid, err: OK, data: '' as ByteString, stat: STAT }
        : answer,
  ],
  [
    'an identity forgotten',
    'acls',
    /getData was answered noAuth/,
    (op, answer) => (op.type === OpCode.getData ? { zxid: answer.zxid, err: -102 } : answer),
  ],
  [
    'a watch that is not there',
    'watching',
    /W6/,
    (op, answer) =>
      op.type === OpCode.checkWatches
        ? { zxid: answer.zxid, err: answer.err === OK ? -121 : OK }
        : answer,
  ],
  [
    'two holders of a lock',
    'locks',
    /lock|is gone/,
    (op, answer) =>
      op.type === OpCode.getChildren && answer.children
        ? { ...answer, children: answer.children.toSorted().reverse().slice(0, 1) }
        : answer,
  ],
  [
    'an identity too few',
    'sessions',
    /whoAmI/,
    (op, answer) => (op.type === OpCode.whoAmI ? { ...answer, count: 1 } : answer),
  ],
  [
    'sense in nonsense',
    'hostile',
    /C6: nonsense/,
    (op, answer) => (op.type === 'raw' ? { ...answer, err: OK } : answer),
  ],
  [
    'an error that makes no sense',
    'sync-reads',
    /sync was answered noNode/,
    (op, answer) => (op.type === OpCode.sync ? { zxid: answer.zxid, err: NO_NODE } : answer),
  ],
]

describe('a lie is found out', { timeout: 30_000 }, () => {
  it.each(LIES)('%s (%s)', (_name, workload, rule, lie) => {
    expect(rulesBroken({ [workload]: 1 }, lie)).toMatch(rule)
  })

  it('a read behind a sync that is stale', () => {
    const before = new Map<string, Answer>()
    const lie: Lie = (op, answer) => {
      if (op.type !== OpCode.getData || answer.err !== OK) return answer
      const old = before.get(op.path)
      if (old === undefined) before.set(op.path, answer)
      return old === undefined ? answer : { ...old, zxid: answer.zxid }
    }
    expect(rulesBroken({ registers: 1, 'sync-reads': 1 }, lie)).toMatch(/C5/)
  })

  it('an ephemeral that outlives its session', () => {
    let owner = 0n as SessionId
    const lie: Lie = (op, answer) => {
      if (op.type !== OpCode.exists) return answer
      return answer.err === OK
        ? answer
        : { zxid: answer.zxid, err: OK, stat: { ...STAT, ephemeralOwner: owner } }
    }
    liar.lie = (op, answer) => {
      if (op.type === OpCode.exists && answer.err === OK) owner = answer.stat!.ephemeralOwner
      return lie(op, answer)
    }
    const { pool } = new Play(7, {
      clients: 1,
      opsTarget: 300,
      weights: { ephemerals: 3, sessions: 1 },
    }).run()
    expect(pool.violations.map(({ rule }) => rule).join()).toMatch(/E4/)
  })
})

describe('a lie about watches is found out', { timeout: 30_000 }, () => {
  /** Lets `change` falsify the frames of watch events; it says how often the frame is handed on. */
  function falsifyEvents(change: (bytes: Uint8Array, start: number) => number): string {
    const { onFrame } = ClientLink.prototype
    let events = 0
    vi.spyOn(ClientLink.prototype, 'onFrame').mockImplementation(function (
      this: ClientLink,
      bytes,
      start,
      end,
    ) {
      const isEvent =
        end - start > 16 && new DataView(bytes.buffer, bytes.byteOffset).getInt32(start) === -1
      if (isEvent) events += 1
      const times = isEvent && events % 3 === 0 ? change(bytes, start) : 1
      for (let i = 0; i < times; i += 1) onFrame.call(this, bytes, start, end)
      return true
    })
    return rulesBroken({ queue: 1, registers: 2, tree: 1, watching: 3 }, null)
  }

  it('an event that never comes', () => {
    expect(falsifyEvents(() => 0)).toMatch(/W1/)
  })

  it('an event that comes twice', () => {
    expect(falsifyEvents(() => 2)).toMatch(/W2/)
  })

  it('an event that comes after the data', () => {
    const rules = falsifyEvents((bytes, start) => {
      new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(start + 4, 1n)
      return 1
    })
    expect(rules).toMatch(/W1: a reply of/)
  })

  it('an event without a zxid', () => {
    const rules = falsifyEvents((bytes, start) => {
      new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(start + 4, -1n)
      return 1
    })
    expect(rules).toMatch(/W5/)
  })
})
