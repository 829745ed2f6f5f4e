import { beforeEach, expect, test } from 'vitest'
import type { Zxid } from '../../src/base/index.ts'
import { EventType, WatcherType } from '../../src/wire/codes.ts'
import type { SetWatchesRequest } from '../../src/wire/records.ts'
import { AuthProviders, catchUpWatches, type Watcher, WatchTable } from '../../src/znodes/index.ts'

const SEEN = 100n as Zxid
const znodes = new Map([
  ['/old', { mzxid: 100n as Zxid, pzxid: 100n as Zxid }],
  ['/set', { mzxid: 101n as Zxid, pzxid: 50n as Zxid }],
  ['/parent', { mzxid: 50n as Zxid, pzxid: 101n as Zxid }],
])
const nothing: SetWatchesRequest = {
  relativeZxid: SEEN,
  dataWatches: [],
  existWatches: [],
  childWatches: [],
  persistentWatches: [],
  persistentRecursiveWatches: [],
}

let table: WatchTable
let events: string[]
const watcher: Watcher = {
  ids: [],
  onWatchEvent: (type, path, zxid) => {
    expect(zxid).toBe(-1n)
    events.push(`${type} ${path}`)
  },
}

beforeEach(() => {
  table = new WatchTable(new AuthProviders())
  events = []
})

function catchUp(lists: Partial<SetWatchesRequest>): string[] {
  catchUpWatches(table, { find: (path) => znodes.get(path) }, watcher, { ...nothing, ...lists })
  return events
}

const { children, data, persistent, persistentRecursive } = WatcherType
const { nodeCreated, nodeDeleted, nodeDataChanged, nodeChildrenChanged } = EventType

test.each([
  ['dataWatches', '/gone', nodeDeleted, null],
  ['dataWatches', '/set', nodeDataChanged, null],
  ['dataWatches', '/parent', null, data],
  ['dataWatches', '/old', null, data],
  ['existWatches', '/gone', null, data],
  ['existWatches', '/old', nodeCreated, null],
  ['existWatches', '/set', nodeCreated, null],
  ['childWatches', '/gone', nodeDeleted, null],
  ['childWatches', '/parent', nodeChildrenChanged, null],
  ['childWatches', '/set', null, children],
  ['childWatches', '/old', null, children],
  ['persistentWatches', '/gone', null, persistent],
  ['persistentWatches', '/set', null, persistent],
  ['persistentRecursiveWatches', '/gone', null, persistentRecursive],
  ['persistentRecursiveWatches', '/set', null, persistentRecursive],
  ['dataWatches', 'no path', nodeDeleted, null],
  ['existWatches', 'no path', null, data],
] as const)('%s of %s: event %s, watch of type %s', (list, path, event, type) => {
  expect(catchUp({ [list]: [path] })).toEqual(event === null ? [] : [`${event} ${path}`])
  for (const other of [children, data, persistent, persistentRecursive]) {
    expect(table.has(path, watcher, other)).toBe(other === type)
  }
})

test('goes list by list, in order', () => {
  const lists = {
    childWatches: ['/parent', '/gone'],
    existWatches: ['/old'],
    dataWatches: ['/gone', '/set', '/old'],
  }
  expect(catchUp(lists)).toEqual([
    `${nodeDeleted} /gone`,
    `${nodeDataChanged} /set`,
    `${nodeCreated} /old`,
    `${nodeChildrenChanged} /parent`,
    `${nodeDeleted} /gone`,
  ])
})
