import { describe, expect, it } from 'vitest'
import {
  applyFault,
  checkFaultScript,
  DRAWN_FAULTS,
  describeFault,
  drawProfile,
  drawScript,
  type FaultAction,
  FaultInjector,
  type FaultKind,
  type FaultScript,
  healWorld,
  SimRandom,
} from '../../src/sim/index.ts'
import { connect, type End, listen, Village } from './support.ts'

/** Which machines reach which, by new connections. */
function reach(village: Village): string {
  const count = village.hosts.length
  const ends: [string, End][] = []
  for (let from = 1; from <= count; from++) {
    for (let to = 1; to <= count; to++) {
      if (from !== to) ends.push([`${from}${to}`, connect(village.env(from), `s${to}`)])
    }
  }
  village.runFor(300)
  return ends.flatMap(([name, end]) => (end.isOpen ? [name] : [])).join(' ')
}

const ALL = '12 13 14 21 23 24 31 32 34 41 42 43'

describe('a network fault', () => {
  // A connection needs both directions.
  const cases: readonly [FaultAction, string, FaultAction][] = [
    [
      { kind: 'cut', from: 's1', to: 's2' },
      '13 14 23 24 31 32 34 41 42 43',
      { kind: 'mend', from: 's1', to: 's2' },
    ],
    [
      { kind: 'cutBoth', from: 's3', to: 's2' },
      '12 13 14 21 24 31 34 41 42 43',
      { kind: 'mendBoth', from: 's2', to: 's3' },
    ],
    [{ kind: 'isolate', host: 's1' }, '23 24 32 34 42 43', { kind: 'rejoin', host: 's1' }],
    [{ kind: 'mute', host: 's1' }, '23 24 32 34 42 43', { kind: 'rejoin', host: 's1' }],
    [{ kind: 'deafen', host: 's4' }, '12 13 21 23 31 32', { kind: 'rejoin', host: 's4' }],
    [
      { kind: 'partition', groups: [['s1', 's3'], ['s2']] },
      '13 14 24 31 34 41 42 43',
      { kind: 'healNetwork' },
    ],
    [
      {
        kind: 'graph',
        hosts: ['s1', 's2', 's3'],
        open: [
          ['s1', 's2'],
          ['s2', 's1'],
          ['s2', 's3'],
        ],
      },
      '12 14 21 24 34 41 42 43',
      { kind: 'healNetwork' },
    ],
  ]
  it.each(cases)('%j leaves %s', (fault, left, end) => {
    const village = new Village(1, 4, { connectTimeoutMs: 200 })
    expect(reach(village)).toBe(ALL)
    expect(applyFault(village.world, fault)).toBe(true)
    expect(reach(village)).toBe(left)
    expect(applyFault(village.world, end)).toBe(true)
    expect(reach(village)).toBe(ALL)
  })

  it('may be of one direction: a mute machine hears, a deaf one is heard', () => {
    const village = new Village(2, 3)
    const [one, two] = village.pair(1, 2)
    applyFault(village.world, { kind: 'mute', host: 's1' })
    one.say('unheard')
    two.say('heard')
    village.runFor(100)
    expect([one.received, two.received]).toEqual(['heard', ''])
    applyFault(village.world, { kind: 'rejoin', host: 's1' })
    village.runFor(1000)
    applyFault(village.world, { kind: 'deafen', host: 's1' })
    one.say(', then heard')
    two.say(', then unheard')
    village.runFor(100)
    expect([one.received, two.received]).toEqual(['heard', 'unheard, then heard'])
  })

  it('resets connections, or shapes and clogs a link', () => {
    const village = new Village(3, 3)
    const [toTwo] = village.pair(1, 2)
    const [toThree] = village.pair(1, 3)
    applyFault(village.world, { kind: 'reset', from: 's2', to: 's1' })
    village.runFor(10)
    expect([toTwo.isOpen, toThree.isOpen]).toEqual([false, true])
    applyFault(village.world, { kind: 'resetAll', host: 's3' })
    village.runFor(10)
    expect(toThree.isOpen).toBe(false)
    const [client, server] = village.pair(1, 2)
    const heardAfter = (action: FaultAction, words: string): number => {
      applyFault(village.world, action)
      const beginMs = village.nowMs
      const before = server.received.length
      client.say(words)
      while (server.received.length < before + words.length) village.world.events.step()
      applyFault(village.world, { kind: 'healNetwork' })
      return village.nowMs - beginMs
    }
    const link = { from: 's1', to: 's2' }
    const latency = heardAfter({ kind: 'latency', ...link, minMs: 70, maxMs: 80 }, 'x')
    expect(latency).toBeGreaterThanOrEqual(70)
    const bandwidth = heardAfter({ kind: 'bandwidth', ...link, bytesPerMs: 5 }, 'x'.repeat(1000))
    expect(bandwidth).toBeGreaterThan(200)
    expect(heardAfter({ kind: 'clog', ...link, forMs: 333 }, 'x')).toBeGreaterThanOrEqual(333)
  })
})

describe('a fault of a machine', () => {
  const host = 's1'
  const cases: readonly [FaultAction, string, FaultAction, string][] = [
    [{ kind: 'crash', host }, 'idle', { kind: 'restart', host }, 'running'],
    [{ kind: 'powerLoss', host }, 'off', { kind: 'restart', host }, 'running'],
    [{ kind: 'blackout', hosts: ['s1', 's2'] }, 'off', { kind: 'restart', host }, 'running'],
    [{ kind: 'pause', host }, 'paused', { kind: 'resume', host }, 'running'],
    [{ kind: 'suspend', host }, 'suspended', { kind: 'resume', host }, 'running'],
    [{ kind: 'wipeDisk', host }, 'off', { kind: 'restart', host }, 'running'],
  ]
  it.each(cases)('%j makes it %s, %j makes it %s', (fault, state, end, after) => {
    const village = new Village(4, 2)
    expect(applyFault(village.world, fault)).toBe(true)
    expect(village.host(1).state).toBe(state)
    if (fault.kind !== 'wipeDisk') expect(applyFault(village.world, fault)).toBe(false)
    expect(applyFault(village.world, end)).toBe(true)
    village.runFor(1)
    expect(village.host(1).state).toBe(after)
    expect(applyFault(village.world, end)).toBe(false)
  })

  it('changes starts, disk and clocks until it is healed', () => {
    const village = new Village(5, 1)
    const apply = (action: FaultAction): void => {
      expect(applyFault(village.world, action)).toBe(true)
    }
    const machine = village.host(1)
    const { disk, clock } = machine
    const state = (): unknown => [
      machine.startDelayMs,
      disk.isHung,
      disk.freeBytes === 0,
      disk.slowness,
    ]
    const fine = state()
    apply({ kind: 'slowStart', host, delayMs: 700 })
    apply({ kind: 'hangDisk', host })
    apply({ kind: 'fillDisk', host })
    apply({ kind: 'slowDisk', host, times: 9 })
    expect(state()).toEqual([700, true, true, 9])
    apply({ kind: 'releaseDisk', host })
    apply({ kind: 'freeDisk', host })
    apply({ kind: 'slowStart', host, delayMs: 0 })
    apply({ kind: 'healDisk', host })
    expect(state()).toEqual(fine)
    const wallMs = clock.wallMs()
    apply({ kind: 'stepWall', host, byMs: -5000 })
    expect(clock.wallMs()).toBe(wallMs - 5000)
    apply({ kind: 'driftWall', host, ppm: 500_000 })
    apply({ kind: 'driftMonotonic', host, ppm: 250_000 })
    const monotonicMs = clock.monotonicMs()
    village.runFor(1000)
    expect(clock.wallMs()).toBe(wallMs - 5000 + 1500)
    expect(clock.monotonicMs()).toBeCloseTo(monotonicMs + 1250, 3)
    apply({ kind: 'healClock', host })
    expect(clock.wallMs()).toBe(wallMs + 1000)
  })

  it('fails the operation it is for, at the count it is for', () => {
    const village = new Village(6, 1)
    applyFault(village.world, { kind: 'failDisk', host, operation: 'list', code: 'EIO', skip: 1 })
    const codes: string[] = []
    village.env(1).logFile.openFolder('/data', (_error, folder) => {
      const next = (): void =>
        folder!.list((error) => {
          codes.push(error?.code ?? 'fine')
          if (codes.length < 3) next()
        })
      next()
    })
    village.runFor(100)
    expect(codes).toEqual(['fine', 'EIO', 'fine'])
  })

  it('kills at a durable write, puts an old disk back, or flips a bit', () => {
    const village = new Village(7, 1)
    const { world } = village
    const create = (name: string): void =>
      village.env(1).logFile.openFolder('/data', (_error, folder) => {
        folder!.create(name, 100, () => folder!.close(() => {}))
      })
    const names = (): string[] => [
      ...(village.host(1).disk.folders.get('/data')?.files.keys() ?? []),
    ]
    create('a')
    village.runFor(100)
    expect(applyFault(world, { kind: 'saveDisk', host })).toBe(true)
    create('b')
    village.runFor(100)
    expect(names()).toEqual(['a', 'b'])
    expect(applyFault(world, { kind: 'staleDisk', host })).toBe(true)
    expect(village.host(1).state).toBe('off')
    expect(names()).toEqual(['a'])
    for (const kind of ['crashAtWrite', 'powerLossAtWrite'] as const) {
      applyFault(world, { kind: 'restart', host })
      village.runFor(1)
      expect(applyFault(world, { kind, host, writes: 1 })).toBe(true)
      create(kind)
      village.runFor(100)
      expect(village.host(1).state).toBe(kind === 'crashAtWrite' ? 'idle' : 'off')
    }
    // Nothing is written in the files: there is no bit to flip.
    expect(applyFault(world, { kind: 'flipBit', host, target: 3, position: 3 })).toBe(false)
    village.host(1).disk.folders.get('/data')!.files.get('a')!.bytes[7] = 1
    expect(applyFault(world, { kind: 'flipBit', host, target: 3, position: 56 })).toBe(true)
    expect(village.host(1).disk.folders.get('/data')!.files.get('a')!.bytes[7]).toBe(0)
  })
})

describe('drawing', () => {
  const options = {
    servers: ['s1', 's2', 's3'],
    clients: ['c1', 'c2'],
    damagedMax: 1,
  }

  function drawn(seed: number): FaultScript {
    const random = new SimRandom(seed)
    return drawScript(random, drawProfile(random, options), 1000, 31_000)
  }

  it('is a function of the seed, in order of time, within the time given', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const script = drawn(seed)
      expect(drawn(seed)).toEqual(script)
      const times = script.map(({ atMs }) => atMs)
      expect([...times].sort((a, b) => a - b)).toEqual(times)
      expect(times.every((atMs) => atMs > 1000)).toBe(true)
    }
  })

  it('gives each seed some kinds, some seeds none, and all kinds in the end', () => {
    const seen = new Map<FaultKind, number>()
    let quiet = 0
    let most = 0
    for (let seed = 1; seed <= 600; seed++) {
      const kinds = new Set(drawn(seed).map(({ action }) => action.kind))
      if (kinds.size === 0) quiet += 1
      most = Math.max(most, kinds.size)
      for (const kind of kinds) seen.set(kind, (seen.get(kind) ?? 0) + 1)
    }
    for (const kind of DRAWN_FAULTS) expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(20)
    expect(quiet).toBeGreaterThan(40)
    expect(quiet).toBeLessThan(150)
    expect(most).toBeGreaterThan(15)
  })

  it('damages the disks only of servers chosen for it', () => {
    const damaging: readonly FaultKind[] = ['flipBit', 'staleDisk', 'wipeDisk']
    for (let seed = 1; seed <= 300; seed++) {
      const hosts = drawn(seed).flatMap(({ action }) =>
        damaging.includes(action.kind) && 'host' in action ? [action.host] : [],
      )
      expect(new Set(hosts).size).toBeLessThanOrEqual(1)
      const random = new SimRandom(seed)
      const none = drawProfile(random, { ...options, damagedMax: 0 })
      expect(none.shares.some(([kind]) => damaging.includes(kind))).toBe(false)
    }
  })

  it('yields JSON, and a line of text for every action', () => {
    const lines = new Map<FaultKind, string>()
    for (let seed = 1; seed <= 300; seed++) {
      const script = drawn(seed)
      expect(JSON.parse(JSON.stringify(script))).toEqual(script)
      for (const { action } of script) lines.set(action.kind, describeFault(action))
    }
    expect(lines.size).toBeGreaterThan(DRAWN_FAULTS.length + 8)
    expect(new Set(lines.values()).size).toBe(lines.size)
    for (const [kind, line] of lines) {
      expect(line, kind).not.toMatch(/undefined|\[object|\n/)
      expect(line, kind).not.toBe(kind)
    }
    expect(describeFault({ kind: 'clog', from: 's1', to: 's2', forMs: 20 })).toBe(
      'from s1 to s2 nothing moves for 20 ms',
    )
  })
})

describe('a script from a file', () => {
  const hosts = new Set(['s1', 's2', 's3', 'c1', 'c2'])
  const isMachine = (name: string): boolean => hosts.has(name)

  it('is taken when every entry is an action', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new SimRandom(seed)
      const profile = drawProfile(random, {
        servers: ['s1', 's2', 's3'],
        clients: ['c1', 'c2'],
        damagedMax: 1,
      })
      const script = drawScript(random, profile, 0, 10_000)
      expect(checkFaultScript(JSON.parse(JSON.stringify(script)), isMachine)).toEqual(script)
    }
  })

  it.each([
    ['{}', 'a fault script is a list'],
    ['[7]', 'fault 1: not an object'],
    ['[{"atMs":-1}]', 'fault 1: atMs is not a time in ms'],
    ['[{"atMs":1}]', 'fault 1: action is not an object'],
    ['[{"atMs":1,"action":{},"then":2}]', 'fault 1: there is no field then'],
    ['[{"atMs":1,"action":{"kind":"bang"}}]', 'fault 1: there is no kind "bang"'],
    ['[{"atMs":1,"action":{"kind":"constructor"}}]', 'fault 1: there is no kind "constructor"'],
    [
      '[{"atMs":1,"action":{"kind":"healNetwork"}},{"atMs":1,"action":{"kind":"crash"}}]',
      'fault 2: host of crash is undefined, not the name of a machine',
    ],
    [
      '[{"atMs":1,"action":{"kind":"cut","from":"s1","to":"s9"}}]',
      'fault 1: to of cut is "s9", not the name of a machine',
    ],
    [
      '[{"atMs":1,"action":{"kind":"crash","host":"s1","hard":true}}]',
      'fault 1: crash has no field hard',
    ],
    [
      '[{"atMs":1,"action":{"kind":"clog","from":"s1","to":"s2","forMs":"9"}}]',
      'fault 1: forMs of clog is "9", not a number',
    ],
    [
      '[{"atMs":1,"action":{"kind":"graph","hosts":["s1"],"open":[["s1"]]}}]',
      'fault 1: open of graph is [["s1"]], not a list of pairs of machines',
    ],
  ])('%s is refused', (text, message) => {
    expect(() => checkFaultScript(JSON.parse(text), isMachine)).toThrow(message)
  })
})

/** Machines that talk to each other all the time, while things go wrong. */
function troubled(seed: number): { readonly village: Village; readonly injector: FaultInjector } {
  const village = new Village(seed, 4, { connectTimeoutMs: 2_000 })
  const { world, hosts } = village
  const lines: string[] = []
  for (const [i, host] of hosts.entries()) {
    host.crash()
    host.start((env) => {
      listen(env, village.accepted[i]!)
      env.logFile.openFolder('/data', () => {})
      const talk = (): void => {
        const other = 1 + (env.random.uint32() % hosts.length)
        const end = connect(env, `s${other}`)
        end.onText = () => end.connection!.end()
        env.timers.at(env.clock.monotonicMs() + 40, () => {
          if (end.isOpen) end.say(`hello from ${env.host}`)
        })
        env.timers.at(env.clock.monotonicMs() + 100, talk)
      }
      talk()
    })
  }
  const random = world.random.fork()
  const profile = drawProfile(random, {
    servers: ['s1', 's2', 's3'],
    clients: ['s4'],
    damagedMax: 1,
  })
  const injector = new FaultInjector(world, (action, isHit) =>
    lines.push(`${village.nowMs} ${describeFault(action)} ${isHit}`),
  )
  injector.schedule(drawScript(random, { ...profile, gapMs: 400 }, 100, 20_000))
  village.runFor(20_000)
  return { village, injector }
}

describe('a world full of faults', () => {
  it('is the same world for the same seed, to the last event', () => {
    const hashes = new Set<number>()
    for (let seed = 1; seed <= 25; seed++) {
      const first = troubled(seed)
      const second = troubled(seed)
      expect(second.village.world.events.traceHash).toBe(first.village.world.events.traceHash)
      expect(second.village.world.events.executed).toBe(first.village.world.events.executed)
      expect([...second.injector.hits]).toEqual([...first.injector.hits])
      hashes.add(first.village.world.events.traceHash)
    }
    expect(hashes.size).toBe(25)
  })

  it('is the same world on every version of the engine', () => {
    // Written down, so that another engine, or a change of what happens in a world, shows.
    const { world } = troubled(4).village
    expect([world.events.executed, world.events.traceHash]).toEqual(KNOWN_TRACE)
  })

  it('is whole again when it is healed, whatever happened to it', () => {
    const hits = new Map<FaultKind, number>()
    for (let seed = 1; seed <= 60; seed++) {
      const { village, injector } = troubled(seed)
      for (const [kind, count] of injector.hits) hits.set(kind, (hits.get(kind) ?? 0) + count)
      injector.heal()
      village.runFor(10)
      expect(
        village.hosts.map(({ state }) => state),
        `seed ${seed}`,
      ).toEqual(['running', 'running', 'running', 'running'])
      expect(reach(village), `seed ${seed}`).toBe(ALL)
      const beforeMs = village.hosts.map(({ clock }) => clock.monotonicMs())
      village.runFor(5_000)
      for (const [i, { clock }] of village.hosts.entries()) {
        expect(clock.monotonicMs() - beforeMs[i]!).toBeCloseTo(5_000, 3)
        expect(clock.wallMs()).toBe(1_704_067_200_000 + Math.floor(village.nowMs))
      }
    }
    // Nothing is written here, so that no bit can flip; a server's disk is for the tests of the server.
    const missed = DRAWN_FAULTS.filter((kind) => !hits.has(kind))
    expect(missed).toEqual(['flipBit'])
    const village = new Village(1, 1)
    healWorld(village.world)
    expect(village.host(1).incarnation).toBe(1)
  })
})

const KNOWN_TRACE = [5104, 4_106_754_439]
