/**
 * - `error`: a server does not start, or must not.
 * - `warning`: it starts; something should be done.
 * - `note`: good to know.
 */
export type Severity = 'error' | 'note' | 'warning'

/** Something that a data folder shows. */
export interface Finding {
  readonly severity: Severity
  /** For scripts: the same for the same finding in every version. */
  readonly code: string
  readonly what: string
  /** File or folder; null when it is about the folder as a whole. */
  readonly where: string | null
  /** What to do; null when nothing is to be done. */
  readonly next: string | null
}

export function error(code: string, what: string, where: string | null, next: string): Finding {
  return { severity: 'error', code, what, where, next }
}

export function warning(code: string, what: string, where: string | null, next: string): Finding {
  return { severity: 'warning', code, what, where, next }
}

export function note(code: string, what: string, where: string | null = null): Finding {
  return { severity: 'note', code, what, where, next: null }
}
