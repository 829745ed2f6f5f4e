import type { ServerId } from '../../base/index.ts'
import type { CheckOptions } from './checker.ts'

/** Whether `members`, all of them voters, are a quorum. */
export function isQuorum(
  members: ReadonlySet<ServerId>,
  voters: readonly ServerId[],
  options: CheckOptions,
): boolean {
  if (options.isQuorum !== null) return options.isQuorum(members, voters)
  return members.size * 2 > voters.length
}
