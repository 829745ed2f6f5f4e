/** What an operation on a disk or socket failed with. `code` is the operating system's name, e.g. `ENOSPC`. */
export class IoError extends Error {
  override readonly name: string = 'IoError'
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Completion of an operation: exactly one call, never inside the call that started it. */
export type Done<T> = (error: IoError | null, value: T | null) => void

/** Completion of an operation that yields nothing. */
export type DoneVoid = (error: IoError | null) => void
