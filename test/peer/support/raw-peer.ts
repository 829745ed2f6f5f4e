import type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  IoError,
  Listener,
  ListenHandler,
  Network,
} from '../../../src/env/index.ts'
import { hex, toHex } from '../../wire/bytes.ts'

/** One connection of somebody who writes and reads bare bytes. */
export class RawSocket implements ConnectHandler, ConnectionHandler {
  connection: Connection | null = null
  received: Uint8Array = new Uint8Array(0)
  isClosed = false
  isEnded = false
  /** Bytes of each `onBytes`. */
  readonly chunks: number[] = []

  onOpen(connection: Connection): ConnectionHandler {
    this.connection = connection
    return this
  }

  onError(_error: IoError): void {
    this.isClosed = true
  }

  onBytes(chunk: Uint8Array): void {
    this.chunks.push(chunk.length)
    this.received = Buffer.concat([this.received, chunk])
  }

  onDrain(): void {}

  onEnd(): void {
    this.isEnded = true
    this.connection!.end()
  }

  onClose(_error: IoError | null): void {
    this.isClosed = true
  }

  get text(): string {
    return toHex(this.received)
  }

  /** Bytes from hexadecimal text. */
  write(text: string): void {
    this.connection!.write(hex(text))
  }

  writeBytes(bytes: Uint8Array): void {
    this.connection!.write(Uint8Array.from(bytes))
  }
}

/** A port on which somebody accepts whatever comes. */
export class RawListener implements ListenHandler {
  readonly sockets: RawSocket[] = []
  listener: Listener | null = null
  onAccept: (socket: RawSocket) => void = () => {}

  constructor(network: Network, address: Address) {
    network.listen(address, {}, this)
  }

  onListening(listener: Listener): void {
    this.listener = listener
  }

  onConnection(connection: Connection): ConnectionHandler {
    const socket = new RawSocket()
    socket.connection = connection
    this.sockets.push(socket)
    this.onAccept(socket)
    return socket
  }

  onError(error: IoError): void {
    throw error
  }
}

export function dialRaw(network: Network, address: Address): RawSocket {
  const socket = new RawSocket()
  network.connect(address, socket)
  return socket
}
