import type { Zxid } from '../base/index.ts'
import type { SegmentHeader } from './format.ts'

/** A record that takes entries before it back: a truncation, or an installed snapshot. */
export interface Cut {
  readonly segment: number
  /** Of the record's payload, or of its group when it is the first record in it. */
  readonly offset: number
  /** The log ends with this zxid where the record stands. */
  readonly zxid: Zxid
  /** A snapshot was installed: everything before is dead, whatever its zxid. */
  readonly isInstall: boolean
}

/** Whether the entry whose payload is at `offset` was taken back. */
export function isTakenBack(
  cuts: readonly Cut[],
  segment: number,
  offset: number,
  zxid: Zxid,
): boolean {
  for (const cut of cuts) {
    if (cut.segment < segment || (cut.segment === segment && cut.offset <= offset)) continue
    if (cut.isInstall || cut.zxid < zxid) return true
  }
  return false
}

/** The snapshot that was installed last, if the segments still have its record. */
export function lastInstall(cuts: readonly Cut[]): Cut | null {
  return cuts.findLast(({ isInstall }) => isInstall) ?? null
}

/**
 * Zxid of the last entry before a segment that still counts. The header knows only what counted when it was
 * written.
 */
export function zxidBefore(
  cuts: readonly Cut[],
  { number, zxidBefore: asWritten }: Pick<SegmentHeader, 'number' | 'zxidBefore'>,
): Zxid {
  let zxid = asWritten
  for (const cut of cuts) {
    if (cut.segment < number) continue
    if (cut.isInstall || cut.zxid < zxid) zxid = cut.zxid
  }
  return zxid
}
