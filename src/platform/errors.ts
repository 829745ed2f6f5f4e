import { IoError } from '../env/index.ts'

/** Turns whatever Node.js failed with into an {@link IoError} that says what was being done. */
export function toIoError(error: unknown, action: string): IoError {
  const reason = error instanceof Error ? error.message : String(error)
  return new IoError(codeOf(error), `${action}: ${reason}`, error)
}

/** The operating system's name for the error; `EIO` when there is none. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'EIO'
}
