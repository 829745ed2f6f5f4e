/**
 * Differences that are meant: the only ones the comparison lets pass. Every id stands in docs/divergence.md, where the
 * reader of the project finds it; a rule that no longer explains anything fails the test.
 */
import type { Difference } from './compare.ts'

export interface Explanation {
  readonly id: string
  /** Which server differs from Apache 3.9.3. */
  readonly server: '3.8' | 'ours'
  readonly where: string
  readonly why: string
  /** Explains without a mark in the script; most rules are named by the lines they apply to. */
  /** The other server differs at most of these lines, not always: a race in it. */
  readonly isSometimes?: boolean
  readonly matches?: (difference: Difference) => boolean
}

const OURS: readonly Omit<Explanation, 'server'>[] = [
  {
    id: 'bad-password-keeps-connection',
    where: 're-attaching with a wrong password',
    why: 'the password is checked before the older connection of the session is closed, not after',
  },
  {
    id: 'create-ttl-without-ttl',
    where: 'createTTL with a flag that is no TTL mode and a negative ttl',
    why: '−8; the original accepts it and dies when it applies it',
  },
  {
    id: 'delete-container-from-client',
    where: 'deleteContainer sent by a client',
    why: '−6 and close, as for any opcode that is not a client request: it would bypass every ACL',
  },
  {
    id: 'client-create-session',
    where: 'createSession sent by a client',
    why: '−6 and close; the original executes it and answers with a second connect response',
  },
  {
    id: 'ipv6-acl',
    where: 'ip ACL entries with an IPv6 address',
    why: 'accepted, as since 3.9.4',
  },
  {
    id: 'malformed-multi-takes-no-zxid',
    where: 'multi that cannot be decoded',
    why: 'no malformed request takes a zxid; in 3.9 multi alone still does',
  },
  {
    id: 'null-in-multi',
    where: 'null path or null ACL of an operation inside multi',
    why: 'the error of that operation, as if it were alone, instead of −5 for the whole multi',
  },
  {
    id: 'add-watch-null-path',
    where: 'addWatch with a null path',
    why: '−5 like the other requests with a null path; the original keeps a watch that cannot fire',
  },
  {
    id: 'all-children-of-empty-path',
    where: 'getAllChildrenNumber of the empty path',
    why: 'the root’s descendants, without the root itself',
  },
  {
    id: 'multi-read-refused',
    where: 'multiRead with a write, a check or a null path inside',
    why: '−5 without a body, and for a null path at its operation only; the original adds an empty list',
  },
  {
    id: 'root-acl-in-pipeline',
    where: 'create and delete below the root, pipelined behind a setACL of the root',
    why: 'checked against the new ACL; the original overlooks it until it is applied',
    isSometimes: true,
  },
  {
    id: 'behind-close-session',
    where: 'requests pipelined behind closeSession',
    why: 'never looked at; the original may give them a zxid and refuse them (a race)',
    isSometimes: true,
  },
  {
    id: 'utf8-text',
    where: 'text that is echoed without path validation (sync, ids of ACLs)',
    why: 'supplementary characters go out as proper 4-byte UTF-8; one U+FFFD per malformed part',
  },
  {
    id: 'quota-sees-the-multi',
    where: 'hard quotas inside multi and for pipelined writes',
    why: 'tested against the effects of the writes before it, applied or not; the original overlooks them',
  },
]

const APACHE_3_8: readonly Omit<Explanation, 'server'>[] = [
  {
    id: 'event-zxid',
    where: 'header.zxid of watch events',
    why: 'events carry the zxid of their transaction since 3.9.0, before it was −1',
    matches: (d) => d.field === 'zxid' && d.message?.kind === 'event' && d.other === '"-1"',
  },
  {
    id: 'malformed-write-takes-zxid',
    where: 'writes that cannot be decoded',
    why: 'a failed decoding costs no zxid since 3.9.0',
  },
  {
    id: 'top-level-check',
    where: 'check outside of multi',
    why: 'refused since 3.8.5 and 3.9.3; before, no reply at all',
  },
  {
    id: 'check-null-path',
    where: 'checkWatches with a null path',
    why: '−121 since 3.9.0, before −5',
  },
  {
    id: 'create2-in-multi',
    where: 'results of create2 and createContainer inside multi',
    why: 'typed 15 with a Stat since 3.8.2 and 3.9.0, before typed 1 without',
  },
  {
    id: 'bad-flag-in-multi',
    where: 'unknown create flags inside multi',
    why: 'the whole multi is −5 since 3.8.2 and 3.9.0, before −8 for that operation',
  },
  {
    id: 'null-acl-in-multi',
    where: 'a null ACL inside multi',
    why: 'the whole multi is −5 since 3.9.0, before −114 for that operation',
  },
  {
    id: 'null-path-in-multi',
    where: 'a null path inside multi',
    why: 'takes a zxid and answers −5 without a body since 3.9.0',
  },
  {
    id: 'exists-without-read',
    where: 'exists of a znode that may not be read',
    why: '−102 since 3.8.4 and 3.9.2 (ZOOKEEPER-2590)',
  },
  {
    id: 'delete-container-encoding',
    where: 'deleteContainer',
    why: 'the path has had a length prefix since 3.9.0',
  },
  {
    id: 'watch-modes-overwrite',
    where: 'several kinds of watches on one path',
    why: 'they stand beside each other since 3.9.0, before the last one replaced the others',
  },
  {
    id: 'watcher-types',
    where: 'checkWatches and removeWatches',
    why: 'types 4 and 5 exist, and 1 and 2 mean standard watches only, since 3.9.0',
  },
  {
    id: 'behind-close-session',
    where: 'requests pipelined behind closeSession',
    why: 'dropped, or given a zxid and refused: a race in every version',
    isSometimes: true,
  },
  {
    id: 'check-foreign-watches',
    where: 'checkWatches',
    why: 'finds only the watches of its own connection since 3.9.0',
  },
]

export const EXPLANATIONS: readonly Explanation[] = [
  ...OURS.map((rule) => ({ ...rule, server: 'ours' as const })),
  ...APACHE_3_8.map((rule) => ({ ...rule, server: '3.8' as const })),
]
