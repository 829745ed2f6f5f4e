export type LogFields = Readonly<Record<string, string | number | bigint | boolean | null>>

/** Structured log lines: a sentence and the values that belong to it. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}
