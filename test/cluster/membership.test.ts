import { describe, expect, test } from 'vitest'
import { listFromZooCfg } from '../../src/cluster/index.ts'
import { parseMembership } from '../../src/cluster/membership.ts'

const asked = { address: { host: '10.0.0.7', port: 2181 }, id: null, clientPort: 2181 }

/** Number, role and client address of each. */
function read(text: string, from: Parameters<typeof parseMembership>[1] = asked): unknown[] {
  return parseMembership(text, from).map(({ id, role, client, isPortGuessed }) => [
    id,
    role,
    `${client.host} ${client.port}${isPortGuessed ? '?' : ''}`,
  ])
}

describe('lines of servers', () => {
  test('come in order of their numbers, with where clients connect', () => {
    const text = `server.10=c:2888:3888:observer;0.0.0.0:2183
server.2=b:2888:3888:participant;192.0.2.1:2182
server.1=a:2888:3888:participant;[::]:2181
version=100000000`
    expect(read(text)).toEqual([
      [1, 'participant', 'a 2181'],
      [2, 'participant', '192.0.2.1 2182'],
      [10, 'observer', 'c 2183'],
    ])
  })

  test('without a client port are taken to use that of the server that was asked', () => {
    expect(
      read('server.1=a:2888:3888\nserver.2=b:2888:3888', { ...asked, clientPort: 2199 }),
    ).toEqual([
      [1, 'participant', 'a 2199?'],
      [2, 'participant', 'b 2199?'],
    ])
  })

  test('the server that was asked is asked again where it answered', () => {
    expect(
      read('server.1=a:2888:3888;2181\nserver.2=b:2888:3888;2181', { ...asked, id: 2 }),
    ).toEqual([
      [1, 'participant', 'a 2181'],
      [2, 'participant', '10.0.0.7 2181'],
    ])
  })

  test('with a port for TLS behind a second semicolon, or several addresses', () => {
    expect(
      read('server.1=a:1:2:participant;0.0.0.0:2181;0.0.0.0:2281\nserver.2=b:1:2|c:1:2;2182'),
    ).toEqual([
      [1, 'participant', 'a 2181'],
      [2, 'participant', 'b 2182'],
    ])
  })

  test('that mean nothing are left out', () => {
    expect(read('server.1=\nserver.x=a:1:2\nserver.3=a:0:99999\nnonsense')).toEqual([])
  })
})

describe('a zoo.cfg', () => {
  const clients = (text: string, dynamic = ''): unknown =>
    listFromZooCfg(text, () => dynamic)?.servers.map(({ id, client }) => [
      id,
      client.host,
      client.port,
    ])

  test('lists the servers, with its own port for those without', () => {
    const text = ' server.1 = a:2888:3888\nserver.2:b:2888:3888;2182\nclientPort = 2199 \n'
    expect(clients(text)).toEqual([
      [1, 'a', 2199],
      [2, 'b', 2182],
    ])
  })

  test('may name a file with them', () => {
    expect(clients('dynamicConfigFile=x.dynamic\n', 'server.1=a:1:2;2181')).toEqual([
      [1, 'a', 2181],
    ])
  })

  test('of a server that stands alone lists none', () => {
    expect(listFromZooCfg('clientPort=2181\n', () => '')).toBeNull()
  })

  test('of several servers on one host has to say their ports', () => {
    expect(() => clients('server.1=a:1:2\nserver.2=a:3:4')).toThrow(/server\.1 .*no client port/)
  })
})
