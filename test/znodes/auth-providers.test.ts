import { describe, expect, test } from 'vitest'
import type { AuthId, ByteString } from '../../src/wire/records.ts'
import { AUTH_DATA_MAX, CONNECTION_IDS_MAX } from '../../src/znodes/auth-providers.ts'
import { type AuthProvider, AuthProviders, digestId } from '../../src/znodes/index.ts'

const ids: readonly AuthId[] = [{ scheme: 'ip', id: '127.0.0.1' }]

function bytes(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1') as ByteString
}

describe('digest', () => {
  const providers = new AuthProviders()

  test.each([
    ['u:p', 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ='],
    ['super:test', 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='],
    ['foo', 'foo:C+7Hteo/D9vJXQ3UfzxbwnXaijM='],
    ['', ':2jmj7l5rSw0yVb/vlWAYkK/YBwk='],
    ['u:p:q', 'u:VIgTKUjc2iscZoJn2UUrdGNNgW4='],
    ['é:ü', 'é:Ztqg8TrMmzkSFpOaDBO87lu10+c='],
  ])('auth data %j gives the id %j', (data, id) => {
    expect(providers.authenticate('digest', bytes(data), ids)).toEqual([
      ...ids,
      { scheme: 'digest', id },
    ])
  })

  test('bytes that are no UTF-8 are hashed as U+FFFD', () => {
    const replaced = providers.authenticate('digest', '\xff:p' as ByteString, ids)
    expect(replaced?.[1]?.id).toBe(digestId('\ufffd:p'))
  })

  test('a second time brings nothing new', () => {
    const once = providers.authenticate('digest', bytes('u:p'), ids)!
    expect(providers.authenticate('digest', bytes('u:p'), once)).toBe(once)
  })

  test('super digest adds the super id besides its own', () => {
    const withSuper = new AuthProviders({ superDigest: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' })
    expect(withSuper.authenticate('digest', bytes('super:test'), [])).toEqual([
      { scheme: 'super', id: '' },
      { scheme: 'digest', id: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' },
    ])
    expect(withSuper.authenticate('digest', bytes('super:else'), [])).toHaveLength(1)
  })

  test.each([
    ['x:y', true],
    [':y', true],
    ['x:y:', true],
    ['x:y::', true],
    ['x', false],
    ['x:', false],
    ['x::', false],
    ['x::y', false],
    ['x:y:z', false],
    ['', false],
    [':', false],
    ['::', false],
  ])('an ACL id %j is valid: %s', (id, valid) => {
    expect(providers.find('digest')?.isValid(id)).toBe(valid)
  })

  test('the algorithm can be another', () => {
    const reversing = new AuthProviders({ digest: (text) => [...text].reverse().join('') })
    expect(reversing.authenticate('digest', bytes('u:p'), [])?.[0]?.id).toBe('u:cDp1')
  })

  test('switched off, it is an unknown scheme', () => {
    const without = new AuthProviders({ isDigestEnabled: false })
    expect(without.authenticate('digest', bytes('u:p'), ids)).toBeNull()
    expect(without.find('digest')).toBeUndefined()
  })
})

describe('auth packets', () => {
  const providers = new AuthProviders()

  test.each([
    ['null', null],
    ['unknown', 'nobody'],
    ['world', 'world'],
    ['auth', 'auth'],
    ['super', 'super'],
    ['sasl', 'sasl'],
    ['a name of Object.prototype', 'constructor'],
  ])('scheme %s is refused', (_name, scheme) => {
    expect(providers.authenticate(scheme, bytes('a:b'), ids)).toBeNull()
  })

  test('digest with null data is refused', () => {
    expect(providers.authenticate('digest', null, ids)).toBeNull()
  })

  test('ip succeeds and changes nothing', () => {
    expect(providers.authenticate('ip', null, ids)).toBe(ids)
  })

  test('too long digest data is refused', () => {
    const longest = 'p'.repeat(AUTH_DATA_MAX) as ByteString
    expect(providers.authenticate('digest', longest, ids)).toHaveLength(2)
    expect(providers.authenticate('digest', `${longest}p` as ByteString, ids)).toBeNull()
  })

  test('a connection cannot gather ids without end', () => {
    let gathered: readonly AuthId[] = ids
    while (gathered.length < CONNECTION_IDS_MAX) {
      gathered = providers.authenticate('digest', bytes(`u${gathered.length}:p`), gathered)!
    }
    expect(providers.authenticate('digest', bytes('one:more'), gathered)).toBeNull()
    expect(providers.authenticate('digest', bytes('u5:p'), gathered)).toBe(gathered)
  })
})

test('a custom scheme takes part in everything', () => {
  const token: AuthProvider = {
    scheme: 'token',
    isAuthenticated: true,
    isValid: (aclId) => aclId !== '',
    matches: (connectionId, aclId) => connectionId.startsWith(aclId),
    authenticate: (data) => (data === 'good' ? [{ scheme: 'token', id: 'team-a' }] : null),
    userName: (id) => id.toUpperCase(),
  }
  const providers = new AuthProviders({ custom: [token] })
  expect(providers.authenticate('token', bytes('bad'), ids)).toBeNull()
  expect(providers.authenticate('token', bytes('good'), ids)).toEqual([
    ...ids,
    { scheme: 'token', id: 'team-a' },
  ])
  expect(providers.userName({ scheme: 'token', id: 'team-a' })).toBe('TEAM-A')
})

test.each([
  ['digest', 'u:hash', 'u'],
  ['digest', ':hash', ''],
  ['super', '', ''],
  ['ip', '127.0.0.1', '127.0.0.1'],
  ['sasl', 'ann@REALM', 'ann@REALM'],
])('whoAmI shows %s:%s as %j', (scheme, id, user) => {
  expect(new AuthProviders().userName({ scheme, id })).toBe(user)
})
