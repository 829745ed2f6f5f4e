import { describe, expect, test } from 'vitest'
import { NO_ZXID } from '../../src/base/index.ts'
import { type ByteString, ErrorCode, Perms, type WriteRequest } from '../../src/wire/index.ts'
import {
  type Asker,
  Bench,
  check,
  create,
  errorOf,
  remove,
  row,
  SESSION,
  set,
  setAcl,
} from './support.ts'

/*
 * Each operation has a ladder of checks. Every set of violations of it is tried: the first violation decides.
 */

type Violation = string
interface Ladder {
  readonly checks: readonly (readonly [Violation, ErrorCode])[]
  readonly prepare: (violations: ReadonlySet<Violation>) => number
}

const E = ErrorCode
const CLOSED = [{ perms: 0, scheme: 'world', id: 'anyone' }]
const HARD_LIMITS = 'count=1,bytes=1=;byteHardLimit=10;countHardLimit=3' as ByteString
const BAD_NAME = 'bad\u0001'

const CREATE_CHECKS: Ladder['checks'] = [
  ['unknown flags', E.badArguments],
  ['TTL while extended types are off', E.unimplemented],
  ['TTL mode without TTL', E.badArguments],
  ['session', E.sessionExpired],
  ['local session', E.ephemeralOnLocalSession],
  ['no slash', E.badArguments],
  ['ACL', E.invalidACL],
  ['no parent', E.noNode],
  ['no CREATE on the parent', E.noAuth],
  ['bad name', E.badArguments],
  ['exists', E.nodeExists],
  ['ephemeral parent', E.noChildrenForEphemerals],
  ['quota', E.quotaExceeded],
]

const LADDERS: Record<string, Ladder> = {
  create: { checks: CREATE_CHECKS, prepare: (violations) => prepareCreate(violations, 1) },
  create2: { checks: CREATE_CHECKS, prepare: (violations) => prepareCreate(violations, 15) },
  createContainer: {
    checks: CREATE_CHECKS,
    prepare: (violations) => prepareCreate(violations, 19),
  },
  createTTL: {
    checks: [
      ['unknown flags', E.badArguments],
      ['TTL while extended types are off', E.unimplemented],
      ['TTL out of range', E.badArguments],
      ['session', E.sessionExpired],
      ['no slash', E.badArguments],
      ['ACL', E.invalidACL],
      ['no parent', E.noNode],
    ],
    prepare: (v) => {
      const bench = benchWith(!v.has('TTL while extended types are off'))
      const path = v.has('no slash') ? 'x' : v.has('no parent') ? '/none/x' : '/p/new'
      const more = {
        type: 21 as const,
        flags: v.has('unknown flags') ? 7 : 5,
        ttl: v.has('TTL out of range') ? 0n : 1n,
        ...(v.has('ACL') ? { acl: null } : {}),
      }
      return prepareError(bench, create(path, more), v)
    },
  },
  delete: {
    checks: [
      ['session', E.sessionExpired],
      ['system znode', E.badArguments],
      ['no parent', E.noNode],
      ['no DELETE on the parent', E.noAuth],
      ['no znode', E.noNode],
      ['version', E.badVersion],
      ['not empty', E.notEmpty],
    ],
    prepare: (v) => {
      const bench = benchWith(true)
      const parent = v.has('no parent')
        ? '/none'
        : v.has('no DELETE on the parent')
          ? '/closed'
          : '/p'
      const name = v.has('no znode') ? 'none' : v.has('not empty') ? 'full' : 'x'
      const path = v.has('system znode') ? '/zookeeper/quota' : `${parent}/${name}`
      return prepareError(bench, remove(path, v.has('version') ? 7 : 0), v)
    },
  },
  setData: {
    checks: [
      ['session', E.sessionExpired],
      ['bad path', E.badArguments],
      ['no znode', E.noNode],
      ['no WRITE', E.noAuth],
      ['quota', E.quotaExceeded],
      ['version', E.badVersion],
    ],
    prepare: (v) => {
      const bench = benchWith(true)
      let path = v.has('no WRITE') ? '/closed' : '/p'
      if (v.has('quota')) path += '-quota'
      if (v.has('no znode')) path += '/none'
      if (v.has('bad path')) path += '/'
      return prepareError(bench, set(path, 'x'.repeat(30), v.has('version') ? 7 : 0), v)
    },
  },
  setACL: {
    checks: [
      ['session', E.sessionExpired],
      ['bad path', E.badArguments],
      ['ACL', E.invalidACL],
      ['no znode', E.noNode],
      ['no ADMIN', E.noAuth],
      ['version', E.badVersion],
    ],
    prepare: (v) => {
      const bench = benchWith(true)
      let path = v.has('no ADMIN') ? '/closed' : '/p'
      if (v.has('no znode')) path += '/none'
      if (v.has('bad path')) path += '/../x'
      const acl = v.has('ACL') ? [] : CLOSED
      return prepareError(bench, setAcl(path, acl, v.has('version') ? 7 : 0), v)
    },
  },
  check: {
    checks: [
      ['session', E.sessionExpired],
      ['bad path', E.badArguments],
      ['no znode', E.noNode],
      ['no READ', E.noAuth],
      ['version', E.badVersion],
    ],
    prepare: (v) => {
      const bench = benchWith(true)
      let path = v.has('no READ') ? '/closed' : '/p'
      if (v.has('no znode')) path += '/none'
      if (v.has('bad path')) path = 'p'
      const op = check(path, v.has('version') ? 7 : 0)
      const { txn } = bench.propose({ type: 14, ops: [op] }, asker(v))
      return txn.type === 14 ? errorOf(txn.txns[0]!) : -1000
    },
  },
  deleteContainer: {
    checks: [
      ['system znode', E.badArguments],
      ['no znode', E.noNode],
      ['not empty', E.notEmpty],
      ['real ephemeral', E.badVersion],
    ],
    prepare: (v) => {
      const bench = benchWith(true)
      let path = v.has('real ephemeral') ? '/p-ephemeral' : '/container'
      if (!v.has('not empty')) path += '/x'
      if (v.has('no znode')) path += '/none'
      if (v.has('system znode')) path = '/zookeeper/config'
      return prepareError(bench, { type: 20, path }, v)
    },
  },
  'reconfig on a standalone server': {
    checks: [
      ['reconfig disabled', E.reconfigDisabled],
      ['session', E.sessionExpired],
      ['standalone', E.unimplemented],
    ],
    prepare: (v) => {
      const bench = new Bench({ reconfigEnabled: !v.has('reconfig disabled') })
      const none = { joiningServers: null, leavingServers: null, newMembers: null }
      const err = prepareError(bench, { type: 16, ...none, curConfigId: -1n }, v)
      // There is no standalone server on which reconfig works.
      return err === E.unimplemented && !v.has('standalone') ? 0 : err
    },
  },
}

describe.each(Object.entries(LADDERS))('%s', (_, { checks, prepare }) => {
  test(`all ${2 ** checks.length} sets of violations: the first decides`, () => {
    const wrong: string[] = []
    for (let set = 0; set < 2 ** checks.length; set++) {
      const violated = checks.filter((_, i) => (set & (1 << i)) !== 0)
      const expected = violated[0]?.[1] ?? 0
      const got = prepare(new Set(violated.map(([name]) => name)))
      if (got !== expected) wrong.push(`${violated.map(([name]) => name)}: ${got}, not ${expected}`)
    }
    expect(wrong.slice(0, 20)).toEqual([])
  })
})

function prepareCreate(v: ReadonlySet<Violation>, type: 1 | 15 | 19): number {
  const bench = benchWith(!v.has('TTL while extended types are off'))
  let parent = v.has('no CREATE on the parent') ? '/closed' : '/p'
  if (v.has('ephemeral parent')) parent += '-ephemeral'
  if (v.has('quota')) parent += '-quota'
  if (v.has('no parent')) parent = '/none'
  let name = v.has('exists') ? 'x' : 'new'
  if (v.has('bad name')) name += BAD_NAME
  const path = v.has('no slash') ? 'x' : `${parent}/${name}`
  let flags = v.has('local session') ? 1 : 0
  if (v.has('TTL mode without TTL') || v.has('TTL while extended types are off')) flags = 5
  if (v.has('unknown flags')) flags = 9
  const acl = v.has('ACL') ? { acl: [] } : {}
  return prepareError(bench, create(path, { type, flags, data: 'data', ...acl }), v)
}

function prepareError(
  bench: Bench,
  request: WriteRequest,
  violations: ReadonlySet<Violation>,
): number {
  const err = errorOf(bench.propose(request, asker(violations)).txn)
  if (err === 0) benches.clear()
  return err
}

/** A refused request changes nothing, so benches are used again until one succeeds. */
const benches = new Map<boolean, Bench>()

function benchWith(extendedTypesEnabled: boolean): Bench {
  const bench = benches.get(extendedTypesEnabled) ?? newBench(extendedTypesEnabled)
  benches.set(extendedTypesEnabled, bench)
  return bench
}

function asker(violations: ReadonlySet<Violation>): Asker {
  return {
    sessionError: violations.has('session') ? E.sessionExpired : E.ok,
    ephemeralError: violations.has('local session') ? E.ephemeralOnLocalSession : E.ok,
  }
}

/** Parents with every mixture of closed ACL, ephemeral owner and exhausted quota, with children of all kinds. */
function newBench(extendedTypesEnabled = true): Bench {
  const bench = new Bench({ extendedTypesEnabled, enforceQuota: true, isQuiet: true })
  const { tree } = bench
  const container = -0x8000_0000_0000_0000n
  const readOnly = [
    { perms: Perms.all & ~Perms.delete & ~Perms.create, scheme: 'ip', id: '1.2.3.4' },
  ]
  for (const acl of ['/p', '/closed']) {
    for (const owner of ['', '-ephemeral']) {
      for (const quota of ['', '-quota']) {
        const path = acl + owner + quota
        const isEphemeral = owner !== ''
        tree.loadZnode(
          row(path, {
            ...(acl === '/closed' ? { acl: readOnly } : {}),
            storedOwner: isEphemeral ? SESSION : 0n,
          }),
        )
        tree.loadZnode(row(`${path}/x`, { storedOwner: isEphemeral ? SESSION : 0n }))
        tree.loadZnode(row(`${path}/x${BAD_NAME}`))
        tree.loadZnode(row(`${path}/full`))
        tree.loadZnode(row(`${path}/full/x`))
        if (quota === '') continue
        const root = `/zookeeper/quota${path}`
        tree.loadZnode(row(root))
        tree.loadZnode(row(`${root}/zookeeper_limits`, { data: HARD_LIMITS }))
        tree.loadZnode(row(`${root}/zookeeper_stats`, { data: 'count=5,bytes=0' as ByteString }))
      }
    }
  }
  tree.loadZnode(row('/container', { storedOwner: container }))
  tree.loadZnode(row('/container/x', { storedOwner: container }))
  tree.endLoad(NO_ZXID)
  return bench
}
