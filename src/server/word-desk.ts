import type { ClientConnection } from './client-connection.ts'
import type { ServerControl } from './server-control.ts'
import type { FourLetterWords } from './server-status.ts'

/** Of a trace mask, the one thing that can come with a word. */
const MASK_BYTES = 8

/** Answers who says a word in place of a handshake. */
export class WordDesk {
  readonly #words: FourLetterWords
  readonly #control: ServerControl

  constructor(words: FourLetterWords, control: ServerControl) {
    this.#words = words
    this.#control = control
  }

  /** False when the first four bytes of the connection are no word. */
  onFirstWord(connection: ClientConnection, bytes: number): boolean {
    const word = this.#words.recognize(bytes)
    if (word === null) return false
    if (this.#words.wantsMask?.(word) !== true) {
      connection.answerText(this.#words.answer(word, this.#control.status(), this.#control, null))
      return true
    }
    connection.expectRaw(MASK_BYTES, (argument) => {
      const { buffer, byteOffset, byteLength } = argument
      const mask = new DataView(buffer, byteOffset, byteLength).getBigInt64(0)
      connection.answerText(this.#words.answer(word, this.#control.status(), this.#control, mask))
    })
    return true
  }
}
