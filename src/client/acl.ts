import { base64, sha1 } from '../base/index.ts'
import { Perms, utf8ToByteString } from '../wire/index.ts'

/** Who may do what with a znode. `perms` is a sum of {@link PERMS}. */
export interface Acl {
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

export const PERMS: typeof Perms = Perms

/** Everybody may do everything. */
export const OPEN_ACL: readonly Acl[] = [{ perms: Perms.all, scheme: 'world', id: 'anyone' }]
/** Everybody may read. */
export const READ_ACL: readonly Acl[] = [{ perms: Perms.read, scheme: 'world', id: 'anyone' }]
/** Everything for whoever creates the znode; needs credentials (`auth`, `addAuth`). */
export const CREATOR_ALL_ACL: readonly Acl[] = [{ perms: Perms.all, scheme: 'auth', id: '' }]

/** The id of a user in ACLs of the scheme `digest`: `user:base64(sha1(user:password))`. */
export function digestId(user: string, password: string): string {
  return `${user}:${base64(sha1(utf8ToByteString(`${user}:${password}`)))}`
}

export function digestAcl(user: string, password: string, perms: number = Perms.all): Acl {
  return { perms, scheme: 'digest', id: digestId(user, password) }
}
