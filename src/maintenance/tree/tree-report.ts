import type { AclEntry, SnapshotZnode } from '../../wire/index.ts'

/** What a state is made of. Bytes are those of data; a path costs its own. */
export interface TreeReport {
  readonly znodes: number
  readonly dataBytes: number
  readonly pathBytes: number
  readonly ephemerals: number
  readonly containers: number
  readonly ttls: number
  /** Different ACLs, and znodes that have another than everybody may do everything. */
  readonly acls: number
  readonly restricted: number
  /** Znodes at each depth; the root is at 0. */
  readonly depths: readonly number[]
  readonly subtrees: readonly Subtree[]
  readonly biggest: readonly Sized[]
  readonly widest: readonly Wide[]
  readonly quotas: readonly Quota[]
  /** Sessions with the most ephemerals. */
  readonly owners: readonly { readonly session: bigint; readonly ephemerals: number }[]
}

/** A znode and all below it. */
export interface Subtree {
  readonly path: string
  readonly znodes: number
  readonly dataBytes: number
}

export interface Sized {
  readonly path: string
  readonly bytes: number
}

export interface Wide {
  readonly path: string
  readonly children: number
}

/** Text of the znodes `zookeeper_limits` and `zookeeper_stats` of a subtree. */
export interface Quota {
  readonly path: string
  readonly limits: string
  readonly stats: string | null
}

export interface ReportOptions {
  /** Subtrees down to this depth are added up; 1 is the znodes below the root. */
  readonly depth: number
  /** Length of each list. */
  readonly top: number
  /** `ephemeral`, `container` or `ttl` for an owner that stands for one of these. */
  readonly kindOf: (storedOwner: bigint) => 'container' | 'ephemeral' | 'none' | 'ttl'
}

/** Goes through all znodes once. */
export function reportTree(znodes: Iterable<SnapshotZnode>, options: ReportOptions): TreeReport {
  const collector = new Collector(options)
  for (const znode of znodes) collector.take(znode)
  return collector.result()
}

class Collector {
  readonly #options: ReportOptions
  #znodes = 0
  #dataBytes = 0
  #pathBytes = 0
  #restricted = 0
  readonly #kinds = { container: 0, ephemeral: 0, none: 0, ttl: 0 }
  readonly #acls = new Set<string>()
  readonly #depths: number[] = []
  readonly #subtrees = new Map<string, { znodes: number; dataBytes: number }>()
  readonly #children = new Map<string, number>()
  readonly #owners = new Map<bigint, number>()
  readonly #limits = new Map<string, string>()
  readonly #stats = new Map<string, string>()
  #biggest: Sized[] = []

  constructor(options: ReportOptions) {
    this.#options = options
  }

  take({ path, data, acl, storedOwner }: SnapshotZnode): void {
    const bytes = data?.length ?? 0
    this.#znodes++
    this.#dataBytes += bytes
    this.#pathBytes += path.length
    const kind = this.#options.kindOf(storedOwner)
    this.#kinds[kind]++
    if (kind === 'ephemeral') {
      this.#owners.set(storedOwner, (this.#owners.get(storedOwner) ?? 0) + 1)
    }
    this.#takeAcl(acl)
    this.#takePlace(path, bytes)
    this.#takeSize(path, bytes)
    this.#takeQuota(path, data)
  }

  result(): TreeReport {
    const { top } = this.#options
    const subtrees = [...this.#subtrees].map(([path, sizes]) => ({ path, ...sizes }))
    const widest = [...this.#children].map(([path, children]) => ({ path, children }))
    const owners = [...this.#owners].map(([session, ephemerals]) => ({ session, ephemerals }))
    return {
      znodes: this.#znodes,
      dataBytes: this.#dataBytes,
      pathBytes: this.#pathBytes,
      ephemerals: this.#kinds.ephemeral,
      containers: this.#kinds.container,
      ttls: this.#kinds.ttl,
      acls: this.#acls.size,
      restricted: this.#restricted,
      depths: this.#depths,
      subtrees: first(top, subtrees, (a, b) => b.dataBytes - a.dataBytes || b.znodes - a.znodes),
      biggest: first(top, this.#biggest, (a, b) => b.bytes - a.bytes),
      widest: first(top, widest, (a, b) => b.children - a.children),
      quotas: [...this.#limits].map(([path, limits]) => ({
        path,
        limits,
        stats: this.#stats.get(path) ?? null,
      })),
      owners: first(top, owners, (a, b) => b.ephemerals - a.ephemerals),
    }
  }

  #takeAcl(acl: readonly AclEntry[]): void {
    const text = acl.map(({ perms, scheme, id }) => `${perms}:${scheme}:${id}`).join(',')
    this.#acls.add(text)
    if (text !== '31:world:anyone') this.#restricted++
  }

  #takePlace(path: string, bytes: number): void {
    const names = path === '/' ? [] : path.slice(1).split('/')
    this.#depths[names.length] = (this.#depths[names.length] ?? 0) + 1
    if (names.length > 0) {
      const parent = names.length === 1 ? '/' : path.slice(0, path.lastIndexOf('/'))
      this.#children.set(parent, (this.#children.get(parent) ?? 0) + 1)
    }
    let prefix = ''
    for (const name of names.slice(0, this.#options.depth)) {
      prefix += `/${name}`
      const sums = this.#subtrees.get(prefix)
      if (sums === undefined) this.#subtrees.set(prefix, { znodes: 1, dataBytes: bytes })
      else {
        sums.znodes++
        sums.dataBytes += bytes
      }
    }
  }

  #takeSize(path: string, bytes: number): void {
    const { top } = this.#options
    if (bytes === 0) return
    this.#biggest.push({ path, bytes })
    if (this.#biggest.length < 4 * top + 1000) return
    this.#biggest = first(top, this.#biggest, (a, b) => b.bytes - a.bytes)
  }

  #takeQuota(path: string, data: string | null): void {
    const match = /^\/zookeeper\/quota(\/.+)\/zookeeper_(limits|stats)$/.exec(path)
    if (match === null) return
    const table = match[2] === 'limits' ? this.#limits : this.#stats
    table.set(match[1]!, data ?? '')
  }
}

function first<T extends object>(
  top: number,
  all: readonly T[],
  order: (a: T, b: T) => number,
): T[] {
  return [...all].sort(order).slice(0, top)
}
