/** Takes the lines of the audit log, whole and in order; it neither blocks nor fails. */
export interface AuditSink {
  /** `line` is what follows time, level and logger. */
  write(isFailure: boolean, line: string): void
}
