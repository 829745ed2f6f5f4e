import { assert } from '../base/index.ts'
import type { OperationKind } from './disk-operation.ts'
import type { SimHost } from './host.ts'
import type { SimWorld } from './world.ts'

/**
 * Something that goes wrong in a world, or gets right again, as plain data: a list of these with times is a script
 * that can be kept as JSON. `host`, `from`, `to` are names of machines; times are in ms.
 */
export type FaultAction =
  /* the network: `cut` is one way, `cutBoth` both; what was cut off is lost without a word */
  | { readonly kind: 'cut' | 'mend'; readonly from: string; readonly to: string }
  | { readonly kind: 'cutBoth' | 'mendBoth'; readonly from: string; readonly to: string }
  /** Nothing leaves or reaches the machine; `mute`: nothing leaves it; `deafen`: nothing reaches it. */
  | { readonly kind: 'isolate' | 'mute' | 'deafen' | 'rejoin'; readonly host: string }
  /** Machines of different groups do not reach each other. */
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[] }
  /** Among `hosts` only these directions are open. */
  | {
      readonly kind: 'graph'
      readonly hosts: readonly string[]
      readonly open: readonly (readonly [from: string, to: string])[]
    }
  /** Breaks the connections between two machines. */
  | { readonly kind: 'reset'; readonly from: string; readonly to: string }
  | { readonly kind: 'resetAll'; readonly host: string }
  | {
      readonly kind: 'latency'
      readonly from: string
      readonly to: string
      readonly minMs: number
      readonly maxMs: number
    }
  | {
      readonly kind: 'bandwidth'
      readonly from: string
      readonly to: string
      readonly bytesPerMs: number
    }
  /** What is sent within `forMs` arrives after that. */
  | {
      readonly kind: 'clog'
      readonly from: string
      readonly to: string
      readonly forMs: number
    }
  | { readonly kind: 'healNetwork' }
  /* processes */
  | { readonly kind: 'crash' | 'powerLoss' | 'restart'; readonly host: string }
  | { readonly kind: 'blackout'; readonly hosts: readonly string[] }
  /** At the durable write number `writes` from now, which may have happened or not. */
  | {
      readonly kind: 'crashAtWrite' | 'powerLossAtWrite'
      readonly host: string
      readonly writes: number
    }
  | { readonly kind: 'pause' | 'suspend' | 'resume'; readonly host: string }
  | { readonly kind: 'slowStart'; readonly host: string; readonly delayMs: number }
  /* disks */
  | {
      readonly kind: 'hangDisk' | 'releaseDisk' | 'fillDisk' | 'freeDisk' | 'healDisk'
      readonly host: string
    }
  | { readonly kind: 'slowDisk'; readonly host: string; readonly times: number }
  /** Operation number `skip` + 1 of this kind from now fails. */
  | {
      readonly kind: 'failDisk'
      readonly host: string
      readonly operation: OperationKind
      readonly code: string
      readonly skip: number
    }
  /** `target` chooses the file or store, `position` the bit, each modulo what there is. */
  | {
      readonly kind: 'flipBit'
      readonly host: string
      readonly target: number
      readonly position: number
    }
  /** The power goes, and the disk is as it was at `saveDisk`, or empty. */
  | { readonly kind: 'saveDisk' | 'staleDisk' | 'wipeDisk'; readonly host: string }
  /* clocks */
  | { readonly kind: 'stepWall'; readonly host: string; readonly byMs: number }
  | { readonly kind: 'driftWall' | 'driftMonotonic'; readonly host: string; readonly ppm: number }
  | { readonly kind: 'healClock'; readonly host: string }

export type FaultKind = FaultAction['kind']

/** Does it; false when it made no difference, e.g. a machine without process was to crash. */
export function applyFault(world: SimWorld, action: FaultAction): boolean {
  const { network } = world
  switch (action.kind) {
    case 'cut':
    case 'cutBoth':
      return eachLink(world, action, (from, to) => network.cut(from, to))
    case 'mend':
    case 'mendBoth':
      return eachLink(world, action, (from, to) => network.mend(from, to))
    case 'isolate':
    case 'mute':
    case 'deafen':
    case 'rejoin':
      return separate(world, action.host, action.kind)
    case 'partition':
      return partition(world, action.groups)
    case 'graph':
      return restrict(world, action.hosts, action.open)
    case 'healNetwork':
      network.heal()
      return true
    case 'reset':
      network.reset(addressOf(world, action.from), addressOf(world, action.to))
      return true
    case 'resetAll':
      network.disconnect(addressOf(world, action.host))
      return true
    case 'latency':
      return eachLink(world, action, (from, to) =>
        network.shape(from, to, { latencyMsMin: action.minMs, latencyMsMax: action.maxMs }),
      )
    case 'bandwidth':
      return eachLink(world, action, (from, to) =>
        network.shape(from, to, { bytesPerMs: action.bytesPerMs }),
      )
    case 'clog':
      return eachLink(world, action, (from, to) => network.clog(from, to, action.forMs))
    case 'blackout':
      return action.hosts.map((host) => losePower(world.host(host))).includes(true)
    default:
      return applyToHost(world.host(action.host), action)
  }
}

type HostAction = Extract<FaultAction, { readonly host: string }>

function applyToHost(host: SimHost, action: HostAction): boolean {
  const { disk, clock } = host
  const { state } = host
  switch (action.kind) {
    case 'crash':
      host.crash()
      return state !== host.state
    case 'powerLoss':
      return losePower(host)
    case 'restart':
      if ((state !== 'idle' && state !== 'off') || !host.hasProgram) return false
      host.restart()
      return true
    case 'crashAtWrite':
      host.crashAfter(action.writes, 'crash')
      return host.hasProcess
    case 'powerLossAtWrite':
      host.crashAfter(action.writes, 'powerLoss')
      return host.hasProcess
    case 'pause':
      host.pause()
      return state !== host.state
    case 'suspend':
      host.suspend()
      return state !== host.state
    case 'resume':
      host.resume()
      return state !== host.state
    case 'slowStart':
      host.startDelayMs = action.delayMs
      return true
    case 'hangDisk':
      disk.hang()
      return true
    case 'releaseDisk':
      disk.release()
      return true
    case 'fillDisk':
      disk.isFull = true
      return true
    case 'freeDisk':
      disk.isFull = false
      return true
    case 'healDisk':
      disk.heal()
      return true
    case 'slowDisk':
      disk.slowness = action.times
      return true
    case 'failDisk':
      disk.injectFault({ kind: action.operation, code: action.code, skip: action.skip })
      return true
    case 'flipBit':
      return disk.flipBit(action.target, action.position) !== null
    case 'saveDisk':
      host.saveDisk()
      return true
    case 'staleDisk':
      losePower(host)
      host.restoreDisk()
      return true
    case 'wipeDisk':
      losePower(host)
      disk.wipe()
      return true
    case 'stepWall':
      clock.wallOffsetMs += action.byMs
      return true
    case 'driftWall':
      clock.setWallDrift(action.ppm)
      return true
    case 'driftMonotonic':
      clock.setMonotonicDrift(action.ppm)
      return true
    case 'healClock':
      clock.heal()
      return true
    default:
      assert(false, `${action.kind} is not of one machine`)
  }
}

function losePower(host: SimHost): boolean {
  if (host.state === 'off') return false
  host.powerLoss()
  return true
}

function addressOf(world: SimWorld, name: string): string {
  return world.host(name).address
}

function eachLink(
  world: SimWorld,
  { kind, from, to }: { readonly kind: FaultKind; readonly from: string; readonly to: string },
  visit: (from: string, to: string) => void,
): boolean {
  const [source, target] = [addressOf(world, from), addressOf(world, to)]
  visit(source, target)
  if (kind === 'cutBoth' || kind === 'mendBoth') visit(target, source)
  return true
}

function separate(
  world: SimWorld,
  name: string,
  kind: 'isolate' | 'mute' | 'deafen' | 'rejoin',
): boolean {
  const { network } = world
  const address = addressOf(world, name)
  for (const { address: other } of world.hosts.values()) {
    if (other === address) continue
    if (kind === 'rejoin') {
      network.mend(address, other)
      network.mend(other, address)
    }
    if (kind === 'isolate' || kind === 'mute') network.cut(address, other)
    if (kind === 'isolate' || kind === 'deafen') network.cut(other, address)
  }
  return true
}

function partition(world: SimWorld, groups: readonly (readonly string[])[]): boolean {
  const groupOf = new Map<string, number>()
  for (const [index, group] of groups.entries()) {
    for (const name of group) groupOf.set(addressOf(world, name), index)
  }
  world.network.connectOnly([...groupOf.keys()], (a, b) => groupOf.get(a) === groupOf.get(b))
  return true
}

function restrict(
  world: SimWorld,
  hosts: readonly string[],
  open: readonly (readonly [string, string])[],
): boolean {
  const pairs = new Set(
    open.map(([from, to]) => `${addressOf(world, from)} ${addressOf(world, to)}`),
  )
  world.network.connectOnly(
    hosts.map((name) => addressOf(world, name)),
    (from, to) => pairs.has(`${from} ${to}`),
  )
  return true
}

/** Ends everything that is wrong with the world, except for what disks have lost, and starts all processes that died. */
export function healWorld(world: SimWorld): void {
  world.network.heal()
  for (const host of world.hosts.values()) {
    host.disk.heal()
    host.clock.heal()
    host.startDelayMs = 0
    host.resume()
    // One that takes its time to start is hurried.
    if (host.state === 'starting') host.crash()
    if (host.hasProgram && (host.state === 'idle' || host.state === 'off')) host.restart()
  }
}

/** One line for a trace. */
export function describeFault(action: FaultAction): string {
  switch (action.kind) {
    case 'cut':
      return `nothing gets from ${action.from} to ${action.to}`
    case 'mend':
      return `the way from ${action.from} to ${action.to} is open`
    case 'cutBoth':
      return `${action.from} and ${action.to} are cut off from each other`
    case 'mendBoth':
      return `${action.from} and ${action.to} reach each other`
    case 'isolate':
      return `${action.host} is cut off from everybody`
    case 'mute':
      return `nothing that ${action.host} sends arrives`
    case 'deafen':
      return `nothing that is sent to ${action.host} arrives`
    case 'rejoin':
      return `${action.host} is reached by everybody and reaches everybody`
    case 'partition':
      return `the network is parted: ${action.groups.map((group) => group.join(' ')).join(' | ')}`
    case 'graph':
      return `of ${action.hosts.join(' ')} only these ways are open: ${action.open
        .map(([from, to]) => `${from}>${to}`)
        .join(' ')}`
    case 'reset':
      return `connections between ${action.from} and ${action.to} are reset`
    case 'resetAll':
      return `connections of ${action.host} are reset`
    case 'latency':
      return `from ${action.from} to ${action.to} it takes ${action.minMs} to ${action.maxMs} ms`
    case 'bandwidth':
      return `from ${action.from} to ${action.to} get ${action.bytesPerMs} bytes per ms`
    case 'clog':
      return `from ${action.from} to ${action.to} nothing moves for ${action.forMs} ms`
    case 'healNetwork':
      return 'the network is whole'
    case 'blackout':
      return `the power goes: ${action.hosts.join(' ')}`
    default:
      return `${action.host}: ${describeHostFault(action)}`
  }
}

function describeHostFault(action: HostAction): string {
  switch (action.kind) {
    case 'crash':
      return 'the process is killed'
    case 'powerLoss':
      return 'the power goes'
    case 'restart':
      return 'the process is started'
    case 'crashAtWrite':
      return `the process is killed at durable write ${action.writes} from now`
    case 'powerLossAtWrite':
      return `the power goes at durable write ${action.writes} from now`
    case 'pause':
      return 'the process stands still'
    case 'suspend':
      return 'the machine stands still'
    case 'resume':
      return 'goes on'
    case 'slowStart':
      return `starts take ${action.delayMs} ms more`
    case 'hangDisk':
      return 'the disk hangs'
    case 'releaseDisk':
      return 'the disk does not hang any more'
    case 'fillDisk':
      return 'the disk is full'
    case 'freeDisk':
      return 'the disk has room'
    case 'healDisk':
      return 'the disk works'
    case 'slowDisk':
      return `the disk is ${action.times} times as slow`
    case 'failDisk':
      return `${action.operation} number ${action.skip + 1} from now fails with ${action.code}`
    case 'flipBit':
      return `a bit flips on the disk (target ${action.target}, position ${action.position})`
    case 'saveDisk':
      return 'somebody copies the disk'
    case 'staleDisk':
      return 'the power goes, and an old copy of the disk is put back'
    case 'wipeDisk':
      return 'the power goes, and the disk is empty'
    case 'stepWall':
      return `the wall clock jumps by ${action.byMs} ms`
    case 'driftWall':
      return `the wall clock drifts by ${action.ppm} ppm`
    case 'driftMonotonic':
      return `the monotonic clock drifts by ${action.ppm} ppm`
    case 'healClock':
      return 'the clocks are right'
    default:
      return action.kind
  }
}
