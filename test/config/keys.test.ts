import { expect, test } from 'vitest'
import { findKey, KEYS, type KeySpec } from '../../src/config/index.ts'
import { parseZooCfg } from '../../src/config/zoo-cfg.ts'

const BASE = 'clientPort=2181\ndataDir=/d\n'

test('names are unique, aliases included', () => {
  const names = KEYS.flatMap((spec) => [spec.key, ...spec.aliases])
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  expect(KEYS.length).toBeGreaterThan(260)
})

test.each([
  ['tickTime', 'tickTime'],
  ['zookeeper.tickTime', 'tickTime'],
  ['jute.maxbuffer', 'jute.maxbuffer'],
  ['zookeeper.jute.maxbuffer', 'jute.maxbuffer'],
  ['requestThrottleLimit', 'request_throttle_max_requests'],
  ['server.17', 'server.N'],
  ['weight.2', 'weight.N'],
  ['authProvider.sasl', 'authProvider.X'],
])('%s is the key %s', (name, key) => {
  expect(findKey(name)?.key).toBe(key)
})

test.each(['ticktime', 'server', 'toString', '__proto__', 'zookeeper.', ''])(
  '%j is no key',
  (name) => {
    expect(findKey(name)).toBeUndefined()
  },
)

/** A feature that is not there is off, whatever the key's default. */
function isMissingSwitch(spec: KeySpec): boolean {
  return spec.treatment === 'later' && spec.kind === 'boolean'
}

const single = KEYS.filter(
  (spec) =>
    !/\.[NX]$/.test(spec.key) &&
    spec.fallback !== '' &&
    !BASE.includes(spec.key) &&
    !isMissingSwitch(spec),
)

test.each(single.map((spec) => [spec.key, spec] as const))(
  '%s at its default says nothing',
  (key, spec) => {
    expect(parseZooCfg(`${BASE}${key}=${spec.fallback}`, 'zoo.cfg').warnings).toEqual([])
  },
)

test.each(KEYS.filter(isMissingSwitch).map((spec) => spec.key))(
  '%s is named when it is on, and not when it is off',
  (key) => {
    expect(parseZooCfg(`${BASE}${key}=False`, 'zoo.cfg').warnings).toEqual([])
    expect(parseZooCfg(`${BASE}${key}=True`, 'zoo.cfg').warnings).toEqual([
      `zoo.cfg: keys without effect: not supported yet: ${key}`,
    ])
  },
)

const OTHER_VALUES = new Map([
  ['boolean', ['true', 'false']],
  ['decimal', ['0.77']],
  ['hours', ['7']],
  ['integer', ['1777']],
  ['path', ['/elsewhere']],
  ['port', ['12345']],
  ['text', ['something']],
  ['yes-no', ['yes', 'no']],
])

/** A value of the right kind that is not the default. */
function otherValue(kind: string, fallback: string): string {
  return OTHER_VALUES.get(kind)!.find((value) => value !== fallback)!
}

const unfollowed = KEYS.filter(
  (spec) =>
    (spec.treatment === 'later' || spec.treatment === 'irrelevant') && !/\.[NX]$/.test(spec.key),
)

test('all keys that are not followed are named in one warning', () => {
  const lines = unfollowed.map((spec) =>
    isMissingSwitch(spec)
      ? `${spec.key}=true`
      : `${spec.key}=${otherValue(spec.kind, spec.fallback)}`,
  )
  const { warnings } = parseZooCfg(`${BASE}${lines.join('\n')}\nmyOwnKey=1\nother=2`, 'zoo.cfg')
  expect(warnings).toHaveLength(1)
  for (const spec of unfollowed) expect(warnings[0]).toMatch(new RegExp(`[ :]${spec.key}(,|;|$)`))
  expect(warnings[0]).toMatch(/unknown: myOwnKey, other$/)
})

test.each(
  KEYS.filter((spec) => spec.treatment === 'guarded').map((spec) => [spec.key, spec] as const),
)('%s stops the start unless it is at its default', (key, spec) => {
  const text = `${BASE}${key}=${otherValue(spec.kind, spec.fallback)}`
  expect(() => parseZooCfg(text, 'zoo.cfg')).toThrow(
    expect.objectContaining({
      key,
      line: 3,
      file: 'zoo.cfg',
      message: expect.stringMatching(/Remove the line/),
    }),
  )
})

test.each(
  KEYS.filter((spec) => spec.treatment === 'ensemble').map((spec) => [spec.key, spec] as const),
)('%s says nothing to a standalone server', (key, spec) => {
  const name = key.replace(/\.N$/, '.1')
  const text = `${BASE}${name}=${otherValue(spec.kind, spec.fallback)}`
  expect(parseZooCfg(text, 'zoo.cfg').warnings).toEqual([])
})

test('a member of an ensemble names those that it cannot follow', () => {
  const servers = 'server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\ninitLimit=5\nsyncLimit=2'
  const specs = KEYS.filter((spec) => spec.treatment === 'ensemble' && spec.key !== 'db.autocreate')
  const lines = specs.map((spec) => `${spec.key}=${otherValue(spec.kind, spec.fallback)}`)
  const text = `${BASE}${servers}\n${lines.join('\n')}`
  const { warnings } = parseZooCfg(text, 'zoo.cfg', { beside: { myid: 1 } })
  const names = specs.map((spec) => spec.key).join(', ')
  expect(warnings).toEqual([`zoo.cfg: keys without effect: not supported yet: ${names}`])
})

test('a member of an ensemble refuses to vote with an emptied folder if its file forbids it', () => {
  const text =
    `${BASE}server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\ninitLimit=5\nsyncLimit=2\n` +
    'db.autocreate='
  expect(() => parseZooCfg(`${text}false`, 'zoo.cfg', { beside: { myid: 1 } })).toThrow(
    expect.objectContaining({ key: 'db.autocreate', line: 8 }),
  )
  expect(parseZooCfg(`${text}true`, 'zoo.cfg', { beside: { myid: 1 } }).warnings).toEqual([])
})
