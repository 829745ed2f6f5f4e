export { onAbort } from './abort-listeners.ts'
export { Cancellation, cancellable, type WaitOptions } from './cancellation.ts'
export { Contest, type ContestOptions, Entry } from './contest.ts'
export { RecipeError, type RecipeErrorCode } from './errors.ts'
export {
  type ContenderName,
  CURATOR_LATCH,
  CURATOR_LEASES,
  CURATOR_MUTEX,
  CURATOR_READ_WRITE,
  contenderName,
  type Family,
  isKazoo,
  KAZOO_LOCK,
  type Kind,
  type Layout,
  parseContenders,
  parseName,
} from './family.ts'
export { type Grant, type GrantOptions, type Hold, isLoss, ZnodeGrant } from './grant.ts'
export { GrantGroup, PartGrant, thenRelease } from './grant-group.ts'
export { hexId, uuid } from './ids.ts'
export { Janitor } from './janitor.ts'
export { blockersOf, byAge, type Contender, isOverflown, SEQUENCE_ALARM } from './order.ts'
export { OwnZnode, type OwnZnodeEvents } from './own-znode.ts'
export { type Participant, participants } from './participants.ts'
export { liveSession, mayBeApplied, persist, type Repeatable, sessionOfId } from './perseverance.ts'
export { createProtected, type ProtectedZnode } from './protected-create.ts'
export type { AddOperations, Written } from './receipt.ts'
export {
  boundedWrite,
  cancellableWrite,
  type Evidence,
  Receipts,
  type WriteOptions,
} from './receipts.ts'
