import { expect, test } from 'vitest'
import { ownMismatches } from './support/index.ts'

/* Which digest mismatches in the log of an Apache server are those of its own snapshot. */

const OTHER = 'QuorumPeer[myid=1](plain=127.0.0.1:37885)(secure=disabled)'

function line(thread: string, text: string): string {
  return `[${thread}] WARN org.apache.zookeeper.server.DataTree - ${text}\n`
}

function first(thread: string, zxid: number): string {
  return line(thread, `Message:Digests are not matching. Value is Zxid. Value:${zxid}`)
}

function rest(thread: string, zxid: number, times: number = 1): string {
  const count = times === 1 ? '' : `[${times} times] `
  return line(
    thread,
    `${count}Message: Digests are not matching. Value is Zxid. Last value:${zxid}`,
  )
}

test('what is found at the start is its own', () => {
  expect(ownMismatches(first('main', 240))).toBe(1)
  expect(ownMismatches(first('main', 240) + rest('main', 240))).toBe(2)
  expect(ownMismatches(first('main', 240) + rest('main', 243, 4))).toBe(5)
})

test('the next right digest may come with a transaction of the leader', () => {
  expect(ownMismatches(first('main', 240) + rest(OTHER, 240))).toBe(2)
})

test('a snapshot may be loaded again to truncate the log', () => {
  expect(ownMismatches(first(OTHER, 240) + rest(OTHER, 240))).toBe(2)
})

test('what differs from the leader is not its own', () => {
  expect(ownMismatches(first(OTHER, 240))).toBe(0)
  expect(ownMismatches(first(OTHER, 240) + rest(OTHER, 241))).toBe(0)
  expect(ownMismatches(first(OTHER, 240) + rest(OTHER, 250, 9))).toBe(0)
  expect(ownMismatches(first('main', 240) + rest(OTHER, 250, 9))).toBe(1)
})
