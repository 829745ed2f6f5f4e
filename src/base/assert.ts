/** A rule of the program itself was broken. Never caught inside the server: the process stops. */
export class InvariantError extends Error {
  override readonly name: string = 'InvariantError'
}

/**
 * Throws {@link InvariantError} unless `condition` holds. For caller mistakes, never for outside input. `message` is put
 * together in any case: hot paths throw by hand what is more than a literal.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** Ends every `switch` over a union: adding a member without a case no longer compiles. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable value: ${String(value)}`)
}
