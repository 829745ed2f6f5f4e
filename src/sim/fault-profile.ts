import type { OperationKind } from './disk-operation.ts'
import type { FaultAction } from './faults.ts'
import type { SimRandom } from './random.ts'

export interface TimedFault {
  readonly atMs: number
  readonly action: FaultAction
}

/** What goes wrong, and when. */
export type FaultScript = readonly TimedFault[]

type NetworkFault =
  | 'cut'
  | 'cutBoth'
  | 'isolate'
  | 'mute'
  | 'deafen'
  | 'partition'
  | 'graph'
  | 'reset'
  | 'resetAll'
  | 'latency'
  | 'bandwidth'
  | 'clog'

type ProcessFault =
  | 'crash'
  | 'powerLoss'
  | 'blackout'
  | 'crashAtWrite'
  | 'powerLossAtWrite'
  | 'pause'
  | 'suspend'
  | 'slowStart'

type DiskFault =
  | 'hangDisk'
  | 'fillDisk'
  | 'slowDisk'
  | 'failDisk'
  | 'flipBit'
  | 'staleDisk'
  | 'wipeDisk'

type ClockFault = 'stepWall' | 'driftWall' | 'driftMonotonic'

/** Kinds that are drawn; the others only undo them. */
export type DrawnFault = NetworkFault | ProcessFault | DiskFault | ClockFault

export const DRAWN_FAULTS: readonly DrawnFault[] = [
  'cut',
  'cutBoth',
  'isolate',
  'mute',
  'deafen',
  'partition',
  'graph',
  'reset',
  'resetAll',
  'latency',
  'bandwidth',
  'clog',
  'crash',
  'powerLoss',
  'blackout',
  'crashAtWrite',
  'powerLossAtWrite',
  'pause',
  'suspend',
  'slowStart',
  'hangDisk',
  'fillDisk',
  'slowDisk',
  'failDisk',
  'flipBit',
  'staleDisk',
  'wipeDisk',
  'stepWall',
  'driftWall',
  'driftMonotonic',
]

/** After these a server may know less than it promised; they stay with `FaultProfile.damaged`. */
const DAMAGING: ReadonlySet<DrawnFault> = new Set(['flipBit', 'staleDisk', 'wipeDisk'])

/** Which faults a run has, and how many: plain data, drawn for each seed. */
export interface FaultProfile {
  readonly servers: readonly string[]
  readonly clients: readonly string[]
  /** Servers whose disk may lose or change what was durable. */
  readonly damaged: readonly string[]
  /** Time between two faults, on average. */
  readonly gapMs: number
  /** How long a fault lasts, at most. */
  readonly lastsMsMax: number
  /** Kinds with their shares. Empty: nothing goes wrong. */
  readonly shares: readonly (readonly [kind: DrawnFault, share: number])[]
}

export interface ProfileOptions {
  readonly servers: readonly string[]
  readonly clients: readonly string[]
  /** How many servers may be damaged; none unless given. */
  readonly damagedMax?: number
  /** Among these; all servers unless given. */
  readonly damageable?: readonly string[]
  /** Kinds that may be drawn; all unless given. */
  readonly kinds?: readonly DrawnFault[]
}

/**
 * Draws a profile: a few kinds of faults and how heavy they are. All kinds at once hide each other, so every seed has
 * a subset ("swarm testing"), one seed in ten none at all.
 */
export function drawProfile(random: SimRandom, options: ProfileOptions): FaultProfile {
  const { servers, clients, damagedMax = 0, kinds = DRAWN_FAULTS } = options
  const { damageable = servers } = options
  const damaged = pick(random, damageable, random.between(0, damagedMax))
  const isQuiet = random.oneIn(10)
  const rarity = random.between(2, 8)
  const shares: [DrawnFault, number][] = []
  for (const kind of kinds) {
    const isChosen = random.oneIn(rarity)
    const share = random.between(1, 8)
    if (!isChosen || isQuiet) continue
    if (DAMAGING.has(kind) && damaged.length === 0) continue
    shares.push([kind, share])
  }
  return {
    servers,
    clients,
    damaged,
    gapMs: 100 * 2 ** random.below(7),
    lastsMsMax: 500 * 2 ** random.below(6),
    shares,
  }
}

/** Draws a script: faults from `beginMs` on, each with what ends it; the last one begins before `endMs`. */
export function drawScript(
  random: SimRandom,
  profile: FaultProfile,
  beginMs: number,
  endMs: number,
): FaultScript {
  if (profile.shares.length === 0) return []
  const script: TimedFault[] = []
  let atMs = beginMs
  for (;;) {
    atMs += random.between(1, 2 * profile.gapMs)
    if (atMs >= endMs) break
    script.push(...drawFault(random, profile, atMs))
  }
  // A stable sort: what was drawn first comes first at the same time.
  return script.sort((a, b) => a.atMs - b.atMs)
}

/** Draws a fault at `atMs` and what ends it some time later. The profile must have shares. */
export function drawFault(
  random: SimRandom,
  profile: FaultProfile,
  atMs: number,
): readonly TimedFault[] {
  const kind = drawKind(random, profile)
  const lastsMs = random.between(1, profile.lastsMsMax)
  const { faults, ends } = drawActions(random, profile, kind)
  return [
    ...faults.map((action) => ({ atMs, action })),
    ...ends.map((action) => ({ atMs: atMs + lastsMs, action })),
  ]
}

function drawKind(random: SimRandom, { shares }: FaultProfile): DrawnFault {
  let total = 0
  for (const [, share] of shares) total += share
  let left = random.below(total)
  for (const [kind, share] of shares) {
    if (left < share) return kind
    left -= share
  }
  return shares[0]![0]
}

interface DrawnActions {
  readonly faults: readonly FaultAction[]
  readonly ends: readonly FaultAction[]
}

function drawActions(random: SimRandom, profile: FaultProfile, kind: DrawnFault): DrawnActions {
  switch (kind) {
    case 'cut':
    case 'cutBoth':
    case 'isolate':
    case 'mute':
    case 'deafen':
    case 'partition':
    case 'graph':
    case 'reset':
    case 'resetAll':
    case 'latency':
    case 'bandwidth':
    case 'clog':
      return drawNetworkFault(random, profile, kind)
    case 'stepWall':
    case 'driftWall':
    case 'driftMonotonic':
      return drawClockFault(random, profile, kind)
    case 'hangDisk':
    case 'fillDisk':
    case 'slowDisk':
    case 'failDisk':
    case 'flipBit':
    case 'staleDisk':
    case 'wipeDisk':
      return drawDiskFault(random, profile, kind)
    default:
      return drawProcessFault(random, profile, kind)
  }
}

function drawNetworkFault(
  random: SimRandom,
  profile: FaultProfile,
  kind: NetworkFault,
): DrawnActions {
  const { servers } = profile
  const [from, to] = drawLink(random, profile)
  const host = oneOf(random, servers)
  switch (kind) {
    case 'cut':
      return { faults: [{ kind, from, to }], ends: [{ kind: 'mend', from, to }] }
    case 'cutBoth':
      return { faults: [{ kind, from, to }], ends: [{ kind: 'mendBoth', from, to }] }
    case 'isolate':
    case 'mute':
    case 'deafen':
      return { faults: [{ kind, host }], ends: [{ kind: 'rejoin', host }] }
    case 'partition':
      return {
        faults: [{ kind, groups: drawGroups(random, profile) }],
        ends: [{ kind: 'healNetwork' }],
      }
    case 'graph':
      return {
        faults: [{ kind, hosts: servers, open: drawGraph(random, servers) }],
        ends: [{ kind: 'healNetwork' }],
      }
    case 'reset':
      return { faults: [{ kind, from, to }], ends: [] }
    case 'resetAll':
      return { faults: [{ kind, host }], ends: [] }
    case 'latency': {
      const minMs = random.between(0, 200)
      const maxMs = minMs + random.between(0, 300)
      return { faults: [{ kind, from, to, minMs, maxMs }], ends: [{ kind: 'healNetwork' }] }
    }
    case 'bandwidth': {
      const bytesPerMs = random.between(1, 200)
      return { faults: [{ kind, from, to, bytesPerMs }], ends: [{ kind: 'healNetwork' }] }
    }
    case 'clog': {
      const forMs = random.between(1, profile.lastsMsMax)
      return { faults: [{ kind, from, to, forMs }], ends: [] }
    }
  }
}

function drawProcessFault(
  random: SimRandom,
  profile: FaultProfile,
  kind: ProcessFault,
): DrawnActions {
  const { servers, clients } = profile
  const host = oneOf(random, servers)
  const restart: FaultAction = { kind: 'restart', host }
  switch (kind) {
    case 'crash':
    case 'powerLoss':
      return { faults: [{ kind, host }], ends: [restart] }
    case 'blackout': {
      const hosts = pick(random, servers, random.between(1, servers.length))
      return {
        faults: [{ kind, hosts }],
        ends: hosts.map((name) => ({ kind: 'restart', host: name })),
      }
    }
    case 'crashAtWrite':
    case 'powerLossAtWrite':
      return { faults: [{ kind, host, writes: random.between(1, 40) }], ends: [restart] }
    case 'pause':
    case 'suspend': {
      const stopped = random.oneIn(4) && clients.length > 0 ? oneOf(random, clients) : host
      return { faults: [{ kind, host: stopped }], ends: [{ kind: 'resume', host: stopped }] }
    }
    case 'slowStart': {
      const delayMs = random.between(1, 5000)
      return { faults: [{ kind, host, delayMs }], ends: [{ kind, host, delayMs: 0 }] }
    }
  }
}

/** Operations that a start, a write or a checkpoint needs. */
const FAILING: readonly OperationKind[] = [
  'write',
  'write',
  'write',
  'create',
  'rename',
  'remove',
  'read',
  'list',
  'openFolder',
  'rowsWrite',
  'rowsWrite',
  'rowsOpen',
  'rowsScan',
]

function drawDiskFault(random: SimRandom, profile: FaultProfile, kind: DiskFault): DrawnActions {
  const host = oneOf(random, profile.servers)
  const damaged = profile.damaged.length > 0 ? oneOf(random, profile.damaged) : host
  const restart: FaultAction = { kind: 'restart', host }
  switch (kind) {
    case 'hangDisk':
      return { faults: [{ kind, host }], ends: [{ kind: 'releaseDisk', host }, restart] }
    case 'fillDisk':
      return { faults: [{ kind, host }], ends: [{ kind: 'freeDisk', host }, restart] }
    case 'slowDisk':
      return {
        faults: [{ kind, host, times: random.between(2, 200) }],
        ends: [{ kind, host, times: 1 }],
      }
    case 'failDisk': {
      const operation = oneOf(random, FAILING)
      const code = random.oneIn(3) ? 'ENOSPC' : 'EIO'
      return {
        faults: [{ kind, host, operation, code, skip: random.below(20) }],
        ends: [restart],
      }
    }
    case 'flipBit': {
      const [target, position] = [random.uint32(), random.uint32()]
      return { faults: [{ kind, host: damaged, target, position }], ends: [] }
    }
    case 'staleDisk':
      return {
        faults: [{ kind: 'saveDisk', host: damaged }],
        ends: [
          { kind, host: damaged },
          { kind: 'restart', host: damaged },
        ],
      }
    case 'wipeDisk':
      return { faults: [{ kind, host: damaged }], ends: [{ kind: 'restart', host: damaged }] }
  }
}

function drawClockFault(random: SimRandom, profile: FaultProfile, kind: ClockFault): DrawnActions {
  const host = oneOf(random, [...profile.servers, ...profile.clients])
  if (kind === 'stepWall') {
    // From a second to about a year, either way.
    const sizeMs = random.between(1, 1000) * 2 ** random.below(26)
    return { faults: [{ kind, host, byMs: random.oneIn(2) ? sizeMs : -sizeMs }], ends: [] }
  }
  const ppmMax = kind === 'driftWall' ? 100_000 : 10_000
  const ppm = random.between(-ppmMax, ppmMax)
  return { faults: [{ kind, host, ppm }], ends: [{ kind: 'healClock', host }] }
}

/** Mostly between servers, else between a client and a server, either way. */
function drawLink(random: SimRandom, { servers, clients }: FaultProfile): [string, string] {
  const server = oneOf(random, servers)
  const others = servers.filter((name) => name !== server)
  const isAmongServers = others.length > 0 && (clients.length === 0 || !random.oneIn(4))
  if (!isAmongServers && clients.length === 0) return [server, server]
  const other = oneOf(random, isAmongServers ? others : clients)
  return random.oneIn(2) ? [server, other] : [other, server]
}

/** Everybody in one of two groups, or of three; each has a server. */
function drawGroups(random: SimRandom, { servers, clients }: FaultProfile): readonly string[][] {
  const groups: string[][] = [[], []]
  if (servers.length > 2 && random.oneIn(4)) groups.push([])
  const shuffled = pick(random, servers, servers.length)
  for (const [index, name] of shuffled.entries()) {
    const group = index < groups.length ? index : random.below(groups.length)
    groups[group]!.push(name)
  }
  for (const name of clients) groups[random.below(groups.length)]!.push(name)
  return groups
}

/** Any directed graph; half of them are symmetric. */
function drawGraph(random: SimRandom, hosts: readonly string[]): readonly [string, string][] {
  const isSymmetric = random.oneIn(2)
  const open: [string, string][] = []
  for (const [i, from] of hosts.entries()) {
    for (const to of hosts.slice(0, i)) {
      const isOpen = random.oneIn(2)
      if (isOpen) open.push([from, to])
      if (isSymmetric ? isOpen : random.oneIn(2)) open.push([to, from])
    }
  }
  return open
}

function oneOf<T>(random: SimRandom, items: readonly T[]): T {
  return items[random.below(items.length)]!
}

/** Some of the items, in any order. */
function pick<T>(random: SimRandom, items: readonly T[], count: number): T[] {
  const left = [...items]
  const picked: T[] = []
  while (picked.length < count) picked.push(left.splice(random.below(left.length), 1)[0]!)
  return picked
}
