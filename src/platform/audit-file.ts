import type { AuditSink, Clock, Logger } from '../env/index.ts'
import { RollingFile } from './rolling-file.ts'

const MIB = 1024 * 1024

/** As Apache's logback.xml has it. */
const FILE_BYTES_MAX = 10 * MIB
const BACKUPS = 10
const WAITING_BYTES_MAX = 8 * MIB

const LOGGER_NAME = 'o.a.z.a.Slf4jAuditLogger'

/** The audit log as a file in the layout of Apache's: time, level, logger, then the line. */
export class AuditFile implements AuditSink {
  readonly #clock: Clock
  readonly #file: RollingFile

  constructor(path: string, clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#file = new RollingFile(
      {
        path,
        name: 'audit log',
        bytesMax: FILE_BYTES_MAX,
        backups: BACKUPS,
        waitingBytesMax: WAITING_BYTES_MAX,
        delayMs: 0,
      },
      clock,
      logger,
    )
  }

  write(isFailure: boolean, line: string): void {
    const level = isFailure ? 'ERROR' : 'INFO'
    this.#file.write(`${timeText(this.#clock.wallMs())} ${level} ${LOGGER_NAME}: ${line}\n`)
  }

  flushNow(): void {
    this.#file.flushNow()
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** `2026-11-21 02:41:57,907`, in the time zone of the machine. */
function timeText(wallMs: number): string {
  const offsetMs = new Date(wallMs).getTimezoneOffset() * 60_000
  return new Date(wallMs - offsetMs).toISOString().slice(0, 23).replace('T', ' ').replace('.', ',')
}
