import { expect, it } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/index.ts'
import { DEFAULT_TUNING } from '../../src/config/index.ts'
import { MemoryMetrics } from '../../src/env/index.ts'
import { WriteMetrics } from '../../src/server/metrics/index.ts'
import { Outstanding } from '../../src/server/outstanding.ts'
import { ReplicatedState } from '../../src/server/replicated-state.ts'
import { type ProposalLog, WritePipeline } from '../../src/server/write-pipeline.ts'
import { ErrorCode, type WriteRequest } from '../../src/wire/index.ts'
import { AuthProviders, DataTree, WatchTable, WritePreparer } from '../../src/znodes/index.ts'
import { createOp, setDataOp } from './support/index.ts'

it('forgets what is on its way as soon as it is applied, and not before', () => {
  const providers = new AuthProviders({ skipAcl: false, isDigestEnabled: true, superDigest: null })
  const tree = new DataTree(new WatchTable(providers), { extendedTypesEnabled: false })
  const options = { extendedTypesEnabled: false, enforceQuota: false, reconfigEnabled: false }
  const preparer = new WritePreparer(tree, providers, options)
  const appended: Zxid[] = []
  const log: ProposalLog = {
    get nextZxid() {
      return BigInt(appended.length + 1) as Zxid
    },
    append: (zxid) => appended.push(zxid),
  }
  const applied: Zxid[] = []
  const outstanding = new Outstanding(DEFAULT_TUNING.largeRequests)
  const totals = { readsAnswered: 0, queuesDrained: 0 }
  const pipeline = new WritePipeline(
    new ReplicatedState(tree),
    preparer,
    { monotonicMs: () => 0, wallMs: () => 0 },
    outstanding,
    { onApplied: (header) => applied.push(header.zxid), onTurnNeeded: () => {} },
    new WriteMetrics(new MemoryMetrics(), outstanding, totals),
  )
  const propose = (request: WriteRequest): void => {
    const origin = {
      connection: null,
      sessionId: 1n as SessionId,
      xid: 1,
      opcode: request.type,
      ids: [],
      sessionError: ErrorCode.ok,
      ephemeralError: ErrorCode.ok,
      bytes: 0,
      admittedMs: 0,
      audit: null,
    }
    pipeline.propose(request, origin, log)
  }
  propose(createOp('/a'))
  propose(setDataOp('/a', 'x'))
  propose(createOp('/a'))
  expect(appended).toEqual([1n, 2n, 3n])
  // The create changes the new znode and the root, the setData the znode; the third is refused.
  expect(preparer.pending.size).toBe(3)
  pipeline.applyUpTo(1n as Zxid, 0)
  expect(preparer.pending.size).toBe(1)
  pipeline.applyUpTo(3n as Zxid, 0)
  expect(preparer.pending.size).toBe(0)
  expect(applied).toEqual([1n, 2n, 3n])
  expect(tree.find('/a')!.data).toBe('x')
})
