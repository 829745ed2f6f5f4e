import type { DestinationStream, Logger as PinoLogger } from 'pino'
import { destination, pino, stdTimeFunctions } from 'pino'
import { formatHex } from '../base/index.ts'
import type { LogFields, Logger } from '../env/index.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** `json`: one object a line (pino's). `text`: time, level, sentence, then `key=value` pairs. */
export const LOG_FORMATS = ['json', 'text'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

export interface LoggerOptions {
  readonly format?: LogFormat
  readonly level?: LogLevel
  /** File descriptor to write to; 1 (standard output) unless told otherwise. */
  readonly fd?: number
}

/** A {@link Logger} whose lines have left the process when the call returns, so none is lost on exit. */
export function openLogger(options: LoggerOptions): Logger {
  const sink = destination({ fd: options.fd ?? 1, sync: true })
  // A reader that went away (`zabkeeper serve | head`) must not take the server with it.
  sink.on('error', () => {})
  const level = options.level ?? 'info'
  return options.format === 'text' ? new TextLogger(sink, level) : new JsonLogger(sink, level)
}

class JsonLogger implements Logger {
  readonly #pino: PinoLogger

  constructor(sink: DestinationStream, level: LogLevel) {
    this.#pino = pino(
      {
        level,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      sink,
    )
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#pino.isLevelEnabled('debug')) this.#pino.debug(jsonFields(fields), message)
  }

  info(message: string, fields?: LogFields): void {
    this.#pino.info(jsonFields(fields), message)
  }

  warn(message: string, fields?: LogFields): void {
    this.#pino.warn(jsonFields(fields), message)
  }

  error(message: string, fields?: LogFields): void {
    this.#pino.error(jsonFields(fields), message)
  }
}

type JsonValue = string | number | boolean | null

/** JSON has no 64-bit integers: zxids and session ids go out as hexadecimal strings. */
function jsonFields(fields: LogFields | undefined): Record<string, JsonValue> {
  const result: Record<string, JsonValue> = {}
  for (const [key, value] of Object.entries(fields ?? {})) {
    result[key] = typeof value === 'bigint' ? formatHex(value) : value
  }
  return result
}

class TextLogger implements Logger {
  readonly #sink: DestinationStream
  readonly #threshold: number

  constructor(sink: DestinationStream, level: LogLevel) {
    this.#sink = sink
    this.#threshold = LOG_LEVELS.indexOf(level)
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#threshold <= 0) this.#write('DEBUG', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    if (this.#threshold <= 1) this.#write('INFO ', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#threshold <= 2) this.#write('WARN ', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#write('ERROR', message, fields)
  }

  #write(label: string, message: string, fields: LogFields | undefined): void {
    this.#sink.write(`${new Date().toISOString()} ${formatTextLine(label, message, fields)}\n`)
  }
}

/** One line without its time. Nothing from outside can start a second line or colour the terminal. */
export function formatTextLine(label: string, message: string, fields?: LogFields): string {
  let line = `${label} ${escapeControls(message)}`
  for (const [key, value] of Object.entries(fields ?? {})) line += ` ${key}=${textValue(value)}`
  return line
}

function textValue(value: LogFields[string]): string {
  if (typeof value === 'bigint') return formatHex(value)
  if (typeof value !== 'string') return String(value)
  return /^[\w./:@+-]+$/.test(value) ? value : escapeControls(JSON.stringify(value))
}

function escapeControls(text: string): string {
  // C0, DEL, C1 and the Unicode line separators.
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
