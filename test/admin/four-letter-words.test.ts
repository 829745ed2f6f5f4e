import { describe, expect, test } from 'vitest'
import {
  createFourLetterWords,
  FOUR_LETTER_COMMANDS,
  unansweredWords,
  VERSION_TEXT,
} from '../../src/admin/index.ts'
import { DEFAULT_FOUR_LETTER_WORDS } from '../../src/config/index.ts'
import { MemoryMetrics } from '../../src/env/index.ts'
import type { ServerStatus } from '../../src/server/index.ts'
import {
  exampleConnection,
  exampleControl,
  exampleProcess,
  exampleStatus,
} from './example-status.ts'

const ALL_WORDS =
  'conf cons crst dirs dump envi gtmk stmk hash isro mntr ruok srst srvr stat wchc wchp wchs'.split(
    ' ',
  )

function bytesOf(word: string): number {
  return Buffer.from(word, 'latin1').readInt32BE(0)
}

/** What a client gets that sends `word` as its first bytes. */
function ask(
  word: string,
  status: ServerStatus = exampleStatus(),
  whitelist: 'all' | ReadonlySet<string> = 'all',
): string | null {
  const words = createFourLetterWords(whitelist, exampleProcess)
  const name = words.recognize(bytesOf(word))
  return name === null ? null : words.answer(name, status, exampleControl(), null)
}

describe('recognition', () => {
  test.each(ALL_WORDS)('%s is a word', (word) => {
    expect(createFourLetterWords('all', exampleProcess).recognize(bytesOf(word))).toBe(word)
  })

  test.each(['abcd', 'RUOK', 'ruo\n', '\0\0\0-', '\0\0\0\0', 'ÿÿÿÿ'])('%j is none', (bytes) => {
    expect(ask(bytes)).toBeNull()
  })

  test('telnet interrupting counts as a word', () => {
    const telnet = 'ÿôÿý'
    expect(ask(telnet)).toBe('')
    expect(ask(telnet, exampleStatus(), new Set())).toBe(
      'telnet close is not executed because it is not in the whitelist.\n',
    )
  })
})

describe('the whitelist', () => {
  test.each(ALL_WORDS)('without it, %s gets the sentence that scripts look for', (word) => {
    expect(ask(word, exampleStatus(), new Set())).toBe(
      `${word} is not executed because it is not in the whitelist.\n`,
    )
  })

  test('with words that there are not is told about them', () => {
    expect(unansweredWords(new Set(['ruok', 'dump', 'nope']))).toEqual(['nope'])
    expect(unansweredWords('all')).toEqual([])
  })

  test('has every word of the reference to choose from', () => {
    expect(FOUR_LETTER_COMMANDS.map(({ word }) => word).sort()).toEqual(ALL_WORDS.toSorted())
  })

  test('by default lets through what changes nothing and tells nothing of sessions', () => {
    const others = ALL_WORDS.filter((word) => !DEFAULT_FOUR_LETTER_WORDS.has(word))
    expect(others).toEqual('cons crst dump stmk srst wchc wchp wchs'.split(' '))
    expect(DEFAULT_FOUR_LETTER_WORDS.size + others.length).toBe(ALL_WORDS.length)
  })
})

describe('a server that does not serve', () => {
  const status = exampleStatus({ isServing: false })

  test.each(['srvr', 'stat', 'mntr', 'conf', 'cons'])('%s says so', (word) => {
    expect(ask(word, status)).toBe('This ZooKeeper instance is not currently serving requests\n')
  })

  test.each(['dirs', 'dump', 'wchs', 'wchc', 'wchp', 'crst', 'srst'])('%s says so, too', (word) => {
    expect(ask(word, status)).toBe('This ZooKeeper instance is not currently serving requests\n')
  })

  test('hash says so without a line end, as upstream', () => {
    expect(ask('hash', status)).toBe('This ZooKeeper instance is not currently serving requests')
  })

  test('ruok, isro, gtmk and envi answer', () => {
    expect(ask('ruok', status)).toBe('imok')
    expect(ask('isro', status)).toBe('null')
    expect(ask('gtmk', status)).toBe('306')
    expect(ask('envi', status)).toBe(ask('envi'))
  })
})

describe('answers', () => {
  test('ruok', () => {
    expect(ask('ruok')).toBe('imok')
  })

  test('isro', () => {
    expect(ask('isro')).toBe('rw')
    expect(ask('isro', exampleStatus({ isReadOnly: true }))).toBe('ro')
  })

  test('srvr', () => {
    expect(ask('srvr')).toBe(`Zookeeper version: ${VERSION_TEXT}
Latency min/avg/max: 0/0.5171/13
Received: 655
Sent: 662
Connections: 2
Outstanding: 2
Zxid: 0x141
Mode: standalone
Node count: 22
`)
  })

  test('srvr of a read-only server', () => {
    const lines = ask('srvr', exampleStatus({ isReadOnly: true, mode: 'read-only' }))!.split('\n')
    expect(lines[1]).toBe('READ-ONLY mode; serving only read-only clients')
    expect(lines).toContain('Mode: read-only')
  })

  test('stat', () => {
    expect(ask('stat')).toBe(`Zookeeper version: ${VERSION_TEXT}
Clients:
 /127.0.0.1:34624[1](queued=0,recved=7,sent=9)
 /[::1]:45924[0](queued=0,recved=1,sent=0)

Latency min/avg/max: 0/0.5171/13
Received: 655
Sent: 662
Connections: 2
Outstanding: 2
Zxid: 0x141
Mode: standalone
Node count: 22
`)
  })

  test('cons', () => {
    expect(ask('cons')).toBe(
      ' /127.0.0.1:34624[1](queued=0,recved=7,sent=9,sid=0x1000010f4650002,lop=GETD,' +
        'est=1795229012717,to=20000,lcxid=0x6,lzxid=0x141,lresp=1137940,llat=1,minlat=0,avglat=4,maxlat=14)\n' +
        ' /[::1]:45924[0](queued=0,recved=1,sent=0)\n\n',
    )
  })

  test('cons before the first request', () => {
    const { session } = exampleConnection()
    const fresh = { ...session!, lastOpcode: 0, lastCxid: -1, lastZxid: -1n }
    const status = exampleStatus({ connections: [exampleConnection({ session: fresh })] })
    const answer = ask('cons', status)
    expect(answer).toContain(',lop=NA,')
    expect(answer).toContain(',lzxid=0xffffffffffffffff,')
    expect(answer).not.toContain('lcxid')
  })

  test('conf', () => {
    expect(ask('conf')).toBe(`clientPort=23360
secureClientPort=-1
dataDir=/srv/zk/data
dataDirSize=67109358
dataLogDir=/srv/zk/log
dataLogSize=67000000
tickTime=2000
maxClientCnxns=60
minSessionTimeout=4000
maxSessionTimeout=40000
clientPortListenBacklog=-1
serverId=0
`)
  })

  test('envi', () => {
    const lines = ask('envi')!.split('\n')
    expect(lines.slice(0, 3)).toEqual([
      'Environment:',
      `zookeeper.version=${VERSION_TEXT}`,
      'host.name=localhost',
    ])
    expect(lines).toContain('os.memory.free=368MB')
    expect(lines.at(-1)).toBe('')
    for (const line of lines.slice(1, -1)) expect(line).toMatch(/^[a-z.]+=.+$/)
  })
})

describe('mntr', () => {
  function readMonitor(status = exampleStatus()): Map<string, string> {
    const lines = ask('mntr', status)!.split('\n')
    expect(lines.pop()).toBe('')
    for (const line of lines) expect(line).toMatch(/^zk_[a-z0-9_]+\t[^\t]+$/)
    return new Map(lines.map((line) => line.split('\t') as [string, string]))
  }

  test('shows the gauges under their names', () => {
    expect(Object.fromEntries(readMonitor())).toMatchObject({
      zk_version: VERSION_TEXT,
      zk_server_state: 'standalone',
      zk_ephemerals_count: '3',
      zk_num_alive_connections: '2',
      zk_avg_latency: '0.5171',
      zk_min_latency: '0',
      zk_max_latency: '13',
      zk_outstanding_requests: '2',
      zk_znode_count: '22',
      zk_global_sessions: '3',
      zk_local_sessions: '0',
      zk_packets_sent: '662',
      zk_packets_received: '655',
      zk_watch_count: '7',
      zk_auth_failed_count: '1',
      zk_approximate_data_size: '346',
      zk_uptime: '34410',
      zk_open_file_descriptor_count: '51',
      zk_max_file_descriptor_count: '20000',
    })
  })

  test('shows counters and summaries as upstream shapes them', () => {
    const metrics = new MemoryMetrics()
    metrics.count('snap_count', 2)
    metrics.observe('fsynctime', 1.25)
    metrics.observe('fsynctime', 3)
    expect(Object.fromEntries(readMonitor(exampleStatus({ metrics })))).toMatchObject({
      zk_snap_count: '2',
      zk_avg_fsynctime: '2.125',
      zk_min_fsynctime: '1',
      zk_max_fsynctime: '3',
      zk_cnt_fsynctime: '2',
      zk_sum_fsynctime: '4',
    })
  })

  test('leaves out what the system does not tell', () => {
    const words = createFourLetterWords('all', () =>
      exampleProcess({ openFiles: null, openFilesMax: null }),
    )
    const answer = words.answer('mntr', exampleStatus(), exampleControl(), null)
    expect(answer).not.toContain('file_descriptor')
  })
})
