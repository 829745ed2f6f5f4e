import type { Connection, ConnectionHandler, IoError } from '../../src/env/index.ts'
import {
  type SimEnvironment,
  type SimHost,
  SimWorld,
  type WorldOptions,
} from '../../src/sim/index.ts'
import { bytes, text } from '../contract/stage.ts'

export const PORT = 2181

/** One end of a connection, and everything that happened to it. */
export class End implements ConnectionHandler {
  readonly env: SimEnvironment
  connection: Connection | null = null
  received = ''
  /** `open`, `end`, `close` or the code of the error, with the time. */
  readonly events: { readonly what: string; readonly atMs: number }[] = []
  onText: (received: string) => void = () => {}

  constructor(env: SimEnvironment) {
    this.env = env
  }

  get isOpen(): boolean {
    return this.names.length === 1 && this.names[0] === 'open'
  }

  get names(): string[] {
    return this.events.map(({ what }) => what)
  }

  opened(connection: Connection): this {
    this.connection = connection
    this.note('open')
    return this
  }

  say(words: string): void {
    this.connection!.write(bytes(words))
  }

  onBytes(chunk: Uint8Array): void {
    this.received += text(chunk)
    this.onText(text(chunk))
  }

  onDrain(): void {}

  onEnd(): void {
    this.note('end')
  }

  onClose(error: IoError | null): void {
    this.note(error?.code ?? 'close')
  }

  note(what: string): void {
    this.events.push({ what, atMs: this.env.clock.monotonicMs() })
  }
}

/** Opens a connection; errors of the attempt are noted at the end. */
export function connect(env: SimEnvironment, host: string, port: number = PORT): End {
  const end = new End(env)
  env.network.connect(
    { host, port },
    { onOpen: (connection) => end.opened(connection), onError: (error) => end.note(error.code) },
  )
  return end
}

/** Accepts connections; `ends` gets them. */
export function listen(env: SimEnvironment, ends: End[], port: number = PORT): void {
  env.network.listen(
    { host: '', port },
    {},
    {
      onListening: () => {},
      onConnection: (connection) => {
        const end = new End(env).opened(connection)
        ends.push(end)
        return end
      },
      onError: (error) => {
        throw error
      },
    },
  )
}

/** A world with the machines s1, s2 …; on each a process that does nothing but accept connections. */
export class Village {
  readonly world: SimWorld
  readonly hosts: readonly SimHost[]
  /** Accepted connections, by machine. */
  readonly accepted: readonly End[][]

  constructor(seed: number, count: number, options: WorldOptions = {}) {
    this.world = new SimWorld(seed, options)
    this.hosts = Array.from({ length: count }, (_, i) =>
      this.world.addHost({ name: `s${i + 1}`, address: `10.0.0.${i + 1}` }),
    )
    this.accepted = this.hosts.map(() => [])
    for (const [i, host] of this.hosts.entries()) {
      host.start((env) => listen(env, this.accepted[i]!))
    }
    this.runFor(1)
  }

  get nowMs(): number {
    return this.world.nowMs
  }

  env(number: number): SimEnvironment {
    return this.hosts[number - 1]!.env!
  }

  host(number: number): SimHost {
    return this.hosts[number - 1]!
  }

  /** An open connection between two machines: both ends. */
  pair(from: number, to: number): [End, End] {
    const client = connect(this.env(from), `s${to}`)
    this.runFor(20)
    if (!client.isOpen) throw new Error(`no connection: ${client.names}`)
    return [client, this.accepted[to - 1]!.at(-1)!]
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.nowMs + ms)
  }
}
