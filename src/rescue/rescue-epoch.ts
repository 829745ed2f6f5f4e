/**
 * A rescued server goes on in an epoch that none of the lost servers can have reached, and no other rescued server can
 * reach either. So it has three parts: 7 bits that count rescues, 8 bits with the server's number, and 16 bits that
 * elections count up from 0. docs/decisions/0011-force-quorum.md says why.
 */
const ELECTION_BITS = 16
const RESCUE_BITS = 24

/** The lost servers may have held this many elections that the survivor does not know of. */
export const EPOCH_LEAD: number = 2 ** RESCUE_BITS

/** Beyond, an election would come near the largest epoch there may be. */
const EPOCH_MAX = 0x7eff_ffff

/**
 * The epoch for server `sid` when `known` is the highest epoch that anybody has told of: at least {@link EPOCH_LEAD}
 * later. Null when there are none left, after about a hundred rescues.
 */
export function rescueEpoch(known: number, sid: number): number | null {
  const earliest = known + EPOCH_LEAD
  const own = sid * 2 ** ELECTION_BITS
  const rescues = Math.ceil((earliest - own) / EPOCH_LEAD)
  const epoch = rescues * EPOCH_LEAD + own
  return epoch > EPOCH_MAX ? null : epoch
}
