/** Why a tool cannot do what it was asked for. The message is one line: what is wrong, where, and what to do. */
export class MaintenanceError extends Error {
  override readonly name: string = 'MaintenanceError'
  /** The command line is wrong, rather than what it is about. */
  readonly isUsage: boolean

  constructor(message: string, isUsage: boolean = false, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.isUsage = isUsage
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
