import { describe, expect, it } from 'vitest'
import type { LogFile, LogFolder } from '../../src/env/index.ts'
import {
  type HostEvent,
  SIM_SECTOR_BYTES,
  type SimEnvironment,
  type SimHost,
  SimWorld,
} from '../../src/sim/index.ts'
import { connect, listen, Village } from './support.ts'

const BEGIN_MS = 1_704_067_200_000

describe('a process that is killed', () => {
  it('closes its connections and leaves the port to the next one', () => {
    const village = new Village(1, 2)
    const [client] = village.pair(1, 2)
    const happened: string[] = []
    village.env(2).timers.at(5, () => happened.push('timer'))
    village.host(2).crash()
    village.runFor(10)
    expect(client.names).toEqual(['open', 'end'])
    expect([village.host(2).state, village.host(2).env]).toEqual(['idle', null])
    expect(happened).toEqual([])
    village.host(2).restart()
    village.runFor(1)
    expect([village.host(2).state, village.host(2).incarnation]).toEqual(['running', 2])
    expect(village.pair(1, 2)[0].isOpen).toBe(true)
  })

  it('dies while it stands still, too, and before it has started', () => {
    const village = new Village(2, 2)
    village.host(1).pause()
    village.host(1).crash()
    expect(village.host(1).state).toBe('idle')
    village.host(1).startDelayMs = 100
    village.host(1).restart()
    village.runFor(50)
    expect(village.host(1).state).toBe('starting')
    village.host(1).crash()
    village.runFor(100)
    expect([village.host(1).state, village.host(1).incarnation]).toEqual(['idle', 1])
    // Another start within the delay of the one that was given up starts one process.
    village.host(1).restart()
    village.host(1).crash()
    village.host(1).restart()
    village.runFor(99)
    expect(village.host(1).state).toBe('starting')
    village.runFor(2)
    expect([village.host(1).state, village.host(1).incarnation]).toEqual(['running', 2])
  })
})

describe('a machine without power', () => {
  it('tells nobody; what is said to it later is answered by a reset when it is on again', () => {
    const village = new Village(3, 2)
    const [client, server] = village.pair(1, 2)
    village.host(2).powerLoss()
    client.say('are you there?')
    village.runFor(5_000)
    expect(client.names).toEqual(['open'])
    expect(server.names).toEqual(['open'])
    village.host(2).restart()
    village.runFor(10_000)
    expect(client.names).toEqual(['open', 'ECONNRESET'])
  })

  it('leaves a connection half open for as long as nothing is said on it', () => {
    const village = new Village(4, 2)
    const [client] = village.pair(1, 2)
    village.host(2).powerLoss()
    village.host(2).restart()
    village.runFor(3_600_000)
    expect(client.names).toEqual(['open'])
    client.connection!.end()
    village.runFor(1_000)
    expect(client.names).toEqual(['open', 'ECONNRESET'])
  })
})

describe('a process that stands still', () => {
  it('has its timers late, then reads what was sent, accepts who came, and its connections live', () => {
    const village = new Village(5, 2)
    const [client, server] = village.pair(1, 2)
    const order: string[] = []
    const beginMs = village.nowMs
    village.env(2).timers.at(beginMs + 10, () => order.push('timer'))
    server.onText = (words) => order.push(words)
    village.host(2).pause()
    client.say('hello')
    const late = connect(village.env(1), 's2')
    village.runFor(1_000)
    expect(order).toEqual([])
    // The operating system has accepted the connection, and takes bytes for it.
    expect(late.isOpen).toBe(true)
    late.say('me too')
    village.runFor(1_000)
    expect(village.accepted[1]!.length).toBe(1)
    village.host(2).resume()
    village.runFor(5)
    expect(order).toEqual(['timer', 'hello'])
    expect(village.accepted[1]!.at(-1)!.received).toBe('me too')
    expect(client.isOpen).toBe(true)
  })

  it('takes no more bytes than the window holds', () => {
    const village = new Village(6, 2, { windowBytes: 1_000 })
    const [client, server] = village.pair(1, 2)
    village.host(2).pause()
    client.say('x'.repeat(5_000))
    village.runFor(1_000)
    expect(client.connection!.bufferedBytes).toBeGreaterThanOrEqual(4_000)
    expect(client.connection!.bufferedBytes).toBeLessThan(4_250)
    village.host(2).resume()
    village.runFor(1_000)
    expect(server.received.length).toBe(5_000)
  })

  it('hears of a connection that came and broke meanwhile', () => {
    const village = new Village(7, 2)
    village.host(2).pause()
    const late = connect(village.env(1), 's2')
    village.runFor(10)
    village.world.network.reset('10.0.0.1', '10.0.0.2')
    village.runFor(10)
    expect(late.names).toEqual(['open', 'ECONNRESET'])
    village.host(2).resume()
    village.runFor(10)
    expect(village.accepted[1]![0]!.names).toEqual(['open', 'ECONNRESET'])
  })

  it('learns only then that its own connection is open', () => {
    const village = new Village(8, 2)
    const end = connect(village.env(1), 's2')
    village.host(1).pause()
    village.runFor(100)
    expect(end.names).toEqual([])
    village.accepted[1]![0]!.say('welcome')
    village.runFor(100)
    village.host(1).resume()
    village.runFor(10)
    expect([end.names, end.received]).toEqual([['open'], 'welcome'])
  })

  it('may be a whole machine: its monotonic clock stands too, and it answers nothing', () => {
    const village = new Village(9, 2)
    const [client, server] = village.pair(1, 2)
    const { clock, timers } = village.env(2)
    const beginMs = clock.monotonicMs()
    const wallMs = clock.wallMs()
    let ranAtMs = 0
    timers.at(beginMs + 100, () => {
      ranAtMs = village.nowMs
    })
    village.host(2).suspend()
    client.say('hello')
    village.runFor(60_000)
    expect(clock.monotonicMs()).toBe(beginMs)
    expect(clock.wallMs() - wallMs).toBe(60_000)
    village.host(2).resume()
    const resumedMs = village.nowMs
    village.runFor(60_000)
    expect(ranAtMs - resumedMs).toBeCloseTo(100, 3)
    expect(server.received).toBe('hello')
    village.host(2).suspend()
    village.host(2).powerLoss()
    village.host(2).restart()
    village.runFor(10)
    expect(village.env(2).clock.monotonicMs()).toBeGreaterThan(beginMs + 60_000)
    expect(village.pair(1, 2)[0].isOpen).toBe(true)
  })
})

describe('the clocks of a machine', () => {
  it('drift, and timers go by them', () => {
    const village = new Village(10, 1)
    const { clock, timers } = village.env(1)
    village.host(1).clock.setMonotonicDrift(100_000)
    village.host(1).clock.setWallDrift(-50_000)
    const [beginMs, wallMs, worldMs] = [clock.monotonicMs(), clock.wallMs(), village.nowMs]
    let ranAtMs = 0
    timers.at(beginMs + 1_100, () => {
      ranAtMs = village.nowMs
      expect(clock.monotonicMs()).toBeGreaterThanOrEqual(beginMs + 1_100)
    })
    village.runFor(10_000)
    expect(ranAtMs - worldMs).toBeCloseTo(1_000, 3)
    expect(clock.monotonicMs() - beginMs).toBeCloseTo(11_000, 3)
    expect(clock.wallMs() - wallMs).toBe(9_500)
    village.host(1).clock.heal()
    expect(clock.monotonicMs() - beginMs).toBeCloseTo(11_000, 3)
    village.runFor(10_000)
    expect(clock.monotonicMs() - beginMs).toBeCloseTo(21_000, 3)
    expect(clock.wallMs()).toBe(Math.floor(BEGIN_MS + village.nowMs))
  })

  it('make a timer no earlier when they slow down after it was set', () => {
    const village = new Village(11, 1)
    const { clock, timers } = village.env(1)
    const deadlineMs = clock.monotonicMs() + 1_000
    let ranAtMs = 0
    timers.at(deadlineMs, () => {
      ranAtMs = clock.monotonicMs()
    })
    village.runFor(500)
    village.host(1).clock.setMonotonicDrift(-500_000)
    village.runFor(999)
    expect(ranAtMs).toBe(0)
    village.runFor(2)
    expect(ranAtMs).toBeGreaterThanOrEqual(deadlineMs)
    expect(ranAtMs).toBeLessThan(deadlineMs + 1)
  })

  it('never let a timer run before its deadline, whatever the rate', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const world = new SimWorld(seed)
      const offsetMs = world.random.below(2 ** 31) / 7
      const host = world.addHost({ name: 's1', address: 'x', monotonicOffsetMs: offsetMs })
      const late: number[] = []
      host.start((env) => {
        const { clock, timers } = env
        expect(clock.monotonicMs()).toBe(offsetMs)
        for (let i = 0; i < 100; i++) {
          const deadlineMs = clock.monotonicMs() + world.random.below(1_000_000) / 13
          timers.at(deadlineMs, () => late.push(clock.monotonicMs() - deadlineMs))
        }
      })
      for (let i = 0; i < 100; i++) {
        host.clock.setMonotonicDrift(world.random.between(-200_000, 200_000))
        world.events.runUntil(world.nowMs + 2_000)
      }
      expect(late.length).toBe(100)
      expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    }
  })

  it('outlive the processes', () => {
    const village = new Village(12, 1)
    village.host(1).clock.wallOffsetMs = -86_400_000
    village.host(1).crash()
    village.host(1).restart()
    village.runFor(10)
    expect(village.env(1).clock.wallMs()).toBe(Math.floor(BEGIN_MS + village.nowMs - 86_400_000))
  })
})

/** A process that writes sector after sector, each with its number, as fast as the disk lets it. */
function writer(acknowledged: number[]): (env: SimEnvironment) => void {
  return (env) => {
    const write = (file: LogFile, sector: number): void => {
      const content = new Uint8Array(SIM_SECTOR_BYTES).fill(sector)
      file.writeDurably(sector * SIM_SECTOR_BYTES, [content], (error) => {
        if (error !== null) return
        acknowledged.push(sector)
        write(file, sector + 1)
      })
    }
    const opened = (folder: LogFolder | null): void =>
      folder!.create('log', 64 * SIM_SECTOR_BYTES, (_error, file) => write(file!, 1))
    env.logFile.openFolder('/data', (_error, folder) => opened(folder))
  }
}

function sectors(host: SimHost): number[] {
  const { bytes } = host.disk.folders.get('/data')!.files.get('log')!
  return Array.from({ length: 64 }, (_, i) => bytes[i * SIM_SECTOR_BYTES]!)
}

function writing(seed: number): { world: SimWorld; host: SimHost; acknowledged: number[] } {
  const world = new SimWorld(seed)
  const host = world.addHost({ name: 's1', address: '10.0.0.1' })
  const acknowledged: number[] = []
  host.start(writer(acknowledged))
  return { world, host, acknowledged }
}

describe('a crash point', () => {
  it.each(['crash', 'powerLoss'] as const)('ends the process (%s) at any durable write', (how) => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 60; seed++) {
      const { world, host, acknowledged } = writing(seed)
      // The first durable operation creates the file.
      const writes = 2 + (seed % 6)
      host.crashAfter(writes, how)
      world.events.runUntil(100)
      expect(host.state).toBe(how === 'crash' ? 'idle' : 'off')
      expect(acknowledged.length).toBe(writes - 2)
      const found = sectors(host)
      for (const sector of acknowledged) expect(found[sector]).toBe(sector)
      expect(found.slice(writes).every((value) => value === 0)).toBe(true)
      outcomes.add(found[writes - 1] === 0 ? 'not written' : 'written')
    }
    expect([...outcomes].sort()).toEqual(['not written', 'written'])
  })

  it('goes away with the process that it was for', () => {
    const { world, host } = writing(1)
    host.crashAfter(5, 'crash')
    world.events.runUntil(0.5)
    host.crash()
    host.disk.wipe()
    host.restart()
    world.events.runUntil(100)
    expect(host.state).toBe('running')
  })
})

describe('what a killed process wrote', () => {
  it('is there for the next one but may be lost with the power, until the file is synced', () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 160; seed++) {
      const { world, host, acknowledged } = writing(seed)
      host.crashAfter(5, 'crash')
      world.events.runUntil(100)
      const [, , , , seen] = sectors(host)
      expect(acknowledged).toEqual([1, 2, 3])
      const then = ['', 'written elsewhere', 'overwritten', 'synced'][seed % 4]!
      if (then !== '') {
        host.start((env) => {
          env.logFile.openFolder('/data', (_error, folder) =>
            folder!.open('log', (_openError, file) => {
              const sector = then === 'overwritten' ? 4 : 60
              if (then === 'synced') file!.sync(() => {})
              else file!.writeDurably(sector * SIM_SECTOR_BYTES, [Uint8Array.of(4)], () => {})
            }),
          )
        })
        world.events.runUntil(200)
      }
      host.powerLoss()
      const [, ...after] = sectors(host)
      expect(after.slice(0, 3)).toEqual([1, 2, 3])
      outcomes.add(`${seen} ${after[3]} ${then}`.trim())
    }
    expect([...outcomes].sort()).toEqual([
      '0 0',
      '0 0 synced',
      '0 0 written elsewhere',
      '0 4 overwritten',
      '4 0',
      '4 0 written elsewhere',
      '4 4',
      '4 4 overwritten',
      '4 4 synced',
      '4 4 written elsewhere',
    ])
  })
})

describe('a disk', () => {
  it('that hangs completes nothing until it is released', () => {
    const { world, host, acknowledged } = writing(2)
    world.events.runUntil(10)
    const before = acknowledged.length
    host.disk.hang()
    world.events.runUntil(100_000)
    expect(acknowledged.length).toBe(before)
    host.disk.release()
    world.events.runUntil(100_010)
    expect(acknowledged.length).toBeGreaterThan(before + 5)
  })

  it('that hangs may let the next process begin, and lets go of the one that died', () => {
    const { world, host, acknowledged } = writing(3)
    host.disk.hang()
    world.events.runUntil(10)
    host.crash()
    host.restart()
    world.events.runUntil(20)
    expect(acknowledged).toEqual([])
    host.disk.release()
    world.events.runUntil(30)
    expect(acknowledged.slice(0, 3)).toEqual([1, 2, 3])
  })

  it('that is slow takes so many times as long', () => {
    const { world, host, acknowledged } = writing(4)
    host.disk.slowness = 50
    world.events.runUntil(1_000)
    expect(acknowledged.length).toBeGreaterThan(20)
    expect(acknowledged.length).toBeLessThan(60)
  })

  it('may have operations that take much longer now and then', () => {
    const world = new SimWorld(5)
    const disk = { latencyMsMin: 1, latencyMsMax: 1, slowOneIn: 5, slowMsMax: 400 }
    const host = world.addHost({ name: 's1', address: '10.0.0.1', disk })
    const times: number[] = []
    host.start((env) => {
      const next = (): void =>
        env.logFile.entries('/', () => {
          times.push(env.clock.monotonicMs())
          if (times.length < 300) next()
        })
      next()
    })
    while (world.events.step()) {}
    const tookMs = times.map((atMs, i) => atMs - (times[i - 1] ?? 0))
    const slow = tookMs.filter((ms) => ms > 1)
    expect(slow.length).toBeGreaterThan(30)
    expect(slow.length).toBeLessThan(100)
    expect(Math.max(...slow)).toBeGreaterThan(300)
  })

  it('can be put back as it was, or be empty', () => {
    const { world, host } = writing(6)
    world.events.runUntil(5)
    host.saveDisk()
    const saved = sectors(host)
    world.events.runUntil(10)
    expect(sectors(host)).not.toEqual(saved)
    host.crash()
    host.restoreDisk()
    expect(sectors(host)).toEqual(saved)
    // The copy is not used up, nor changed by what is written later.
    sectors(host)
    host.disk.folders.get('/data')!.files.get('log')!.bytes.fill(9)
    host.restoreDisk()
    expect(sectors(host)).toEqual(saved)
    host.disk.wipe()
    expect([host.disk.folders.size, host.disk.stores.size]).toEqual([0, 0])
  })

  it('can have a flipped bit wherever something is written', () => {
    const hit = new Set<string>()
    for (let position = 0; position < 60; position++) {
      const { world, host } = writing(7)
      host.disk.folders.clear()
      world.events.runUntil(4)
      const before = sectors(host)
      expect(host.disk.flipBit(position, position * 1009)).toBe('/data/log')
      const { bytes } = host.disk.folders.get('/data')!.files.get('log')!
      const changed = sectors(host)
      let bits = 0
      for (const [i, value] of bytes.entries()) {
        const expected = before[Math.floor(i / SIM_SECTOR_BYTES)]!
        for (let x = value ^ expected; x > 0; x >>= 1) bits += x & 1
      }
      expect(bits).toBe(1)
      hit.add(String(changed.findIndex((value, i) => value !== before[i])))
    }
    expect(hit.size).toBeGreaterThan(1)
    expect(new SimWorld(1).addHost({ name: 's', address: 'a' }).disk.flipBit(0, 0)).toBe(null)
  })
})

it('a world tells what happens to its processes', () => {
  const told: string[] = []
  const onHostEvent = ({ kind, host, incarnation }: HostEvent): void => {
    told.push(`${host}.${incarnation} ${kind}`)
  }
  const world = new SimWorld(1, { onHostEvent })
  const host = world.addHost({ name: 's1', address: '10.0.0.1' })
  host.start((env) => listen(env, []))
  world.events.runUntil(1)
  host.pause()
  host.resume()
  host.suspend()
  host.resume()
  host.crash()
  host.crash()
  host.restart()
  world.events.runUntil(2)
  host.exit()
  host.restart()
  world.events.runUntil(3)
  host.powerLoss()
  expect(told).toEqual([
    's1.1 start',
    's1.1 pause',
    's1.1 resume',
    's1.1 suspend',
    's1.1 resume',
    's1.1 crash',
    's1.2 start',
    's1.2 exit',
    's1.3 start',
    's1.3 powerLoss',
  ])
  expect(() => world.addHost({ name: 's1', address: '10.0.0.2' })).toThrow('s1')
  expect(() => world.host('s2')).toThrow('s2')
})
