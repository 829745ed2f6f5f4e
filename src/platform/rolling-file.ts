import { appendFileSync, mkdirSync } from 'node:fs'
import { appendFile, mkdir, rename, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import type { Clock, Logger } from '../env/index.ts'

export interface RollingFileOptions {
  readonly path: string
  /** For messages, such as `audit log`. */
  readonly name: string
  /** A file that is longer is set aside as `path.1`, that as `path.2` … */
  readonly bytesMax: number
  /** So many of those are kept. */
  readonly backups: number
  /** What waits for a disk that is full or slow; what comes on top of it is lost, and counted. */
  readonly waitingBytesMax: number
  /** Lines are gathered for so long before they are written. */
  readonly delayMs: number
}

const RETRY_MS = 1000
const WARNING_INTERVAL_MS = 60_000

/**
 * A file of lines that nobody waits for: they gather in memory while those before are written. It is never synced. A file
 * that cannot be written is a warning; what waited is written once it can be, as far as it fitted into memory.
 */
export class RollingFile {
  readonly #options: RollingFileOptions
  readonly #clock: Clock
  readonly #logger: Logger
  #waiting: string[] = []
  #waitingChars = 0
  #lost = 0
  /** The write that is under way, or the wait before it. */
  #draining: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  /** Null until the file has been looked at. */
  #fileBytes: number | null = null
  #warnedMs: number | null = null

  constructor(options: RollingFileOptions, clock: Clock, logger: Logger) {
    this.#options = options
    this.#clock = clock
    this.#logger = logger
  }

  /** One line, its line feed included. */
  write(line: string): void {
    if (this.#waitingChars + line.length > this.#options.waitingBytesMax) {
      this.#lost += 1
      return
    }
    this.#waiting.push(line)
    this.#waitingChars += line.length
    this.#later(this.#options.delayMs)
  }

  /** For a process that ends at once: what waits is written now, if it can be. */
  flushNow(): void {
    const text = this.#take()
    if (text === '') return
    try {
      mkdirSync(path.dirname(this.#options.path), { recursive: true })
      appendFileSync(this.#options.path, text)
    } catch (error) {
      this.#warn(error)
    }
  }

  /** Resolves when everything is written that can be. */
  async close(): Promise<void> {
    await this.#draining
    this.#cancel()
    if (this.#waiting.length > 0) await this.#drain()
    this.#cancel()
  }

  #later(delayMs: number): void {
    if (this.#draining !== null || this.#timer !== null) return
    if (delayMs === 0) {
      this.#start()
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#start()
    }, delayMs)
    this.#timer.unref()
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #start(): void {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = null
    })
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#writeWaiting()
    } catch (error) {
      this.#warn(error)
      // Once this write is told to be over.
      setImmediate(() => this.#later(RETRY_MS))
    }
  }

  async #writeWaiting(): Promise<void> {
    const { path: file } = this.#options
    if (this.#fileBytes === null) {
      await mkdir(path.dirname(file), { recursive: true })
      this.#fileBytes = await sizeOf(file)
    }
    if (this.#fileBytes >= this.#options.bytesMax) await this.#roll()
    const lines = this.#waiting
    const chars = this.#waitingChars
    const text = this.#take()
    try {
      await appendFile(file, text)
    } catch (error) {
      this.#waiting = [...lines, ...this.#waiting]
      this.#waitingChars += chars
      // A full disk may have taken a part of it.
      await truncate(file, this.#fileBytes).catch(() => {})
      throw error
    }
    this.#fileBytes += Buffer.byteLength(text)
    this.#recovered()
  }

  #take(): string {
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#waitingChars = 0
    return text
  }

  async #roll(): Promise<void> {
    const { path: file, backups } = this.#options
    for (let number = backups - 1; number >= 1; number -= 1) {
      await renameIfThere(`${file}.${number}`, `${file}.${number + 1}`)
    }
    await renameIfThere(file, `${file}.1`)
    this.#fileBytes = 0
  }

  #recovered(): void {
    if (this.#warnedMs === null && this.#lost === 0) return
    const { name, path: file } = this.#options
    this.#logger.warn(`the ${name} is written again`, { path: file, lostLines: this.#lost })
    this.#warnedMs = null
    this.#lost = 0
  }

  #warn(error: unknown): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#warnedMs !== null && nowMs - this.#warnedMs < WARNING_INTERVAL_MS) return
    this.#warnedMs = nowMs
    const { name, path: file } = this.#options
    this.#logger.warn(`the ${name} cannot be written; the server goes on, lines wait in memory`, {
      path: file,
      reason: error instanceof Error ? error.message : String(error),
      lostLines: this.#lost,
    })
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
