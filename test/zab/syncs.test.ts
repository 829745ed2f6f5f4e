import { beforeEach, describe, expect, test } from 'vitest'
import type { LinkId } from '../../src/zab/inputs.ts'
import { type Packet, PacketKind } from '../../src/zab/messages.ts'
import { type Server, World } from './harness.ts'

const NAMES = new Map<number, string>([
  [PacketKind.COMMIT, 'COMMIT'],
  [PacketKind.INFORM, 'INFORM'],
  [PacketKind.SYNC, 'SYNC'],
])

describe('answers to syncs keep their place among the commits of a link', () => {
  let world: World
  let leader: Server
  let sent: string[]

  beforeEach(() => {
    world = new World({ seed: 1, voters: 3, observers: 1 })
    world.startAll()
    world.runUntil(() => world.servers.every((server) => server.core?.isServing === true), 4000)
    leader = world.leader!
    sent = []
    world.probe = {
      onSent: (server: Server, packet: Packet) => {
        const name = NAMES.get(packet.kind)
        if (server !== leader || name === undefined) return
        sent.push('zxid' in packet ? `${name} ${Number(packet.zxid & 0xffff_ffffn)}` : name)
      },
      onReceiving: () => {},
      onWritten: () => {},
    }
  })

  function linkOf(role: 'follower' | 'observer'): LinkId {
    return leader.core!.learnerViews.find((learner) => learner.role === role)!.link
  }

  test('a commit of something proposed later answers a sync that is not confirmed yet', () => {
    world.propose(leader)
    leader.core!.expectSync(linkOf('follower'))
    world.propose(leader)
    world.runFor(1000)
    expect(sent.filter((name) => !name.startsWith('INFORM'))).toEqual([
      ...['COMMIT 1', 'COMMIT 1', 'SYNC', 'COMMIT 2', 'COMMIT 2'],
    ])
    leader.core!.answerSync(linkOf('follower'))
    world.runFor(1000)
    expect(sent.filter((name) => name === 'SYNC')).toHaveLength(1)
  })

  test('the same for an observer', () => {
    leader.core!.expectSync(linkOf('observer'))
    world.propose(leader)
    world.runFor(1000)
    expect(sent.filter((name) => !name.startsWith('COMMIT'))).toEqual(['SYNC', 'INFORM 1'])
  })

  test('without a commit the request pipeline answers', () => {
    leader.core!.expectSync(linkOf('follower'))
    leader.core!.expectSync(linkOf('follower'))
    world.runFor(1000)
    expect(sent).toEqual([])
    leader.core!.answerSync(linkOf('follower'))
    world.runFor(1000)
    expect(sent).toEqual(['SYNC'])
    world.propose(leader)
    world.runFor(1000)
    expect(sent.filter((name) => name === 'SYNC')).toHaveLength(2)
    leader.core!.answerSync(linkOf('follower'))
    world.runFor(1000)
    expect(sent.filter((name) => name === 'SYNC')).toHaveLength(2)
  })
})
