/** Where the lines of the shell go. */
export interface Streams {
  out(text: string): void
  err(text: string): void
}

/** Lines of one command are kept back so long, bytes of text. */
const HELD_MAX = 64 * 1024

/**
 * What a command prints is held until the events that it has brought about are printed, so that they come first, as
 * from zkCli.
 */
export class HeldOutput {
  readonly #streams: Streams
  #held: [stream: 'err' | 'out', text: string][] = []
  #size = 0

  constructor(streams: Streams) {
    this.#streams = streams
  }

  /** A line of the result. */
  print(line: string): void {
    this.#hold('out', `${line}\n`)
  }

  /** A line about the command. */
  complain(line: string): void {
    this.#hold('err', `${line}\n`)
  }

  flush(): void {
    const held = this.#held
    this.#held = []
    this.#size = 0
    let text = ''
    for (const [index, [stream, line]] of held.entries()) {
      text += line
      if (held[index + 1]?.[0] === stream) continue
      this.#streams[stream](text)
      text = ''
    }
  }

  #hold(stream: 'err' | 'out', text: string): void {
    this.#held.push([stream, text])
    this.#size += text.length
    if (this.#size > HELD_MAX) this.flush()
  }
}
