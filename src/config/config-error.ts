/** A configuration that must not be started with. The message is complete: place, key, reason. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  readonly file: string
  /** Counted from 1; null when the fault is something missing. */
  readonly line: number | null
  /** The key as written, or empty when the fault is not about one key. */
  readonly key: string
  readonly reason: string

  constructor(file: string, line: number | null, key: string, reason: string) {
    const place = line === null ? file : `${file}:${line}`
    super(key === '' ? `${place}: ${reason}` : `${place}: ${key}: ${reason}`)
    this.file = file
    this.line = line
    this.key = key
    this.reason = reason
  }
}
