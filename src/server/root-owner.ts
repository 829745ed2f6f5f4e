import { type AclEntry, type AuthId, Perms } from '../wire/index.ts'
import { type AuthProviders, allows } from '../znodes/index.ts'

const ALL = [Perms.read, Perms.write, Perms.create, Perms.delete, Perms.admin]

/**
 * Whether an ACL gives all five permissions to `ids` (upstream asks this of the root before a snapshot, a restore and
 * the shedding of connections). What it gives to everybody does not count: with the ACL that the root has unless it is
 * set, any name and password would do.
 */
export function ownsRoot(
  acl: readonly AclEntry[],
  ids: readonly AuthId[],
  providers: AuthProviders,
): boolean {
  if (ids.some(({ scheme }) => scheme === 'super')) return true
  const named = acl.filter(({ scheme, id }) => !(scheme === 'world' && id === 'anyone'))
  if (named.length === 0 || providers.skipAcl) return false
  return ALL.every((perms) => allows(named, perms, ids, providers))
}
