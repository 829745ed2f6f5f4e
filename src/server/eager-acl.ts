import { type AuthId, OpCode, Perms, type WriteRequest } from '../wire/index.ts'
import { type AuthProviders, allows, type DataTree, parentPath } from '../znodes/index.ts'

/** Permission that a write needs, and whether on the parent of the znode it names. */
const NEEDED: ReadonlyMap<number, { readonly perms: number; readonly isParents: boolean }> =
  new Map([
    [OpCode.create, { perms: Perms.create, isParents: true }],
    [OpCode.create2, { perms: Perms.create, isParents: true }],
    [OpCode.createContainer, { perms: Perms.create, isParents: true }],
    [OpCode.createTTL, { perms: Perms.create, isParents: true }],
    [OpCode.delete, { perms: Perms.delete, isParents: true }],
    [OpCode.setData, { perms: Perms.write, isParents: false }],
    [OpCode.setACL, { perms: Perms.admin, isParents: false }],
  ])

/**
 * Refuses writes by the ACLs that this server knows, before they are on their way to a leader
 * (`ZooKeeperServer.authWriteRequest`). What a multi holds is left to the leader.
 */
export class EagerAcl {
  readonly #tree: DataTree
  readonly #providers: AuthProviders

  constructor(tree: DataTree, providers: AuthProviders) {
    this.#tree = tree
    this.#providers = providers
  }

  /** A znode that is not here may be on its way: the leader decides. */
  refuses(request: WriteRequest, ids: readonly AuthId[]): boolean {
    const needed = NEEDED.get(request.type)
    if (needed === undefined || !('path' in request) || request.path === null) return false
    const path = needed.isParents ? parentPath(request.path) : request.path
    const znode = this.#tree.find(path)
    return znode !== undefined && !allows(znode.acl, needed.perms, ids, this.#providers)
  }
}
