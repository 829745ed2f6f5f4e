import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Connection, ConnectionHandler, Environment } from '../../src/env/index.ts'
import { openPlatform } from '../../src/platform/index.ts'

/*
 * The network port alone: a bare responder that speaks just enough of the protocol to answer `get` with 100 bytes and
 * a Stat, with one write per connection and turn. What it reaches is the ceiling for the server on this machine.
 *
 *   node dist/bench/micro/network.js [connections] [outstanding] [seconds]   drives it from a second process
 *   node dist/bench/micro/network.js serve [port]                            waits for any load generator
 */

const OUTPUT_BYTES = 64 * 1024
const REPLY_HEADER_BYTES = 20 // length, xid, zxid, err
const STAT_BYTES = 68

const OpCode = { create: 1, exists: 3, getData: 4, setData: 5, closeSession: -11 } as const

const env = openPlatform({ log: { format: 'text', fd: 2 } })
const [first, ...rest] = process.argv.slice(2)
if (first === 'serve') serve(env, Number(rest[0] ?? 2181), () => {})
else if (first === 'drive') drive(env, rest.map(Number))
else serve(env, 0, (port) => measure(port, [first, ...rest]))

/** Answers in order; replies of one turn leave in one write. */
class Responder implements ConnectionHandler {
  readonly #connection: Connection
  readonly #markDirty: (responder: Responder) => void
  #output = Buffer.allocUnsafe(OUTPUT_BYTES)
  #length = 0
  #tail: Buffer | null = null
  #hasSession = false

  constructor(connection: Connection, markDirty: (responder: Responder) => void) {
    this.#connection = connection
    this.#markDirty = markDirty
  }

  onBytes(chunk: Uint8Array): void {
    const bytes = joined(this.#tail, chunk)
    let at = 0
    while (bytes.length - at >= 4) {
      const length = bytes.readInt32BE(at)
      if (bytes.length - at - 4 < length) break
      this.#answer(bytes, at + 4)
      at += 4 + length
    }
    this.#tail = at < bytes.length ? Buffer.from(bytes.subarray(at)) : null
    if (this.#length > 0) this.#markDirty(this)
  }

  flush(): void {
    this.#connection.write(this.#output.subarray(0, this.#length))
    // The buffer may be filled again only when the kernel has taken everything.
    if (this.#connection.bufferedBytes > 0) this.#output = Buffer.allocUnsafe(OUTPUT_BYTES)
    this.#length = 0
  }

  onDrain(): void {}

  onEnd(): void {
    this.#connection.end()
  }

  onClose(): void {}

  #answer(bytes: Buffer, at: number): void {
    if (!this.#hasSession) {
      this.#hasSession = true
      const body = this.#begin(4 + 4 + 8 + 4 + 16 + 1)
      this.#output.writeInt32BE(30_000, body + 4)
      this.#output.writeInt32BE(1, body + 12)
      this.#output.writeInt32BE(16, body + 16)
      return
    }
    const xid = bytes.readInt32BE(at)
    switch (bytes.readInt32BE(at + 4)) {
      case OpCode.getData: {
        const body = this.#beginReply(xid, 4 + 100 + STAT_BYTES)
        this.#output.writeInt32BE(100, body)
        return
      }
      case OpCode.exists:
      case OpCode.setData:
        this.#beginReply(xid, STAT_BYTES)
        return
      case OpCode.create: {
        const length = bytes.readInt32BE(at + 8)
        const body = this.#beginReply(xid, 4 + length)
        bytes.copy(this.#output, body, at + 8, at + 12 + length)
        return
      }
      default:
        this.#beginReply(xid, 0)
    }
  }

  #beginReply(xid: number, bodyBytes: number): number {
    const start = this.#begin(REPLY_HEADER_BYTES - 4 + bodyBytes)
    this.#output.writeInt32BE(xid, start)
    return start + REPLY_HEADER_BYTES - 4
  }

  /** Starts a frame of zeros; returns where its body begins. */
  #begin(length: number): number {
    if (this.#length + 4 + length > this.#output.length) this.flush()
    const start = this.#length
    this.#output.writeInt32BE(length, start)
    this.#length = start + 4 + length
    this.#output.fill(0, start + 4, this.#length)
    return start + 4
  }
}

function serve(on: Environment, port: number, onListening: (port: number) => void): void {
  let dirty: Responder[] = []
  const endTurn = (): void => {
    const responders = dirty
    dirty = []
    for (const responder of responders) responder.flush()
  }
  const markDirty = (responder: Responder): void => {
    if (dirty.length === 0) on.timers.endOfTurn(endTurn)
    dirty.push(responder)
  }
  on.network.listen(
    { host: '127.0.0.1', port },
    { backlog: 511 },
    {
      onListening: (listener) => onListening(listener.address.port),
      onConnection: (connection) => new Responder(connection, markDirty),
      onError: (error) => {
        process.stderr.write(`${error.message}\n`)
        process.exit(1)
      },
    },
  )
}

/** Runs `drive` in a second process and relates what it counted to this process's time. */
function measure(port: number, args: readonly (string | undefined)[]): void {
  const [connections = '64', outstanding = '16', seconds = '5'] = args
  const script = fileURLToPath(import.meta.url)
  const child = fork(script, ['drive', String(port), connections, outstanding, seconds])
  let before = process.cpuUsage()
  child.on('message', (message) => {
    if (message === 'warm') {
      before = process.cpuUsage()
      return
    }
    const { user, system } = process.cpuUsage(before)
    const replies = Number(message)
    const perReply = (microseconds: number): string => (microseconds / replies).toFixed(2)
    process.stdout.write(
      `${connections} connections x ${outstanding} outstanding: ` +
        `${Math.round(replies / Number(seconds))} replies/s, ` +
        `CPU per reply ${perReply(user)} us user + ${perReply(system)} us system\n`,
    )
    process.exit(0)
  })
}

/** Keeps `outstanding` gets under way on each connection, after a second of warming up. */
function drive(on: Environment, args: readonly number[]): void {
  const [port = 0, connections = 64, outstanding = 16, seconds = 5] = args
  let replies = 0
  for (let i = 0; i < connections; i += 1) {
    on.network.connect(
      { host: '127.0.0.1', port },
      {
        onOpen: (connection) => new Driver(connection, outstanding, (count) => (replies += count)),
        onError: (error) => {
          throw error
        },
      },
    )
  }
  const warmMs = on.clock.monotonicMs() + 1000
  on.timers.at(warmMs, () => {
    replies = 0
    process.send?.('warm')
  })
  on.timers.at(warmMs + seconds * 1000, () => process.send?.(replies))
}

class Driver implements ConnectionHandler {
  readonly #connection: Connection
  readonly #onReplies: (count: number) => void
  readonly #request: Buffer
  #tail: Buffer | null = null
  #hasSession = false

  constructor(connection: Connection, outstanding: number, onReplies: (count: number) => void) {
    this.#connection = connection
    this.#onReplies = onReplies
    const path = Buffer.from('/bench/node-0001')
    const get = Buffer.alloc(4 + 8 + 4 + path.length + 1)
    get.writeInt32BE(get.length - 4, 0)
    get.writeInt32BE(OpCode.getData, 8)
    get.writeInt32BE(path.length, 12)
    path.copy(get, 16)
    this.#request = Buffer.concat(new Array<Buffer>(outstanding).fill(get))
    const connect = Buffer.alloc(4 + 44)
    connect.writeInt32BE(44, 0)
    connect.writeInt32BE(16, 28)
    connection.write(connect)
  }

  onBytes(chunk: Uint8Array): void {
    const bytes = joined(this.#tail, chunk)
    let at = 0
    let count = 0
    while (bytes.length - at >= 4 && bytes.length - at - 4 >= bytes.readInt32BE(at)) {
      at += 4 + bytes.readInt32BE(at)
      count += 1
    }
    this.#tail = at < bytes.length ? Buffer.from(bytes.subarray(at)) : null
    if (count === 0) return
    if (!this.#hasSession) {
      this.#hasSession = true
      this.#connection.write(this.#request)
      return
    }
    this.#onReplies(count)
    const requestBytes = 4 + this.#request.readInt32BE(0)
    this.#connection.write(this.#request.subarray(0, requestBytes * count))
  }

  onDrain(): void {}

  onEnd(): void {}

  onClose(): void {}
}

function joined(tail: Buffer | null, chunk: Uint8Array): Buffer {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  return tail === null ? bytes : Buffer.concat([tail, bytes])
}
