export { type Claim, giveBackLease, HeldLease } from './held-lease.ts'
export {
  type FoundLease,
  FREE,
  formatLease,
  type LeaseRecord,
  parseLease,
  readLease,
} from './record.ts'
