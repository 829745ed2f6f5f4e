import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { aclLines, parseAcl } from '../../src/shell/acl-text.ts'
import { readClientConfiguration } from '../../src/shell/client-configuration.ts'
import { complete } from '../../src/shell/completion.ts'
import { parseArguments } from '../../src/shell/flags.ts'
import { HistoryFile } from '../../src/shell/history-file.ts'
import { javaDate } from '../../src/shell/java-text.ts'
import { parseQuota, quotaText } from '../../src/shell/quota-text.ts'
import { splitWords } from '../../src/shell/words.ts'
import { zkCliFlags } from '../../src/shell/zk-cli-flags.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-shell-'))

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('a line', () => {
  test.each([
    ['get  /a\t-s ', ['get', '/a', '-s']],
    [`create "/a b" 'it "is"'`, ['create', '/a b', 'it "is"']],
    [`ls /it's`, ['ls', `/it's`]],
    [`set /a ""`, ['set', '/a', '']],
    [`a"b c"d`, [`a"b`, `c"d`]],
    [`"a"b`, ['a', 'b']],
    [' ', []],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words)
  })

  test.each(['get "', `get '/a "b"`, '"'])('%j has an open quote', (line) => {
    expect(() => splitWords(line)).toThrow(/is not closed/)
  })

  test('of words without quotes and spaces has those words', () => {
    const word = fc.stringMatching(/^[^\s"'][^\s]*$/u)
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(splitWords(words.join('  '))).toEqual(words)
      }),
    )
  })
})

describe('flags', () => {
  const FLAGS = {
    flags: [
      { name: 's', description: '' },
      { name: 'w', description: '' },
      { name: 'v', hasValue: true, description: '' },
      { name: 'add', hasValue: true, description: '' },
    ],
  } as const

  test.each<[string[], string[], Record<string, readonly string[]>]>([
    [['-sw', '/a'], ['/a'], { s: [], w: [] }],
    [['/a', '-v', '-7'], ['/a'], { v: ['-7'] }],
    [['-sv3', '/a'], ['/a'], { s: [], v: ['3'] }],
    [['-v=3', '-v', '4'], [], { v: ['3', '4'] }],
    [['-add', 'x', '-add', 'y'], [], { add: ['x', 'y'] }],
    [['--', '-s', '--'], ['-s', '--'], {}],
    [['-', '-v', '-x'], ['-'], { v: ['-x'] }],
  ])('%j', (words, operands, flags) => {
    const args = parseArguments(words, FLAGS)
    expect(args.operands).toEqual(operands)
    for (const { name } of FLAGS.flags) {
      expect([name, args.has(name), args.values(name)]).toEqual([
        name,
        name in flags,
        flags[name] ?? [],
      ])
    }
  })

  test.each([
    [['-x'], 'Unrecognized option: -x'],
    [['-sx'], 'Unrecognized option: -sx'],
    [['--add', 'x'], 'Unrecognized option: --add'],
    [['-s=1'], 'Unrecognized option: -s=1'],
    [['-v', '-s'], 'Missing argument for option: v'],
    [['-v'], 'Missing argument for option: v'],
  ])('%j: %s', (words, message) => {
    expect(() => parseArguments(words, FLAGS)).toThrow(message)
  })
})

describe('flags of zkCli', () => {
  const ours = new Set(['--servers', '--auth-file'])

  test.each([
    ['-server a:1 ls -R /', '--servers a:1 -- ls -R /'],
    ['-timeout 5 -r get -v 3', '--session-timeout 5 --connect-timeout 5 --read-only -- get -v 3'],
    ['--json --servers a -- ls', '--json --servers a -- ls'],
    ['-waitforconnection', '--wait-for-connection'],
    ['-server -r', '--servers -r'],
    ['', ''],
  ])('%s', (zkCli, expected) => {
    const words = zkCli.split(' ').filter((word) => word !== '')
    expect(zkCliFlags(words, ours).join(' ')).toBe(expected)
  })

  test('need their values', () => {
    expect(() => zkCliFlags(['--auth-file'], ours)).toThrow(
      'no argument found for option --auth-file',
    )
  })
})

describe('a date', () => {
  test.each([
    [0n, 'UTC', 'Thu Jan 01 00:00:00 UTC 1970'],
    [1_795_228_014_000n, 'UTC', 'Sat Nov 21 02:26:54 UTC 2026'],
    [1_795_228_014_000n, 'Europe/Berlin', 'Sat Nov 21 03:26:54 CET 2026'],
    [1_782_000_000_000n, 'Europe/Berlin', 'Sun Jun 21 02:00:00 CEST 2026'],
    [1_782_000_000_000n, 'America/Los_Angeles', 'Sat Jun 20 17:00:00 PDT 2026'],
    [1_782_000_000_000n, 'Asia/Tokyo', 'Sun Jun 21 09:00:00 JST 2026'],
    [1_782_000_000_000n, 'Asia/Kolkata', 'Sun Jun 21 05:30:00 IST 2026'],
    [1_782_000_000_000n, 'Asia/Kathmandu', 'Sun Jun 21 05:45:00 NPT 2026'],
    [1_782_000_000_000n, 'Asia/Jerusalem', 'Sun Jun 21 03:00:00 GMT+03:00 2026'],
    [2n ** 62n, 'UTC', '4611686018427387904 ms'],
  ])('%d in %s', (ms, timeZone, text) => {
    expect(javaDate(ms, timeZone)).toBe(text)
  })
})

describe('an ACL', () => {
  test('is read with ids that have colons, and printed escaped', () => {
    const acl = parseAcl('digest:bob:x=:cdrwa,ip:::1:r')
    expect(acl).toEqual([
      { scheme: 'digest', id: 'bob:x=', perms: 31 },
      { scheme: 'ip', id: '::1', perms: 1 },
    ])
    expect(aclLines({ scheme: 'x509', id: 'CN=a,O=b%', perms: 20 })).toEqual([
      `'x509,'CN=a%2CO=b%25`,
      ': ca',
    ])
  })
})

describe('a quota', () => {
  test.each(['count=1,bytes=-1=;byteHardLimit=100000;countHardLimit=-1', 'count=8,bytes=14'])(
    '%s stays what it is',
    (text) => {
      expect(quotaText(parseQuota(text))).toBe(text)
    },
  )

  test('that is none has no limit', () => {
    expect(quotaText(parseQuota('nonsense,=3,count=x'))).toBe('count=-1,bytes=-1')
  })
})

describe('completion', () => {
  const tree = new Map([
    ['/', ['app', 'zookeeper']],
    ['/app', ['config', 'con current', 'other']],
  ])
  const list = async (at: string): Promise<readonly string[]> => tree.get(at) ?? []

  test.each<[string, string[], string]>([
    ['getA', ['getAcl', 'getAllChildrenNumber'], 'getA'],
    ['who', ['whoami '], 'who'],
    ['get /', ['/app', '/zookeeper'], '/'],
    ['get -s /app/con', ['/app/config'], '/app/con'],
    ['get "/app/con', ['/app/con current', '/app/config'], '/app/con'],
    ['get /nowhere/', [], '/nowhere/'],
    ['get get', [], 'get'],
    ['get /app ', [], ''],
  ])('%j', async (line, candidates, replaced) => {
    expect(await complete(line, list)).toEqual([candidates, replaced])
  })
})

describe('the history', () => {
  test('keeps what was typed, but no secrets, and the newest is first', () => {
    const file = path.join(folder, 'history')
    const history = new HistoryFile(file)
    for (const line of ['ls /', ' addauth digest u:p', '', 'get /a']) history.add(line)
    expect(new HistoryFile(file).load()).toEqual(['get /a', 'ls /'])
  })

  test('does not grow without end', () => {
    const file = path.join(folder, 'long')
    writeFileSync(file, `${Array.from({ length: 5000 }, (_, n) => `get /${n}`).join('\n')}\n`)
    expect(new HistoryFile(file).load()).toHaveLength(1000)
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(1001)
  })

  test('that cannot be written is done without', () => {
    const history = new HistoryFile(path.join(folder, 'nowhere', 'history'))
    history.add('ls /')
    expect(history.load()).toEqual([])
    expect(existsSync(path.join(folder, 'nowhere'))).toBe(false)
  })
})

describe('a client configuration', () => {
  const files = new Map([
    ['keys.pem', 'KEYS'],
    ['trust.pem', 'TRUST'],
    ['password', 'secret\n'],
  ])
  const readBytes = (name: string): Uint8Array => {
    const text = files.get(name)
    if (text === undefined) throw new Error(`no file ${name}`)
    return Buffer.from(text)
  }

  test('becomes options of the client', () => {
    const { options, unused } = readClientConfiguration(
      [
        'zookeeper.client.secure=true',
        'zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty',
        'zookeeper.ssl.keyStore.location=keys.pem',
        'zookeeper.ssl.keyStore.passwordPath=password',
        'zookeeper.ssl.trustStore.location=trust.pem',
        'zookeeper.request.timeout=5000',
        'jute.maxbuffer=0x1000',
      ].join('\n'),
      readBytes,
    )
    expect(options).toEqual({
      tls: {
        key: Buffer.from('KEYS'),
        cert: Buffer.from('KEYS'),
        passphrase: 'secret',
        ca: Buffer.from('TRUST'),
      },
      requestTimeoutMs: 5000,
      requestBytesMax: 4096,
      replyBytesMax: 4096,
    })
    expect(unused).toEqual(['zookeeper.clientCnxnSocket'])
  })

  test.each([
    ['zookeeper.client.secure=maybe', 'zookeeper.client.secure must be true or false'],
    ['zookeeper.request.timeout=soon', 'zookeeper.request.timeout must be a whole number'],
    ['zookeeper.ssl.keyStore.location=a.jks', 'a store of type JKS cannot be read'],
    ['zookeeper.ssl.keyStore.location=a.pem', 'zookeeper.ssl.keyStore.location: no file a.pem'],
    ['zookeeper.ssl.crl=true', 'zookeeper.ssl.crl is not supported'],
    [
      'zookeeper.ssl.trustStore.location=keys.pem\nzookeeper.ssl.trustStore.type=PKCS12',
      'certificates to trust must be PEM',
    ],
    ['a=\\u00', 'line 1: malformed'],
  ])('%j is refused', (text, message) => {
    expect(() => readClientConfiguration(text, readBytes)).toThrow(message)
  })
})
