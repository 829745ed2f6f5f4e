import type { InputReader, OutputBuffer, ReplyHeader } from '../wire/index.ts'
import type { ErrorDetails, Outcome } from './errors.ts'
import type { Session } from './session.ts'
import type { WatchRecord } from './watch-table.ts'

/** One request as the protocol has it: what goes out and how to read what comes back. */
export interface Request<T> {
  /** The method of the client, for messages. */
  readonly op: string
  /** As the caller wrote it. */
  readonly path: string | null
  readonly type: number
  /** A write whose answer is lost is not sent again; a read is. */
  readonly isWrite: boolean
  write(out: OutputBuffer): void
  /** Reads the body of a reply without error, or with `acceptedErr`. */
  read(reader: InputReader, header: ReplyHeader): T
  /** An error code that is an answer like any other, e.g. "no such znode" to exists. */
  readonly acceptedErr?: number
  /** The watch that this request sets. */
  readonly watch?: WatchRecord
  /** The request must not go out in another session. */
  readonly session?: Session
}

/**
 * - `user`: somebody waits for it.
 * - `ping`, `restore`, `release`: the client's own; nothing but the connection depends on them. `restore` sets
 *   watches on a new connection, `release` removes one that nobody needs any more.
 * - `close`: ends the session.
 */
export type Purpose = 'close' | 'ping' | 'release' | 'restore' | 'user'

/** `waiting`: in the queue. */
export type CallState = 'made' | 'sent' | 'settled' | 'waiting'

/** A request on its way, from the call of a method to its answer. */
export class Call<T = unknown> {
  readonly request: Request<T>
  readonly purpose: Purpose
  /** On the monotonic clock. */
  readonly deadlineMs: number
  state: CallState = 'made'
  xid = 0
  sentAtMs = 0
  /** How often it was sent. */
  tries = 0
  /** Called by the driver, never by the core. */
  resolve: (value: T) => void = ignore
  reject: (error: Error) => void = ignore

  constructor(request: Request<T>, purpose: Purpose, deadlineMs: number) {
    this.request = request
    this.purpose = purpose
    this.deadlineMs = deadlineMs
  }

  /** What is known when no answer comes any more. */
  get outcome(): Outcome {
    return this.state === 'sent' && this.request.isWrite ? 'unknown' : 'not-applied'
  }

  details(retryable: boolean, cause?: unknown): ErrorDetails {
    const { op, path } = this.request
    return { op, path, outcome: this.outcome, retryable, cause }
  }
}

function ignore(): void {}
