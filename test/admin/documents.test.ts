import { describe, expect, test } from 'vitest'
import {
  ADMIN_COMMANDS,
  type AdminContext,
  findAdminCommand,
  jsonObject,
  NOT_SERVING,
  renderAnswer,
  renderFailure,
  renderJson,
} from '../../src/admin/index.ts'
import type { ServerId, SessionId, Zxid } from '../../src/base/index.ts'
import type { ObserverStatus, ServerStatus } from '../../src/server/index.ts'
import {
  exampleConnection,
  exampleInventory,
  exampleProcess,
  exampleQuorum,
  exampleStatus,
} from './example-status.ts'
import { captured, parseJson, shapeDifference } from './support-json.ts'

const observer: ObserverStatus = {
  sid: 4 as ServerId,
  remote: { host: '127.0.0.1', port: 53802 },
  establishedMs: 1_795_229_047_614,
  queuedPackets: 0,
  queuedBytes: 0,
  packetsReceived: 3,
  packetsSent: 5,
  requests: 1,
  lastZxid: 0x200000100n as Zxid,
}
const leadership = {
  uptimeMs: 12_740,
  learners: 3,
  syncedFollowers: 2,
  syncedNonVotingFollowers: 0,
  syncedObservers: 1,
  pendingSyncs: 0,
  proposalSizes: { lastBytes: 70, minBytes: 48, maxBytes: 156 },
}
const learner = { inventory: exampleInventory({ sessionExpiries: () => null }) }
const lastProcessedZxid = 0x200000141n as Zxid

const standalone = exampleStatus()
const leader = exampleStatus({
  mode: 'leader',
  lastProcessedZxid,
  quorum: exampleQuorum({ peerState: 'leading', leader: 2 as ServerId, leadership }),
})
const follower = exampleStatus({
  ...learner,
  mode: 'follower',
  lastProcessedZxid,
  quorum: exampleQuorum({ observers: [observer], observerCount: 1 }),
})
const ofObserver = exampleStatus({
  ...learner,
  mode: 'observer',
  lastProcessedZxid,
  quorum: exampleQuorum({ self: 4 as ServerId, peerState: 'observing' }),
})
const looking = exampleQuorum({ peerState: 'looking', zabPhase: 'election', leader: null })
const noQuorum = exampleStatus({ mode: 'looking', isServing: false, quorum: looking })
const readOnly = exampleStatus({
  mode: 'read-only',
  isReadOnly: true,
  quorum: looking,
  connections: [],
})

function contextOf(status: ServerStatus, parameters: Record<string, string> = {}): AdminContext {
  return {
    status,
    process: exampleProcess(),
    start: { configText: 'tickTime=2000\nadmin.token=secret-of-16-chars\n', timeZone: 'Etc/UTC' },
    control: {
      traceMask: 306n,
      resetStats: () => {},
      resetConnectionStats: () => {},
      resetObserverStats: () => {},
    },
    parameters: new Map(Object.entries(parameters)),
  }
}

function answerOf(name: string, status: ServerStatus, parameters?: Record<string, string>): string {
  const command = findAdminCommand(name)
  if (command === undefined) return renderFailure(name, `Unknown command: ${name}`)
  if (!status.isServing && !command.needsNoServer) return renderFailure(command.name, NOT_SERVING)
  return renderAnswer(command.name, command.answer(contextOf(status, parameters)))
}

/** The requests that the captures are of. */
const REQUESTS = new Map<string, readonly [string, Record<string, string>]>([
  ['_unknown', ['nosuch', {}]],
  ['_set_trace_mask_306', ['set_trace_mask', { traceMask: '306' }]],
  ['_set_trace_mask_bad', ['set_trace_mask', { traceMask: 'x' }]],
])
/** They ask who the caller is, and are answered by the port itself. */
const GUARDED = new Set(['restore', 'snapshot'])

describe.each([
  ['standalone-3.9.3', standalone],
  ['standalone-3.8.0', standalone],
  ['leader-3.9.3', leader],
  ['leader-3.8.0', leader],
  ['follower-3.9.3', follower],
  ['follower-3.8.0', follower],
  ['observer-3.9.3', ofObserver],
  ['no-quorum-3.8.0', noQuorum],
  ['read-only-3.8.0', readOnly],
] as const)('as captured from %s', (name, status) => {
  const answers = [...captured(name)].filter(([command]) => !GUARDED.has(command))

  test.each(answers)('%s', (command, expected) => {
    const [asked, parameters] = REQUESTS.get(command) ?? [command, {}]
    const found = parseJson(answerOf(asked, status, parameters))
    expect(shapeDifference(found, parseJson(expected))).toBeNull()
  })

  test('the text is formatted the same way', () => {
    for (const [, text] of answers) expect(renderJson(parseJson(text))).toBe(text)
  })
})

test('errors are the texts of the original', () => {
  const all = captured('standalone-3.9.3')
  expect(answerOf('nosuch', standalone)).toBe(all.get('_unknown'))
  expect(answerOf('set_trace_mask', standalone)).toBe(all.get('set_trace_mask'))
  expect(answerOf('stmk', standalone, { traceMask: 'x' })).toBe(all.get('_set_trace_mask_bad'))
  expect(answerOf('leader', standalone)).toBe(all.get('leader'))
  expect(answerOf('zabstate', standalone)).toBe(all.get('zabstate'))
  expect(answerOf('stats', noQuorum)).toBe(captured('no-quorum-3.8.0').get('stats'))
})

test('where the values are known here, the answers are the same', () => {
  const commands = ['hash', 'ruok', 'get_trace_mask', 'is_read_only', 'voting_view']
  for (const [name, status] of [
    ['standalone-3.9.3', standalone],
    ['leader-3.9.3', leader],
  ] as const) {
    const known = name === 'leader-3.9.3' ? commands.slice(1) : commands
    for (const command of known) expect(answerOf(command, status)).toBe(captured(name).get(command))
  }
})

test('every name and alias of the reference is a command, and no other but events', () => {
  const names = ADMIN_COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases]).sort()
  expect(names).toEqual(
    (
      'conf config configuration connection_stat_reset connections cons crst dirs dump env envi ' +
      'environment events get_trace_mask gtmk hash icfg initial_configuration is_read_only isro ' +
      'last_snapshot lead leader lsnp mntr monitor observer_connection_stat_reset observers obsr ' +
      'orst ruok server_stats set_trace_mask srst srvr stat stat_reset stats stmk sysp ' +
      'system_properties voting_view watch_summary watches watches_by_path wchc wchp wchs zabstate'
    ).split(' '),
  )
})

test('session ids keep all their digits', () => {
  const sessionId = 0x7fff_ffff_ffff_fff1n as SessionId
  const session = { ...exampleConnection().session!, sessionId }
  const status = exampleStatus({ connections: [exampleConnection({ session })] })
  expect(answerOf('connections', status)).toContain('"session_id" : 9223372036854775793,')
})

test('a connection without a session has no session', () => {
  const status = exampleStatus({ connections: [exampleConnection({ session: null })] })
  const text = answerOf('cons', status)
  expect(text).toContain('"session_id" : 0,\n    "last_operation" : "NA"')
  expect(text).toContain('"last_cxid" : -1,\n    "last_zxid" : -1')
})

test('a checkpoint is shown in seconds; -1 is what is not known', () => {
  expect(answerOf('lsnp', standalone)).toContain(
    '"zxid" : "100",\n  "timestamp" : 1795228986,\n  "command" : "last_snapshot"',
  )
  const storage = { slowWrites: 0, checkpoint: null, isFull: false }
  expect(answerOf('last_snapshot', exampleStatus({ storage }))).toContain(
    '"zxid" : "ffffffffffffffff",\n  "timestamp" : -1',
  )
})

test('secrets of the configuration are not shown', () => {
  expect(answerOf('initial_configuration', standalone)).toContain(
    '"tickTime=2000\\nadmin.token=***\\n"',
  )
  expect(answerOf('initial_configuration', leader)).toContain('"initial_configuration" : null')
  const properties = answerOf('system_properties', standalone)
  expect(properties).toContain('"zookeeper.admin.token" : "***"')
  expect(properties).toContain('"zookeeper.tickTime" : "2000"')
})

test('monitor shows the figures of mntr as numbers', () => {
  const text = answerOf('mntr', leader)
  expect(text).toMatch(
    /^\{\n {2}"version" : "3\.9\.3-zabkeeper-.*",\n {2}"server_state" : "leader"/,
  )
  expect(text).toContain('"peer_state" : "leading - broadcast"')
  expect(text).toContain('"znode_count" : 22,')
  expect(text).toContain('"avg_latency" : 0.5171,')
  expect(text).toMatch(/"command" : "monitor",\n {2}"error" : null\n\}$/)
})

test('a trace mask is a number of 64 bits', () => {
  for (const bad of ['', '0x1', '9223372036854775808', '1.5']) {
    expect(answerOf('stmk', standalone, { traceMask: bad })).toContain(`, got ${bad}"`)
  }
  expect(answerOf('stmk', standalone, { traceMask: '-9223372036854775808' })).toContain(
    '"tracemask" : -9223372036854775808,',
  )
})

test('the commands that reset call what they are named after', () => {
  const called: string[] = []
  const context = {
    ...contextOf(standalone),
    control: {
      traceMask: 306n,
      resetStats: () => called.push('stats'),
      resetConnectionStats: () => called.push('connections'),
      resetObserverStats: () => called.push('observers'),
    },
  }
  for (const name of ['srst', 'crst', 'orst']) findAdminCommand(name)!.answer(context)
  expect(called).toEqual(['stats', 'connections', 'observers'])
})

test('texts are escaped as Jackson does it', () => {
  expect(renderJson(jsonObject([['a"\\/\u001f\n', 'é\u0001']]))).toBe(
    '{\n  "a\\"\\\\/\\u001F\\n" : "é\\u0001"\n}',
  )
})
