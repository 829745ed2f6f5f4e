import type { PlacedEvent } from './report.ts'

export interface Interval {
  readonly fromMs: number
  readonly toMs: number
}

/** A time in which a server stood still, or waited for its disk, as far as it lies in a window. */
export interface Delay extends Interval {
  readonly serverId: number
  readonly kind: 'slowFsync' | 'stall'
  /** All of it, also what is outside the window. */
  readonly tookMs: number
  readonly overlapMs: number
}

/** Stalls and slow writes of these servers in the window, the longest first. */
export function delaysIn(
  events: readonly PlacedEvent[],
  window: Interval,
  serverIds: readonly (number | null)[],
): readonly Delay[] {
  return events
    .flatMap(({ serverId, atMs, event }) => {
      if (event.kind !== 'stall' && event.kind !== 'slowFsync') return []
      if (!serverIds.includes(serverId)) return []
      const { kind, tookMs } = event
      const fromMs = atMs - tookMs
      const overlapMs = Math.min(atMs, window.toMs) - Math.max(fromMs, window.fromMs)
      return overlapMs > 0 ? [{ serverId, kind, tookMs, fromMs, toMs: atMs, overlapMs }] : []
    })
    .sort((a, b) => b.overlapMs - a.overlapMs)
}

export function isIn(atMs: number, { fromMs, toMs }: Interval): boolean {
  return atMs >= fromMs && atMs <= toMs
}
