/** Stable names: `error.code`. */
export type RecipeErrorCode =
  /** Others were faster, as often as was tried. */
  | 'CONTENTION'
  /** The znode's data are not what the recipe writes. */
  | 'CORRUPT_DATA'
  /** The znode of a grant is gone, or belongs to another session. */
  | 'GRANT_LOST'
  /** Somebody uses the path with other settings. */
  | 'MISMATCH'
  /** The value does not fit into the encoding. */
  | 'OUT_OF_RANGE'
  /** Contenders of another layout or recipe are at the path: neither side would wait for the other. */
  | 'FOREIGN_CONTENDERS'
  /** A leader was asked by its own process to let others have a turn. */
  | 'INTERRUPTED'
  /** The holder has released it. */
  | 'RELEASED'
  /** Another client wants it. */
  | 'REVOKED'
  /** Sequence numbers of the path have passed 2^31: clients of other libraries order them wrongly from there on. */
  | 'SEQUENCE_OVERFLOW'
  /** The connection broke, and the holder asked to be told of that. */
  | 'SUSPENDED'

/** What recipes reject with beside the `ZkError`s of the client. */
export class RecipeError extends Error {
  override readonly name: string = 'RecipeError'
  readonly code: RecipeErrorCode
  readonly path: string

  constructor(code: RecipeErrorCode, path: string, message: string, cause?: unknown) {
    super(`${path}: ${message}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.path = path
  }
}
