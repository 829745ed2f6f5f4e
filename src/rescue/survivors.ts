import { epochOf, formatHex, type Zxid } from '../base/index.ts'
import type { LogFacts } from '../storage/index.ts'
import { RescueError } from './rescue-error.ts'

/** What tells how far a server's history goes. */
export interface Survivor {
  readonly id: number
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  readonly lastZxid: Zxid
}

export function survivorOf(id: number, facts: LogFacts): Survivor {
  const { acceptedEpoch, lastZxid } = facts
  // A server that has always been alone keeps no epochs, but its transactions may have one.
  const currentEpoch = Math.max(facts.currentEpoch, epochOf(lastZxid))
  return { id, currentEpoch, acceptedEpoch: Math.max(acceptedEpoch, currentEpoch), lastZxid }
}

const FACTS = /^(\d{1,3}):(\d{1,10}):(\d{1,10}):0x([0-9a-f]{1,16})$/

/** As `--peer` takes them: id, accepted epoch, current epoch, last zxid. */
export function formatSurvivor({ id, acceptedEpoch, currentEpoch, lastZxid }: Survivor): string {
  return `${id}:${acceptedEpoch}:${currentEpoch}:${formatHex(lastZxid)}`
}

/** Null when the text has not the form of {@link formatSurvivor}: then it may be a folder. */
export function parseSurvivor(text: string): Survivor | null {
  const match = FACTS.exec(text)
  if (match === null) return null
  const [, id, accepted, current, zxid] = match
  const survivor = {
    id: Number(id),
    acceptedEpoch: Number(accepted),
    currentEpoch: Number(current),
    lastZxid: BigInt(`0x${zxid}`) as Zxid,
  }
  if (
    survivor.currentEpoch > survivor.acceptedEpoch ||
    epochOf(survivor.lastZxid) > survivor.currentEpoch
  ) {
    throw new RescueError(
      'usage',
      `--peer ${text}: no server can have these epochs; copy the line 'facts' of a dry run there`,
    )
  }
  return survivor
}

/** Positive if `a` has more history than `b`: as an election would decide. */
export function compareSurvivors(a: Survivor, b: Survivor): number {
  if (a.currentEpoch !== b.currentEpoch) return a.currentEpoch - b.currentEpoch
  return a.lastZxid > b.lastZxid ? 1 : a.lastZxid < b.lastZxid ? -1 : 0
}
