import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../src/base/index.ts'
import { sessionPassword } from '../../src/session/index.ts'
import { CreateMode, ErrorCode, OpCode } from '../../src/wire/index.ts'
import {
  closeSession,
  create,
  EnsembleStage,
  exists,
  getData,
  multi,
  ping,
  type Request,
  setData,
  sync,
  type WireClient,
} from './support/index.ts'

const READ_ONLY = { isReadOnlyModeEnabled: true }
const canBeReadOnly = true

/** Servers 2 and 3 are gone, and server 1 has noticed. */
function leaveAlone(stage: EnsembleStage): void {
  stage.crash(2, 3)
  stage.until(() => stage.isReadOnly(1))
}

function rejoin(stage: EnsembleStage): void {
  stage.restart(2, 3)
  stage.until(() => stage.ensemble.isWhole)
}

/** Zero session: it is over. Nothing: turned away without a word. */
function outcome(stage: EnsembleStage, client: WireClient): 'over' | 'served' | 'turned away' {
  stage.until(() => client.handshake !== null || client.isClosed)
  if (client.handshake === null) return 'turned away'
  return client.handshake.sessionId === 0n ? 'over' : 'served'
}

describe('a server without a leader', () => {
  it('serves nobody unless read-only mode is enabled', () => {
    const stage = new EnsembleStage()
    stage.crash(2, 3)
    stage.runFor(10_000)
    expect(stage.isReadOnly(1)).toBe(false)
    expect(outcome(stage, stage.client(1, { canBeReadOnly }))).toBe('turned away')
  })

  it('waits two seconds, then serves reads to those who ask for no more', () => {
    const stage = new EnsembleStage(READ_ONLY)
    const writer = stage.session(1)
    stage.call(writer, create('/a', 'x'))
    stage.crash(2, 3)
    stage.until(() => writer.isClosed)
    stage.runFor(1900)
    expect(outcome(stage, stage.client(1, { canBeReadOnly }))).toBe('turned away')
    stage.until(() => stage.isReadOnly(1))
    const status = stage.ensemble.members[0]!.server!.status()
    expect(status).toMatchObject({ mode: 'read-only', isReadOnly: true, isServing: true })
    expect(outcome(stage, stage.client(1))).toBe('turned away')
    expect(outcome(stage, stage.client(1, { hasReadOnly: false }))).toBe('turned away')
    const reader = stage.session(1, { canBeReadOnly })
    expect(reader.handshake).toMatchObject({ readOnly: true })
    expect(stage.call(reader, getData('/a', true)).err).toBe(ErrorCode.ok)
    expect(stage.call(reader, ping).err).toBe(ErrorCode.ok)
  })

  it('refuses every write, sync too, in the order of the requests', () => {
    const stage = new EnsembleStage(READ_ONLY)
    leaveAlone(stage)
    const client = stage.session(1, { canBeReadOnly })
    const malformed: Request = { type: OpCode.create, writeBody: () => {} }
    const check: Request = { type: OpCode.check, writeBody: () => {} }
    const writes = [create('/a'), setData('/', 'x'), multi(), sync('/'), malformed, check]
    const sent = client.send(...writes, exists('/'), closeSession)
    stage.until(() => client.isClosed)
    const { lastApplied } = stage.ensemble.members[0]!.server!
    for (const { reply } of sent.slice(0, writes.length)) {
      expect(reply).toMatchObject({ err: ErrorCode.notReadOnly, zxid: lastApplied })
      expect(reply!.body.length).toBe(0)
    }
    expect(sent.slice(writes.length).map(({ reply }) => reply!.err)).toEqual([0, 0])
  })

  it('does not say that a session is over whose fate it does not know', () => {
    const stage = new EnsembleStage(READ_ONLY)
    const known = stage.session(1)
    leaveAlone(stage)
    const sessionId = (known.sessionId + 7n) as SessionId
    const unknown = { sessionId, password: sessionPassword(sessionId) }
    for (const credentials of [known.credentials(), unknown]) {
      const client = stage.client(1, { ...credentials, canBeReadOnly })
      expect(outcome(stage, client)).toBe('turned away')
    }
  })

  it('has sessions of its own, which end with it', () => {
    const stage = new EnsembleStage(READ_ONLY)
    leaveAlone(stage)
    const first = stage.session(1, { canBeReadOnly, timeoutMs: 4000 })
    const second = stage.session(1, { ...first.credentials(), canBeReadOnly, timeoutMs: 4000 })
    expect(second.sessionId).toBe(first.sessionId)
    stage.until(() => first.isClosed)
    const silent = stage.session(1, { canBeReadOnly, timeoutMs: 1000 })
    stage.runFor(3000)
    expect(silent.isClosed).toBe(true)
    expect(outcome(stage, stage.client(1, { ...silent.credentials(), canBeReadOnly }))).toBe('over')
    rejoin(stage)
    expect(second.isClosed).toBe(true)
    expect(outcome(stage, stage.client(1, second.credentials()))).toBe('over')
    const next = stage.session(1, { canBeReadOnly })
    expect(next.handshake).toMatchObject({ readOnly: false })
    expect(next.sessionId > second.sessionId).toBe(true)
    expect(stage.call(next, create('/a')).err).toBe(ErrorCode.ok)
  })

  it('keeps local sessions through it when they are enabled', () => {
    const localSessions = { isEnabled: true, isUpgrading: true }
    const stage = new EnsembleStage({ ...READ_ONLY, localSessions })
    const client = stage.session(1)
    leaveAlone(stage)
    const reader = stage.session(1, { ...client.credentials(), canBeReadOnly })
    expect(reader.handshake).toMatchObject({ sessionId: client.sessionId, readOnly: true })
    rejoin(stage)
    const writer = stage.session(1, client.credentials())
    expect(writer.handshake).toMatchObject({ sessionId: client.sessionId, readOnly: false })
    expect(stage.call(writer, create('/e', '', { flags: CreateMode.ephemeral })).err).toBe(0)
  })

  it('shows its whole log after a start, and keeps it out of its own state', () => {
    const stage = new EnsembleStage(READ_ONLY)
    const writer = stage.session(1)
    for (let i = 0; i < 20; i += 1) stage.call(writer, create(`/n${i}`, 'x'))
    const { lastApplied } = stage.ensemble.members[0]!.server!
    stage.crash(1, 2, 3)
    stage.restart(1)
    stage.until(() => stage.isReadOnly(1))
    const { server } = stage.ensemble.members[0]!
    expect(server!.lastApplied).toBe(lastApplied)
    expect(server!.state.lastApplied).toBe(0n)
    const reader = stage.session(1, { canBeReadOnly, lastZxidSeen: lastApplied })
    for (let i = 0; i < 20; i += 1) {
      expect(stage.call(reader, getData(`/n${i}`)).err).toBe(ErrorCode.ok)
    }
    rejoin(stage)
    expect(reader.isClosed).toBe(true)
    expect(server!.state.lastApplied >= lastApplied).toBe(true)
    expect(stage.call(stage.session(1), getData('/n19')).err).toBe(ErrorCode.ok)
  })
})
