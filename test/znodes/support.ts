import { NO_SESSION, type SessionId, type Zxid } from '../../src/base/index.ts'
import {
  type AclEntry,
  type AuthId,
  type ByteString,
  type ErrorCode,
  OpCode,
  type Txn,
  type WriteOp,
  type WriteRequest,
} from '../../src/wire/index.ts'
import {
  type ApplyResult,
  AuthProviders,
  type ChangeEvents,
  DataTree,
  OPEN_ACL,
  type PreparedTxn,
  type PrepareOptions,
  WritePreparer,
  type Znode,
  type ZnodeRow,
} from '../../src/znodes/index.ts'

export const NO_EVENTS: ChangeEvents = {
  created: () => {},
  deleted: () => {},
  dataChanged: () => {},
}

export const SESSION: SessionId = 0x0100_0000_0000_0001n as SessionId
export const OTHER_SESSION: SessionId = 0x0100_0000_0000_0002n as SessionId
export const NOBODY: readonly AuthId[] = [{ scheme: 'ip', id: '10.0.0.1' }]

export interface Asker {
  readonly sessionId?: SessionId
  readonly ids?: readonly AuthId[]
  readonly sessionError?: ErrorCode
  readonly ephemeralError?: ErrorCode
  readonly timeMs?: number
}

/** A tree with everything that makes and applies transactions, and a count of zxids. */
export class Bench {
  readonly tree: DataTree
  readonly preparer: WritePreparer
  readonly events: string[] = []
  #zxid = 0
  readonly #proposed: PreparedTxn[] = []

  constructor(options: Partial<PrepareOptions> & { readonly isQuiet?: boolean } = {}) {
    const all = {
      extendedTypesEnabled: true,
      enforceQuota: false,
      reconfigEnabled: false,
      ...options,
    }
    const events: ChangeEvents = {
      created: (znode, parent, zxid) =>
        this.events.push(`created ${znode.path} in ${parent.path} at ${zxid}`),
      deleted: (znode, parent, zxid) =>
        this.events.push(`deleted ${znode.path} in ${parent.path} at ${zxid}`),
      dataChanged: (znode, zxid) => this.events.push(`changed ${znode.path} at ${zxid}`),
    }
    this.tree = new DataTree(options.isQuiet === true ? NO_EVENTS : events, all)
    this.preparer = new WritePreparer(this.tree, new AuthProviders(), all)
  }

  /** Zxid of the last proposal. */
  get zxid(): Zxid {
    return BigInt(this.#zxid) as Zxid
  }

  get inFlight(): number {
    return this.#proposed.length
  }

  /** Prepares a write and leaves it on its way. */
  propose(request: WriteRequest, asker: Asker = {}): PreparedTxn {
    this.#zxid += 1
    const prepared = this.preparer.prepare(request, {
      sessionId: asker.sessionId ?? SESSION,
      cxid: this.#zxid,
      zxid: this.zxid,
      timeMs: asker.timeMs ?? 1_000_000 + this.#zxid,
      ids: asker.ids ?? NOBODY,
      ...(asker.sessionError === undefined ? {} : { sessionError: asker.sessionError }),
      ...(asker.ephemeralError === undefined ? {} : { ephemeralError: asker.ephemeralError }),
    })
    this.#proposed.push(prepared)
    return prepared
  }

  /** Applies the oldest proposal. */
  commit(): ApplyResult {
    const { header, txn, digest } = this.#proposed.shift()!
    const result = this.tree.apply(header, txn, digest)
    this.preparer.release(header.zxid)
    return result
  }

  commitAll(): ApplyResult[] {
    const results: ApplyResult[] = []
    while (this.#proposed.length > 0) results.push(this.commit())
    return results
  }

  /** Prepares a write, applies it and everything before it. */
  run(request: WriteRequest, asker: Asker = {}): ApplyResult {
    this.propose(request, asker)
    return this.commitAll().at(-1)!
  }

  /** Like {@link run} for writes that must succeed. */
  must(request: WriteRequest, asker: Asker = {}): ApplyResult {
    const result = this.run(request, asker)
    if (result.err !== 0) throw new Error(`${JSON.stringify(request.type)} gave ${result.err}`)
    return result
  }

  at(path: string): Znode {
    const znode = this.tree.find(path)
    if (znode === undefined) throw new Error(`no znode ${path}`)
    return znode
  }
}

export function create(
  path: string | null,
  more: {
    readonly data?: string | null
    readonly acl?: readonly AclEntry[] | null
    readonly flags?: number
    readonly ttl?: bigint
    readonly type?: 1 | 15 | 19 | 21
  } = {},
): WriteOp {
  const data = (more.data === undefined ? '' : more.data) as ByteString | null
  return {
    type: more.type ?? OpCode.create,
    path,
    data,
    acl: more.acl === undefined ? OPEN_ACL : more.acl,
    flags: more.flags ?? 0,
    ttl: more.ttl ?? -1n,
  }
}

export function remove(path: string | null, version = -1): WriteOp {
  return { type: OpCode.delete, path, version }
}

export function set(path: string | null, data: string | null, version = -1): WriteOp {
  return { type: OpCode.setData, path, data: data as ByteString | null, version }
}

export function setAcl(
  path: string | null,
  acl: readonly AclEntry[] | null,
  version = -1,
): WriteOp {
  return { type: OpCode.setACL, path, acl, version }
}

export function check(path: string | null, version = -1): WriteOp {
  return { type: OpCode.check, path, version }
}

export function multi(...ops: WriteOp[]): WriteRequest {
  return { type: OpCode.multi, ops }
}

export const CLOSE_SESSION: WriteRequest = { type: OpCode.closeSession }

/** The error of a refused single write, 0 for any other transaction. */
export function errorOf(txn: Txn): number {
  return txn.type === OpCode.error ? txn.err : 0
}

export function row(path: string, more: Partial<ZnodeRow> = {}): ZnodeRow {
  return {
    path,
    data: '' as ByteString,
    acl: OPEN_ACL,
    czxid: 0n as Zxid,
    mzxid: 0n as Zxid,
    pzxid: 0n as Zxid,
    ctime: 0,
    mtime: 0,
    version: 0,
    storedCversion: 0,
    aversion: 0,
    storedOwner: NO_SESSION,
    ...more,
  }
}

/** Everything a checkpoint keeps, by path: for comparing whole trees. */
export function rowsOf(tree: DataTree): Map<string, string> {
  const rows = new Map<string, string>()
  for (const znode of tree.znodes()) rows.set(znode.path, describeRow(znode))
  return new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function describeRow(r: ZnodeRow): string {
  const acl = r.acl.map((entry) => `${entry.scheme}:${entry.id}:${entry.perms}`).join()
  return [
    r.data === null ? 'null' : `'${r.data}'`,
    acl,
    `${r.czxid} ${r.mzxid} ${r.pzxid} ${r.ctime} ${r.mtime}`,
    `v${r.version} c${r.storedCversion} a${r.aversion} o${r.storedOwner}`,
  ].join(' | ')
}

/** A small generator for random tests (mulberry32): the same numbers for the same seed. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** 0 to `below` − 1. */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * below)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!
  }
}
