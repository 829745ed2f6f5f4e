import { createHash, timingSafeEqual } from 'node:crypto'
import type { ServerControl } from '../server/index.ts'
import type { RequestFacts } from './request-facts.ts'

/** Whether a caller may take a snapshot, restore one or shed connections; with upstream's texts and numbers if not. */
export type Verdict =
  | { readonly isAdmitted: true }
  | { readonly isAdmitted: false; readonly status: 401 | 403; readonly error: string }

const ADMITTED: Verdict = { isAdmitted: true }
const MISSING: Verdict = {
  isAdmitted: false,
  status: 401,
  error: 'Auth info is missing for the command',
}
const NOT_AUTHENTICATED: Verdict = { isAdmitted: false, status: 401, error: 'Not authenticated' }
const NOT_AUTHORIZED: Verdict = { isAdmitted: false, status: 403, error: 'Not authorized' }

/**
 * Two ways in: the token of the configuration (`Authorization: Bearer …`), or an identity of a ZooKeeper scheme
 * (`Authorization: digest user:password`, `ip`) to which the ACL of the root gives all five permissions by name. What
 * that ACL gives to everybody does not count, other than upstream: its default would let any name in.
 */
export function authorize(
  facts: RequestFacts,
  token: string | null,
  control: Pick<ServerControl, 'authenticate' | 'ownsRoot'>,
): Verdict {
  if (facts.authorization === null || facts.authorization.trim() === '') return MISSING
  const [scheme = '', data = '', ...rest] = facts.authorization.trim().split(/\s+/)
  if (rest.length > 0) return NOT_AUTHENTICATED
  if (scheme.toLowerCase() === 'bearer') {
    return token !== null && isSameText(data, token) ? ADMITTED : NOT_AUTHENTICATED
  }
  const ids = control.authenticate(scheme, data, facts.address)
  if (ids === null) return NOT_AUTHENTICATED
  return control.ownsRoot(ids) ? ADMITTED : NOT_AUTHORIZED
}

/** Takes the same time however much of it is right. */
function isSameText(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
