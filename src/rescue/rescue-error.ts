/**
 * - `refused`: a guard rail; what would be lost or go wrong is in the message.
 * - `usage`: the arguments or the configuration do not fit.
 * - `folder`: the data folder cannot be used.
 * - `full`: there is no room.
 */
export type RescueErrorCode = 'folder' | 'full' | 'refused' | 'usage'

/** Why a rescue does not take place. One line: what, where, what to do. */
export class RescueError extends Error {
  override readonly name: string = 'RescueError'
  readonly code: RescueErrorCode

  constructor(code: RescueErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
