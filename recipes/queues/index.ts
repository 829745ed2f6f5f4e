export { ClaimedEntry, type ClaimPlace, giveBack } from './claim.ts'
export { EntryQueue, type EntryQueueOptions, type Taken } from './entry-queue.ts'
export {
  type EntryName,
  inOrder,
  type Names,
  PRIORITY_DEFAULT,
  PRIORITY_NAMES,
  QN_NAMES,
} from './names.ts'
export { putEntries } from './put.ts'
export { type ListEntries, untilListed } from './wait.ts'
