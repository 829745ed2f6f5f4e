import { beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_TUNING } from '../../src/config/index.ts'
import type { MetricSummary } from '../../src/env/index.ts'
import type { ServerStatus } from '../../src/server/index.ts'
import {
  closeSession,
  create,
  EnsembleStage,
  exists,
  getChildren,
  getData,
  multi,
  Stage,
  setData,
  setDataOp,
} from './support/index.ts'

function counter({ metrics }: ServerStatus, name: string): number {
  return metrics.counters.get(name) ?? 0
}

function summary({ metrics }: ServerStatus, name: string, label?: string): MetricSummary {
  const found =
    label === undefined ? metrics.summaries.get(name) : metrics.summarySets.get(name)?.get(label)
  return found ?? { count: 0, sum: 0, min: 0, max: 0, quantile: () => Number.NaN }
}

describe('a server that stands alone measures', () => {
  test('requests, replies and events by their bytes', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.call(client, create('/app', 'value'))
    const before = stage.server.status()
    const [received, sent] = ['bytes_received_count', 'response_bytes'].map((n) =>
      counter(before, n),
    )
    stage.call(client, getData('/app', true))
    const after = stage.server.status()
    // Length, xid, type; length of the path, path, watch. Back: xid, zxid, err; length, value, Stat.
    expect(counter(after, 'bytes_received_count') - received!).toBe(4 + 8 + 4 + 4 + 1)
    expect(counter(after, 'response_bytes') - sent!).toBe(16 + 4 + 5 + 68)
    stage.call(client, setData('/app', 'other'))
    // xid, zxid, err; type, state, length of the path, path.
    expect(counter(stage.server.status(), 'watch_bytes')).toBe(16 + 4 + 4 + 4 + 4)
    expect(counter(after, 'connection_request_count')).toBe(1)
  })

  test('what is read and written by namespace', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.call(client, create('/app', 'value'))
    stage.call(client, create('/app/a'))
    stage.call(client, create('/application'))
    stage.call(client, setData('/app/a', 'xy'))
    stage.call(client, getData('/app'))
    stage.call(client, exists('/app'))
    stage.call(client, getChildren('/app'))
    stage.call(client, getData('/'))
    stage.call(client, getData('/app/absent'))
    const status = stage.server.status()
    const STAT = 68
    expect(summary(status, 'read_per_namespace', 'app')).toMatchObject({
      count: 3,
      sum: 4 + 5 + STAT + (4 + STAT) + (4 + 1 + STAT),
    })
    expect(summary(status, 'write_per_namespace', 'app')).toMatchObject({
      count: 3,
      sum: 4 + 5 + 6 + (6 + 2),
    })
    expect(summary(status, 'write_per_namespace', 'application')).toMatchObject({
      count: 1,
      sum: 12,
    })
    expect(status.metrics.summarySets.get('read_per_namespace')!.size).toBe(1)
  })

  test('batches, and the queues of connections behind writes', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 20, latencyMsMax: 20 } })
    const client = stage.session()
    const other = stage.session()
    stage.server.control.resetStats()
    client.send(create('/a'), getData('/a'), getData('/a'), create('/b'), getData('/b'))
    other.send(create('/c'))
    stage.until(() => client.unanswered.length + other.unanswered.length === 0)
    const status = stage.server.status()
    expect(counter(status, 'request_commit_queued')).toBe(3)
    expect(counter(status, 'sync_processor_request_queued')).toBe(3)
    expect(counter(status, 'prep_processor_request_queued')).toBe(3)
    expect(summary(status, 'commit_commit_proc_req_queued').sum).toBe(3)
    expect(summary(status, 'sync_processor_batch_size').sum).toBe(3)
    expect(summary(status, 'requests_in_session_queue')).toMatchObject({ count: 3, sum: 5 + 2 + 1 })
    expect(summary(status, 'reads_after_write_in_session_queue')).toMatchObject({ sum: 3, max: 2 })
    expect(summary(status, 'session_queues_drained').sum).toBe(2)
    expect(summary(status, 'read_commitproc_time_ms')).toMatchObject({ count: 3 })
    expect(summary(status, 'read_commitproc_time_ms').min).toBeGreaterThanOrEqual(19)
    expect(summary(status, 'write_commitproc_time_ms').min).toBeGreaterThanOrEqual(20)
    expect(summary(status, 'updatelatency').min).toBeGreaterThanOrEqual(20)
    expect(summary(status, 'fsynctime').min).toBeGreaterThanOrEqual(20)
    expect(counter(status, 'outstanding_changes_queued')).toBeGreaterThanOrEqual(6)
    expect(counter(status, 'outstanding_changes_removed')).toBe(
      counter(status, 'outstanding_changes_queued'),
    )
  })

  test('nothing waits when everything is answered, whatever ended', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 20, latencyMsMax: 20 } })
    const client = stage.session()
    client.send(create('/a'), getData('/a'), create('/b'), getData('/b'))
    stage.until(() => stage.server.outstanding.waiting === 2)
    expect(stage.server.outstanding).toMatchObject({ requests: 4, queues: 1 })
    client.destroy()
    stage.until(() => stage.server.outstanding.requests === 0)
    expect(stage.server.outstanding).toMatchObject({ waiting: 0, queues: 0, bytes: 0 })
  })

  test('watchers, the ends of sessions, and what a quota refuses', () => {
    const stage = Stage.open({ config: { enforceQuota: true } })
    const clients = [stage.session(), stage.session()]
    const client = clients[0]!
    stage.call(client, create('/app'))
    for (const one of clients) {
      stage.call(one, getData('/app', true))
      stage.call(one, getChildren('/app', true))
      stage.call(one, exists('/app/a', true))
    }
    stage.call(client, setData('/app', 'x'))
    stage.call(client, create('/app/a'))
    stage.call(client, create('/zookeeper/quota/app'))
    stage.call(
      client,
      create('/zookeeper/quota/app/zookeeper_limits', 'count=-1,bytes=-1=;countHardLimit=2'),
    )
    stage.call(client, create('/zookeeper/quota/app/zookeeper_stats'))
    stage.call(client, create('/app/b'))
    stage.call(client, multi(setDataOp('/app', 'y')))
    stage.call(clients[1]!, closeSession)
    const status = stage.server.status()
    expect(summary(status, 'node_changed_watch_count')).toMatchObject({ count: 1, sum: 2 })
    expect(summary(status, 'node_created_watch_count')).toMatchObject({ count: 1, sum: 2 })
    expect(summary(status, 'node_children_watch_count')).toMatchObject({ count: 1, sum: 2 })
    expect(summary(status, 'close_session_prep_time').count).toBe(1)
    expect([...status.metrics.counterSets.get('quota_exceeded_error_per_namespace')!]).toEqual([
      ['app', 1],
    ])
    expect([...status.inventory.quotas()]).toEqual([
      ['app', { countLimit: 2, bytesLimit: -1, countUsage: 2, bytesUsage: 1 }],
    ])
  })

  test('who is turned away, and who has gone', () => {
    const stage = Stage.open({
      config: {
        tuning: {
          ...DEFAULT_TUNING,
          connectionThrottle: {
            ...DEFAULT_TUNING.connectionThrottle,
            tokensMax: 4,
            fillMs: 1e6,
            weights: { global: 3, local: 1, renewed: 1 },
          },
          largeRequests: { thresholdBytes: 300, bytesMax: 300 },
        },
      },
    })
    const client = stage.session()
    const second = stage.client()
    stage.until(() => second.isClosed)
    expect(stage.call(client, create('/a', 'x'.repeat(100))).err).toBe(0)
    client.send(create('/b', 'x'.repeat(500)))
    stage.until(() => client.isClosed)
    const raw = stage.client({ isRaw: true })
    stage.runFor(5)
    raw.destroy()
    stage.until(() => stage.server.connections.size === 0)
    const status = stage.server.status()
    expect(summary(status, 'connection_token_deficit')).toMatchObject({ count: 2, min: 3, max: 3 })
    expect(counter(status, 'connection_rejected')).toBe(1)
    expect(counter(status, 'large_requests_rejected')).toBe(1)
    expect(counter(status, 'connection_drop_count')).toBe(1)
  })

  test('its start, and everything anew after a reset', () => {
    const stage = Stage.open()
    stage.call(stage.session(), create('/a'))
    stage.stop()
    stage.start()
    const status = stage.server.status()
    expect(
      summary(status, 'startup_snap_load_time').count +
        summary(status, 'startup_txns_load_time').count,
    ).toBeGreaterThan(0)
    expect(summary(status, 'dbinittime').count).toBe(1)
    stage.server.control.resetStats()
    expect(summary(stage.server.status(), 'dbinittime').count).toBe(0)
  })
})

describe('the servers of an ensemble measure', () => {
  let leader: ServerStatus
  let follower: ServerStatus
  let master: ServerStatus
  let observer: ServerStatus
  let followerIds: number[]

  beforeAll(() => {
    const observerMaster = { port: 2890, windowBytesMax: 1024 * 1024 }
    const stage = new EnsembleStage({ observerMaster }, 500, {}, 1)
    const { leaderId } = stage
    const statusOf = (id: number): ServerStatus => stage.ensemble.members[id - 1]!.server!.status()
    const masterId = statusOf(4).quorum!.learnerMaster! as number
    followerIds = [1, 2, 3].filter((id) => id !== leaderId)
    const followerId = followerIds.find((id) => id !== masterId)!
    for (const id of [leaderId, followerId, 4]) {
      const client = stage.session(id)
      for (let i = 0; i < 10; i += 1) stage.call(client, create(`/of-${id}-${i}`))
    }
    // A client that moves: its learner asks the leader.
    const moving = stage.session(leaderId)
    moving.destroy()
    const { sessionId } = moving
    stage.session(followerId, { sessionId, password: moving.handshake!.passwd })
    stage.runFor(1000)
    leader = statusOf(leaderId)
    follower = statusOf(followerId)
    master = statusOf(masterId)
    observer = statusOf(4)
  })

  test('proposals, acknowledgements and commits', () => {
    const proposals = counter(leader, 'proposal_count')
    expect(proposals).toBeGreaterThanOrEqual(34)
    expect(counter(leader, 'commit_count')).toBe(proposals)
    expect(summary(leader, 'quorum_ack_latency').count).toBe(proposals)
    expect(counter(follower, 'learner_proposal_received_count')).toBe(proposals)
    expect(counter(follower, 'learner_commit_received_count')).toBe(proposals)
    expect(summary(follower, 'proposal_latency').count).toBe(proposals)
    expect(summary(follower, 'proposal_ack_creation_latency').count).toBe(proposals)
    expect(summary(follower, 'commit_propagation_latency').count).toBe(proposals)
    expect(counter(observer, 'learner_commit_received_count')).toBe(proposals)
    expect(counter(observer, 'learner_proposal_received_count')).toBe(0)
    const acks = leader.metrics.summarySets.get('ack_latency')!
    expect([...acks.keys()].sort()).toEqual(followerIds.map(String))
    for (const { count } of acks.values()) expect(count).toBe(proposals)
    for (const status of [leader, follower, master, observer]) {
      expect(counter(status, 'request_commit_queued')).toBe(proposals)
      expect(summary(status, 'propagation_latency').count).toBe(proposals)
      expect(counter(status, 'digest_mismatches_count')).toBe(0)
    }
  })

  test('own writes and those of others', () => {
    for (const status of [leader, follower, observer]) {
      const own = summary(status, 'local_write_committed_time_ms').count
      const others = summary(status, 'server_write_committed_time_ms').count
      expect(own).toBeGreaterThanOrEqual(11)
      expect(own + others).toBe(counter(status, 'request_commit_queued'))
      expect(summary(status, 'write_commitproc_time_ms').count).toBe(own)
    }
  })

  test('how they came together', () => {
    expect(summary(leader, 'leader_unavailable_time').count).toBe(1)
    expect(summary(follower, 'follower_sync_time').count).toBe(1)
    expect(summary(observer, 'observer_sync_time').count).toBe(1)
    for (const status of [leader, follower, observer]) {
      expect(counter(status, 'looking_count')).toBe(1)
      expect(summary(status, 'election_time').count).toBe(1)
      expect(summary(status, 'unavailable_time').count).toBe(1)
      expect(summary(status, 'unavailable_time').max).toBeGreaterThanOrEqual(
        summary(status, 'election_time').max,
      )
    }
    expect(counter(leader, 'diff_count') + counter(leader, 'snap_count')).toBe(2)
    expect(counter(master, 'diff_count') + counter(master, 'snap_count')).toBe(1)
  })

  test('links to learners, and what observers are sent', () => {
    for (const id of followerIds) {
      expect(summary(leader, 'learner_handler_qp_size', `${id}`).min).toBeGreaterThan(0)
      expect(summary(leader, 'learner_handler_qp_time_ms', `${id}`).count).toBeGreaterThan(0)
    }
    expect(summary(master, 'learner_handler_qp_size', '4').count).toBeGreaterThan(0)
    expect(summary(master, 'om_proposal_process_time_ms').count).toBe(
      counter(leader, 'proposal_count'),
    )
    expect(summary(master, 'om_commit_process_time_ms').count).toBeGreaterThan(0)
  })

  test('sessions that move', () => {
    expect(counter(leader, 'revalidate_count')).toBe(1)
    expect(counter(follower, 'connection_revalidate_count')).toBe(1)
    expect(counter(leader, 'connection_revalidate_count')).toBe(0)
  })
})
