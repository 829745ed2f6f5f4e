/**
 * The rows of the protocol reference that scripts must cover (tags after `rows:`): the order of checks (5.2), what
 * watches fire (7.3), the setWatches catch-up (7.5), multi (9) and the subtle behaviours (16).
 */
export const REQUIRED_ROWS: readonly string[] = [
  ...rows('5.2/create', 'decode flags ttl-off ttl-unset path-slash acl parent noauth validate'),
  ...rows('5.2/create', 'exists ephemeral-parent quota'),
  ...rows('5.2/createTTL', 'range nonttl-mode'),
  ...rows('5.2/delete', 'decode path parent noauth node version notempty no-validation'),
  ...rows('5.2/setData', 'decode path node noauth quota version'),
  ...rows('5.2/setACL', 'decode path acl node noauth version'),
  ...rows('5.2/check', 'path node noauth version'),
  ...rows('5.2/exists', 'decode nul noauth'),
  ...rows('5.2/reads', 'decode path node noauth'),
  ...rows('5.2', 'deleteContainer getACL getEphemerals getAllChildrenNumber sync checkWatches'),
  ...rows('5.2', 'removeWatches addWatch setWatches reconfig reconfig/standalone multi/decode'),
  ...rows('5.2', 'whoAmI ping'),
  ...rows('7.3', 'create delete delete-by-close delete-by-sweep setData setACL multi quota'),
  ...rows('7.5', 'data-missing data-newer data-else exist-missing exist-present child-missing'),
  ...rows('7.5', 'child-newer child-else persistent recursive'),
  ...rows(
    '9',
    'empty create create2 createContainer container-flag createTTL delete setData check',
  ),
  ...rows('9', 'getData getChildren illegal missing-terminator terminator failed bad-flag chain'),
  ...rows('9', 'stat-after-op multiRead-write-inside multiRead-exists-inside'),
  ...Array.from({ length: 86 }, (_, index) => `16/${index + 1}`),
]

/** Rows that one standalone server's client port cannot show, and why. */
export const ROWS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['16/14', 'an overflowing sequence needs 2^31 creates: unit tests of src/znodes'],
  ['16/45', 'a read-only server is a partitioned member of an ensemble'],
  ['16/46', 'a rule for clients; the zxid of every event is compared here'],
  ['16/66', 'a session moves between servers of an ensemble'],
  ['16/69', 'enforced authentication is refused at start by this version'],
  ['16/80', 'leader and follower'],
  ['16/84', 'contents of the transaction log: unit tests of src/wire and src/znodes'],
  ['16/86', 'contents of the transaction log: unit tests of src/znodes'],
])

function rows(prefix: string, names: string): readonly string[] {
  return names.split(' ').map((name) => `${prefix}/${name}`)
}
