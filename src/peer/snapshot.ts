/*
 * `Snap.snapshot` of the core: what the two ends of a learner link put there. The stream stands between the SNAP packet
 * and the next one, without a length: only its own content says where it ends.
 */

/** At the sender: a state to be streamed, pulled while the socket takes it. */
export interface SnapshotStream {
  /** Goes into the packet itself, where upstream has nothing and looks at nothing; null for nothing. */
  readonly statement: Uint8Array | null
  /** The next piece, of about `maxBytes`, which then belongs to the link; null at the end. Never empty. */
  next(maxBytes: number): Uint8Array | null
  /** No more is wanted: all has been sent, or the link is lost. May be called again. */
  end(): void
}

/** At the receiver: takes a stream apart, up to its end. */
export interface SnapshotSink {
  /**
   * Takes bytes[start, end), valid during the call only, and returns how many of them belong to the stream: all, unless
   * it is complete with them.
   *
   * @throws DecodeError for bytes that are no snapshot; the link is closed.
   */
  push(bytes: Uint8Array, start: number, end: number): number
  /** Whether the stream is complete and checked. */
  readonly isDone: boolean
  /** What becomes of `Snap.snapshot`. Called once, when done. */
  result(): unknown
}
