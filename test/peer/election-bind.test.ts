import { expect, test } from 'vitest'
import { ElectionPortError } from '../../src/peer/index.ts'
import { type ElectionNode, ElectionStage } from './support/election-stage.ts'

const LIMITS = { bindTries: 3, bindRetryMs: 1000 }

/** A server whose port is taken by somebody else. */
function taken(limits: object): [stage: ElectionStage, node: ElectionNode, free: () => void] {
  const stage = new ElectionStage(1, [1, 2], limits)
  const other = stage.listener(1)
  stage.until(() => other.listener !== null)
  const node = stage.node(1)
  return [stage, node, () => other.listener!.close(() => {})]
}

test('an election port that is taken is tried again', () => {
  const [stage, node, free] = taken(LIMITS)
  stage.runFor(1500)
  expect(node.address).toBeNull()
  free()
  stage.until(() => node.address !== null)
  expect(stage.logLines).toEqual(
    Array.from({ length: 2 }, () => 'the port cannot be listened on; tried again'),
  )
})

test('and is an error of its own after so many times', () => {
  const [stage, node] = taken(LIMITS)
  const errors: Error[] = []
  node.onPortError = (error) => errors.push(error)
  stage.runFor(1999)
  expect(errors).toEqual([])
  stage.runFor(60_000)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toBeInstanceOf(ElectionPortError)
  expect(errors[0]).toMatchObject({ code: 'EADDRINUSE' })
})

test('it is not tried any more once the port is closed', () => {
  const [stage, node, free] = taken({ bindTries: Infinity, bindRetryMs: 1000 })
  stage.runFor(10_000)
  node.port.stop()
  free()
  stage.runFor(10_000)
  expect(node.address).toBeNull()
})

test('with tcpKeepAlive, the machine at the other end is asked whether it knows the connection', () => {
  const stage = new ElectionStage(1, [1, 2], { keepAliveMs: 5000 })
  const [one, two] = [stage.node(1), stage.node(2)]
  two.send(1, 7)
  stage.until(() => one.heard.length > 0)
  const before = stage.world.events.executed
  stage.runFor(60_000)
  expect(stage.world.events.executed).toBeGreaterThan(before)
  const still = new ElectionStage(1, [1, 2])
  const [three, four] = [still.node(1), still.node(2)]
  four.send(1, 7)
  still.until(() => three.heard.length > 0)
  still.runFor(60_000)
  const quiet = still.world.events.executed
  still.runFor(60_000)
  expect(still.world.events.executed).toBe(quiet)
})
