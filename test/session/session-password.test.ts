import { expect, test } from 'vitest'
import type { SessionId } from '../../src/base/index.ts'
import { isSessionPassword, sessionPassword } from '../../src/session/index.ts'

function signed(id: bigint): SessionId {
  return BigInt.asIntN(64, id) as SessionId
}

test.each([
  [0x0100000cc3660000n, 'b8d8c52ae5c7271d56a6a4ac365f76f0'],
  [0x0123456789abcdefn, 'f7cd1b8b3f946c477425d41be3f667c6'],
  [1n, '054cc74a37327db215e702e20c73f005'],
  [0xfe00000000000001n, '054cc74a37327db215e702e20c73f005'],
])('the password of session 0x%s as Apache makes it', (id, hex) => {
  expect(Buffer.from(sessionPassword(signed(id)), 'latin1').toString('hex')).toBe(hex)
})

test('every wrong byte, length and null is refused', () => {
  const id = signed(0x0100000cc3660000n)
  const password = sessionPassword(id)
  expect(isSessionPassword(id, password)).toBe(true)
  for (let i = 0; i < 16; i++) {
    for (const flip of [1, 0x80]) {
      const wrong = Buffer.from(password, 'latin1')
      wrong[i]! ^= flip
      expect(isSessionPassword(id, wrong.toString('latin1'))).toBe(false)
    }
  }
  for (const wrong of [null, '', password.slice(1), `${password}\0`, '\0'.repeat(16)]) {
    expect(isSessionPassword(id, wrong)).toBe(false)
  }
})

test('session 0 has no password', () => {
  const none = 0n as SessionId
  expect(isSessionPassword(none, sessionPassword(none))).toBe(false)
})
