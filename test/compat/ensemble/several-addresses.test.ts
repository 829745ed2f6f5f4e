import { execFileSync } from 'node:child_process'
import { afterAll, describe, expect, test } from 'vitest'
import { CreateFlag, createBody, Op, WireClient } from '../../../bench/client/index.ts'
import type { MemberSpec, ServerKind } from '../../../bench/servers/index.ts'
import { expectEqualTrees, skipWithoutServers, withEnsemble } from './support/index.ts'

/*
 * Servers with two addresses, of which the first is nobody's (a network that is down): nobody can listen there, and
 * nobody is reached there. All the same each server is found by the others, those of the original too.
 */

/**
 * Addresses that are reserved for ever (RFC 1112) and that this machine reaches by no network: without a route of their
 * own they would go to its gateway, and there are some that answer for everybody. Needs Linux and root.
 */
const NET = `240.213.${process.pid % 250}`
const NOWHERE = [1, 2, 3].map((host) => `${NET}.${host}`)
const ROUTE = ['unreachable', `${NET}.0/29`]
const hasRoute = ip('route', 'replace', ...ROUTE)
if (!hasRoute) console.warn('skipped: a route cannot be made here')
const CONFIG = [
  'zookeeper.multiAddress.enabled=true',
  'zookeeper.multiAddress.reachabilityCheckTimeoutMs=200',
]

afterAll(() => {
  if (hasRoute) ip('route', 'del', ...ROUTE)
})

function ip(...words: readonly string[]): boolean {
  try {
    execFileSync('ip', words, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function members(kinds: readonly ServerKind[]): MemberSpec[] {
  return kinds.map((kind, i) => ({ kind, hostsBefore: [NOWHERE[i % 3]!] }))
}

describe.each<readonly [ServerKind, ServerKind, ServerKind]>([
  ['zabkeeper', 'zabkeeper', 'zabkeeper'],
  ['apache-3.8', 'zabkeeper', 'apache-3.8'],
  ['zabkeeper', 'apache-3.8', 'zabkeeper'],
])('%s, %s, %s', (...kinds) => {
  const isSkipped = skipWithoutServers(...kinds) || !hasRoute
  test.skipIf(isSkipped)('find each other', { timeout: 240_000 }, async () => {
    await withEnsemble({ members: members(kinds), config: CONFIG }, async (ensemble) => {
      for (const leader of [3, 2]) {
        await ensemble.makeLead(leader)
        for (const { id, port } of ensemble.members) {
          const client = await WireClient.open({ port })
          const path = `/from${id}-under${leader}`
          const made = await client.request(Op.create, createBody(path, '', CreateFlag.persistent))
          expect(made.err).toBe(0)
          await client.close()
        }
      }
      await expectEqualTrees(ensemble)
    })
  })
})
