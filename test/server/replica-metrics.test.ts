import { expect, test } from 'vitest'
import { makeZxid, NO_ZXID, type ServerId } from '../../src/base/index.ts'
import { MemoryMetrics } from '../../src/env/index.ts'
import { ReplicaMetrics } from '../../src/server/metrics/index.ts'
import { ZxidTimes } from '../../src/server/metrics/zxid-times.ts'
import { type LearnerView, type LinkId, PacketKind, Role } from '../../src/zab/index.ts'

test('acks are measured for voters only, whoever else may connect', () => {
  const metrics = new MemoryMetrics()
  const clock = { monotonicMs: () => 1, wallMs: () => 1 }
  const learnerViews = Array.from(
    { length: 1000 },
    (_, index): LearnerView => ({
      link: (index + 1) as LinkId,
      sid: (index + 1) as ServerId,
      role: 'follower',
      isVoter: index < 2,
      state: 'synced',
      lastZxid: NO_ZXID,
    }),
  )
  const view = { role: Role.LEADING, leader: 9 as ServerId, learnerViews }
  const measured = new ReplicaMetrics(metrics, clock, view, new ZxidTimes())
  const zxid = makeZxid(1, 1)
  measured.onProposed(zxid, 0)
  for (const { link } of learnerViews) measured.onReceived(link, { kind: PacketKind.ACK, zxid })
  expect([...metrics.summarySets.get('ack_latency')!.keys()]).toEqual(['1', '2'])
})
