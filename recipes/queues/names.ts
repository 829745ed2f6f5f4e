import { InvalidArgumentError } from '../../src/client/index.ts'

/** An entry, as its name tells. */
export interface EntryName {
  readonly name: string
  /** The lower, the sooner it is taken. */
  readonly priority: number
  /** As the server numbered it: a signed 32-bit integer. */
  readonly sequence: number
}

/** How a queue names its entries. */
export interface Names {
  /** What the server appends a number to. @throws InvalidArgumentError */
  prefix(priority: number): string
  /** Null for the znode of anything else. */
  parse(name: string): EntryName | null
}

export const PRIORITY_DEFAULT = 100
const PRIORITY_MAX = 999

/** `qn-N`: ZooKeeper's own DistributedQueue and Curator's SimpleDistributedQueue. */
export const QN_NAMES: Names = {
  prefix: () => 'qn-',
  parse: (name) => {
    const parts = /^qn-(-?\d{10})$/.exec(name)
    return parts === null ? null : { name, priority: 0, sequence: Number(parts[1]) }
  },
}

/** `entry-PPP-N`, where PPP is the priority: kazoo's Queue and LockingQueue. */
export const PRIORITY_NAMES: Names = {
  prefix: (priority) => {
    if (!Number.isInteger(priority) || priority < 0 || priority > PRIORITY_MAX) {
      const message = `priority ${priority} is not a whole number from 0 to ${PRIORITY_MAX}`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op: 'put' })
    }
    return `entry-${String(priority).padStart(3, '0')}-`
  },
  parse: (name) => {
    const parts = /^entry-(\d{3})-(-?\d{10})$/.exec(name)
    if (parts === null) return null
    return { name, priority: Number(parts[1]), sequence: Number(parts[2]) }
  },
}

/** The entries among the children of a queue, the next one first. Other children are passed over. */
export function inOrder(names: Names, children: readonly string[]): EntryName[] {
  return children
    .map((name) => names.parse(name))
    .filter((entry) => entry !== null)
    .sort((a, b) => a.priority - b.priority || compareSequences(a.sequence, b.sequence))
}

/** By their distance, so that the order survives that numbers pass 2^31 (as of RFC 1982). */
function compareSequences(a: number, b: number): number {
  return (a - b) | 0
}
