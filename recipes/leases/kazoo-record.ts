import {
  InvalidArgumentError,
  join,
  NoNodeError,
  type Stat,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { type Cancellation, persist, RecipeError } from '../base/index.ts'

/** What kazoo's `lease_holder` contains, as JSON. */
export interface KazooLeaseRecord {
  readonly holder: string
  /** Unix milliseconds, whole seconds. By the clock of whoever wrote it. */
  readonly endMs: number
}

export interface FoundKazooLease {
  /** Null: of a format that kazoo has not today. It leaves such a lease alone, and so does this. */
  readonly record: KazooLeaseRecord | null
  readonly stat: Stat
}

const VERSION = 1
const END = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/

export function holderPath(path: string): string {
  return join(path, 'lease_holder')
}

export function formatKazooLease({ holder, endMs }: KazooLeaseRecord): string {
  const end = new Date(endMs).toISOString().slice(0, 19)
  return JSON.stringify({ version: VERSION, holder, end })
}

/** Null when there is none. @throws RecipeError `CORRUPT_DATA` */
export async function readKazooLease(
  zk: ZooKeeper,
  path: string,
  cancellation: Cancellation,
): Promise<FoundKazooLease | null> {
  const at = holderPath(path)
  const { signal } = cancellation
  try {
    const { data, stat } = await persist(cancellation, () => zk.getData(at, { signal }))
    return { record: parse(at, new TextDecoder().decode(data)), stat }
  } catch (error) {
    if (error instanceof NoNodeError) return null
    throw error
  }
}

function parse(path: string, text: string): KazooLeaseRecord | null {
  const { version, holder, end } = parseObject(text) ?? {}
  if (typeof version === 'number' && version !== VERSION) return null
  if (version === VERSION && typeof holder === 'string' && typeof end === 'string') {
    const endMs = END.test(end) ? Date.parse(`${end}Z`) : Number.NaN
    if (Number.isFinite(endMs)) return { holder, endMs }
  }
  const message = `${JSON.stringify(text.slice(0, 80))} is no lease of kazoo`
  throw new RecipeError('CORRUPT_DATA', path, message)
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' ? (json as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

/** The wall clock, which kazoo's leases go by. @throws InvalidArgumentError when the client has been given none */
export function wallMs(zk: ZooKeeper): number {
  const nowMs = zk.environment.clock.wallMs?.()
  if (nowMs !== undefined) return nowMs
  const message = 'the clock that the client was given has no wallMs, which leases of kazoo go by'
  throw new InvalidArgumentError('INVALID_ARGUMENT', message)
}
