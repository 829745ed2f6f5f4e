import { makeZxid, type SessionId, type Zxid } from '../../../src/base/index.ts'
import type { HistoryEvent, HistoryKind } from '../../../src/sim/history.ts'
import {
  type ByteString,
  CreateMode,
  type CreateRequest,
  ErrorCode,
  OpCode,
} from '../../../src/wire/index.ts'
import { OPEN_ACL } from './client-builder.ts'
import { HistoryBuilder } from './history-builder.ts'
import { tellStory } from './story.ts'

/** A history that breaks one invariant and no other. */
export interface Mutant {
  readonly id: string
  readonly what: string
  readonly make: () => readonly HistoryEvent[]
}

type EventOf<K extends HistoryKind, E = HistoryEvent> = E extends { readonly kind: infer Own }
  ? K extends Own
    ? E
    : never
  : never

/** The story, changed. */
function story(change: (edit: Edit) => void): () => readonly HistoryEvent[] {
  return () => {
    const edit = new Edit(tellStory())
    change(edit)
    return edit.events
  }
}

/** A short history of three voters under the leader 3, epoch 1, told by `tell`. */
function short(tell: (world: HistoryBuilder) => void): () => readonly HistoryEvent[] {
  return () => {
    const world = new HistoryBuilder([1, 2, 3], [])
    world.elect(3, [1, 2])
    tell(world)
    return world.events
  }
}

class Edit {
  readonly events: HistoryEvent[]

  constructor(events: HistoryEvent[]) {
    this.events = events
  }

  /** Place of the first event of a kind that `isWanted`. */
  find<K extends HistoryKind>(
    kind: K,
    isWanted: (event: EventOf<K>) => boolean = () => true,
    from = 0,
  ): number {
    const at = this.events.findIndex(
      (event, i) => i >= from && event.kind === kind && isWanted(event as EventOf<K>),
    )
    if (at < 0) throw new Error(`the history has no such ${kind}`)
    return at
  }

  findLast<K extends HistoryKind>(kind: K, isWanted: (event: EventOf<K>) => boolean): number {
    const at = this.events.findLastIndex(
      (event) => event.kind === kind && isWanted(event as EventOf<K>),
    )
    if (at < 0) throw new Error(`the history has no such ${kind}`)
    return at
  }

  get<K extends HistoryKind>(_kind: K, at: number): EventOf<K> {
    return this.events[at] as EventOf<K>
  }

  change<K extends HistoryKind>(_kind: K, at: number, fields: Partial<EventOf<K>>): void {
    this.events[at] = { ...this.events[at], ...fields } as HistoryEvent
  }

  remove(at: number): HistoryEvent {
    return this.events.splice(at, 1)[0]!
  }

  insert(at: number, ...events: HistoryEvent[]): void {
    this.events.splice(at, 0, ...events)
  }

  /** Moves the event at `from` so that it comes right after the one that is at `after` now. */
  moveBehind(from: number, after: number): void {
    const event = this.events[from]!
    this.insert(after + 1, event)
    this.remove(from < after ? from : from + 1)
  }

  /** Changes a transaction wherever it is applied. */
  changeApplied(zxid: Zxid, change: (event: EventOf<'apply'>) => Partial<EventOf<'apply'>>): void {
    for (const [at, event] of this.events.entries()) {
      if (event.kind !== 'apply' || event.zxid !== zxid) continue
      this.change('apply', at, change(event))
    }
  }

  /** The request of `client` on `path`, and its reply. */
  request(client: number, type: number, path: string): { invoke: number; reply: number } {
    const invoke = this.find(
      'invoke',
      (event) =>
        event.client === client &&
        event.request.type === type &&
        'path' in event.request &&
        event.request.path === path,
    )
    const { xid } = this.get('invoke', invoke)
    const reply = this.find('return', (e) => e.client === client && e.xid === xid, invoke)
    return { invoke, reply }
  }

  /** The `nth` event (from 0) that tells `client` of `path`. */
  told(client: number, path: string, nth = 0): number {
    let at = -1
    for (let i = 0; i <= nth; i += 1) {
      at = this.find('watchEvent', (e) => e.client === client && e.path === path, at + 1)
    }
    return at
  }

  atServer(id: number): { atMs: number; server: EventOf<'ack'>['server']; incarnation: number } {
    const last = this.events.findLast((e) => e.kind === 'restart' && Number(e.server) === id)
    const { server, incarnation } = last as EventOf<'restart'>
    return { atMs: this.events.at(-1)!.atMs, server, incarnation }
  }
}

const [ALICE, BOB, CAROL, DAVE] = [1, 2, 3, 4] as const
const LONG_AFTER_MS = 5000

const isAt =
  (server: number) =>
  (event: { readonly server: number }): boolean =>
    event.server === server

const ZAB_MUTANTS: readonly Mutant[] = [
  {
    id: 'A1',
    what: 'a transaction that nobody has proposed',
    make: story((edit) => edit.remove(edit.find('broadcast', (e) => e.zxid === makeZxid(1, 8)))),
  },
  {
    id: 'A2',
    what: 'one replica applies something else',
    make: story((edit) => {
      const at = edit.find('apply', (e) => e.server === 2 && e.zxid === makeZxid(1, 6))
      edit.change('apply', at, { hash: 1 })
    }),
  },
  {
    id: 'A3',
    what: 'a transaction is applied twice',
    make: story((edit) => {
      const at = edit.find('apply', (e) => e.server === 2 && e.zxid === makeZxid(1, 6))
      edit.insert(at, edit.events[at]!)
    }),
  },
  {
    id: 'A4',
    what: 'a replica leaves out the last transaction of an epoch',
    make: story((edit) => {
      edit.remove(edit.findLast('apply', (e) => e.server === 1 && e.zxid < makeZxid(2, 0)))
    }),
  },
  {
    id: 'A5',
    what: 'a replica leaves out a transaction between two of its epoch',
    make: story((edit) => {
      edit.remove(edit.find('apply', (e) => e.server === 2 && e.zxid === makeZxid(1, 6)))
    }),
  },
  {
    id: 'A6',
    what: 'a transaction is applied after one of a later epoch',
    make: story((edit) => {
      const late = edit.findLast('apply', (e) => e.server === 1 && e.zxid < makeZxid(2, 0))
      edit.moveBehind(
        late,
        edit.find('apply', (e) => e.server === 1 && e.zxid > makeZxid(2, 0)),
      )
    }),
  },
  {
    id: 'A7',
    what: 'the old leader commits what the new one, who has begun already, does not hold',
    make: short((world) => {
      world.connect(ALICE, 1)
      const zxid = makeZxid(1, 2)
      const hash = 7
      const txn = { type: OpCode.error, err: -101 } as const
      const header = { clientId: 1n as SessionId, cxid: 0, zxid, time: 1, type: txn.type }
      const digest = world.model.digestAt(world.model.length)
      world.push({ kind: 'broadcast', ...world.of(3), epoch: 1, zxid, hash })
      for (const id of [3, 1]) {
        world.push({ kind: 'append', ...world.of(id), token: 99, zxid, hash })
        world.push({ kind: 'durable', ...world.of(id), token: 99 })
      }
      world.push({ kind: 'ack', ...world.of(1), epoch: 1, zxid })
      world.elect(2, [1])
      const first = makeZxid(2, 1)
      world.push({ kind: 'broadcast', ...world.of(2), epoch: 2, zxid: first, hash })
      world.push({ kind: 'commit', ...world.of(3), epoch: 1, zxid })
      world.push({ kind: 'apply', ...world.of(3), zxid, hash, header, txn, digest })
    }),
  },
  {
    id: 'A8',
    what: 'two leaders of one epoch',
    make: story((edit) => {
      const { epoch, lastZxid } = edit.get('established', edit.find('established', isAt(2)))
      edit.events.push({ kind: 'established', ...edit.atServer(1), epoch, lastZxid })
    }),
  },
  {
    id: 'A9',
    what: 'an epoch is promised before it is durable',
    make: story((edit) => {
      const at = edit.find('promise', isAt(1))
      edit.moveBehind(at - 1, at)
    }),
  },
  {
    id: 'A10',
    what: 'two of three voters lose what is committed',
    make: story((edit) => {
      const zxid = (edit.get('end', edit.events.length - 1).replicas[0]!.zxid - 1n) as Zxid
      for (const id of [1, 2]) {
        const server = edit.atServer(id)
        edit.insert(
          edit.events.length - 1,
          { kind: 'truncate', ...server, token: 999, zxid },
          { kind: 'durable', ...server, token: 999 },
        )
      }
    }),
  },
  {
    id: 'A11',
    what: 'a leader without the last committed transaction is established',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      world.learners.delete(world.voters[1]!)
      alice.create('/a')
      world.elect(2, [1], true)
    }),
  },
  {
    id: 'A12',
    what: 'an ack overtakes the disk',
    make: story((edit) => {
      const at = edit.find('ack', (e) => e.server === 2 && e.zxid === makeZxid(1, 6))
      edit.moveBehind(at - 1, at)
    }),
  },
  {
    id: 'A12',
    what: 'the leader is acked before the epoch is durable',
    make: story((edit) => {
      const at = edit.find('newLeaderAck')
      edit.moveBehind(at - 1, at)
    }),
  },
  {
    id: 'A13',
    what: 'a hole in a log',
    make: story((edit) => {
      const { zxid: last } = edit.get('end', edit.events.length - 1).replicas[0]!
      const entry = { token: 999, zxid: (last + 2n) as Zxid, hash: 5 }
      edit.events.push({ kind: 'append', ...edit.atServer(4), ...entry })
    }),
  },
  {
    id: 'A14',
    what: 'a follower acks a leader whose history it does not hold',
    make: () => {
      const world = new HistoryBuilder([1, 2, 3], [])
      world.elect(3, [1, 2])
      world.connect(ALICE, 1).create('/a')
      world.elect(2, [1])
      const edit = new Edit(world.events)
      const at = edit.find('newLeaderAck', (e) => e.server === 1 && e.epoch === 2)
      const server = edit.atServer(1)
      edit.insert(
        at,
        { kind: 'truncate', ...server, token: 999, zxid: makeZxid(1, 1) },
        { kind: 'durable', ...server, token: 999 },
      )
      return edit.events
    },
  },
  {
    id: 'A15',
    what: 'a vote by memory, not by the log',
    make: story((edit) => {
      const at = edit.findLast('vote', isAt(1))
      edit.change('vote', at, { zxid: makeZxid(1, 999) })
    }),
  },
  {
    id: 'A16',
    what: 'a transaction is applied before it is durable here',
    make: story((edit) => {
      const at = edit.findLast('apply', isAt(4))
      edit.moveBehind(at - 1, at)
    }),
  },
  {
    id: 'A16',
    what: 'a restart finds less than was durable',
    make: story((edit) => {
      const at = edit.findLast('restart', isAt(3))
      const { recovered } = edit.get('restart', at)
      const lastZxid = recovered.checkpointZxid
      edit.change('restart', at, { recovered: { ...recovered, lastZxid } })
    }),
  },
  {
    id: 'A17',
    what: 'a commit without a quorum of acks',
    make: story((edit) => {
      for (const id of [1, 2]) {
        edit.remove(edit.find('ack', (e) => e.server === id && e.zxid === makeZxid(1, 6)))
      }
    }),
  },
  {
    id: 'A18',
    what: 'one zxid, two contents',
    make: story((edit) => {
      edit.change('append', edit.findLast('append', isAt(4)), { hash: 1 })
    }),
  },
]

const STATE_MUTANTS: readonly Mutant[] = [
  {
    id: 'D1',
    what: 'a replica computes another digest',
    make: story((edit) => {
      const at = edit.find('apply', (e) => e.server === 2 && e.zxid === makeZxid(1, 6))
      edit.change('apply', at, { digest: 1n })
    }),
  },
  {
    id: 'D2',
    what: 'a snapshot with a part of the next transaction',
    make: story((edit) => edit.change('snapshot', edit.find('snapshot'), { digest: 1n })),
  },
  {
    id: 'D2',
    what: 'an install that leaves something of the state before',
    make: story((edit) => edit.change('install', edit.find('install'), { digest: 1n })),
  },
  {
    id: 'D3',
    what: 'a checkpoint behind the end of the log',
    make: story((edit) => {
      const at = edit.findLast('restart', isAt(3))
      const { recovered } = edit.get('restart', at)
      const checkpointZxid = (recovered.lastZxid + 1n) as Zxid
      edit.change('restart', at, { recovered: { ...recovered, checkpointZxid } })
    }),
  },
  {
    id: 'D4',
    what: 'a restart with another state',
    make: story((edit) => {
      const at = edit.findLast('restart', isAt(3))
      const { recovered } = edit.get('restart', at)
      edit.change('restart', at, { recovered: { ...recovered, checkpointDigest: 1n } })
    }),
  },
  {
    id: 'D5',
    what: 'an operation of a failed multi is reported as done',
    make: story((edit) => {
      const at = edit.find('return', ({ response: { ops } }) => ops?.[0]?.type === OpCode.error)
      const ops = edit.get('return', at).response.ops!
      const done = { ...ops[0]!, type: OpCode.create, path: '/b/z' }
      edit.change('return', at, { response: { ops: [done, ...ops.slice(1)] } })
    }),
  },
  {
    id: 'D5',
    what: 'a multiRead of two states',
    make: story((edit) => {
      const at = edit.find('return', ({ response: { reads } }) => reads !== undefined)
      const { response } = edit.get('return', at)
      const isOld = (e: EventOf<'return'>): boolean => e.response.data === 'two'
      const old = edit.get('return', edit.findLast('return', isOld)).response
      const first = { type: OpCode.getData, data: old.data!, stat: old.stat! }
      const reads = [first, response.reads![1]!]
      edit.change('return', at, { response: { reads } })
    }),
  },
]

const CLIENT_MUTANTS: readonly Mutant[] = [
  {
    id: 'C1',
    what: 'a write goes back behind one that had returned before it began',
    make: story((edit) => {
      const { invoke, reply } = edit.request(DAVE, OpCode.create2, '/d')
      const { reply: refused } = edit.request(BOB, OpCode.delete, '/nothing')
      edit.moveBehind(reply, refused)
      edit.moveBehind(invoke, refused - 1)
    }),
  },
  {
    id: 'C2',
    what: 'the second of two requests is answered first',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      const first = alice.invoke({ type: OpCode.sync, path: '/' })
      const second = alice.invoke({ type: OpCode.sync, path: '/' })
      alice.answer(second, world.lastZxid, { path: '/' })
      alice.answer(first, world.lastZxid, { path: '/' })
    }),
  },
  {
    id: 'C2',
    what: 'two writes take effect in the wrong order',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      const txn = { type: OpCode.error, err: ErrorCode.noNode } as const
      const request = { type: OpCode.delete, path: '/x', version: -1 } as const
      const first = alice.invoke(request)
      const second = alice.invoke(request)
      world.write(alice.sessionId, second, txn)
      world.write(alice.sessionId, first, txn)
    }),
  },
  {
    id: 'C3',
    what: 'a read of what never was',
    make: story((edit) => {
      const at = edit.find('return', ({ response }) => response.data === 'two')
      const { response } = edit.get('return', at)
      edit.change('return', at, { response: { ...response, data: 'never' as ByteString } })
    }),
  },
  {
    id: 'C3',
    what: 'a reply older than one before',
    make: story((edit) => {
      const at = edit.request(DAVE, OpCode.getData, '/d').reply
      edit.change('return', at, { zxid: makeZxid(1, 1) })
    }),
  },
  {
    id: 'C4',
    what: 'a server that is behind the client accepts it',
    make: story((edit) => {
      const at = edit.findLast('connect', (e) => e.client === BOB)
      edit.change('connect', at, { lastZxidSeen: makeZxid(2, 900) })
    }),
  },
  {
    id: 'C5',
    what: 'a stale read after a sync',
    make: story((edit) => {
      const { reply } = edit.request(BOB, OpCode.sync, '/')
      const read = edit.find('return', (e) => e.client === BOB, reply + 1)
      const zxid = (edit.get('return', reply).zxid - 1n) as Zxid
      edit.change('return', reply, { zxid })
      edit.change('return', read, { zxid })
    }),
  },
  {
    id: 'C6',
    what: 'a reply without a request',
    make: story((edit) => {
      const { reply } = edit.request(BOB, OpCode.getData, '/a')
      edit.insert(reply, edit.events[reply]!)
    }),
  },
  {
    id: 'C6',
    what: 'a request without a reply',
    make: short((world) => {
      const alice = world.connect(ALICE, 1, 60_000)
      alice.invoke({ type: OpCode.getData, path: '/', watch: false })
      world.advance(LONG_AFTER_MS)
      world.end()
    }),
  },
  {
    id: 'C7',
    what: 'what was answered has not been done',
    make: story((edit) => {
      const { reply } = edit.request(DAVE, OpCode.create2, '/d')
      edit.changeApplied(edit.get('return', reply).zxid, ({ header }) => ({
        header: { ...header, cxid: header.cxid + 1000 },
      }))
    }),
  },
  {
    id: 'C8',
    what: 'one request is carried out twice',
    make: story((edit) => {
      const { invoke } = edit.request(ALICE, OpCode.delete, '/a/s-0000000000')
      const { sessionId, xid } = edit.get('invoke', invoke)
      const { zxid } = edit.get('return', edit.request(BOB, OpCode.delete, '/nothing').reply)
      edit.changeApplied(zxid, ({ header }) => ({
        header: { ...header, clientId: sessionId, cxid: xid },
      }))
    }),
  },
  {
    id: 'C9',
    what: 'a version too much in a Stat',
    make: story((edit) => {
      const at = edit.find('return', ({ response }) => response.data === 'two')
      const { response } = edit.get('return', at)
      const stat = { ...response.stat!, version: response.stat!.version + 1 }
      edit.change('return', at, { response: { ...response, stat } })
    }),
  },
  {
    id: 'C9',
    what: 'the Stat of a write is of another time',
    make: story((edit) => {
      const { reply } = edit.request(ALICE, OpCode.setData, '/a')
      const { response } = edit.get('return', reply)
      const stat = { ...response.stat!, numChildren: 0 }
      edit.change('return', reply, { response: { stat } })
    }),
  },
  {
    id: 'C10',
    what: 'a sequential znode without a number',
    make: story((edit) => {
      const { invoke } = edit.request(DAVE, OpCode.create2, '/d')
      const request = edit.get('invoke', invoke).request as CreateRequest
      const flags = CreateMode.persistentSequential
      edit.change('invoke', invoke, { request: { ...request, flags } })
    }),
  },
  {
    id: 'C10',
    what: 'a number comes twice',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      alice.create('/s-', CreateMode.persistentSequential)
      const fields = { data: null, acl: OPEN_ACL, ephemeral: false, parentCVersion: 2 }
      const request = { type: OpCode.create2, path: '/s-0', flags: 2, ttl: -1n } as const
      const xid = alice.invoke({ ...request, data: null, acl: OPEN_ACL })
      const path = '/s-00000000000'
      const { zxid } = world.write(alice.sessionId, xid, { type: OpCode.create2, path, ...fields })
      alice.answer(xid, zxid, { path })
    }),
  },
]

const WATCH_MUTANTS: readonly Mutant[] = [
  {
    id: 'W1',
    what: 'new data before the event',
    make: story((edit) => {
      const at = edit.told(BOB, '/a')
      edit.moveBehind(
        at,
        edit.find('return', (e) => e.client === BOB, at),
      )
    }),
  },
  {
    id: 'W2',
    what: 'one watch, two events',
    make: story((edit) => {
      const at = edit.told(BOB, '/a')
      edit.insert(at, edit.events[at]!)
    }),
  },
  {
    id: 'W2',
    what: 'the event never comes',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      const bob = world.connect(BOB, 2)
      alice.create('/a')
      bob.getData('/a', true)
      alice.setData('/a', 'new')
      world.end()
      const edit = new Edit(world.events)
      edit.remove(edit.told(BOB, '/a'))
    }),
  },
  {
    id: 'W3',
    what: 'two events in the wrong order',
    make: story((edit) => edit.moveBehind(edit.told(CAROL, '/a'), edit.told(CAROL, '/a', 1))),
  },
  {
    id: 'W4',
    what: 'setWatches forgets what was missed',
    make: story((edit) => edit.remove(edit.find('watchEvent', (e) => e.zxid === null))),
  },
  {
    id: 'W4',
    what: 'setWatches makes up what was not missed',
    make: story((edit) => {
      const at = edit.find('watchEvent', (e) => e.zxid === null)
      edit.insert(at, { ...edit.get('watchEvent', at), path: '/b' })
    }),
  },
  {
    id: 'W5',
    what: 'an event that no transaction has caused',
    make: story((edit) => edit.change('watchEvent', edit.told(CAROL, '/a'), { path: '/nope' })),
  },
  {
    id: 'W5',
    what: 'an event that nobody asked for',
    make: story((edit) => {
      const at = edit.told(ALICE, '/b')
      const { client, connection, sessionId } = edit.get('connect', edit.find('connect', isDave))
      const event = { ...edit.get('watchEvent', at), client, connection, sessionId }
      edit.insert(at, event)
    }),
  },
  {
    id: 'W6',
    what: 'an event after removeWatches',
    make: story((edit) => {
      const from = edit.find('return', (e) => isRemoval(edit, e))
      const { client, connection, sessionId } = edit.get('return', from)
      const isLater = (e: EventOf<'watchEvent'>): boolean => e.path === '/b'
      const at = edit.find('watchEvent', isLater, from)
      edit.insert(at, { ...edit.get('watchEvent', at), client, connection, sessionId })
    }),
  },
  {
    id: 'W7',
    what: 'a persistent watch misses a change',
    make: story((edit) => edit.remove(edit.told(ALICE, '/b'))),
  },
  {
    id: 'W7',
    what: 'a persistent watch tells a change twice',
    make: story((edit) => {
      const at = edit.told(ALICE, '/b')
      edit.insert(at, edit.events[at]!)
    }),
  },
  {
    id: 'W7',
    what: 'a recursive watch tells of children',
    make: story((edit) => {
      const at = edit.told(ALICE, '/b')
      edit.insert(at + 1, { ...edit.get('watchEvent', at), type: 4, path: '/' })
    }),
  },
]

const SESSION_MUTANTS: readonly Mutant[] = [
  {
    id: 'E1',
    what: 'a live session is called expired',
    make: story((edit) => {
      const connect = edit.get('connect', edit.find('connect'))
      const sessionId = 0n as SessionId
      const { sessionId: askedSessionId } = connect
      const fields = { outcome: 'expired', connection: 999, sessionId, timeoutMs: 0 } as const
      edit.insert(edit.events.length - 1, { ...connect, ...fields, askedSessionId })
    }),
  },
  {
    id: 'E1',
    what: 'a replica has lost a session',
    make: story((edit) => changeReplica(edit, ({ sessions }) => ({ sessions: sessions.slice(1) }))),
  },
  {
    id: 'E2',
    what: 'a session expires right after a sign of life',
    make: story((edit) => {
      const at = edit.find('broadcast', (e) => e.zxid === expiryZxid(edit))
      const { sessionId } = edit.get(
        'connect',
        edit.find('connect', (e) => e.client === CAROL),
      )
      const touch = { atMs: edit.events[at]!.atMs - 100, sessionId }
      edit.insert(at, { kind: 'sessionTouch', ...edit.atServer(2), ...touch })
    }),
  },
  {
    id: 'E3',
    what: 'silent sessions stay',
    make: story((edit) => edit.change('end', edit.events.length - 1, { atMs: 1e6 })),
  },
  {
    id: 'E4',
    what: 'an ephemeral outlives its session on one replica',
    make: story((edit) => {
      const { sessionId: owner } = edit.get('connect', edit.find('connect', isCarol))
      changeReplica(edit, ({ ephemerals }) => ({
        ephemerals: [...ephemerals, { path: '/c', owner }],
      }))
    }),
  },
  {
    id: 'E5',
    what: 'an ephemeral is made for a closed session',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      const parentCVersion = 1
      world.advance(LONG_AFTER_MS)
      world.expire(alice.sessionId)
      const fields = { path: '/late', data: null, acl: OPEN_ACL, ephemeral: true, parentCVersion }
      world.write(alice.sessionId, 9, { type: OpCode.create, ...fields })
    }),
  },
  {
    id: 'E6',
    what: 'a server accepts a session whose end it has applied',
    make: story((edit) => {
      const { sessionId } = edit.get('connect', edit.find('connect', isCarol))
      const at = edit.events.length - 1
      edit.insert(at, { kind: 'sessionTouch', ...edit.atServer(1), sessionId })
    }),
  },
  {
    id: 'E7',
    what: 'the former owner of a session still writes',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      const { connection } = alice
      alice.reconnect(2)
      alice.connection = connection
      alice.create('/a')
    }),
  },
  {
    id: 'E8',
    what: 'a session id is given twice',
    make: short((world) => {
      const alice = world.connect(ALICE, 1)
      world.write(alice.sessionId, 0, { type: OpCode.createSession, timeOut: 4000 })
    }),
  },
  {
    id: 'E10',
    what: 'a new leader expires a session by the clock of the last one',
    make: story((edit) => {
      const at = edit.findLast('established', isAt(2))
      edit.change('established', at, { atMs: edit.events[at]!.atMs + LONG_AFTER_MS })
    }),
  },
]

const LIVENESS_MUTANTS: readonly Mutant[] = [
  {
    id: 'L1',
    what: 'nobody leads',
    make: short((world) => {
      world.heal()
      world.advance(LONG_AFTER_MS)
      world.end()
      const edit = new Edit(world.events)
      edit.change('roleChange', edit.findLast('roleChange', isAt(3)), { role: 'following' })
    }),
  },
  {
    id: 'L2',
    what: 'a server never serves again',
    make: short((world) => {
      world.heal()
      world.role(1, 'looking', false)
      world.advance(LONG_AFTER_MS)
      world.end()
    }),
  },
  {
    id: 'L3',
    what: 'a queue does not empty',
    make: story((edit) =>
      changeReplica(edit, () => ({ gauges: [{ name: 'watches', value: 2, limit: 1 }] })),
    ),
  },
  {
    id: 'L4',
    what: 'a slow reply',
    make: short((world) => {
      const alice = world.connect(ALICE, 1, 60_000)
      world.heal()
      const xid = alice.invoke({ type: OpCode.sync, path: '/' })
      world.advance(LONG_AFTER_MS)
      alice.answer(xid, world.lastZxid, { path: '/' })
    }),
  },
  {
    id: 'L5',
    what: 'a leader whose disk hangs goes on',
    make: short((world) => {
      const server = world.leader
      const entry = { zxid: makeZxid(1, 1), hash: 7 }
      world.push({ kind: 'faultBegin', atMs: world.nowMs, name: 'disk-hang', server })
      world.push({ kind: 'broadcast', ...world.of(3), epoch: 1, ...entry })
      world.push({ kind: 'append', ...world.of(3), token: 99, ...entry })
      world.advance(LONG_AFTER_MS)
      for (const id of [1, 2]) {
        world.push({ kind: 'append', ...world.of(id), token: 99, ...entry })
        world.push({ kind: 'durable', ...world.of(id), token: 99 })
        world.push({ kind: 'ack', ...world.of(id), epoch: 1, zxid: entry.zxid })
      }
      world.push({ kind: 'commit', ...world.of(3), epoch: 1, zxid: entry.zxid })
    }),
  },
]

/** At least one for every checker. */
export const MUTANTS: readonly Mutant[] = [
  ...ZAB_MUTANTS,
  ...STATE_MUTANTS,
  ...CLIENT_MUTANTS,
  ...WATCH_MUTANTS,
  ...SESSION_MUTANTS,
  ...LIVENESS_MUTANTS,
]

function isCarol(event: EventOf<'connect'>): boolean {
  return event.client === CAROL
}

function isDave(event: EventOf<'connect'>): boolean {
  return event.client === DAVE
}

function isRemoval(edit: Edit, event: EventOf<'return'>): boolean {
  const isAsked = (e: EventOf<'invoke'>): boolean =>
    e.connection === event.connection && e.xid === event.xid
  return edit.get('invoke', edit.find('invoke', isAsked)).request.type === OpCode.removeWatches
}

function expiryZxid(edit: Edit): Zxid {
  return edit.get(
    'apply',
    edit.find('apply', ({ header }) => isExpiry(header)),
  ).zxid
}

function isExpiry(header: EventOf<'apply'>['header']): boolean {
  return header.type === OpCode.closeSession && header.cxid === 0
}

type Replica = EventOf<'end'>['replicas'][number]

function changeReplica(edit: Edit, change: (replica: Replica) => Partial<Replica>): void {
  const at = edit.find('end')
  const [first, ...others] = edit.get('end', at).replicas
  edit.change('end', at, { replicas: [{ ...first!, ...change(first!) }, ...others] })
}
