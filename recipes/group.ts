import {
  type Acl,
  type Data,
  InvalidArgumentError,
  join,
  type ZooKeeper,
} from '../src/client/index.ts'
import { hexId, type WaitOptions } from './base/index.ts'
import { ChildrenCache } from './children-cache.ts'
import { PersistentNode } from './persistent-node.ts'

/** Whose groups ours look like: Curator's GroupMember, kazoo's Party, kazoo's ShallowParty. */
export type GroupLayout = 'curator' | 'kazoo' | 'kazoo-shallow'

export interface GroupOptions extends WaitOptions {
  readonly layout?: GroupLayout
}

export interface JoinOptions extends WaitOptions {
  /** In the curator layout; in the others a member's data is its id. */
  readonly data?: Data
  readonly acl?: readonly Acl[]
}

/** Somebody who is in a group. */
export interface GroupMember {
  readonly id: string
  readonly data: Uint8Array
  /** Name of its znode. */
  readonly name: string
}

const PARTY = '__party__'

/**
 * Who is there: members are in the group while their session lives.
 *
 * - **Znodes**: `P/ID` with the member's data (curator), `P/HEX__party__` with the id as data (kazoo), `P/HEX-ID` with
 *   the id as data (kazoo-shallow), all ephemeral. `P` is created by who joins, as a container (curator) or persistent.
 * - **Guarantees**: `members` follows what the server has (see `ChildrenCache`). A member is in it once: after a lost
 *   session its new znode has the name of the old one, and waits until that is gone. In the curator layout two members
 *   with one id exclude each other, in the others both are there.
 * - **Failures**: lost connections and sessions are waited out; `isCurrent` says whether the list may be old.
 * - **Upstream**: Curator's GroupMember; kazoo's Party and ShallowParty.
 */
export class Group implements AsyncDisposable, AsyncIterable<readonly GroupMember[]> {
  readonly #zk: ZooKeeper
  readonly #layout: GroupLayout
  readonly #cache: ChildrenCache
  readonly #memberships = new Set<Membership>()

  /** Resolves once the members are known. @throws ZkError `TIMEOUT`, `ABORTED`, `NO_AUTH` */
  static async open(zk: ZooKeeper, path: string, options: GroupOptions = {}): Promise<Group> {
    const { layout = 'curator', ...wait } = options
    return new Group(zk, layout, await ChildrenCache.open(zk, path, wait))
  }

  private constructor(zk: ZooKeeper, layout: GroupLayout, cache: ChildrenCache) {
    this.#zk = zk
    this.#layout = layout
    this.#cache = cache
  }

  get path(): string {
    return this.#cache.path
  }

  /** False from a broken connection on until the members have been looked at again. */
  get isCurrent(): boolean {
    return this.#cache.isCurrent
  }

  /** In no particular order. */
  get members(): readonly GroupMember[] {
    return [...this.#cache.children].flatMap(([name, { data }]) => {
      const id = memberId(this.#layout, name, data)
      return id === null ? [] : [{ id, data, name }]
    })
  }

  /**
   * Resolves once the member is in the group; it stays until it leaves or the group is closed.
   * @param id kazoo-shallow and curator: part of a path
   */
  async join(id: string, options: JoinOptions = {}): Promise<Membership> {
    const { data = '', ...rest } = options
    if (id === '' || (id.includes('/') && this.#layout !== 'kazoo')) {
      const message = `join ${this.path}: ${JSON.stringify(id)} is no name of a znode`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op: 'join', path: this.path })
    }
    const isCurator = this.#layout === 'curator'
    const name = isCurator ? id : this.#newName(id)
    const node = await PersistentNode.open(this.#zk, join(this.path, name), isCurator ? data : id, {
      ...rest,
      parentMode: isCurator ? 'container' : 'persistent',
    })
    const membership = new Membership(id, node, () => this.#memberships.delete(membership))
    this.#memberships.add(membership)
    return membership
  }

  /** The members now and after every change, for one reader. Ends with the group. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<readonly GroupMember[]> {
    const changes = this.#cache.changes()
    try {
      yield this.members
      for await (const { type } of changes) if (type !== 'stale') yield this.members
    } finally {
      await changes.return()
    }
  }

  /** Those who joined through this object leave. Never rejects. */
  async close(): Promise<void> {
    await Promise.all([...this.#memberships].map((membership) => membership.leave()))
    await this.#cache.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #newName(id: string): string {
    const hex = hexId(this.#zk.environment.random)
    return this.#layout === 'kazoo' ? hex + PARTY : `${hex}-${id}`
  }
}

/** One member's stay. */
export class Membership implements AsyncDisposable {
  readonly id: string
  readonly #node: PersistentNode
  readonly #onLeave: () => void

  constructor(id: string, node: PersistentNode, onLeave: () => void) {
    this.id = id
    this.#node = node
    this.#onLeave = onLeave
  }

  /** The znode is there, and its session alive. */
  get isPresent(): boolean {
    return this.#node.isPresent
  }

  /** Changes the member's data; in the kazoo layouts these are its id. */
  setData(data: Data, options: WaitOptions = {}): Promise<void> {
    return this.#node.setData(data, options)
  }

  /** Never rejects. */
  async leave(): Promise<void> {
    this.#onLeave()
    await this.#node.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }
}

/** Null for what is no member. */
function memberId(layout: GroupLayout, name: string, data: Uint8Array): string | null {
  switch (layout) {
    case 'curator':
      return name
    case 'kazoo':
      return name.includes(PARTY) ? new TextDecoder().decode(data) : null
    case 'kazoo-shallow':
      return name.slice(name.indexOf('-') + 1)
  }
}
