import { createServer, type Server, type Socket } from 'node:net'

const WHITELIST = 'is not executed because it is not in the whitelist.\n'

/** Answers four-letter words with given texts; others as a server whose whitelist does not have them. */
export class WordServer {
  /** May be changed while it runs. */
  readonly answers: Map<string, string> = new Map()
  /** Words in the order in which they came. */
  readonly asked: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('data', (bytes) => {
        const word = bytes.toString('latin1')
        this.asked.push(word)
        socket.end(this.answers.get(word) ?? `${word} ${WHITELIST}`)
      })
    })
  }

  static async start(answers: Readonly<Record<string, string>>): Promise<WordServer> {
    const server = new WordServer()
    for (const [word, text] of Object.entries(answers)) server.answers.set(word, text)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    const address = server.#server.address()
    server.#port = typeof address === 'object' && address !== null ? address.port : 0
    return server
  }

  get port(): number {
    return this.#port
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
