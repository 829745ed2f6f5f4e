export { type Claim, giveBackLease, HeldLease } from './held-lease.ts'
export { HeldKazooLease } from './kazoo-held-lease.ts'
export { type KazooLeaseOptions, KazooPlace } from './kazoo-place.ts'
export { holderPath, type KazooLeaseRecord, readKazooLease } from './kazoo-record.ts'
export {
  type FoundLease,
  FREE,
  formatLease,
  type LeaseRecord,
  parseLease,
  readLease,
} from './record.ts'
