import type { FaultScript } from './fault-profile.ts'
import type { FaultKind } from './faults.ts'

/** `name` is that of a machine; `names` and `groups` are lists of those, `ways` pairs of them. */
type FaultFieldType = 'name' | 'names' | 'groups' | 'ways' | 'number' | 'text'

const LINK = { from: 'name', to: 'name' } as const
const HOST = { host: 'name' } as const

/** What each kind of action has besides its kind. */
const FIELDS: { readonly [kind in FaultKind]: Readonly<Record<string, FaultFieldType>> } = {
  cut: LINK,
  mend: LINK,
  cutBoth: LINK,
  mendBoth: LINK,
  isolate: HOST,
  mute: HOST,
  deafen: HOST,
  rejoin: HOST,
  partition: { groups: 'groups' },
  graph: { hosts: 'names', open: 'ways' },
  reset: LINK,
  resetAll: HOST,
  latency: { ...LINK, minMs: 'number', maxMs: 'number' },
  bandwidth: { ...LINK, bytesPerMs: 'number' },
  clog: { ...LINK, forMs: 'number' },
  healNetwork: {},
  crash: HOST,
  powerLoss: HOST,
  restart: HOST,
  blackout: { hosts: 'names' },
  crashAtWrite: { ...HOST, writes: 'number' },
  powerLossAtWrite: { ...HOST, writes: 'number' },
  pause: HOST,
  suspend: HOST,
  resume: HOST,
  slowStart: { ...HOST, delayMs: 'number' },
  hangDisk: HOST,
  releaseDisk: HOST,
  fillDisk: HOST,
  freeDisk: HOST,
  healDisk: HOST,
  slowDisk: { ...HOST, times: 'number' },
  failDisk: { ...HOST, operation: 'text', code: 'text', skip: 'number' },
  flipBit: { ...HOST, target: 'number', position: 'number' },
  saveDisk: HOST,
  staleDisk: HOST,
  wipeDisk: HOST,
  stepWall: { ...HOST, byMs: 'number' },
  driftWall: { ...HOST, ppm: 'number' },
  driftMonotonic: { ...HOST, ppm: 'number' },
  healClock: HOST,
}

const KINDS: ReadonlyMap<string, Readonly<Record<string, FaultFieldType>>> = new Map(
  Object.entries(FIELDS),
)

/** A script that is not one. The message says which entry and why. */
export class FaultScriptError extends Error {
  override readonly name: string = 'FaultScriptError'
}

/** Whether a script may name this machine. */
export type IsMachine = (name: string) => boolean

/**
 * Checks what came out of a JSON file: a list of `{ atMs, action }` that names machines only.
 * Throws {@link FaultScriptError}.
 */
export function checkFaultScript(value: unknown, isMachine: IsMachine): FaultScript {
  if (!Array.isArray(value)) throw new FaultScriptError('a fault script is a list')
  for (const [index, entry] of value.entries()) {
    const fault = checkEntry(entry, isMachine)
    if (fault !== null) throw new FaultScriptError(`fault ${index + 1}: ${fault}`)
  }
  return value as FaultScript
}

/** What is wrong with an entry; null when nothing is. */
function checkEntry(entry: unknown, isMachine: IsMachine): string | null {
  if (!isObject(entry)) return 'not an object'
  const { atMs, action, ...others } = entry
  const [stranger] = Object.keys(others)
  if (stranger !== undefined) return `there is no field ${stranger}`
  if (!isAmount(atMs) || atMs < 0) return 'atMs is not a time in ms'
  if (!isObject(action)) return 'action is not an object'
  const { kind, ...fields } = action
  const expected = typeof kind === 'string' ? KINDS.get(kind) : undefined
  if (expected === undefined) return `there is no kind ${JSON.stringify(kind)}`
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(expected, name)) return `${kind} has no field ${name}`
  }
  for (const [name, type] of Object.entries(expected)) {
    if (!isOfType(fields[name], type, isMachine)) {
      return `${name} of ${kind} is ${JSON.stringify(fields[name])}, not ${DESCRIPTIONS[type]}`
    }
  }
  return null
}

const DESCRIPTIONS: Readonly<Record<FaultFieldType, string>> = {
  name: 'the name of a machine',
  names: 'a list of machines',
  groups: 'a list of lists of machines',
  ways: 'a list of pairs of machines',
  number: 'a number',
  text: 'a text',
}

function isOfType(value: unknown, type: FaultFieldType, isMachine: IsMachine): boolean {
  const isName = (item: unknown): boolean => typeof item === 'string' && isMachine(item)
  const isNames = (item: unknown): boolean => Array.isArray(item) && item.every(isName)
  switch (type) {
    case 'name':
      return isName(value)
    case 'names':
      return isNames(value)
    case 'groups':
      return Array.isArray(value) && value.every(isNames)
    case 'ways':
      return Array.isArray(value) && value.every((item) => isNames(item) && item.length === 2)
    case 'number':
      return isAmount(value)
    case 'text':
      return typeof value === 'string'
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
