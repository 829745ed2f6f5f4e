import type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  IoError,
  Network,
} from '../../env/index.ts'
import { FrameReader, type FrameSink, OutputBuffer } from '../../wire/index.ts'

const FRAME_BYTES_MAX = 64 * 1024 * 1024

/** Whoever uses a link. Calls come from events of the world, never from inside a call to the link. */
export interface LinkOwner {
  onLinkOpen(link: ClientLink): void
  onLinkFrame(link: ClientLink, bytes: Uint8Array, start: number, end: number): void
  /** All frames of a chunk have been handed over. */
  onLinkRead(link: ClientLink): void
  /** Nothing comes from this link any more. Not called after `drop`. */
  onLinkClosed(link: ClientLink): void
}

/** One connection of a client with one server, from the attempt to its end. */
export class ClientLink implements ConnectHandler, ConnectionHandler, FrameSink {
  readonly address: Address
  /** What is written here goes out with the next `flush`. */
  readonly out: OutputBuffer = new OutputBuffer()
  #owner: LinkOwner
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  #connection: Connection | null = null
  #isGone = false

  constructor(network: Network, address: Address, owner: LinkOwner) {
    this.address = address
    this.#owner = owner
    network.connect(address, this)
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** From now on another owner hears of this link. */
  handOver(owner: LinkOwner): void {
    this.#owner = owner
  }

  flush(): void {
    if (this.#isGone) return
    if (this.#connection !== null && this.out.length > 0) this.#connection.write(this.out.take())
  }

  /** Ends the connection; the owner hears nothing more of it. */
  drop(): void {
    this.#isGone = true
    this.#connection?.destroy()
  }

  onOpen(connection: Connection): ConnectionHandler {
    this.#connection = connection
    if (this.#isGone) connection.destroy()
    else this.#owner.onLinkOpen(this)
    return this
  }

  onError(_error: IoError): void {
    this.#end()
  }

  onBytes(chunk: Uint8Array): void {
    if (this.#isGone) return
    this.#frames.push(chunk, this)
    if (!this.#isGone) this.#owner.onLinkRead(this)
  }

  onDrain(): void {}

  onEnd(): void {
    this.#end()
    this.#connection?.destroy()
  }

  onClose(_error: IoError | null): void {
    this.#end()
  }

  onFrame(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#isGone) this.#owner.onLinkFrame(this, bytes, start, end)
    return true
  }

  onBadLength(_length: number): void {
    this.#end()
    this.#connection?.destroy()
  }

  #end(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#owner.onLinkClosed(this)
  }
}
