import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Zxid } from '../../src/base/index.ts'
import { EventType, WatcherType } from '../../src/wire/codes.ts'
import type { AclEntry, AuthId } from '../../src/wire/records.ts'
import {
  AuthProviders,
  isWatcherType,
  OPEN_ACL,
  parentPath,
  type WatchedNode,
  type Watcher,
  WatchKind,
  WatchTable,
} from '../../src/znodes/index.ts'
import { WatchModel } from './watch-model.ts'

const { nodeCreated, nodeDeleted, nodeDataChanged, nodeChildrenChanged } = EventType
const { data, child, persistent, persistentRecursive } = WatchKind
const ONLY_ANN: readonly AclEntry[] = [{ perms: 1, scheme: 'digest', id: 'ann:h' }]
const ZXID = 7n as Zxid

class Recorder implements Watcher {
  readonly name: string
  readonly ids: readonly AuthId[]
  readonly events: string[]

  constructor(name: string, events: string[] = []) {
    this.name = name
    this.ids = [{ scheme: 'digest', id: `${name}:h` }]
    this.events = events
  }

  onWatchEvent(type: EventType, path: string, zxid: Zxid): void {
    expect(zxid).toBe(ZXID)
    this.events.push(`${this.name} ${type} ${path}`)
  }
}

function node(path: string, acl: readonly AclEntry[] = OPEN_ACL): WatchedNode {
  return { path, acl }
}

let table: WatchTable
let events: string[]
let ann: Recorder
let bob: Recorder

beforeEach(() => {
  table = new WatchTable(new AuthProviders())
  events = []
  ann = new Recorder('ann', events)
  bob = new Recorder('bob', events)
})

function create(path: string, acl?: readonly AclEntry[], parentAcl?: readonly AclEntry[]): void {
  table.created(node(path, acl), node(parentPath(path), parentAcl), ZXID)
}

function remove(path: string, acl?: readonly AclEntry[], parentAcl?: readonly AclEntry[]): void {
  table.deleted(node(path, acl), node(parentPath(path), parentAcl), ZXID)
}

function change(path: string, acl?: readonly AclEntry[]): void {
  table.dataChanged(node(path, acl), ZXID)
}

/** Events since the last call. */
function told(): string[] {
  return events.splice(0)
}

describe('what fires', () => {
  test.each([
    [
      'data',
      data,
      [`ann ${nodeCreated} /p`],
      [`ann ${nodeDataChanged} /p`],
      [`ann ${nodeDeleted} /p`],
    ],
    ['child', child, [], [], [`ann ${nodeDeleted} /p`]],
    [
      'persistent',
      persistent,
      [`ann ${nodeCreated} /p`],
      [`ann ${nodeDataChanged} /p`],
      [`ann ${nodeDeleted} /p`],
    ],
    [
      'persistentRecursive',
      persistentRecursive,
      [`ann ${nodeCreated} /p`],
      [`ann ${nodeDataChanged} /p`],
      [`ann ${nodeDeleted} /p`],
    ],
  ])('a %s watch on the znode itself', (_name, kind, created, changed, deleted) => {
    for (const [act, expected] of [
      [create, created],
      [change, changed],
      [remove, deleted],
    ] as const) {
      table.removeAll(ann)
      table.add('/p', ann, kind)
      act('/p')
      expect(told()).toEqual(expected)
    }
  })

  test.each([
    ['data', data, [], []],
    ['child', child, [`ann ${nodeChildrenChanged} /p`], []],
    ['persistent', persistent, [`ann ${nodeChildrenChanged} /p`], []],
    [
      'persistentRecursive',
      persistentRecursive,
      [`ann ${nodeCreated} /p/c`],
      [`ann ${nodeDataChanged} /p/c`],
    ],
  ])('a %s watch on the parent', (_name, kind, created, changed) => {
    table.add('/p', ann, kind)
    create('/p/c')
    expect(told()).toEqual(created)
    table.add('/p', ann, kind)
    change('/p/c')
    expect(told()).toEqual(changed)
    table.removeAll(ann)
    table.add('/p', ann, kind)
    remove('/p/c')
    expect(told()).toEqual(
      created.map((line) => line.replace(` ${nodeCreated} `, ` ${nodeDeleted} `)),
    )
  })

  test('standard watches fire once, the others each time', () => {
    for (const kind of [data, persistent, persistentRecursive]) {
      table.removeAll(ann)
      table.add('/p', ann, kind)
      change('/p')
      change('/p')
      expect(told()).toHaveLength(kind === data ? 1 : 2)
    }
  })

  test('children of the root are announced with the path /', () => {
    table.add('/', ann, child)
    create('/a')
    expect(told()).toEqual([`ann ${nodeChildrenChanged} /`])
  })

  test('a recursive watch on / sees the whole tree, and the data of the root', () => {
    table.add('/', ann, persistentRecursive)
    change('/')
    create('/a/b/c')
    expect(told()).toEqual([`ann ${nodeDataChanged} /`, `ann ${nodeCreated} /a/b/c`])
  })

  test('a recursive watch does not see a path that only starts alike', () => {
    table.add('/a', ann, persistentRecursive)
    create('/ab')
    create('/ab/c')
    expect(told()).toEqual([])
  })

  test('a watch set through the empty path never fires', () => {
    for (const kind of Object.values(WatchKind)) table.add('', ann, kind)
    change('/')
    create('/a')
    expect(told()).toEqual([])
  })

  test('one NodeDeleted for data and child watches, then the parent', () => {
    for (const kind of Object.values(WatchKind)) table.add('/p/c', ann, kind)
    table.add('/p', ann, child)
    table.add('/', ann, persistentRecursive)
    remove('/p/c')
    expect(told()).toEqual([`ann ${nodeDeleted} /p/c`, `ann ${nodeChildrenChanged} /p`])
    expect(table.has('/p/c', ann, WatcherType.children)).toBe(false)
  })

  test('many matching watches of one watcher give one event', () => {
    for (const path of ['/', '/p', '/p/c']) table.add(path, ann, persistentRecursive)
    table.add('/p/c', ann, persistent)
    table.add('/p/c', ann, data)
    change('/p/c')
    expect(told()).toEqual([`ann ${nodeDataChanged} /p/c`])
  })

  test('setting a watch twice keeps one', () => {
    table.add('/p', ann, data)
    table.add('/p', ann, data)
    change('/p')
    change('/p')
    expect(told()).toHaveLength(1)
  })

  test('watchers are told in the order in which they came', () => {
    const watchers = Array.from({ length: 20 }, (_, i) => new Recorder(`w${i}`, events))
    for (const watcher of watchers) table.add('/p', watcher, data)
    table.remove('/p', watchers[3]!, WatcherType.data)
    table.add('/p', watchers[3]!, data)
    change('/p')
    const order = told().map((line) => line.split(' ')[0])
    const late = watchers.filter((_, i) => i !== 3).map((w) => w.name)
    expect(order).toEqual([...late, 'w3'])
  })
})

describe('ACL on delivery', () => {
  test("the znode's own ACL decides, and the one-shot watch is consumed", () => {
    for (const watcher of [ann, bob]) table.add('/p', watcher, data)
    change('/p', ONLY_ANN)
    expect(told()).toEqual([`ann ${nodeDataChanged} /p`])
    change('/p')
    expect(told()).toEqual([])
  })

  test('the ACL of a created and of a deleted znode decides', () => {
    for (const act of [create, remove]) {
      for (const watcher of [ann, bob]) table.add('/p', watcher, data)
      act('/p', ONLY_ANN)
      expect(told().map((line) => line.slice(0, 3))).toEqual(['ann'])
    }
  })

  test("the parent's ACL decides on NodeChildrenChanged", () => {
    for (const watcher of [ann, bob]) table.add('/p', watcher, child)
    create('/p/c', OPEN_ACL, ONLY_ANN)
    expect(told()).toEqual([`ann ${nodeChildrenChanged} /p`])
  })

  test('who was kept from the data event gets none through the child table either', () => {
    table.add('/p', bob, data)
    table.add('/p', bob, child)
    remove('/p', ONLY_ANN)
    expect(told()).toEqual([])
    expect(table.watchCount()).toBe(0)
  })

  test('a recursive watcher learns only what it may read', () => {
    table.add('/', bob, persistentRecursive)
    create('/secret', ONLY_ANN)
    create('/open')
    expect(told()).toEqual([`bob ${nodeCreated} /open`])
  })
})

describe('check and remove', () => {
  const { children, any } = WatcherType
  const kinds = Object.values(WatchKind)
  const rows: readonly (readonly [WatcherType, readonly WatchKind[]])[] = [
    [children, [child]],
    [WatcherType.data, [data]],
    [any, kinds],
    [WatcherType.persistent, [persistent]],
    [WatcherType.persistentRecursive, [persistentRecursive]],
  ]

  test.each(rows)('type %d means the kinds %j', (type, meant) => {
    for (const kind of kinds) {
      table.add('/p', ann, kind)
      expect(table.has('/p', ann, type)).toBe(meant.includes(kind))
      expect(table.has('/p', bob, type)).toBe(false)
      expect(table.has('/p/c', ann, type)).toBe(false)
      expect(table.remove('/p', bob, type)).toBe(false)
      expect(table.remove('/p', ann, type)).toBe(meant.includes(kind))
      expect(table.has('/p', ann, any)).toBe(!meant.includes(kind))
      table.removeAll(ann)
    }
  })

  test('each kind goes alone', () => {
    for (const kind of kinds) table.add('/p', ann, kind)
    expect(table.remove('/p', ann, WatcherType.persistent)).toBe(true)
    expect(table.has('/p', ann, WatcherType.persistent)).toBe(false)
    for (const type of [children, WatcherType.data, WatcherType.persistentRecursive]) {
      expect(table.has('/p', ann, type)).toBe(true)
    }
  })

  test('only types 1 to 5 exist', () => {
    expect([-1, 0, 1, 2, 3, 4, 5, 6].filter(isWatcherType)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('while events go out', () => {
  test.each(['data', 'persistent', 'persistentRecursive'] as const)(
    'a watcher that is removed gets no more, %s watches',
    (kind) => {
      const cutter: Watcher = {
        ids: [],
        onWatchEvent: () => {
          table.removeAll(ann)
          table.removeAll(cutter)
        },
      }
      for (const watcher of [cutter, ann, bob]) table.add('/p', watcher, WatchKind[kind])
      change('/p')
      expect(told()).toEqual([`bob ${nodeDataChanged} /p`])
      change('/p')
      expect(told()).toEqual(kind === 'data' ? [] : [`bob ${nodeDataChanged} /p`])
      expect(table.watchCount()).toBe(kind === 'data' ? 0 : kind === 'persistent' ? 2 : 1)
    },
  )
})

test('the figures count like the tables of upstream', () => {
  for (const kind of Object.values(WatchKind)) table.add('/p', ann, kind)
  table.add('/q', ann, child)
  table.add('/r', bob, persistent)
  table.add('/s', bob, persistentRecursive)
  // Data table: /p once, /r, /s. Child table: /p once, /q, /r.
  expect(table.watchCount()).toBe(6)
  expect(table.summary()).toEqual({ connections: 2, paths: 3, watches: 3 })
  table.removeAll(ann)
  table.removeAll(bob)
  expect(table.watchCount()).toBe(0)
  expect(table.summary()).toEqual({ connections: 0, paths: 0, watches: 0 })
})

test('random use agrees with the plain model', () => {
  const names = ['ann', 'bob', 'eve']
  const paths = ['/', '/a', '/a/b', '/a/b/c', '/ab', '/d', '']
  const who = fc.constantFrom(...names)
  const path = fc.constantFrom(...paths)
  const type = fc.constantFrom(...Object.values(WatcherType))
  const add = fc.tuple(
    fc.constant('add' as const),
    path,
    who,
    fc.constantFrom(...Object.values(WatchKind)),
  )
  const drop = fc.tuple(fc.constant('remove' as const), path, who, type)
  const end = fc.tuple(fc.constant('removeAll' as const), path, who, fc.constant(0))
  // Nobody creates or deletes the root.
  const fire = fc
    .tuple(
      fc.constant('change' as const),
      fc.constantFrom(...paths.filter((p) => p !== '')),
      fc.constantFrom(...names, null),
      fc.constantFrom(nodeCreated, nodeDeleted, nodeDataChanged),
    )
    .filter(([, p, , event]) => p !== '/' || event === nodeDataChanged)
  const steps = fc.array(
    fc.oneof({ arbitrary: add, weight: 5 }, { arbitrary: fire, weight: 4 }, drop, end),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(steps, (run) => {
      const watches = new WatchTable(new AuthProviders())
      const model = new WatchModel()
      const log: string[] = []
      const watchers = new Map(names.map((name) => [name, new Recorder(name, log)]))
      for (const step of run) {
        const [action, p, name, detail] = step
        const watcher = watchers.get(name ?? '')
        if (action === 'add') {
          watches.add(p, watcher!, detail as WatchKind)
          model.add(p, name!, detail as WatchKind)
        } else if (action === 'remove') {
          const isRemoved = watches.remove(p, watcher!, detail as WatcherType)
          expect(isRemoved).toBe(model.remove(p, name!, detail as WatcherType))
        } else if (action === 'removeAll') {
          watches.removeAll(watcher!)
          model.removeAll(name!)
        } else {
          // With a name, only that watcher may read the changed znode; the parent stays open.
          const acl = name === null ? OPEN_ACL : [{ perms: 1, scheme: 'digest', id: `${name}:h` }]
          fireChange(watches, detail as EventType, node(p, acl))
          const canRead = (reader: string, about: string): boolean =>
            about !== p || name === null || name === reader
          model.change(detail as EventType, p, canRead)
        }
        for (const n of names) expect(eventsOf(n, log)).toEqual(eventsOf(n, model.events))
        const held = paths.flatMap((at) =>
          names.flatMap((n) =>
            Object.values(WatcherType).filter(
              (t) => watches.has(at, watchers.get(n)!, t) !== model.has(at, n, t),
            ),
          ),
        )
        expect(held).toEqual([])
        expect(watches.watchCount()).toBe(model.watchCount())
      }
    }),
    { numRuns: 400 },
  )
})

function fireChange(watches: WatchTable, type: EventType, znode: WatchedNode): void {
  const parent = node(parentPath(znode.path))
  if (type === nodeCreated) watches.created(znode, parent, ZXID)
  else if (type === nodeDeleted) watches.deleted(znode, parent, ZXID)
  else watches.dataChanged(znode, ZXID)
}

/** Order matters for each watcher, not between them. */
function eventsOf(name: string, lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith(`${name} `))
}
