import { expect, test } from 'vitest'
import type { Answer, Operation } from '../../src/sim/clients/index.ts'
import { createOp } from '../../src/sim/clients/roots.ts'
import { type ByteString, CreateMode, ErrorCode, OpCode } from '../../src/wire/index.ts'
import { type Actor, Theatre } from './theatre.ts'

const DATA = 'x'.repeat(10_000)
/** The log is looked after when it grows: two segments and more. */
const WRITES_MAX = 200

function set(data: string): Operation {
  return { type: OpCode.setData, path: '/a', data: data as ByteString, version: -1 }
}

function untilRefused(actor: Actor): Answer {
  for (let i = 0; i < WRITES_MAX; i += 1) {
    const answer = actor.ask(set(`${DATA}${i}`))
    if (answer.err !== ErrorCode.ok) return answer
  }
  throw new Error(`${WRITES_MAX} writes were accepted`)
}

test('a leader with a full disk refuses the writes of all servers, and reads go on', () => {
  const stage = new Theatre({ tickTimeMs: 500 }).open()
  const { leader, followers } = stage
  const near = stage.actor([leader])
  const far = stage.actor([followers[0]!])
  expect(near.ask(createOp('/a', '', CreateMode.persistent) as Operation).err).toBe(ErrorCode.ok)
  stage.fault({ kind: 'fillDisk', host: leader.host.name })
  expect(untilRefused(far).err).toBe(ErrorCode.systemError)
  const refused = 'refused'
  expect(far.ask(set(refused)).err).toBe(ErrorCode.systemError)
  expect(near.ask(set(refused)).err).toBe(ErrorCode.systemError)
  // Who only reads may come and go.
  const reader = stage.actor([followers[1]!])
  for (const actor of [near, far, reader]) {
    const answer = actor.readSynced('/a')
    expect(answer.err).toBe(ErrorCode.ok)
    expect(answer.data).not.toBe(refused)
  }
  expect(stage.leader).toBe(leader)
  stage.fault({ kind: 'freeDisk', host: leader.host.name })
  stage.until(() => far.ask(set('accepted')).err === ErrorCode.ok)
  expect(near.readSynced('/a').data).toBe('accepted')
  stage.close()
})
