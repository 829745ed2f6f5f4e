import type { ClientConnection } from './client-connection.ts'
import type { ServerControl } from './server-control.ts'
import type { ServerStats } from './server-stats.ts'
import type { FourLetterWords } from './server-status.ts'

/** Of a trace mask, the one thing that can come with a word. */
const MASK_BYTES = 8

/** Answers who says a word in place of a handshake. */
export class WordDesk {
  readonly #words: FourLetterWords
  readonly #control: ServerControl
  readonly #stats: ServerStats

  constructor(words: FourLetterWords, control: ServerControl, stats: ServerStats) {
    this.#words = words
    this.#control = control
    this.#stats = stats
  }

  /** False when the first four bytes of the connection are no word. */
  onFirstWord(connection: ClientConnection, bytes: number): boolean {
    const word = this.#words.recognize(bytes)
    if (word === null) return false
    this.#stats.recordWord(connection)
    if (this.#words.wantsMask?.(word) !== true) {
      this.#answer(connection, word, null)
      return true
    }
    connection.expectRaw(MASK_BYTES, (argument) => {
      const { buffer, byteOffset, byteLength } = argument
      const mask = new DataView(buffer, byteOffset, byteLength).getBigInt64(0)
      this.#answer(connection, word, mask)
    })
    return true
  }

  /** The answer tells of the word, and not of itself. */
  #answer(connection: ClientConnection, word: string, mask: bigint | null): void {
    connection.answerText(this.#words.answer(word, this.#control.status(), this.#control, mask))
    this.#stats.recordWordAnswer(connection)
  }
}
