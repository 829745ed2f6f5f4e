import { NO_SESSION, type SessionId } from '../base/index.ts'

/** `ZooKeeperServer.superSecret`. */
const SECRET = 0xb3415c00n
const MULTIPLIER = 0x5deece66dn
const INCREMENT = 0xbn
const STATE_BITS = 48
const PASSWORD_BYTES = 16

/**
 * The 16 bytes, one character each, with which a client takes up its session again: the output of `java.util.Random`
 * seeded with the id, so that every server of an ensemble, Apache's too, knows it without being told. It guards
 * against mistakes, not against attackers: the algorithm is public.
 */
export function sessionPassword(id: SessionId): string {
  let state = BigInt.asUintN(STATE_BITS, id ^ SECRET ^ MULTIPLIER)
  let password = ''
  while (password.length < PASSWORD_BYTES) {
    state = BigInt.asUintN(STATE_BITS, state * MULTIPLIER + INCREMENT)
    const word = Number(state >> 16n)
    password += String.fromCharCode(
      word & 0xff,
      (word >>> 8) & 0xff,
      (word >>> 16) & 0xff,
      word >>> 24,
    )
  }
  return password
}

/** Whether `password` (one character per byte) is that of the session; takes equally long wherever it differs. */
export function isSessionPassword(id: SessionId, password: string | null): boolean {
  if (id === NO_SESSION || password === null || password.length !== PASSWORD_BYTES) return false
  const expected = sessionPassword(id)
  let difference = 0
  for (let i = 0; i < PASSWORD_BYTES; i++) {
    difference |= expected.charCodeAt(i) ^ password.charCodeAt(i)
  }
  return difference === 0
}
