import { InvalidArgumentError } from '../../src/client/index.ts'
import type { Random } from '../../src/env/index.ts'
import { RecipeError } from './errors.ts'
import { hexId, uuid } from './ids.ts'

/** Whose znodes ours look like, and with whom they exclude each other. */
export type Layout = 'curator' | 'kazoo'

/** Whether it is the one and not the other. @throws InvalidArgumentError for anything else */
export function isKazoo(layout: Layout | undefined, path: string): boolean {
  if (layout === 'kazoo') return true
  if (layout === 'curator' || layout === undefined) return false
  const message = `${path}: layout ${JSON.stringify(layout)} is neither "curator" nor "kazoo"`
  throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path })
}

/** `exclusive` waits for everybody ahead, `shared` for those ahead that are exclusive. */
export type Kind = 'exclusive' | 'shared'

/** A contender's znode, as its name tells. */
export interface ContenderName {
  readonly name: string
  readonly kind: Kind
  /** As the server numbered it: a signed 32-bit integer. */
  readonly sequence: number
}

/** The contenders that see each other at one path: how their znodes are named. */
export interface Family {
  /** For messages, e.g. `Curator's InterProcessMutex`. */
  readonly title: string
  readonly layout: Layout
  /** What stands between the id and the number. */
  readonly markers: Readonly<Partial<Record<Kind, string>>>
}

export const CURATOR_MUTEX: Family = {
  title: "Curator's InterProcessMutex",
  layout: 'curator',
  markers: { exclusive: 'lock-' },
}

export const CURATOR_READ_WRITE: Family = {
  title: "Curator's InterProcessReadWriteLock",
  layout: 'curator',
  markers: { exclusive: '__WRIT__', shared: '__READ__' },
}

export const CURATOR_LATCH: Family = {
  title: "Curator's LeaderLatch",
  layout: 'curator',
  markers: { exclusive: 'latch-' },
}

export const CURATOR_LEASES: Family = {
  title: 'the leases of a semaphore of Curator',
  layout: 'curator',
  markers: { shared: 'lease-' },
}

/** Its Lock, ReadLock, WriteLock and Election are one family. */
export const KAZOO_LOCK: Family = {
  title: "kazoo's Lock",
  layout: 'kazoo',
  markers: { exclusive: '__lock__', shared: '__rlock__' },
}

/** The name of a new contender's znode up to its number, with an id of its own. */
export function contenderName(
  { layout, markers }: Family,
  kind: Kind,
  random: Pick<Random, 'uint32'>,
): string {
  const id = layout === 'curator' ? `_c_${uuid(random)}-` : hexId(random)
  return id + markers[kind]!
}

const NUMBER = /^-?\d{10}$/
/** What a server has numbered. */
const NUMBERED = /\d{10}$/
/** A lease of kazoo's Semaphore, the one contender that has no number. */
const KAZOO_LEASE = /^[0-9a-f]{32}$/

/**
 * The contenders among the children of a path, in no particular order. Children that are no contender of anything are
 * passed over.
 * @throws RecipeError `FOREIGN_CONTENDERS`: there are some that do not see ours
 */
export function parseContenders(
  family: Family,
  path: string,
  children: readonly string[],
): ContenderName[] {
  const found: ContenderName[] = []
  for (const name of children) {
    const contender = parseName(family, name)
    if (contender !== null) found.push(contender)
    else if (NUMBERED.test(name) || KAZOO_LEASE.test(name)) throw foreign(family, path, name)
  }
  return found
}

/** Null for the znode of anything else. */
export function parseName({ markers }: Family, name: string): ContenderName | null {
  for (const kind of ['exclusive', 'shared'] as const) {
    const marker = markers[kind]
    if (marker === undefined) continue
    const at = name.lastIndexOf(marker)
    const digits = name.slice(at + marker.length)
    if (at >= 0 && NUMBER.test(digits)) return { name, kind, sequence: Number(digits) }
  }
  return null
}

function foreign({ title }: Family, path: string, name: string): RecipeError {
  const message = `${JSON.stringify(name)} is there, which ${title} would not wait for; use another path or layout`
  return new RecipeError('FOREIGN_CONTENDERS', path, message)
}
