import { formatHex, NO_ZXID, type Zxid } from '../../base/index.ts'
import type { LogProblem } from '../our-log.ts'
import { checkpointZxid, type FolderView, isUsable, logStart, reachesBack } from '../our-state.ts'

/** How a folder that no server starts from can be made whole. */
export type RepairPlan =
  /** A server starts from it as it is; files in the way are moved aside first. */
  | { readonly kind: 'none'; readonly strangers: readonly string[] }
  /** A new log and checkpoint from what is left. `lostFrom` is null when every transaction is still there. */
  | {
      readonly kind: 'rebuild'
      /** Of the checkpoint to start from; 0 for the beginning. */
      readonly from: Zxid
      readonly through: Zxid
      readonly lostFrom: Zxid | null
      /** The last transaction that is known to be lost; null when nobody knows. */
      readonly lostThrough: Zxid | null
      readonly strangers: readonly string[]
    }
  /** A member: its data is put aside, and the others bring it up to date. */
  | { readonly kind: 'rejoin'; readonly reason: string }
  /** Nothing here can become a state again. */
  | { readonly kind: 'restore'; readonly reason: string }

/**
 * What can be done. A member never gives up transactions that it may have acknowledged: with what is left it could
 * elect a leader that lacks them.
 */
export function planRepair(view: FolderView, isMember: boolean): RepairPlan {
  const { log } = view
  if (log.problems.some(({ kind }) => kind === 'other version')) {
    return { kind: 'restore', reason: 'it was written by another version, which has to be used' }
  }
  const strangers = log.foreign
  if (log.problems.length === 0 && isUsable(view)) return { kind: 'none', strangers }
  const base = baseOf(view)
  if (base === null) {
    const reason = 'neither the checkpoint nor the log alone gives a state'
    return isMember ? { kind: 'rejoin', reason } : { kind: 'restore', reason }
  }
  const end = endOf(view, base, isMember)
  if (isMember && end.lostFrom !== null) {
    const reason = `transactions from ${formatHex(end.lostFrom)} on may be lost`
    return { kind: 'rejoin', reason }
  }
  return { kind: 'rebuild', from: base, ...end, strangers }
}

/** Zxid of the state that is whole; null when there is none. */
function baseOf(view: FolderView): Zxid | null {
  if (view.checkpoint.kind === 'good') return checkpointZxid(view)
  return reachesBack(view.log) ? NO_ZXID : null
}

interface End {
  readonly through: Zxid
  readonly lostFrom: Zxid | null
  readonly lostThrough: Zxid | null
}

/** How far one can go from the state at `base` without a gap. */
function endOf({ log, checkpoint }: FolderView, base: Zxid, isMember: boolean): End {
  const gap = log.problems.find((problem) => !isHarmless(problem, base, isMember))
  if (gap === undefined) {
    const start = logStart(log)
    const isAhead = base > log.lastZxid && checkpoint.kind === 'good'
    // The log ends before the checkpoint, or begins behind it: what is not there is not known.
    if (isAhead) return lost(base, null)
    return start > base ? lost(base, start) : { through: log.lastZxid, ...NOTHING_LOST }
  }
  const through = gap.after > base ? gap.after : base
  return lost(through, log.lastZxid > through ? log.lastZxid : null)
}

const NOTHING_LOST = { lostFrom: null, lostThrough: null }

function lost(through: Zxid, lostThrough: Zxid | null): End {
  return { through, lostFrom: (through + 1n) as Zxid, lostThrough }
}

/** Nothing behind `base` is missing because of it. */
export function isHarmless(
  { after, nextZxid }: LogProblem,
  base: Zxid,
  isMember: boolean,
): boolean {
  if (nextZxid === null || nextZxid <= after) return false
  if (base >= nextZxid - 1n) return true
  // Only a mark was lost. In a member's log it may have been one that took entries back.
  return !isMember && nextZxid === after + 1n
}
