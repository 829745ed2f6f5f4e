import type { SessionId, Zxid } from '../../src/base/index.ts'
import { type ByteString, OpCode, type WriteRequest } from '../../src/wire/index.ts'
import { AuthProviders, DataTree, WatchTable, WritePreparer } from '../../src/znodes/index.ts'

/*
 * The tree alone: `node --expose-gc dist/bench/micro/znodes.js [znodes]` after `npm run build`. Cost of reads and of
 * writes (prepared, then applied 100 at a time, with the digests of both), memory per znode with 100 bytes of data.
 * "fast" is the lowest tenth of groups of 100, for machines that do other things meanwhile; "mean" is CPU time with
 * garbage collection on all threads; "longest" is the slowest group by the wall clock.
 */

const ZNODES = Number(process.argv[2] ?? 1_000_000)
const GROUP = 100
const SETS = 1_000_000
const DATA = 'x'.repeat(100)
const ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const IDS = [{ scheme: 'ip', id: '127.0.0.1' }]

const providers = new AuthProviders()
const tree = new DataTree(new WatchTable(providers), { extendedTypesEnabled: false })
const preparer = new WritePreparer(tree, providers, {
  extendedTypesEnabled: false,
  enforceQuota: false,
  reconfigEnabled: false,
})
let zxid = 0n
let groupsMs: number[] = []

function pathOf(i: number): string {
  return `/bench/n${String(i).padStart(10, '0')}`
}

/** Prepares `count` writes in groups and applies each group. */
function write(count: number, request: (i: number) => WriteRequest): void {
  const group = []
  for (let from = 0; from < count; from += GROUP) {
    const end = Math.min(count, from + GROUP)
    const start = performance.now()
    for (let i = from; i < end; i++) {
      zxid += 1n
      group.push(
        preparer.prepare(request(i), {
          sessionId: 0x0100_0000_0000_0001n as SessionId,
          cxid: i,
          zxid: zxid as Zxid,
          timeMs: 1_700_000_000_000 + i,
          ids: IDS,
        }),
      )
    }
    for (const { header, txn, digest } of group) {
      const result = tree.apply(header, txn, digest)
      if (result.err !== 0) throw new Error(`${txn.type} failed with ${result.err}`)
      preparer.release(header.zxid)
    }
    group.length = 0
    groupsMs.push(performance.now() - start)
  }
}

function create(path: string): WriteRequest {
  // A value of its own for each znode, as if it came from a request.
  const data = Buffer.from(DATA, 'latin1').toString('latin1') as ByteString
  return { type: OpCode.create, path, data, acl: ACL, flags: 0, ttl: -1n }
}

function measure(what: string, count: number, run: () => void): void {
  groupsMs = []
  const start = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(start)
  groupsMs.sort((a, b) => a - b)
  const fast = Math.round((groupsMs[Math.floor(groupsMs.length / 10)]! * 1e6) / GROUP)
  const mean = Math.round(((user + system) * 1000) / count)
  console.log(
    `${what}: fast ${fast} ns, mean ${mean} ns, longest ${groupsMs.at(-1)!.toFixed(1)} ms`,
  )
}

function read(count: number, one: (i: number) => void): void {
  for (let from = 0; from < count; from += GROUP) {
    const start = performance.now()
    for (let i = from; i < from + GROUP; i++) one(i)
    groupsMs.push(performance.now() - start)
  }
}

globalThis.gc?.()
const before = process.memoryUsage()
write(1, () => create('/bench'))
measure(`create, ${ZNODES} znodes below one parent`, ZNODES, () =>
  write(ZNODES, (i) => create(pathOf(i))),
)
globalThis.gc?.()
const after = process.memoryUsage()
console.log(`heap per znode: ${Math.round((after.heapUsed - before.heapUsed) / ZNODES)} bytes`)
console.log(`RSS per znode: ${Math.round((after.rss - before.rss) / ZNODES)} bytes`)
const paths = Array.from({ length: 10_000 }, (_, i) => pathOf((i * 7919) % ZNODES))
measure('find a path just decoded', SETS, () =>
  read(SETS, (i) => {
    const path = Buffer.from(paths[i % 10_000]!).toString('latin1')
    if (tree.find(path) === undefined) throw new Error('not found')
  }),
)
measure('decode alone', SETS, () =>
  read(SETS, (i) => Buffer.from(paths[i % 10_000]!).toString('latin1')),
)
measure('set 100 bytes', SETS, () =>
  write(SETS, (i) => ({
    type: OpCode.setData,
    path: paths[i % 10_000]!,
    data: DATA as ByteString,
    version: -1,
  })),
)
measure('delete', ZNODES, () =>
  write(ZNODES, (i) => ({ type: OpCode.delete, path: pathOf(i), version: -1 })),
)
console.log(`digest mismatches: ${tree.digestMismatches}`)
