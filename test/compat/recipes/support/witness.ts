import { createServer, type Server, type Socket } from 'node:net'

/** How many may be inside at a time: so many of any kind, or any number that is `shared` or one that is not. */
export type Capacity = number | 'read-write'

/** Somebody who is inside. */
interface Inside {
  readonly kind: string
  readonly who: string
}

/** What the witness has seen at one path. */
export class Scene {
  /** Everything that must not be, in words. */
  readonly violations: string[] = []
  /** Grants by who got them. */
  readonly grants: Map<string, number> = new Map()
  /** Most that were inside at a time. */
  most = 0
  readonly #capacity: Capacity
  readonly #inside: Inside[] = []

  constructor(capacity: Capacity) {
    this.#capacity = capacity
  }

  get total(): number {
    return [...this.grants.values()].reduce((sum, count) => sum + count, 0)
  }

  enter(one: Inside): void {
    this.#inside.push(one)
    this.most = Math.max(this.most, this.#inside.length)
    this.grants.set(one.who, (this.grants.get(one.who) ?? 0) + 1)
    if (!this.#isAllowed()) {
      this.violations.push(this.#inside.map(({ kind, who }) => `${who} (${kind})`).join(' + '))
    }
  }

  leave({ kind, who }: Inside): void {
    const index = this.#inside.findIndex((one) => one.who === who && one.kind === kind)
    if (index === -1) this.violations.push(`${who} leaves and was not inside`)
    else this.#inside.splice(index, 1)
  }

  #isAllowed(): boolean {
    if (this.#capacity !== 'read-write') return this.#inside.length <= this.#capacity
    return this.#inside.length === 1 || this.#inside.every(({ kind }) => kind === 'shared')
  }
}

/**
 * Somebody beside the servers and all recipes who notes who is inside of what: contenders of any language tell it over
 * TCP, `enter PATH KIND WHO` and `leave PATH KIND WHO`, and go on when it has answered `noted`. What overlaps there has
 * overlapped in truth.
 */
export class Witness {
  readonly #scenes = new Map<string, Scene>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#listenTo(socket))
  }

  static async open(): Promise<Witness> {
    const witness = new Witness()
    await new Promise<void>((resolve, reject) => {
      witness.#server.once('error', reject)
      witness.#server.listen(0, '127.0.0.1', resolve)
    })
    return witness
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  watch(path: string, capacity: Capacity): Scene {
    const scene = new Scene(capacity)
    this.#scenes.set(path, scene)
    return scene
  }

  note(line: string): void {
    const [verb, path, kind, who] = line.split(' ')
    const scene = this.#scenes.get(path ?? '')
    if (scene === undefined) throw new Error(`nobody asked to watch: ${line}`)
    if (verb === 'enter') scene.enter({ kind: kind!, who: who! })
    else scene.leave({ kind: kind!, who: who! })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #listenTo(socket: Socket): void {
    this.#sockets.add(socket)
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        this.note(line)
        socket.write('noted\n')
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
