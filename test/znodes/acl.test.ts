import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ErrorCode, Perms } from '../../src/wire/codes.ts'
import type { AclEntry, AuthId } from '../../src/wire/records.ts'
import { EXPANDED_ACL_MAX } from '../../src/znodes/acl.ts'
import {
  AclTable,
  AuthProviders,
  allows,
  fixupAcl,
  maskDigests,
  OPEN_ACL,
} from '../../src/znodes/index.ts'

const providers = new AuthProviders()
const ip: AuthId = { scheme: 'ip', id: '10.1.2.3' }
const ann: AuthId = { scheme: 'digest', id: 'ann:hash' }
const bob: AuthId = { scheme: 'digest', id: 'bob:hash' }
const superUser: AuthId = { scheme: 'super', id: '' }

function entry(perms: number, scheme: string | null, id: string | null): AclEntry {
  return { perms, scheme, id }
}

describe('decision', () => {
  const cases: readonly (readonly [string, AclEntry[], number, AuthId[], boolean])[] = [
    ['an empty list allows everything', [], Perms.admin, [ip], true],
    ['world:anyone', [entry(1, 'world', 'anyone')], Perms.read, [ip], true],
    ['the wanted bit is missing', [entry(1, 'world', 'anyone')], Perms.write, [ip], false],
    [
      'one of two wanted bits',
      [entry(16, 'world', 'anyone')],
      Perms.read | Perms.admin,
      [ip],
      true,
    ],
    ['super passes', [entry(31, 'digest', 'x:y')], Perms.admin, [ip, superUser], true],
    ['super passes even perms 0', [entry(0, 'world', 'anyone')], Perms.read, [superUser], true],
    ['own digest', [entry(31, 'digest', 'ann:hash')], Perms.write, [ip, ann], true],
    ['foreign digest', [entry(31, 'digest', 'ann:hash')], Perms.write, [ip, bob], false],
    [
      'any entry will do',
      [entry(0, 'world', 'anyone'), entry(4, 'digest', 'ann:hash')],
      4,
      [ann],
      true,
    ],
    ['ip range', [entry(1, 'ip', '10.0.0.0/8')], Perms.read, [ip], true],
    ['other ip range', [entry(1, 'ip', '11.0.0.0/8')], Perms.read, [ip], false],
    [
      'unknown scheme',
      [entry(31, 'sasl', 'ann')],
      Perms.read,
      [{ scheme: 'sasl', id: 'ann' }],
      false,
    ],
    ['unchecked perms', [entry(-1, 'world', 'anyone')], Perms.delete, [ip], true],
    ['null id from a foreign transaction', [entry(31, 'digest', null)], Perms.read, [ann], false],
  ]
  test.each(cases)('%s', (_name, acl, perms, ids, allowed) => {
    expect(allows(acl, perms, ids, providers)).toBe(allowed)
  })

  test('skipACL allows everything', () => {
    const skipping = new AuthProviders({ skipAcl: true })
    expect(allows([entry(0, 'digest', 'x:y')], Perms.admin, [ip], skipping)).toBe(true)
  })
})

describe('fix-up', () => {
  const digest = entry(31, 'digest', 'u:h')
  const cases: readonly (readonly [string, AclEntry[] | null, AclEntry[] | number])[] = [
    ['null list', null, ErrorCode.invalidACL],
    ['empty list', [], ErrorCode.invalidACL],
    ['open', [entry(31, 'world', 'anyone')], [entry(31, 'world', 'anyone')]],
    ['perms are not checked', [entry(255, 'world', 'anyone')], [entry(255, 'world', 'anyone')]],
    ['world:foo', [entry(31, 'world', 'foo')], ErrorCode.invalidACL],
    ['world with an empty id', [entry(31, 'world', '')], ErrorCode.invalidACL],
    ['world with a null id', [entry(31, 'world', null)], ErrorCode.marshallingError],
    ['null scheme', [entry(31, null, 'x')], ErrorCode.invalidACL],
    ['null scheme and id', [entry(31, null, null)], ErrorCode.invalidACL],
    ['unknown scheme', [entry(31, 'nobody', 'x')], ErrorCode.invalidACL],
    ['unknown scheme with a null id', [entry(31, 'nobody', null)], ErrorCode.invalidACL],
    ['super', [entry(31, 'super', '')], ErrorCode.invalidACL],
    ['digest', [digest], [digest]],
    ['digest without a hash', [entry(31, 'digest', 'u')], ErrorCode.invalidACL],
    ['digest with a null id', [entry(31, 'digest', null)], ErrorCode.marshallingError],
    ['ip with a null id', [entry(31, 'ip', null)], ErrorCode.marshallingError],
    ['ip', [entry(31, 'ip', '10.0.0.0/33')], ErrorCode.invalidACL],
    [
      'the first bad entry decides',
      [entry(31, 'world', null), entry(31, 'x', 'y')],
      ErrorCode.marshallingError,
    ],
    [
      'the first bad entry decides, turned',
      [entry(31, 'x', 'y'), entry(31, 'world', null)],
      ErrorCode.invalidACL,
    ],
    [
      'duplicates go, order stays',
      [digest, entry(1, 'world', 'anyone'), digest],
      [digest, entry(1, 'world', 'anyone')],
    ],
    [
      'other perms are no duplicate',
      [digest, entry(1, 'digest', 'u:h')],
      [digest, entry(1, 'digest', 'u:h')],
    ],
    [
      'auth becomes every user',
      [entry(3, 'auth', '')],
      [entry(3, 'digest', 'ann:hash'), entry(3, 'digest', 'bob:hash')],
    ],
    [
      'auth with a null id',
      [entry(1, 'auth', null)],
      [entry(1, 'digest', 'ann:hash'), entry(1, 'digest', 'bob:hash')],
    ],
    [
      'two auth entries both expand, duplicates stay',
      [entry(1, 'auth', 'a'), entry(1, 'auth', 'b')],
      [1, 2].flatMap(() => [entry(1, 'digest', 'ann:hash'), entry(1, 'digest', 'bob:hash')]),
    ],
  ]
  test.each(cases)('%s', (_name, acl, expected) => {
    expect(fixupAcl(acl, [ip, ann, superUser, bob], providers)).toEqual(expected)
  })

  test('auth without a user is refused: ip and super are none', () => {
    const acl = [entry(31, 'auth', '')]
    expect(fixupAcl(acl, [ip, superUser], providers)).toBe(ErrorCode.invalidACL)
  })

  test('long lists lose their duplicates too', () => {
    const acl = Array.from({ length: 30_000 }, (_, i) => entry(i % 20, 'world', 'anyone'))
    expect(fixupAcl(acl, [ip], providers)).toEqual(acl.slice(0, 20))
  })

  test('a list that auth entries blow up is refused', () => {
    const ids = Array.from({ length: 256 }, (_, i) => ({ scheme: 'digest', id: `u${i}:h` }))
    const acl = Array.from({ length: EXPANDED_ACL_MAX / 256 + 1 }, (_, i) => entry(i, 'auth', ''))
    expect(fixupAcl(acl.slice(1), ids, providers)).toHaveLength(EXPANDED_ACL_MAX)
    expect(fixupAcl(acl, ids, providers)).toBe(ErrorCode.invalidACL)
  })
})

test('digests are masked after the first colon, other schemes are not', () => {
  const acl = [
    entry(31, 'digest', 'u:a:b'),
    entry(1, 'ip', '10.0.0.1'),
    entry(1, 'digest', 'plain'),
  ]
  expect(maskDigests(acl)).toEqual([
    entry(31, 'digest', 'u:x'),
    entry(1, 'ip', '10.0.0.1'),
    entry(1, 'digest', 'plain'),
  ])
  expect(maskDigests(OPEN_ACL)).toBe(OPEN_ACL)
})

describe('shared lists', () => {
  test('equal lists are one frozen array, and go with their last user', () => {
    const table = new AclTable()
    const first = table.acquire([entry(1, 'digest', 'u:h'), entry(2, 'world', 'anyone')])
    const second = table.acquire([entry(1, 'digest', 'u:h'), entry(2, 'world', 'anyone')])
    expect(second).toBe(first)
    expect(Object.isFrozen(first) && Object.isFrozen(first[0])).toBe(true)
    expect(table.acquire(first)).toBe(first)
    expect(table.size).toBe(1)
    table.release(first)
    table.release(first)
    expect(table.size).toBe(1)
    table.release(first)
    expect(table.size).toBe(0)
  })

  test('the open list is shared and never goes', () => {
    const table = new AclTable()
    expect(table.acquire([entry(31, 'world', 'anyone')])).toBe(OPEN_ACL)
    table.release(OPEN_ACL)
    expect(table.acquire(OPEN_ACL)).toBe(OPEN_ACL)
    expect(table.size).toBe(0)
  })

  test('different lists stay apart, whatever their texts hold', () => {
    const text = fc.option(
      fc.string({ unit: fc.constantFrom('1', ':', ',', '-', 'a'), maxLength: 5 }),
    )
    const list = fc.array(
      fc.tuple(fc.integer({ min: -1, max: 12 }), text, text).map((t) => entry(...t)),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(list, list, (a, b) => {
        const table = new AclTable()
        const isShared = table.acquire(a) === table.acquire(b)
        expect(isShared).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
      { numRuns: 3000 },
    )
  })
})
