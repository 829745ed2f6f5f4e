import { describe, expect, it } from 'vitest'
import { CreateMode, ErrorCode } from '../../src/wire/index.ts'
import {
  closeSession,
  create,
  createOp,
  EnsembleStage,
  exists,
  getData,
  multi,
  ping,
  setData,
  type WireClient,
} from './support/index.ts'

const LOCAL = { localSessions: { isEnabled: true, isUpgrading: false } }
const UPGRADING = { localSessions: { isEnabled: true, isUpgrading: true } }
const EPHEMERAL = { flags: CreateMode.ephemeral }

function sessionsOf(stage: EnsembleStage, server: number): { global: number; local: number } {
  const { localSessionCount, sessionCount } = stage.ensemble.members[server - 1]!.server!.status()
  return { global: sessionCount, local: localSessionCount }
}

/** What a server says about a session that is to be taken up. */
function takeUp(stage: EnsembleStage, server: number, client: WireClient): 'over' | 'taken' {
  const second = stage.session(server, client.credentials())
  return second.handshake!.sessionId === 0n ? 'over' : 'taken'
}

describe.each(['leader', 'follower'] as const)('a local session at a %s', (role) => {
  const serverOf = (stage: EnsembleStage): number =>
    role === 'leader' ? stage.leaderId : stage.followerId

  it('is made and closed without a transaction, and is known to its server only', () => {
    const stage = new EnsembleStage(LOCAL)
    const server = serverOf(stage)
    const before = stage.ensemble.leader!.server!.lastApplied
    const client = stage.session(server)
    expect(sessionsOf(stage, server)).toEqual({ global: 0, local: 1 })
    expect(takeUp(stage, (server % 3) + 1, client)).toBe('over')
    const reply = stage.call(client, closeSession)
    expect(reply).toMatchObject({ err: ErrorCode.ok, zxid: before })
    stage.until(() => client.isClosed)
    expect(sessionsOf(stage, server)).toEqual({ global: 0, local: 0 })
    expect(stage.ensemble.leader!.server!.lastApplied).toBe(before)
    expect(takeUp(stage, server, client)).toBe('over')
  })

  it('writes and reads, and keeps what it wrote before it is taken up again', () => {
    const stage = new EnsembleStage(LOCAL)
    const server = serverOf(stage)
    const first = stage.session(server)
    expect(stage.call(first, create('/a', '1'))).toMatchObject({ err: ErrorCode.ok })
    first.send(setData('/a', '2'))
    const second = stage.session(server, first.credentials())
    expect(second.sessionId).toBe(first.sessionId)
    stage.until(() => first.isClosed)
    expect(stage.call(second, setData('/a', '3', 1))).toMatchObject({ err: ErrorCode.ok })
    expect(stage.call(second, closeSession).err).toBe(ErrorCode.ok)
  })

  it('answers closeSession behind the writes before it', () => {
    const stage = new EnsembleStage(LOCAL)
    const client = stage.session(serverOf(stage))
    const sent = client.send(create('/a'), getData('/a'), closeSession, create('/never'))
    stage.until(() => client.isClosed)
    expect(sent.map(({ reply }) => reply?.err)).toEqual([0, 0, 0, undefined])
  })

  it('expires by itself, with nothing left in the log', () => {
    const stage = new EnsembleStage(LOCAL)
    const server = serverOf(stage)
    const silent = stage.session(server, { timeoutMs: 2000 })
    const kept = stage.session(server, { timeoutMs: 2000 })
    const before = stage.ensemble.leader!.server!.lastApplied
    for (let i = 0; i < 8; i += 1) {
      stage.runFor(500)
      expect(stage.call(kept, ping).err).toBe(ErrorCode.ok)
    }
    expect(silent.isClosed).toBe(true)
    expect(kept.isClosed).toBe(false)
    expect(sessionsOf(stage, server)).toEqual({ global: 0, local: 1 })
    expect(takeUp(stage, server, silent)).toBe('over')
    expect(stage.ensemble.leader!.server!.lastApplied).toBe(before)
  })

  it('may not own an ephemeral unless it is upgraded', () => {
    const stage = new EnsembleStage(LOCAL)
    const client = stage.session(serverOf(stage))
    const refused = stage.call(client, create('/e', '', EPHEMERAL))
    expect(refused.err).toBe(ErrorCode.ephemeralOnLocalSession)
    const inMulti = stage.call(client, multi(createOp('/p'), createOp('/e', '', EPHEMERAL)))
    expect(inMulti.err).toBe(ErrorCode.ok)
    expect(stage.call(client, exists('/p')).err).toBe(ErrorCode.noNode)
    expect(stage.call(client, create('/p')).err).toBe(ErrorCode.ok)
  })

  it('is upgraded by an ephemeral, with the transaction before that of the ephemeral', () => {
    const stage = new EnsembleStage(UPGRADING)
    const server = serverOf(stage)
    const client = stage.session(server, { timeoutMs: 4000 })
    const { zxid } = stage.call(client, create('/p'))
    const sent = client.send(create('/q'), create('/e', '', EPHEMERAL), exists('/e'))
    stage.until(() => sent.every(({ reply }) => reply !== null))
    expect(sent.map(({ reply }) => [reply!.err, reply!.zxid - zxid])).toEqual([
      [0, 1n],
      [0, 3n],
      [0, 3n],
    ])
    expect(sessionsOf(stage, server)).toEqual({ global: 1, local: 0 })
    // It is one of the ensemble now: it moves, and its end takes the ephemeral with it.
    const moved = stage.session((server % 3) + 1, client.credentials())
    expect(moved.sessionId).toBe(client.sessionId)
    expect(stage.call(moved, setData('/e', 'x')).err).toBe(ErrorCode.ok)
    expect(stage.call(moved, closeSession).err).toBe(ErrorCode.ok)
    const other = stage.session((server % 3) + 1)
    expect(stage.call(other, exists('/e')).err).toBe(ErrorCode.noNode)
  })

  it('is upgraded by a multi that makes an ephemeral', () => {
    const stage = new EnsembleStage(UPGRADING)
    const server = serverOf(stage)
    const client = stage.session(server)
    stage.call(client, multi(createOp('/p')))
    expect(sessionsOf(stage, server)).toEqual({ global: 0, local: 1 })
    stage.call(client, multi(createOp('/q'), createOp('/e', '', EPHEMERAL)))
    expect(sessionsOf(stage, server)).toEqual({ global: 1, local: 0 })
    expect(stage.call(client, exists('/e')).err).toBe(ErrorCode.ok)
  })

  it('outlives an election, and an upgraded one expires at the leader', () => {
    const stage = new EnsembleStage(UPGRADING)
    const server = serverOf(stage)
    const upgraded = stage.session(server, { timeoutMs: 3000 })
    stage.call(upgraded, create('/e', '', EPHEMERAL))
    const local = stage.session(server, { timeoutMs: 3000 })
    const others = [1, 2, 3].filter((id) => id !== server)
    stage.crash(...others)
    stage.until(() => local.isClosed)
    stage.runFor(6000)
    stage.restart(...others)
    stage.until(() => stage.ensemble.isWhole)
    expect(takeUp(stage, server, local)).toBe('taken')
    stage.runFor(12_000)
    expect(sessionsOf(stage, server)).toEqual({ global: 0, local: 0 })
    expect(stage.call(stage.session(server), exists('/e')).err).toBe(ErrorCode.noNode)
  })
})
