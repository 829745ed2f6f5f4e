import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'

/** Lines that are kept from one run to the next. */
const LINES_MAX = 1000

/** Commands whose words are secrets. */
const SECRET = /^\s*addauth\b/

/** What was typed in a terminal, kept in a file that nobody else may read. Without one it lasts as long as the shell. */
export class HistoryFile {
  readonly #file: string | null
  #isBroken = false

  /** @param file null or empty: none */
  constructor(file: string | null) {
    this.#file = file === '' ? null : file
  }

  /** The last lines, the newest first, as `readline` wants them. Cuts a file that has grown too long. */
  load(): string[] {
    if (this.#file === null || !existsSync(this.#file)) return []
    try {
      const lines = readFileSync(this.#file, 'utf8').split('\n').filter(Boolean)
      const kept = lines.slice(-LINES_MAX)
      if (lines.length > 2 * LINES_MAX) writeFileSync(this.#file, `${kept.join('\n')}\n`)
      return kept.reverse()
    } catch {
      this.#isBroken = true
      return []
    }
  }

  /** A file that cannot be written does not keep anybody from working. */
  add(line: string): void {
    if (this.#file === null || this.#isBroken || line.trim() === '' || SECRET.test(line)) return
    try {
      const isNew = !existsSync(this.#file)
      appendFileSync(this.#file, `${line}\n`, { mode: 0o600 })
      if (isNew) chmodSync(this.#file, 0o600)
    } catch {
      this.#isBroken = true
    }
  }
}
