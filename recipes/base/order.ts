import type { ContenderName } from './family.ts'

const SEQUENCE_MAX = 0x7fff_ffff

/** From here on the numbers of a path are worth an alarm: at 1,000 contenders a second three days are left. */
export const SEQUENCE_ALARM: number = 2 ** 31 - 2 ** 28

/** A contender whose age is known. */
export interface Contender extends ContenderName {
  /** Of its znode, where the number does not tell the age; else absent. */
  readonly czxid?: bigint
}

/**
 * The number does not tell the age. A server that has counted to 2147483647 gives that number again and again; those
 * before 3.6, and ones with several creates under way, go on with -2147483648.
 */
export function isOverflown({ sequence }: ContenderName): boolean {
  return sequence < 0 || sequence === SEQUENCE_MAX
}

/**
 * Negative for the older of two: by number, then by `czxid` of those whose numbers do not tell. By number first, since a
 * reader that was a writer has the writer's number and a younger znode.
 */
export function byAge(a: Contender, b: Contender): number {
  if (a.czxid === undefined && b.czxid === undefined) return a.sequence - b.sequence
  if (a.czxid === undefined) return -1
  if (b.czxid === undefined) return 1
  return a.czxid < b.czxid ? -1 : Number(a.czxid > b.czxid)
}

/**
 * Whoever is ahead of `own` and has to go before it may be granted; the last one is who it waits for.
 * @param contenders by age
 */
export function blockersOf(own: Contender, contenders: readonly Contender[]): Contender[] {
  return contenders.filter(
    (other) => (own.kind === 'exclusive' || other.kind === 'exclusive') && byAge(other, own) < 0,
  )
}
