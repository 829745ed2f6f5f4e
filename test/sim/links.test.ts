import { describe, expect, it } from 'vitest'
import { connect, Village } from './support.ts'

const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const

describe('a link that is cut', () => {
  it('loses one direction without a word; when it is mended everything comes, in order', () => {
    const village = new Village(1, 2)
    const [client, server] = village.pair(1, 2)
    village.world.network.cut(A, B)
    for (const word of ['one ', 'two ', 'three ']) client.say(word)
    server.say('and you?')
    village.runFor(5_000)
    expect(server.received).toBe('')
    expect(client.received).toBe('and you?')
    expect([...client.names, ...server.names]).toEqual(['open', 'open'])
    village.world.network.mend(A, B)
    village.runFor(5_000)
    expect(server.received).toBe('one two three ')
    expect([...client.names, ...server.names]).toEqual(['open', 'open'])
  })

  it('is found open again as TCP does it: by tries that are twice as far apart each time', () => {
    const village = new Village(2, 2)
    const [client, server] = village.pair(1, 2)
    const beginMs = village.nowMs
    village.world.network.cut(A, B)
    client.say('hello')
    let heardMs = 0
    server.onText = () => {
      heardMs = village.nowMs
    }
    // Tries come 200, 600, 1400, 3000 and 6200 ms after the first packet.
    village.runFor(3_100)
    village.world.network.mend(A, B)
    village.runFor(10_000)
    expect(heardMs - beginMs).toBeGreaterThan(6_200)
    expect(heardMs - beginMs).toBeLessThan(6_210)
  })

  it('catches what is under way, and keeps the order of it', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const village = new Village(seed, 2)
      const [client, server] = village.pair(1, 2)
      const { network } = village.world
      network.shape(A, B, { latencyMsMin: 0, latencyMsMax: 400 })
      let said = ''
      for (let i = 0; i < 60; i++) {
        const word = `${i} `
        said += word
        client.say(word)
        village.runFor(20)
        if (i % 7 === 3) network.cut(A, B)
        if (i % 7 === 5) network.mend(A, B)
      }
      network.heal()
      village.runFor(60_000)
      expect(server.received, `seed ${seed}`).toBe(said)
    }
  })

  it('takes acknowledgements too: a sender fills its window and waits', () => {
    const village = new Village(3, 2, { windowBytes: 1000 })
    const [client, server] = village.pair(1, 2)
    village.world.network.cut(B, A)
    client.say('x'.repeat(900))
    village.runFor(1_000)
    expect(server.received.length).toBe(900)
    client.say('y'.repeat(900))
    village.runFor(1_000)
    expect(server.received.length).toBeLessThan(1_001)
    expect(client.connection!.bufferedBytes).toBeGreaterThan(0)
    village.world.network.mend(B, A)
    village.runFor(2_000)
    expect(server.received).toBe('x'.repeat(900) + 'y'.repeat(900))
    expect(client.connection!.bufferedBytes).toBe(0)
  })

  it('breaks the connection for the sender alone when no answer comes for too long', () => {
    const village = new Village(4, 2, { retransmitLimitMs: 30_000 })
    const [client, server] = village.pair(1, 2)
    const beginMs = village.nowMs
    village.world.network.cut(A, B)
    client.say('hello?')
    village.runFor(60_000)
    expect(client.names).toEqual(['open', 'ETIMEDOUT'])
    expect(client.events[1]!.atMs - beginMs).toBe(30_000)
    expect(server.names).toEqual(['open'])
    // The other end learns of it when it says something itself.
    village.world.network.heal()
    server.say('are you there?')
    village.runFor(60_000)
    expect(server.names).toEqual(['open', 'ECONNRESET'])
  })

  it('does not break a connection on which nothing is said', () => {
    const village = new Village(5, 2, { retransmitLimitMs: 10_000 })
    const [client, server] = village.pair(1, 2)
    village.world.network.cut(A, B)
    village.world.network.cut(B, A)
    village.runFor(3_600_000)
    expect([...client.names, ...server.names]).toEqual(['open', 'open'])
  })

  it('does not concern other links, nor a machine itself', () => {
    const village = new Village(6, 3)
    const { network } = village.world
    network.cut(A, B)
    network.cut(A, A)
    const [toC] = village.pair(1, 3)
    const [toSelf] = village.pair(1, 1)
    const [fromB] = village.pair(3, 2)
    expect([toC.isOpen, toSelf.isOpen, fromB.isOpen]).toEqual([true, true, true])
  })
})

describe('connecting', () => {
  it.each([
    ['there', A, B],
    ['back', B, A],
  ])('fails with ETIMEDOUT after the time set when the way %s is cut', (_, from, to) => {
    const village = new Village(7, 2, { connectTimeoutMs: 5_000 })
    village.world.network.cut(from, to)
    const beginMs = village.nowMs
    const end = connect(village.env(1), 's2')
    village.runFor(20_000)
    expect(end.names).toEqual(['ETIMEDOUT'])
    expect(end.events[0]!.atMs - beginMs).toBe(5_000)
    expect(village.accepted[1]).toEqual([])
  })

  it('succeeds late when the network is whole again before that', () => {
    const village = new Village(8, 2)
    village.world.network.cut(A, B)
    const beginMs = village.nowMs
    const end = connect(village.env(1), 's2')
    village.runFor(3_500)
    village.world.network.mend(A, B)
    village.runFor(20_000)
    expect(end.names).toEqual(['open'])
    // The request was sent at 0, 1 and 3 s; the next time is at 7 s.
    expect(end.events[0]!.atMs - beginMs).toBeGreaterThan(7_000)
    expect(end.events[0]!.atMs - beginMs).toBeLessThan(7_010)
  })

  it('is refused by a machine on which nobody listens, and meets silence when it is off', () => {
    const village = new Village(9, 3, { connectTimeoutMs: 3_000 })
    village.host(2).crash()
    village.host(3).powerLoss()
    const refused = connect(village.env(1), B)
    const lost = connect(village.env(1), C)
    village.runFor(10_000)
    expect(refused.names).toEqual(['ECONNREFUSED'])
    expect(lost.names).toEqual(['ETIMEDOUT'])
  })
})

describe('a connection that is kept alive', () => {
  it('ends when the other machine has forgotten it, though nothing is said on it', () => {
    const village = new Village(11, 2)
    const [asking] = village.pair(1, 2)
    const [silent] = village.pair(1, 2)
    asking.connection!.keepAlive(2_000)
    village.host(2).powerLoss()
    village.runFor(3_000)
    village.host(2).restart()
    village.runFor(2_000)
    expect(asking.names).toEqual(['open', 'ECONNRESET'])
    expect(silent.names).toEqual(['open'])
  })

  it('ends when the other machine is gone, after ten questions', () => {
    const village = new Village(12, 2)
    const [asking] = village.pair(1, 2)
    asking.connection!.keepAlive(2_000)
    const beginMs = village.nowMs
    village.host(2).powerLoss()
    village.runFor(30_000)
    expect(asking.names).toEqual(['open', 'ETIMEDOUT'])
    expect(Math.round(asking.events[1]!.atMs - beginMs)).toBe(11_000)
  })

  it('stays as long as its machines stand', () => {
    const village = new Village(13, 2)
    const [asking, other] = village.pair(1, 2)
    asking.connection!.keepAlive(2_000)
    village.runFor(30_000)
    village.world.network.cut(A, B)
    village.runFor(8_000)
    village.world.network.mend(A, B)
    village.runFor(30_000)
    expect([...asking.names, ...other.names]).toEqual(['open', 'open'])
  })
})

describe('a slow network', () => {
  it('has a latency of its own for each direction', () => {
    const village = new Village(10, 2)
    const [client, server] = village.pair(1, 2)
    village.world.network.shape(A, B, { latencyMsMin: 300, latencyMsMax: 310 })
    const beginMs = village.nowMs
    const heard: number[] = []
    server.onText = () => {
      heard.push(village.nowMs - beginMs)
      server.say('back')
    }
    client.onText = () => heard.push(village.nowMs - beginMs)
    client.say('h')
    village.runFor(1_000)
    expect(heard[0]).toBeGreaterThanOrEqual(300)
    expect(heard[1]! - heard[0]!).toBeLessThan(2)
  })

  it('has a bandwidth that all connections of a direction share', () => {
    const village = new Village(11, 2)
    const [first, one] = village.pair(1, 2)
    const [second, two] = village.pair(1, 2)
    village.world.network.shape(A, B, { bytesPerMs: 10 })
    first.say('x'.repeat(10_000))
    second.say('y'.repeat(10_000))
    village.runFor(900)
    expect(one.received.length + two.received.length).toBeLessThanOrEqual(9_000)
    village.runFor(1_300)
    expect([one.received.length, two.received.length]).toEqual([10_000, 10_000])
  })

  it('may stall for a time and deliver then', () => {
    const village = new Village(12, 2)
    const [client, server] = village.pair(1, 2)
    village.world.network.clog(A, B, 700)
    client.say('late')
    server.say('prompt')
    village.runFor(699)
    expect([client.received, server.received]).toEqual(['prompt', ''])
    village.runFor(10)
    expect(server.received).toBe('late')
  })

  it('is as before when it is healed', () => {
    const village = new Village(13, 2)
    const [client, server] = village.pair(1, 2)
    const { network } = village.world
    network.shape(A, B, { latencyMsMin: 900, latencyMsMax: 900, bytesPerMs: 1 })
    network.clog(A, B, 5_000)
    network.heal()
    client.say('hello')
    village.runFor(2)
    expect(server.received).toBe('hello')
  })
})

describe('connections', () => {
  it('between two machines can be reset, others stay', () => {
    const village = new Village(14, 3)
    const [ab, ba] = village.pair(1, 2)
    const [ac, ca] = village.pair(1, 3)
    village.world.network.reset(B, A)
    village.runFor(10)
    expect([ab.names, ba.names]).toEqual([
      ['open', 'ECONNRESET'],
      ['open', 'ECONNRESET'],
    ])
    expect([ac.names, ca.names]).toEqual([['open'], ['open']])
  })

  it('exist along the open directions of a graph only', () => {
    const village = new Village(15, 4, { connectTimeoutMs: 500 })
    const hosts = [A, B, C]
    // A star around B; the fourth machine is not part of it.
    village.world.network.connectOnly(hosts, (from, to) => from === B || to === B)
    const reached: string[] = []
    for (let from = 1; from <= 4; from++) {
      for (let to = 1; to <= 4; to++) {
        const end = connect(village.env(from), `s${to}`)
        village.runFor(600)
        if (end.isOpen) reached.push(`${from}${to}`)
      }
    }
    expect(reached.join(' ')).toBe('11 12 14 21 22 23 24 32 33 34 41 42 43 44')
    village.world.network.connectOnly(hosts, () => true)
    expect(village.pair(1, 3)[0].isOpen).toBe(true)
  })
})
