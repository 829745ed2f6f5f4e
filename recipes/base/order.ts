import type { ContenderName } from './family.ts'

/** From here on the numbers of a path are worth an alarm: at 1,000 contenders a second three days are left. */
export const SEQUENCE_ALARM: number = 2 ** 31 - 2 ** 28

/**
 * Negative for the older of two. Numbers are compared by their distance, as those of RFC 1982: they stay in order when
 * the server goes from 2147483647 on to -2147483648, as long as two contenders are less than 2^31 numbers apart.
 */
export function byAge(a: ContenderName, b: ContenderName): number {
  return (a.sequence - b.sequence) | 0
}

/** Whoever is ahead of `own` and has to go before it may be granted; the last one is who it waits for. */
export function blockersOf(
  own: ContenderName,
  contenders: readonly ContenderName[],
): ContenderName[] {
  return contenders
    .filter((other) => byAge(other, own) < 0)
    .filter((other) => own.kind === 'exclusive' || other.kind === 'exclusive')
    .sort(byAge)
}
