import { Fifo, NO_ZXID, type ServerId, type Zxid } from '../base/index.ts'
import type { LearnerPort } from '../peer/index.ts'
import type { LinkId } from '../zab/index.ts'
import type { ObserverStatus } from './server-status.ts'

/** How far an observer has come at its master. */
export const ObserverPhase = {
  /** It has not said who it is. */
  unknown: 0,
  /** LEADERINFO sent. */
  promising: 1,
  /** It has more than this server has applied. */
  waiting: 2,
  /** NEWLEADER sent. */
  synchronizing: 3,
  /** UPTODATE sent. */
  active: 4,
} as const
export type ObserverPhase = (typeof ObserverPhase)[keyof typeof ObserverPhase]

/** All that an observer master knows of one observer. */
export class ObservedLink {
  readonly link: LinkId
  sid: ServerId | null = null
  phase: ObserverPhase = ObserverPhase.unknown
  /** End of its log when it came. */
  lastZxid: Zxid = NO_ZXID
  /** What it has been sent, once it is synchronized. */
  sentUpTo: Zxid = NO_ZXID
  /** Its syncs that the leader has answered: what must be sent before each answer. */
  readonly syncs: Fifo<Zxid> = new Fifo()
  /** Given up at this time unless it is heard. */
  deadlineMs: number

  constructor(link: LinkId, deadlineMs: number) {
    this.link = link
    this.deadlineMs = deadlineMs
  }
}

/** What an operator sees of observers, given what is known of each and the port that they are connected to. */
export function observerStatuses(
  observers: readonly {
    readonly link: LinkId
    readonly sid: ServerId | null
    readonly lastZxid: Zxid
  }[],
  port: Pick<LearnerPort, 'statusOf'>,
): readonly ObserverStatus[] {
  return observers.flatMap(({ link, sid, lastZxid }) => {
    const status = port.statusOf(link)
    return sid === null || status === null ? [] : [{ ...status, sid, lastZxid }]
  })
}
