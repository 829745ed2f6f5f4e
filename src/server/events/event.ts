import type { ServerId, SessionId } from '../../base/index.ts'

/** How a learner was brought up to date: the entries it lacked, a whole snapshot, or after its log was cut. */
export type SyncKind = 'diff' | 'snap' | 'trunc'

export type EventRole = 'follower' | 'leader' | 'observer'

/**
 * What happened on a server, as its operator may ask for later. Times of the past are told as lengths before the event
 * (`silentMs`, `tookMs`), so that an event can be read without the clock it was written by.
 */
export type EventFact =
  /* ------------------------------------------------ sessions and their connections */
  | {
      /** The client of this server has a session: a new one, or one taken up again. */
      readonly kind: 'sessionCreated' | 'sessionResumed'
      readonly sessionId: SessionId
      readonly timeoutMs: number
      readonly remote: string
    }
  | {
      /** Leader: the client is connected to another server by now. Null: this one, or not known. */
      readonly kind: 'sessionMoved'
      readonly sessionId: SessionId
      readonly from: ServerId | null
      readonly to: ServerId | null
    }
  | {
      /** Heard of again after more than two thirds of the timeout; a healthy client is heard of every third. */
      readonly kind: 'sessionLate'
      readonly sessionId: SessionId
      readonly timeoutMs: number
      readonly silentMs: number
    }
  | {
      /** Decided here: nothing was heard for the timeout. */
      readonly kind: 'sessionExpired'
      readonly sessionId: SessionId
      readonly timeoutMs: number
      /** Since this server heard of the session last; a leader hears of what its learners hear twice a tick. */
      readonly silentMs: number
      /** Where the client was connected last; null when nobody is known. */
      readonly servedBy: ServerId | null
      /** Somebody asked for it: the client was not silent. */
      readonly isForced: boolean
    }
  | {
      /** The session is over: its closeSession is applied here. */
      readonly kind: 'sessionClosed'
      readonly sessionId: SessionId
      readonly by: 'client' | 'server'
      readonly zxid: string
      readonly ephemerals: number
    }
  | {
      /** A client wanted a session that is over, or had the wrong password. */
      readonly kind: 'sessionRefused'
      readonly sessionId: SessionId
      readonly remote: string
    }
  | {
      readonly kind: 'connectionClosed'
      readonly sessionId: SessionId
      readonly remote: string
      readonly reason: string
      /** Since the client's last request, pings included. */
      readonly silentMs: number
      readonly openMs: number
    }
  | {
      /** A connection without a session was ended. */
      readonly kind: 'connectionRefused'
      readonly remote: string
      readonly reason: string
    }
  /* ------------------------------------------------ the ensemble */
  | {
      /** The server looks for a leader from now on. */
      readonly kind: 'looking'
      readonly reason: string
      /** What it was before; null at the start. */
      readonly was: EventRole | null
      readonly wasServing: boolean
      readonly epoch: number
      readonly leader: ServerId | null
    }
  | {
      readonly kind: 'voted'
      readonly leader: ServerId
      readonly zxid: string
      readonly epoch: number
      readonly round: number
    }
  | {
      /** The election is over for this server: it leads or follows, but does not serve yet. */
      readonly kind: 'elected'
      readonly role: EventRole
      readonly leader: ServerId | null
      readonly epoch: number
      readonly reason: string
      /** Since it began to look. */
      readonly tookMs: number
    }
  | {
      /** Clients are served. */
      readonly kind: 'serving'
      readonly role: EventRole
      readonly leader: ServerId | null
      readonly epoch: number
      /** Since it began to look. */
      readonly tookMs: number
    }
  | {
      readonly kind: 'synchronized'
      /** The other side: the learner on a leader, the leader on a learner. */
      readonly peer: ServerId | null
      readonly how: SyncKind
      readonly tookMs: number
    }
  | {
      /** A link between leader and learner has ended. */
      readonly kind: 'linkLost'
      readonly peer: ServerId | null
      readonly reason: string
    }
  | {
      /** Leader: it has ended the link of a learner itself. */
      readonly kind: 'learnerDropped'
      readonly peer: ServerId | null
      readonly reason: string
    }
  /* ------------------------------------------------ the server's own health */
  | {
      /** The process did not run, or one task kept it busy: it could neither hear nor answer anybody. */
      readonly kind: 'stall'
      readonly tookMs: number
    }
  | { readonly kind: 'slowFsync'; readonly tookMs: number }
  | {
      readonly kind: 'slowRequest'
      readonly sessionId: SessionId
      readonly operation: number
      readonly tookMs: number
    }
  | { readonly kind: 'memory'; readonly usedBytes: number; readonly maxBytes: number }
  | { readonly kind: 'diskFull'; readonly isFull: boolean }
  /** The server ended by itself. */
  | { readonly kind: 'failed'; readonly reason: string }
  | {
      readonly kind: 'started'
      readonly serverId: ServerId
      /** Whether the last run had ended in order. */
      readonly wasCleanStop: boolean
      readonly recoveryMs: number
      /** Key figures of the configuration, `name=value` with blanks between. */
      readonly configuration: string
    }
  | { readonly kind: 'stopping' }

export type EventKind = EventFact['kind']

/** A fact with its time. */
export type ServerEvent = EventFact & {
  /** Counts on over restarts as far as the history reaches. */
  readonly sequence: number
  /** Unix time. */
  readonly wallMs: number
  /** On the clock of the process that wrote it. */
  readonly monotonicMs: number
}

const SESSION_KINDS: ReadonlySet<EventKind> = new Set([
  'sessionCreated',
  'sessionResumed',
  'sessionMoved',
  'sessionLate',
  'sessionExpired',
  'sessionClosed',
  'sessionRefused',
  'connectionClosed',
  'connectionRefused',
  'slowRequest',
])

/** Whether many clients may cause many of these. */
export function isOfClients(kind: EventKind): boolean {
  return SESSION_KINDS.has(kind)
}

/** The session that an event is about; null for the others. */
export function sessionOf(event: EventFact): SessionId | null {
  return 'sessionId' in event ? event.sessionId : null
}
