import { connect, type Socket } from 'node:net'
import { connectRequest, frame } from '../../../../bench/client/index.ts'

/** A connection whose bytes the test chooses. */
export class RawSocket {
  readonly socket: Socket
  /** What came from the server, unless reading is off. */
  received: Buffer = Buffer.alloc(0)
  /** Settles when the connection has ended, with the milliseconds since it was opened. */
  readonly closed: Promise<number>
  isClosed = false
  #onData: (() => void) | null = null

  static async open(port: number, options: { reading?: boolean } = {}): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const raw = new RawSocket(socket, options.reading ?? true)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return raw
  }

  /** With a session. */
  static async connected(
    port: number,
    options: { reading?: boolean; timeoutMs?: number } = {},
  ): Promise<RawSocket> {
    const raw = await RawSocket.open(port)
    raw.write(frame(connectRequest({ timeoutMs: options.timeoutMs ?? 30_000 })))
    await raw.receive(41)
    raw.received = Buffer.alloc(0)
    if (options.reading === false) raw.socket.pause()
    return raw
  }

  private constructor(socket: Socket, reading: boolean) {
    this.socket = socket
    const opened = Date.now()
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.isClosed = true
        this.#onData?.()
        resolve(Date.now() - opened)
      })
    })
    socket.on('error', () => {
      // 'close' follows.
    })
    if (reading) {
      socket.on('data', (chunk) => {
        this.received = Buffer.concat([this.received, chunk])
        this.#onData?.()
      })
    }
  }

  write(bytes: Buffer): boolean {
    return this.socket.write(bytes)
  }

  /** Waits for at least `count` bytes; rejects when the connection ends before. */
  async receive(count: number): Promise<Buffer> {
    while (this.received.length < count) {
      if (this.isClosed) throw new Error(`closed after ${this.received.length} bytes`)
      await new Promise<void>((resolve) => {
        this.#onData = resolve
      })
    }
    return this.received
  }

  /** Waits for one frame and takes it out. */
  async frame(): Promise<Buffer> {
    const length = (await this.receive(4)).readInt32BE(0)
    const bytes = (await this.receive(4 + length)).subarray(4, 4 + length)
    this.received = this.received.subarray(4 + length)
    return bytes
  }

  destroy(): void {
    this.socket.destroy()
  }
}
