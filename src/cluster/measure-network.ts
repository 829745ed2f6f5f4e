import { lookup } from 'node:dns/promises'
import type { Address } from '../env/index.ts'
import { askWord, type Reach } from './ask-word.ts'
import { type Distribution, distributionOf } from './distribution.ts'

/** The way to one other server. */
export interface PeerMeasurement {
  readonly address: Address
  /** Until a connection stands: a round trip of the network. Null when none came about. */
  readonly roundTrips: Distribution | null
  /** The first thing that went wrong. */
  readonly failure: string | null
}

/** Enough for a worst case that means something, few enough not to be taken for an attack. */
const ROUND_TRIPS = 20

/** Connects to the server again and again, one after the other. Never rejects. */
export async function measurePeer(
  address: Address,
  reach: Reach,
  signal: AbortSignal,
): Promise<PeerMeasurement> {
  let numeric: Address
  try {
    // The lookup of the name is no part of the way.
    numeric = { host: (await lookup(address.host)).address, port: address.port }
  } catch {
    return { address, roundTrips: null, failure: 'its name leads nowhere' }
  }
  const times: number[] = []
  let failure: string | null = null
  for (let round = 0; round < ROUND_TRIPS && failure === null && !signal.aborted; round++) {
    const answer = await askWord(numeric, 'ruok', reach)
    if ('failure' in answer) failure = answer.failure
    else times.push(answer.connectMs)
  }
  return { address, roundTrips: distributionOf(times), failure }
}
