import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createFourLetterWords, FOUR_LETTER_COMMANDS } from '../../src/admin/index.ts'
import type { KeeperServer } from '../../src/server/index.ts'
import {
  closeSession,
  create,
  EnsembleStage,
  exists,
  getData,
  Stage,
  type WireClient,
} from '../server/support/index.ts'
import { readText } from '../tidy/source-files.ts'
import { exampleProcess } from './example-status.ts'
import { monitorNames, shapeOf, shapeOfDump } from './support/shapes.ts'

/**
 * What real servers answered: Apache ZooKeeper 3.9.3, and 3.8.0 for the last three. Ours are in the same roles and have
 * clients that do the same.
 */
const ROLES = ['standalone', 'leader', 'follower', 'observer', 'read-only', 'not-serving'] as const
type Role = (typeof ROLES)[number]

function captured(role: Role | 'refused', word: string): string {
  return readFileSync(new URL(`testdata/words/${role}/${word}.txt`, import.meta.url), 'latin1')
}

const words = createFourLetterWords('all', exampleProcess)
const SERVERS: Readonly<Record<Role, KeeperServer>> = serversInAllRoles()

function ask(role: Role, word: string): string {
  const server = SERVERS[role]
  return words.answer(word, server.status(), server.control, word === 'stmk' ? 306n : null)
}

/** Data watches, ephemerals and enough transactions for a digest. */
function live(client: WireClient, call: (request: ReturnType<typeof create>) => unknown): void {
  call(create(`/app/of-${client.sessionId}`, 'x', { flags: 1 }))
  call(getData('/app', true))
  call(exists('/nope', true))
}

function member(of: EnsembleStage, id: number): KeeperServer {
  return of.ensemble.members[id - 1]!.server!
}

function serversInAllRoles(): Record<Role, KeeperServer> {
  const alone = Stage.open()
  const client = alone.session()
  alone.call(client, create('/app'))
  for (let i = 0; i < 130; i += 1) alone.call(client, create(`/app/${i}`))
  live(client, (request) => alone.call(client, request))
  alone.client({ isRaw: true })
  alone.runFor(5)

  const localSessions = { isEnabled: true, isUpgrading: true }
  const observerMaster = { port: 2890, windowBytesMax: 1024 * 1024 }
  const stage = new EnsembleStage({ localSessions, observerMaster }, 500, {}, 1)
  const { leaderId } = stage
  const masterId = member(stage, 4).status().quorum!.learnerMaster!
  expect(masterId).not.toBe(leaderId)
  const writer = stage.session(leaderId)
  stage.call(writer, create('/app'))
  for (let i = 0; i < 130; i += 1) stage.call(writer, create(`/app/${i}`))
  for (const id of [leaderId, masterId, 4]) {
    const own = stage.session(id)
    live(own, (request) => stage.call(own, request))
    // As whoever asks.
    stage.client(id, { isRaw: true })
  }

  const lonely = new EnsembleStage({ isReadOnlyModeEnabled: true })
  const guest = lonely.session(1)
  lonely.call(guest, create('/app'))
  lonely.call(guest, closeSession)
  lonely.crash(2, 3)
  lonely.until(() => lonely.isReadOnly(1))
  lonely.client(1, { isRaw: true })
  lonely.runFor(5)
  stage.runFor(5)
  const silent = new EnsembleStage()
  silent.crash(2, 3)
  silent.until(() => !silent.ensemble.members[0]!.server!.isServing)

  return {
    standalone: alone.server,
    leader: member(stage, leaderId),
    follower: member(stage, masterId),
    observer: member(stage, 4),
    'read-only': member(lonely, 1),
    'not-serving': member(silent, 1),
  }
}

const PLAIN = FOUR_LETTER_COMMANDS.map(({ word }) => word).filter(
  (word) => !['dump', 'envi', 'mntr'].includes(word),
)

describe.each(ROLES)('%s', (role) => {
  test.each(PLAIN)('%s has the shape of the original', (word) => {
    expect(shapeOf(word, ask(role, word))).toBe(shapeOf(word, captured(role, word)))
  })

  test('dump has the blocks and lines of the original', () => {
    expect(shapeOfDump(ask(role, 'dump'))).toEqual(shapeOfDump(captured(role, 'dump')))
  })

  test('envi differs by the runtime only', () => {
    const keys = (text: string): string[] => shapeOf('envi', text).split('\n').sort()
    const ours = keys(ask(role, 'envi'))
    const theirs = keys(captured(role, 'envi'))
    expect(ours.filter((key) => !key.startsWith('node.'))).toEqual(
      theirs.filter((key) => !key.startsWith('java.')),
    )
  })
})

describe('mntr', () => {
  const leftOut = namesIn('## Left out')
  /** Which of the names of a family belong to it: `fsynctime` is in `zk_avg_fsynctime`. */
  const isOf = (name: string, families: readonly string[]): boolean => {
    return families.some((family) => name === `zk_${family}` || name.endsWith(`_${family}`))
  }
  const serving = ROLES.filter((role) => role !== 'not-serving')

  test.each(serving)('of a %s lacks only what docs/metrics.md lists as left out', (role) => {
    const ours = monitorNames(ask(role, 'mntr'))
    const missing = [...monitorNames(captured(role, 'mntr'))].filter((name) => !ours.has(name))
    expect(missing.filter((name) => !isOf(name, leftOut))).toEqual([])
  })

  test.each(serving)('of a %s has nothing that the original has not', (role) => {
    const theirs = monitorNames(captured(role, 'mntr'))
    const added = [...monitorNames(ask(role, 'mntr'))].filter((name) => !theirs.has(name))
    const explained = role === 'read-only' ? namesIn('## Since 3.9') : []
    expect(
      added.filter((name) => !isOf(name, explained)).filter((name) => !LABELLED.test(name)),
    ).toEqual([])
  })

  test('begins as the original does', () => {
    for (const role of serving) {
      const head = (text: string): string[] => {
        return text
          .split('\n')
          .map((line) => line.split('\t')[0]!)
          .filter((name) => HEAD.includes(name))
      }
      expect(head(ask(role, 'mntr'))).toEqual(head(captured(role, 'mntr')))
    }
  })
})

const HEAD = ['zk_version', 'zk_server_state', 'zk_peer_state', 'zk_observer_master_id']
/** There is a line only once there was something to measure for a label. */
const LABELLED = /\*_/

function namesIn(heading: string): readonly string[] {
  const page = readText('docs/metrics.md')
  const start = page.indexOf(`\n${heading}\n`)
  const end = page.indexOf('\n## ', start + 1)
  const section = page.slice(start, end < 0 ? undefined : end)
  return [...section.matchAll(/`([a-z0-9_]+)`/g)].map((match) => match[1]!)
}

test.each(FOUR_LETTER_COMMANDS.map(({ word }) => word))(
  '%s is refused in the words of the original',
  (word) => {
    if (word === 'srvr') return
    const none = createFourLetterWords(new Set(['srvr']), exampleProcess)
    const server = SERVERS.standalone
    expect(none.answer(word, server.status(), server.control, null)).toBe(captured('refused', word))
  },
)
