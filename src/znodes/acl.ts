import { ErrorCode, Perms } from '../wire/codes.ts'
import type { AclEntry, AuthId } from '../wire/records.ts'
import type { AuthProviders } from './auth-providers.ts'

/** `world:anyone` with all permissions: the one list that nearly every znode shares. */
export const OPEN_ACL: readonly AclEntry[] = freezeAcl([
  { perms: Perms.all, scheme: 'world', id: 'anyone' },
])

/** `world:anyone` may only read: the ACL of `/zookeeper/config`. */
export const READ_ONLY_ACL: readonly AclEntry[] = freezeAcl([
  { perms: Perms.read, scheme: 'world', id: 'anyone' },
])

/** `auth` entries times authenticated ids may not grow a list beyond this many entries (our limit, -114). */
export const EXPANDED_ACL_MAX = 65_536

/** Below this length comparing every pair is cheaper than building keys. */
const PAIRWISE_MAX = 8

/**
 * Whether a connection with `ids` has one of the permission bits `perms` (`ZooKeeperServer.checkACL`).
 * An empty list allows everything, and so does an id of scheme `super`.
 */
export function allows(
  acl: readonly AclEntry[],
  perms: number,
  ids: readonly AuthId[],
  providers: AuthProviders,
): boolean {
  if (acl === OPEN_ACL || acl.length === 0 || providers.skipAcl) return true
  for (const entry of acl) {
    if ((entry.perms & perms) !== 0 && isAnyone(entry)) return true
  }
  for (const id of ids) {
    if (id.scheme === 'super') return true
  }
  for (const entry of acl) {
    if ((entry.perms & perms) !== 0 && entryMatches(entry, ids, providers)) return true
  }
  return false
}

/**
 * The list to store for a create or setACL, or the error that refuses it (`PrepRequestProcessor.fixupACL`): exact
 * duplicates dropped, every `auth` entry replaced by one entry for each authenticated id of the connection.
 * The first bad entry decides: -114, or -5 for a null id of a scheme that exists (but `auth`, which ignores its id).
 */
export function fixupAcl(
  acl: readonly AclEntry[] | null,
  ids: readonly AuthId[],
  providers: AuthProviders,
): readonly AclEntry[] | ErrorCode {
  if (acl === null || acl.length === 0) return ErrorCode.invalidACL
  if (acl.length === 1 && isAnyone(acl[0]!)) return acl
  const fixed: AclEntry[] = []
  for (const entry of withoutDuplicates(acl)) {
    if (entry.scheme === 'auth') {
      if (!expandAuth(entry.perms, ids, providers, fixed)) return ErrorCode.invalidACL
    } else {
      const err = entryError(entry, providers)
      if (err !== ErrorCode.ok) return err
      fixed.push(entry)
    }
  }
  return fixed
}

/** What getACL shows to a reader without ADMIN: digest ids as `user:x`. */
export function maskDigests(acl: readonly AclEntry[]): readonly AclEntry[] {
  if (!acl.some((entry) => entry.scheme === 'digest')) return acl
  return acl.map((entry) => {
    const colon = entry.scheme === 'digest' && entry.id !== null ? entry.id.indexOf(':') : -1
    if (colon === -1) return entry
    return { perms: entry.perms, scheme: entry.scheme, id: `${entry.id!.slice(0, colon)}:x` }
  })
}

/**
 * Keeps one frozen array for all equal lists, counted by the znodes that use it (`ReferenceCountedACLCache`), so
 * that lists nobody uses any more do not pile up. {@link OPEN_ACL} is always there and not counted.
 */
export class AclTable {
  readonly #byKey = new Map<string, SharedAcl>()
  readonly #byList = new Map<readonly AclEntry[], SharedAcl>()
  /** In the table without users, because it is pinned. */
  readonly #unused = new Set<SharedAcl>()
  #pins = 0
  #lastId = 0

  /** Number of different lists in use, {@link OPEN_ACL} not counted. */
  get size(): number {
    return this.#byKey.size - this.#unused.size
  }

  /**
   * Until the {@link unpin} that belongs to it, no list that is in the table now leaves it: those with ids up to
   * `lastId`, `count` of them, in the order of {@link lists}.
   */
  pin(): { readonly lastId: number; readonly count: number } {
    this.#pins += 1
    return { lastId: this.#lastId, count: this.#byKey.size }
  }

  unpin(): void {
    this.#pins -= 1
    if (this.#pins > 0) return
    for (const shared of this.#unused) this.#remove(shared)
    this.#unused.clear()
  }

  /** Lists with ids that rise. Later ones may be added meanwhile; none that is pinned goes. */
  lists(): Iterator<SharedAcl> {
    return this.#byKey.values()
  }

  /** The id of a list that {@link acquire} returned and that is still in the table; -1 for {@link OPEN_ACL}. */
  idOf(acl: readonly AclEntry[]): number {
    return acl === OPEN_ACL ? -1 : this.#byList.get(acl)!.id
  }

  /** The shared form of `acl`, with one more user. */
  acquire(acl: readonly AclEntry[]): readonly AclEntry[] {
    if (acl === OPEN_ACL || isOpen(acl)) return OPEN_ACL
    let shared = this.#byList.get(acl)
    if (shared === undefined) {
      const key = aclKey(acl)
      shared = this.#byKey.get(key)
      if (shared === undefined) {
        this.#lastId += 1
        shared = { list: freezeAcl(acl), key, id: this.#lastId, users: 0 }
        this.#byKey.set(key, shared)
        this.#byList.set(shared.list, shared)
      }
    }
    if (shared.users === 0) this.#unused.delete(shared)
    shared.users += 1
    return shared.list
  }

  /** Ends one use of a list that {@link acquire} returned. */
  release(acl: readonly AclEntry[]): void {
    const shared = this.#byList.get(acl)
    if (shared === undefined) return
    shared.users -= 1
    if (shared.users > 0) return
    if (this.#pins > 0) this.#unused.add(shared)
    else this.#remove(shared)
  }

  #remove(shared: SharedAcl): void {
    this.#byKey.delete(shared.key)
    this.#byList.delete(shared.list)
  }
}

export interface SharedAcl {
  readonly list: readonly AclEntry[]
  readonly key: string
  /** 1 or more, never given twice. */
  readonly id: number
  users: number
}

function isAnyone(entry: AclEntry): boolean {
  return entry.scheme === 'world' && entry.id === 'anyone'
}

function isOpen(acl: readonly AclEntry[]): boolean {
  return acl.length === 1 && acl[0]!.perms === Perms.all && isAnyone(acl[0]!)
}

function entryMatches(entry: AclEntry, ids: readonly AuthId[], providers: AuthProviders): boolean {
  if (entry.scheme === null || entry.id === null) return false
  const provider = providers.find(entry.scheme)
  if (provider === undefined) return false
  for (const id of ids) {
    if (id.scheme === entry.scheme && provider.matches(id.id, entry.id)) return true
  }
  return false
}

function expandAuth(
  perms: number,
  ids: readonly AuthId[],
  providers: AuthProviders,
  fixed: AclEntry[],
): boolean {
  let isExpanded = false
  for (const { scheme, id } of ids) {
    if (providers.find(scheme)?.isAuthenticated !== true) continue
    if (fixed.length >= EXPANDED_ACL_MAX) return false
    fixed.push({ perms, scheme, id })
    isExpanded = true
  }
  return isExpanded
}

function entryError({ scheme, id }: AclEntry, providers: AuthProviders): ErrorCode {
  if (scheme === null) return ErrorCode.invalidACL
  if (scheme === 'world') {
    if (id === null) return ErrorCode.marshallingError
    return id === 'anyone' ? ErrorCode.ok : ErrorCode.invalidACL
  }
  const provider = providers.find(scheme)
  if (provider === undefined) return ErrorCode.invalidACL
  if (id === null) return ErrorCode.marshallingError
  return provider.isValid(id) ? ErrorCode.ok : ErrorCode.invalidACL
}

function withoutDuplicates(acl: readonly AclEntry[]): readonly AclEntry[] {
  if (acl.length === 1) return acl
  if (acl.length <= PAIRWISE_MAX) {
    return acl.filter((entry, i) => acl.findIndex((other) => equalEntries(entry, other)) === i)
  }
  const unique = new Map<string, AclEntry>()
  for (const entry of acl) {
    const key = entryKey(entry)
    if (!unique.has(key)) unique.set(key, entry)
  }
  return [...unique.values()]
}

function equalEntries(a: AclEntry, b: AclEntry): boolean {
  return a.perms === b.perms && a.scheme === b.scheme && a.id === b.id
}

function aclKey(acl: readonly AclEntry[]): string {
  return acl.map(entryKey).join()
}

/** Lengths before the texts keep keys of different lists different whatever the texts hold. */
function entryKey({ perms, scheme, id }: AclEntry): string {
  return `${perms}:${textKey(scheme)}${textKey(id)}`
}

function textKey(text: string | null): string {
  return text === null ? '-' : `${text.length}:${text}`
}

function freezeAcl(acl: readonly AclEntry[]): readonly AclEntry[] {
  return Object.freeze(acl.map((entry) => Object.freeze({ ...entry })))
}
