import { describe, expect, test } from 'vitest'
import {
  isNotServing,
  isRefused,
  parseConf,
  parseMonitor,
  parseServer,
} from '../../src/cluster/texts.ts'
import { confOf, LEADER_MNTR, LEADER_SRVR, NOT_SERVING, READ_ONLY_SRVR } from './support/texts.ts'

describe('srvr', () => {
  test('of a leader', () => {
    expect(parseServer(LEADER_SRVR)).toEqual({
      version: '3.8.0',
      mode: 'leader',
      zxid: 0x1_0000_0141n,
      znodes: 22,
      connections: 2,
      outstanding: 0,
      latencyMs: { min: 0, avg: 4.4286, max: 14 },
    })
  })

  test('of a server that has lost the others', () => {
    expect(parseServer(READ_ONLY_SRVR)?.mode).toBe('read-only')
  })

  test('of ours shows our own version beside', () => {
    const text = LEADER_SRVR.replace('3.8.0-5a02a05e', '3.9.3-zabkeeper-0.1.0')
    expect(parseServer(text)?.version).toBe('3.9.3 (zabkeeper-0.1.0)')
  })

  test('an epoch from 2^31 on is no huge number', () => {
    const text = LEADER_SRVR.replace('0x100000141', '0xffffffff00000001')
    expect(parseServer(text)?.zxid).toBe(-0xffff_ffffn)
  })

  test.each([
    ['', 'nothing'],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'another protocol'],
    [LEADER_SRVR.replace(/^Zxid.*\n/m, ''), 'a line is missing'],
    [LEADER_SRVR.replace('0x100000141', '0x1zz'), 'a broken number'],
    [LEADER_SRVR.replace('0x100000141', `0x${'f'.repeat(17)}`), 'more than 64 bits'],
    [NOT_SERVING, 'no leader'],
  ])('%j is not taken for one: %s', (text) => {
    expect(parseServer(text)).toBeNull()
  })
})

test('mntr gives names without zk_, and nothing of other texts', () => {
  const monitor = parseMonitor(LEADER_MNTR)
  expect(monitor.get('uptime')).toBe('187504')
  expect(monitor.get('peer_state')).toBe('leading - broadcast')
  expect(parseMonitor('mntr is not executed because it is not in the whitelist.\n').size).toBe(0)
})

test('conf gives the number, the ports and the lines of the ensemble', () => {
  const lines = ['server.1=a:1:2:participant;0.0.0.0:2181', 'group.1=1', 'weight.1=1']
  expect(parseConf(confOf(3, 2181, lines))).toEqual({
    serverId: 3,
    clientPort: 2181,
    secureClientPort: null,
    membership: lines.join('\n'),
  })
  expect(parseConf('clientPort=2181\nserverId=0\n')?.membership).toBeNull()
  expect(parseConf(NOT_SERVING)).toBeNull()
})

test('refusals are told apart', () => {
  expect(isNotServing(NOT_SERVING)).toBe(true)
  expect(isRefused('srvr is not executed because it is not in the whitelist.\n')).toBe(true)
  expect(isRefused(LEADER_SRVR) || isNotServing(LEADER_SRVR)).toBe(false)
})
