import { describe, expect, test } from 'vitest'
import { PeerState } from '../../src/zab/index.ts'
import { type ElectionNode, ElectionStage, hostOf } from './support/election-stage.ts'
import { RawListener, type RawSocket } from './support/raw-peer.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('hex')
const int = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')
const long = (value: number): string =>
  BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0')

function initial(sid: number, address = '10.9.9.9:1'): string {
  return `ffffffffffff0000 ${long(sid)} ${int(address.length)} ${utf8(address)}`
}

/** A frame with the 40 byte form. */
function frame(round: number, state = 0): string {
  return `${int(40)} ${int(state)} ${long(1)} ${long(5)} ${long(round)} ${long(0)} ${int(0)}`
}

/** As the port itself sends it. */
function sent(round: number): string {
  const config = utf8('version=0')
  return `${int(53)}${int(0)}${long(1)}${long(5)}${long(round)}${long(0)}${int(2)}${int(9)}${config}`
}

/** Rounds in the frames of the form {@link sent}. */
function roundsIn(text: string): number[] {
  const rounds: number[] = []
  for (let at = 0; at < text.length; at += 57 * 2) {
    rounds.push(Number.parseInt(text.slice(at + 48, at + 64), 16))
  }
  return rounds
}

describe('election port', () => {
  test.each(SEEDS)('seed %i: everybody hears everybody, whoever speaks first', (seed) => {
    const stage = new ElectionStage(seed, [1, 2, 3])
    const nodes = [1, 2, 3].map((sid) => stage.node(sid))
    for (const node of nodes) {
      for (const to of [1, 2, 3]) if (to !== node.sid) node.send(to, node.sid * 10)
    }
    stage.until(() => nodes.every((node) => new Set(node.heard.map(([from]) => from)).size === 2))
    stage.runFor(5_000)
    for (const node of nodes) {
      for (const [from, round] of node.heard) expect(round).toBe(from * 10)
      expect(node.down).toEqual([])
    }
    // The connections that were made stay: nobody speaks a first word again.
    const counts = nodes.map((node) => node.heard.length)
    nodes[0]!.send(3, 77)
    nodes[2]!.send(1, 78)
    stage.until(() => nodes[2]!.heard.length > counts[2]! && nodes[0]!.heard.length > counts[0]!)
    expect(nodes[2]!.roundsFrom(1).at(-1)).toBe(77)
    expect(nodes[0]!.roundsFrom(3).at(-1)).toBe(78)
    expect(nodes[1]!.heard.length).toBe(counts[1])
  })

  test('the larger server opens and keeps: initial message, then frames', () => {
    const stage = new ElectionStage(1, [1, 2])
    const listener = stage.listener(1)
    const node = stage.node(2)
    node.send(1, 4)
    stage.until(() => listener.sockets.length > 0 && listener.sockets[0]!.received.length >= 90)
    const text = initial(2, '10.0.0.2:3888').replace(/ /g, '')
    expect(listener.sockets[0]!.text).toBe(text + sent(4))
    listener.sockets[0]!.write(frame(6))
    stage.until(() => node.heard.length > 0)
    expect(node.heard).toEqual([[1, 6]])
  })

  test('the smaller server only knocks, and takes the connection that it gets', () => {
    const stage = new ElectionStage(2, [1, 2])
    const listener = stage.listener(2)
    const node = stage.node(1)
    node.send(2, 4)
    stage.until(() => listener.sockets.length > 0 && listener.sockets[0]!.isEnded)
    expect(listener.sockets[0]!.text).toBe(initial(1, '10.0.0.1:3888').replace(/ /g, ''))
    const socket = stage.raw(1)
    socket.write(initial(2))
    stage.until(() => socket.received.length > 0)
    stage.runFor(100)
    expect(socket.text).toBe(sent(4))
    stage.runFor(10_000)
    expect(listener.sockets.length).toBe(1)
    expect(socket.isEnded).toBe(false)
  })

  test('it knocks again while nobody connects, ever more slowly, and stops', () => {
    const stage = new ElectionStage(3, [1, 2])
    const listener = stage.listener(2)
    const node = stage.node(1)
    node.send(2, 4)
    stage.runFor(60_000)
    expect(listener.sockets.length).toBe(12)
    expect(node.down).toEqual([])
    node.send(2, 5)
    stage.runFor(1_000)
    expect(listener.sockets.length).toBe(13)
  })

  test('however often something is sent, dials keep their distance', () => {
    const stage = new ElectionStage(3, [1, 2])
    stage.machine(1)
    const node = stage.node(2)
    for (let round = 1; round <= 100; round += 1) {
      node.send(1, round)
      stage.runFor(10)
    }
    const failed = stage.logLines.filter((line) => line === 'election port not reached')
    // At about 0, 100, 300 and 700 ms.
    expect(failed.length).toBeGreaterThanOrEqual(3)
    expect(failed.length).toBeLessThanOrEqual(5)
  })

  test('of messages that wait only the newest is sent, and the last one again on a new connection', () => {
    const stage = new ElectionStage(4, [1, 2])
    const node = stage.node(1)
    node.send(2, 1)
    node.send(2, 2)
    const connect = (): RawSocket => {
      const socket = stage.raw(1)
      socket.write(initial(2))
      stage.until(() => socket.received.length >= 57)
      stage.runFor(100)
      return socket
    }
    const first = connect()
    expect(roundsIn(first.text)).toEqual([2])
    node.send(2, 3)
    stage.until(() => first.received.length >= 114)
    expect(roundsIn(first.text)).toEqual([2, 3])
    const second = connect()
    expect(roundsIn(second.text)).toEqual([3])
    // The new connection replaces the old one, which is no loss.
    stage.until(() => first.isClosed || first.isEnded)
    expect(node.down).toEqual([])
    second.write(frame(9))
    stage.until(() => node.heard.length > 0)
    expect(node.heard).toEqual([[2, 9]])
  })

  test('while the socket takes nothing, newer messages replace older ones', () => {
    const stage = new ElectionStage(5, [1, 2], {}, { windowBytes: 128 })
    const node = stage.node(1)
    const socket = stage.raw(1)
    socket.write(initial(2))
    stage.runFor(100)
    socket.connection!.pause()
    for (let round = 1; round <= 50; round += 1) {
      node.send(2, round)
      stage.runFor(1)
    }
    socket.connection!.resume()
    stage.runFor(100)
    const rounds = roundsIn(socket.text)
    expect(rounds.at(-1)).toBe(50)
    expect(rounds.length).toBeLessThan(10)
    expect(rounds).toEqual([...rounds].sort((a, b) => a - b))
  })

  test('a server that dies is reported, once, and heard again when it is back', () => {
    const stage = new ElectionStage(6, [1, 2])
    const one = stage.node(1)
    let two = stage.node(2)
    two.send(1, 1)
    stage.until(() => one.heard.length > 0)
    two.env.stop()
    stage.until(() => one.down.length > 0)
    stage.runFor(10_000)
    expect(one.down).toEqual([2])
    two = stage.node(2)
    two.send(1, 2)
    stage.until(() => one.heard.length > 1)
    expect(one.roundsFrom(2)).toEqual([1, 2])
  })

  test('a question that was lost with its connection is asked again, an answer is not', () => {
    const stage = new ElectionStage(7, [1, 2])
    const one = stage.node(1)
    const two = stage.node(2)
    two.send(1, 1)
    stage.until(() => one.heard.length > 0)
    stage.world.network.disconnect(hostOf(1))
    stage.until(() => one.heard.length > 1)
    expect(one.roundsFrom(2)).toEqual([1, 1])
    two.send(1, 2, PeerState.LEADING)
    stage.until(() => one.heard.length > 2)
    stage.world.network.disconnect(hostOf(1))
    stage.runFor(20_000)
    expect(one.roundsFrom(2)).toEqual([1, 1, 2])
  })

  test('a server that comes back asks, and gets the last message of the other one', () => {
    const stage = new ElectionStage(8, [1, 2])
    stage.node(2).send(1, 40, PeerState.LEADING)
    let one = stage.node(1)
    stage.until(() => one.heard.length > 0)
    one.env.stop()
    stage.runFor(2_000)
    one = stage.node(1)
    one.send(2, 1)
    stage.until(() => one.heard.length > 0)
    expect(one.heard).toEqual([[2, 40]])
  })

  test('a restart that the larger server has not noticed: a knock makes it connect anew', () => {
    const stage = new ElectionStage(9, [1, 2])
    const two = stage.node(2)
    const stale = stage.listener(1)
    two.send(1, 1)
    stage.until(() => stale.sockets.length === 1)
    // At once after connecting it may have crossed the connection on its way.
    stage.raw(2).write(initial(1))
    stage.runFor(500)
    expect(stale.sockets.length).toBe(1)
    stage.runFor(1_000)
    stage.raw(2).write(initial(1))
    stage.until(() => stale.sockets.length === 2)
    expect(two.down).toEqual([])
  })

  test('a server that has vanished is found out by the questions it leaves, and reported', () => {
    const stage = new ElectionStage(10, [1, 2])
    const two = stage.node(2)
    const listener = stage.listener(1)
    two.send(1, 1)
    stage.until(() => listener.sockets.length === 1)
    for (let second = 2; second <= 9; second += 1) {
      stage.runFor(1_000)
      two.send(1, second)
    }
    // An answer, and the time begins anew.
    listener.sockets[0]!.write(frame(1))
    for (let second = 10; second <= 18; second += 1) {
      stage.runFor(1_000)
      two.send(1, second)
    }
    expect(listener.sockets.length).toBe(1)
    listener.listener!.close(() => {})
    stage.runFor(3_000)
    two.send(1, 19)
    stage.until(() => two.down.length > 0)
    expect(two.down).toEqual([1])
    stage.runFor(50)
    expect(listener.sockets[0]!.isEnded || listener.sockets[0]!.isClosed).toBe(true)
  })

  test('silence is noticed however seldom a server asks while it looks', () => {
    const stage = new ElectionStage(10, [1, 2], { silenceMs: 1_500 })
    const two = stage.node(2)
    const listener = stage.listener(1)
    two.send(1, 1)
    stage.until(() => listener.sockets.length === 1)
    for (let round = 2; round <= 3; round += 1) {
      stage.runFor(1_760)
      two.send(1, round)
    }
    stage.until(() => listener.sockets.length === 2)
  })

  test.each(SEEDS)(
    'seed %i: a connection that is renewed is never lost, as either end sees it',
    (seed) => {
      const stage = new ElectionStage(seed, [1, 2], { silenceMs: 1_500 })
      const one = stage.node(1)
      const two = stage.node(2)
      const [asking, silent] = seed % 2 === 0 ? [one, two] : [two, one]
      for (let round = 1; round <= 30; round += 1) {
        asking.send(silent.sid, round)
        stage.runFor(1_000)
      }
      // The last message of the other one comes on each new connection, and nothing else.
      silent.send(asking.sid, 99)
      for (let round = 31; round <= 60; round += 1) {
        asking.send(silent.sid, round)
        stage.runFor(1_000)
      }
      expect(asking.heard.length).toBeGreaterThan(5)
      expect(new Set(silent.roundsFrom(asking.sid)).size).toBe(60)
      expect([one.down, two.down]).toEqual([[], []])
    },
  )

  test('questions of an election long ago that nobody had to answer say nothing', () => {
    const stage = new ElectionStage(10, [1, 2])
    const two = stage.node(2)
    const listener = stage.listener(1)
    two.send(1, 1)
    stage.until(() => listener.sockets.length === 1)
    stage.runFor(3_600_000)
    two.send(1, 2)
    two.send(1, 3, PeerState.LEADING)
    stage.runFor(8_000)
    two.send(1, 4)
    stage.runFor(1_000)
    expect(listener.sockets.length).toBe(1)
    expect(two.down).toEqual([])
  })

  test('a configured server that cannot be reached at all costs nobody else anything', () => {
    const stage = new ElectionStage(11, [1, 2, 3])
    const one = stage.node(1)
    const two = stage.node(2)
    one.send(3, 1)
    two.send(3, 1)
    one.send(2, 1)
    stage.until(() => two.heard.length > 0)
    stage.runFor(30_000)
    expect(one.down).toEqual([])
    const three = stage.node(3)
    one.send(3, 2)
    two.send(3, 2)
    stage.until(() => three.roundsFrom(1).length > 0 && three.roundsFrom(2).length > 0)
    expect(three.roundsFrom(1)[0]).toBe(2)
  })
})

describe('election port under trouble', () => {
  test.each(Array.from({ length: 25 }, (_, index) => index + 1))(
    'seed %i: what is sent last in a calm arrives, whatever was before',
    (seed) => {
      const sids = [1, 2, 3, 4, 5]
      const stage = new ElectionStage(seed, sids)
      const { random } = stage.world
      const nodes = new Map(sids.map((sid) => [sid, stage.node(sid)]))
      const oneOf = (): number => random.between(1, 5)
      for (let round = 1; round <= 150; round += 1) {
        const from = oneOf()
        const to = oneOf()
        if (from !== to) nodes.get(from)!.send(to, round)
        if (random.oneIn(10)) stage.world.network.disconnect(hostOf(oneOf()))
        if (random.oneIn(15)) {
          const sid = oneOf()
          nodes.get(sid)!.env.stop()
          if (random.oneIn(2)) stage.runFor(random.between(0, 3_000))
          nodes.set(sid, stage.node(sid))
        }
        stage.runFor(random.between(0, 200))
      }
      for (const [sid, node] of nodes) {
        for (const to of sids) if (to !== sid) node.send(to, 1_000 + sid)
      }
      stage.runFor(10_000)
      for (const [sid, node] of nodes) {
        for (const from of sids) {
          if (from !== sid)
            expect(node.roundsFrom(from).at(-1), `${from} to ${sid}`).toBe(1_000 + from)
        }
      }
      // One connection for each pair is left, and none is made or lost any more.
      const lost = [...nodes.values()].map(({ down }) => down.length)
      stage.runFor(60_000)
      expect([...nodes.values()].map(({ down }) => down.length)).toEqual(lost)
    },
  )
})

describe('election port and somebody else at the first address of a server', () => {
  const WHAT_IT_DOES: readonly [does: string, onAccept: (socket: RawSocket) => void][] = [
    ['nothing', () => {}],
    ['close at once', (socket) => socket.connection!.end()],
    ['cut at once', (socket) => socket.connection!.destroy()],
    ['talk of other things', (socket) => socket.write(utf8('SSH-2.0-OpenSSH_9.2\r\n'))],
  ]

  test.each(WHAT_IT_DOES)('who may %s: the next address is dialled', (_, onAccept) => {
    for (const sid of [1, 2]) {
      const stage = new ElectionStage(5, [1, 2])
      const stranger = stage.strangerBefore(sid)
      stranger.onAccept = onAccept
      const nodes = [stage.node(1), stage.node(2)]
      const other = 3 - sid
      for (let second = 0; second < 20; second += 1) {
        // Who has the strange address does not dial by itself.
        nodes[other - 1]!.send(sid, second)
        stage.runFor(1_000)
      }
      expect(stranger.sockets.length, `an address of ${sid}`).toBeGreaterThan(0)
      expect(nodes[sid - 1]!.roundsFrom(other), `an address of ${sid}`).toContain(19)
    }
  })
})

describe('election port and networks that lose everything', () => {
  /** Everybody asks everybody each second, as LOOKING servers do. */
  function askFor(stage: ElectionStage, nodes: readonly ElectionNode[], seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      const round = Math.round(stage.world.events.nowMs / 1000)
      for (const node of nodes) {
        for (const to of nodes) if (to !== node) node.send(to.sid, round)
      }
      stage.runFor(1_000)
    }
  }

  /** How old the last word is that each has of each other one, in seconds; the oldest of all. */
  function oldestWord(stage: ElectionStage, nodes: readonly ElectionNode[]): number {
    const ages = nodes.flatMap((node) =>
      nodes
        .filter((from) => from !== node)
        .map((from) => stage.world.events.nowMs / 1000 - node.roundsFrom(from.sid).at(-1)!),
    )
    return Math.max(...ages)
  }

  test.each(SEEDS)('seed %i: after a partition all hear each other within seconds', (seed) => {
    const stage = new ElectionStage(seed, [1, 2, 3])
    const { network, random } = stage.world
    const nodes = [1, 2, 3].map((sid) => stage.node(sid))
    askFor(stage, nodes, 5)
    expect(oldestWord(stage, nodes)).toBeLessThan(3)
    for (const lost of [2, 12, 60]) {
      const alone = hostOf(random.between(1, 3))
      for (const { sid } of nodes) {
        if (hostOf(sid) === alone) continue
        network.cut(alone, hostOf(sid))
        // The way back may be open: what is sent arrives, but is never confirmed.
        if (random.oneIn(2)) network.cut(hostOf(sid), alone)
      }
      askFor(stage, nodes, lost)
      network.heal()
      askFor(stage, nodes, 8)
      expect(oldestWord(stage, nodes), `after ${lost} s`).toBeLessThan(3)
    }
  })

  test.each(SEEDS)(
    'seed %i: a machine without power is reported, and heard when it is back',
    (seed) => {
      const stage = new ElectionStage(seed, [1, 2, 3])
      const { network } = stage.world
      const nodes = [1, 2, 3].map((sid) => stage.node(sid))
      askFor(stage, nodes, 3)
      const lost = nodes[seed % 3]!
      const others = nodes.filter((node) => node !== lost)
      network.setDark(hostOf(lost.sid), true)
      network.forgetAllOf(lost.env.timers)
      lost.env.timers.stop()
      for (let second = 0; second < 25; second += 1) {
        askFor(stage, others, 1)
        for (const node of others) node.send(lost.sid, 0)
      }
      for (const node of others) expect(node.down).toEqual([lost.sid])
      network.setDark(hostOf(lost.sid), false)
      nodes[seed % 3] = stage.node(lost.sid)
      askFor(stage, nodes, 8)
      expect(oldestWord(stage, nodes)).toBeLessThan(3)
    },
  )

  test('a knock does not stop the clock of a dial that nobody answers', () => {
    const stage = new ElectionStage(1, [1, 2])
    const node = stage.node(2)
    stage.listener(1)
    stage.world.network.cut(hostOf(2), hostOf(1))
    node.send(1, 1)
    stage.runFor(100)
    const socket = stage.raw(2)
    socket.write(initial(1))
    stage.runFor(2_800)
    expect(stage.logLines).not.toContain('election port not reached')
    stage.runFor(200)
    expect(stage.logLines).toContain('election port not reached')
  })
})

describe('election port and what its operator hears of', () => {
  test('a member that is not reached, once until it is', () => {
    const stage = new ElectionStage(1, [1, 2])
    const missed = (): string[] => stage.logLines.filter((line) => line.includes('not reached for'))
    const node = stage.node(2)
    node.send(1, 1)
    stage.runFor(20_000)
    expect(missed()).toHaveLength(1)
    const other = stage.node(1)
    node.send(1, 2)
    other.send(2, 3)
    stage.until(() => other.heard.length > 0 && node.heard.length > 0)
    other.env.stop()
    node.send(1, 4)
    stage.runFor(20_000)
    expect(missed()).toHaveLength(2)
  })

  test('a larger member that does not connect back', () => {
    const stage = new ElectionStage(2, [1, 2])
    const { network } = stage.machine(2)
    new RawListener(network, { host: '', port: 3888 })
    const node = stage.node(1)
    node.send(2, 1)
    stage.runFor(20_000)
    expect(stage.logLines.filter((line) => line.includes('not reached for'))).toHaveLength(1)
  })

  test('an id that is used from another address, once for each', () => {
    const stage = new ElectionStage(3, [1, 2, 3])
    stage.node(2)
    const told = (): string[] => stage.logLines.filter((line) => line.includes('another address'))
    for (const [sid, address] of [
      [1, '10.0.0.1:3888'],
      [3, '0.0.0.0:3888'],
      [3, '[::]:3888'],
      [1, 'elsewhere:1|10.0.0.1:3888'],
    ] as const) {
      stage.raw(2).write(initial(sid, address))
      stage.runFor(100)
    }
    expect(told()).toEqual([])
    for (const address of ['10.0.0.9:3888', '10.0.0.9:3888', '10.0.0.1:3889']) {
      for (const sid of [1, 3]) stage.raw(2).write(initial(sid, address))
      stage.runFor(100)
    }
    expect(told()).toHaveLength(4)
    for (let port = 1; port < 300; port += 1) {
      stage.raw(2).write(initial(1, `10.0.0.9:${port}`))
      stage.runFor(10)
    }
    expect(told()).toHaveLength(100)
  })
})

describe('election port and those who are not in the configuration', () => {
  test('a larger one gets answers on its own connection', () => {
    const stage = new ElectionStage(1, [1, 2])
    const node = stage.node(1)
    node.send(9, 1)
    const socket = stage.raw(1)
    socket.write(`${initial(9)} ${frame(3)}`)
    stage.until(() => node.heard.length > 0)
    expect(node.heard).toEqual([[9, 3]])
    node.send(9, 4)
    stage.until(() => socket.received.length > 0)
    expect(roundsIn(socket.text)).toEqual([4])
    socket.connection!.destroy()
    stage.runFor(100)
    expect(node.down).toEqual([])
    node.send(9, 5)
    stage.runFor(5_000)
  })

  test('a smaller one is closed, and nothing that it says is dialled', () => {
    const stage = new ElectionStage(2, [5, 6])
    const node = stage.node(5)
    const machine = stage.machine(7)
    const listener = new RawListener(machine.network, { host: '', port: 1234 })
    for (const sid of [4, 0, -1, -(2 ** 40)]) {
      const socket = stage.raw(5)
      socket.write(`${initial(sid, '10.0.9.7:1234')} ${frame(3)}`)
      stage.until(() => socket.isClosed)
    }
    const none = stage.raw(5)
    none.write(`ffffffffffff0000 7fffffffffffffff 00000001 61 ${frame(3)}`)
    stage.until(() => none.isClosed)
    stage.runFor(10_000)
    expect(listener.sockets).toEqual([])
    expect(node.heard).toEqual([])
  })

  test('nobody is this server itself', () => {
    const stage = new ElectionStage(3, [1, 2])
    const node = stage.node(2)
    const socket = stage.raw(2)
    socket.write(`${initial(2)} ${frame(3)}`)
    stage.until(() => socket.isClosed)
    expect(node.heard).toEqual([])
    const again = stage.raw(2)
    again.write(`${initial(2)} ${frame(3)}`)
    stage.until(() => again.isClosed)
    expect(stage.logLines.filter((line) => line.includes('has the id of this one'))).toHaveLength(1)
    expect(stage.logLines.join()).not.toContain('not in the configuration')
  })

  test('there are not more of them than allowed', () => {
    const stage = new ElectionStage(4, [1, 2], { strangersMax: 3 })
    const node = stage.node(1)
    const sockets = [5, 6, 7, 8].map((sid) => {
      const socket = stage.raw(1)
      socket.write(`${initial(sid)} ${frame(sid)}`)
      stage.runFor(50)
      return socket
    })
    expect(sockets.map(({ isClosed }) => isClosed)).toEqual([false, false, false, true])
    expect(node.heard.length).toBe(3)
    sockets[0]!.connection!.destroy()
    stage.runFor(50)
    const late = stage.raw(1)
    late.write(`${initial(8)} ${frame(8)}`)
    stage.until(() => node.roundsFrom(8).length > 0)
  })
})

describe('election port and bytes that are none of its', () => {
  test('an initial message in pieces of every size, with a frame behind it', () => {
    const bytes = Buffer.from(`${initial(2)}${frame(3)}`.replace(/ /g, ''), 'hex')
    for (let size = 1; size <= bytes.length; size += 1) {
      const stage = new ElectionStage(size, [1, 2])
      const node = stage.node(1)
      const socket = stage.raw(1)
      for (let at = 0; at < bytes.length; at += size) {
        socket.writeBytes(bytes.subarray(at, Math.min(at + size, bytes.length)))
        stage.runFor(2)
      }
      stage.until(() => node.heard.length > 0)
      expect(node.heard).toEqual([[2, 3]])
    }
  })

  test('the form before 3.4.6: the id, then frames', () => {
    const stage = new ElectionStage(1, [1, 2])
    const node = stage.node(1)
    const socket = stage.raw(1)
    const bytes28 = `${int(28)} ${int(2)} ${long(2)} 0000000700000001 ${long(3)}`
    socket.write(`${long(2)} ${bytes28}`)
    stage.until(() => node.heard.length > 0)
    expect(node.heard).toEqual([[2, 3]])
  })

  test('a message that is no notification is dropped, the connection stays', () => {
    const stage = new ElectionStage(2, [1, 2])
    const node = stage.node(1)
    const socket = stage.raw(1)
    socket.write(`${initial(2)} 00000003 010203 ${int(36)} ${'00'.repeat(36)} ${frame(1, 9)}`)
    socket.write(frame(8))
    stage.until(() => node.heard.length > 0)
    expect(node.heard).toEqual([[2, 8]])
  })

  test.each([
    ['length 0', '00000000'],
    ['a negative length', 'ffffffff'],
    ['more than 512 KiB', '00080001'],
  ])('a frame of %s ends the connection', (_name, text) => {
    const stage = new ElectionStage(3, [1, 2])
    const node = stage.node(1)
    const socket = stage.raw(1)
    socket.write(`${initial(2)} ${frame(1)} ${text}`)
    stage.until(() => socket.isClosed)
    expect(node.heard).toEqual([[2, 1]])
    expect(node.down).toEqual([2])
  })

  test.each([
    ['another version', 'fffffffffffe0000 0000000000000002 00000001 61'],
    ['an address of no bytes', 'ffffffffffff0000 0000000000000002 00000000'],
    ['an address of 3000 bytes', 'ffffffffffff0000 0000000000000002 00000bb8'],
    ['letters', Buffer.from('\xffGET / HTTP/1.1\r\n\r\n', 'latin1').toString('hex')],
  ])('an introduction with %s is refused', (_name, text) => {
    const stage = new ElectionStage(4, [1, 2])
    const node = stage.node(1)
    const socket = stage.raw(1)
    socket.write(text)
    stage.until(() => socket.isClosed)
    expect(node.down).toEqual([])
  })

  test('who does not introduce itself is closed after a while', () => {
    const stage = new ElectionStage(5, [1, 2])
    stage.node(1)
    const silent = stage.raw(1, 1)
    const half = stage.raw(1, 2)
    half.write('ffffffffffff0000 00')
    stage.runFor(4_900)
    expect([silent.isClosed, half.isClosed]).toEqual([false, false])
    stage.runFor(200)
    expect([silent.isClosed || silent.isEnded, half.isClosed || half.isEnded]).toEqual([true, true])
  })

  test('of too many who do not, the oldest is closed, so that others get in', () => {
    const stage = new ElectionStage(6, [1, 2], { introductionsMax: 4 })
    const node = stage.node(1)
    const silent = Array.from({ length: 10 }, (_, index) => stage.raw(1, index + 1))
    stage.runFor(100)
    expect(silent.filter((socket) => !socket.isEnded && !socket.isClosed).length).toBe(4)
    const socket = stage.raw(1, 20)
    socket.write(`${initial(2)} ${frame(1)}`)
    stage.until(() => node.heard.length > 0)
  })

  test('a stopped port is silent: nothing is reported, everything is closed', () => {
    const stage = new ElectionStage(7, [1, 2, 3])
    const node = stage.node(1)
    const known = stage.raw(1, 1)
    known.write(`${initial(2)} ${frame(1)}`)
    const silent = stage.raw(1, 2)
    stage.until(() => node.heard.length > 0)
    const dialled = stage.listener(3)
    node.send(3, 1)
    node.port.stop()
    node.send(3, 2)
    stage.until(() => (known.isEnded || known.isClosed) && (silent.isEnded || silent.isClosed))
    const late = stage.raw(1, 3)
    expect(late.isClosed).toBe(true)
    expect(dialled.sockets.map(({ text }) => text)).toEqual([''])
    expect(node.down).toEqual([])
    // No timer is left.
    stage.runFor(60_000)
    const before = stage.world.events.executed
    stage.runFor(60_000)
    expect(stage.world.events.executed).toBe(before)
  })
})
