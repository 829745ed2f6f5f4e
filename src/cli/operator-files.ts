import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Config } from '../config/index.ts'
import { AuditFile, type Platform, RollingFile } from '../platform/index.ts'
import { readProcess } from '../platform/process/index.ts'
import {
  type AuditOptions,
  type EventHistory,
  eventFromJson,
  eventToJson,
  isOfClients,
  RateLimit,
  type ServerEvent,
} from '../server/index.ts'

const MIB = 1024 * 1024
const EVENTS_BYTES_MAX = 2 * MIB
const EVENTS_DELAY_MS = 1000
/** Clients that come and go by thousands are in memory; the file has some of them. */
const CLIENT_EVENTS_PER_SECOND = 200

/** The files that a server writes for its operator, beside its log. */
export class OperatorFiles {
  readonly #platform: Platform
  readonly #config: Config
  readonly #audit: AuditFile | null
  readonly #events: RollingFile | null

  constructor(platform: Platform, config: Config) {
    const { clock, logger } = platform
    this.#platform = platform
    this.#config = config
    const { audit, warnings } = config
    this.#audit = audit.isEnabled ? new AuditFile(path.resolve(audit.file), clock, logger) : null
    this.#events = warnings.keepsEvents
      ? new RollingFile(
          {
            path: eventsFile(config),
            name: 'history of events',
            bytesMax: EVENTS_BYTES_MAX,
            backups: 1,
            waitingBytesMax: EVENTS_BYTES_MAX,
            delayMs: EVENTS_DELAY_MS,
          },
          clock,
          logger,
        )
      : null
  }

  /** For the server; absent unless an audit log is kept. */
  get auditOptions(): { readonly audit?: AuditOptions } {
    if (this.#audit === null) return {}
    return { audit: { sink: this.#audit, userName: readProcess().userName } }
  }

  /** The history goes on where the last process left it, and into the file from now on. */
  attachTo(history: EventHistory): void {
    const file = this.#events
    if (file === null) return
    history.restore(readEvents(this.#config))
    const limit = new RateLimit(CLIENT_EVENTS_PER_SECOND)
    history.onRecorded = (event) => {
      const isBounded = isOfClients(event.kind) && event.kind !== 'sessionExpired'
      if (isBounded && limit.pass(this.#platform.clock.monotonicMs()) === null) return
      file.write(`${JSON.stringify(eventToJson(event))}\n`)
    }
  }

  /** The process ends at once. Into a folder that could not be opened nothing is written. */
  flushNow(isFolderOpen: boolean): void {
    this.#audit?.flushNow()
    if (isFolderOpen) this.#events?.flushNow()
  }

  async close(): Promise<void> {
    await Promise.all([this.#audit?.close(), this.#events?.close()])
  }
}

function eventsFile({ dataDir }: Config): string {
  return path.join(dataDir, 'events.jsonl')
}

/** What earlier processes have left; a line that is no event (the last one may be torn) is passed over. */
function readEvents(config: Config): readonly ServerEvent[] {
  const file = eventsFile(config)
  return [`${file}.1`, file].flatMap((name) =>
    readText(name)
      .split('\n')
      .flatMap((line) => {
        const event = readEvent(line)
        return event === null ? [] : [event]
      }),
  )
}

function readEvent(line: string): ServerEvent | null {
  try {
    return eventFromJson(JSON.parse(line))
  } catch {
    return null
  }
}

/** A history that cannot be read is none. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
