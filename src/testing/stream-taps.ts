import {
  DecodeError,
  decodeConnectRequest,
  decodeConnectResponse,
  decodeMultiRead,
  decodeWriteRequest,
  FrameReader,
  type FrameSink,
  InputReader,
  OpCode,
} from '../wire/index.ts'

/** Longer frames are not looked into; what follows one goes through unseen. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024

/** A four-letter word is no length that a handshake could have. */
const FIRST_WORD = 0x0100_0000

/** The xid of the handshake, which has none of its own. */
export const HANDSHAKE_XID: number = Number.MIN_SAFE_INTEGER

/** A request on its way. */
export interface SeenRequest {
  readonly xid: number
  readonly opcode: number
  readonly sessionId: bigint
  /** Read from its bytes, which last as long as the call. */
  paths(): readonly string[]
}

/** Told of each whole frame; false when nothing from this frame on may go through. */
type OnFrame = (bytes: Uint8Array, start: number, end: number) => boolean

/** Follows a stream of frames without holding it up. */
class FrameTap implements FrameSink {
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  readonly #onFrame: OnFrame
  #chunk: Uint8Array | null = null
  #passes = 0
  isRaw = false

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame
  }

  /** How many bytes of the chunk may go through. */
  push(chunk: Uint8Array): number {
    this.#chunk = chunk
    this.#passes = chunk.length
    this.#frames.push(chunk, this)
    this.#chunk = null
    return this.#passes
  }

  /** How many of the last bytes belong to a frame that is not whole yet. */
  get begunBytes(): number {
    return this.#frames.heldBytes
  }

  close(): void {
    this.isRaw = true
    this.#frames.close()
  }

  onFirstWord(word: number): boolean {
    this.isRaw = word >= FIRST_WORD
    return this.isRaw
  }

  onBadLength(): void {
    this.isRaw = true
  }

  onFrame(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#onFrame(bytes, start, end)) return true
    // A request that began in an earlier chunk has gone through in part; the server waits for the rest in vain.
    this.#passes = bytes === this.#chunk ? start - 4 : 0
    this.#frames.close()
    return true
  }
}

/** Both directions of a client's connection: who the client is, what it asks, and which reply answers what. */
export class StreamTaps {
  /** 0 until the server has granted a session. */
  sessionId: bigint = 0n
  readonly #requests: FrameTap
  readonly #replies: FrameTap
  readonly #reader = new InputReader()
  #hasAsked = false
  #hasAnswer = false

  /**
   * @param onRequest false when the request must not go through
   * @param onReply the same for the reply to the request with this xid
   */
  constructor(onRequest: (request: SeenRequest) => boolean, onReply: (xid: number) => boolean) {
    this.#requests = new FrameTap((bytes, start, end) =>
      onRequest(this.#readRequest(bytes, start, end)),
    )
    this.#replies = new FrameTap((bytes, start, end) => onReply(this.#readReply(bytes, start, end)))
  }

  /** What the client sent is no handshake, or cannot be read any more. */
  get isWord(): boolean {
    return this.#requests.isRaw
  }

  /** How many bytes of what the client sends may go through. */
  request(chunk: Uint8Array): number {
    const passes = this.#requests.push(chunk)
    if (this.#requests.isRaw) this.#replies.close()
    return passes
  }

  /** How many bytes of what the server sends may go through. */
  reply(chunk: Uint8Array): number {
    return this.#replies.push(chunk)
  }

  /** How many of the last bytes that the server has sent belong to a reply that is not whole yet. */
  get begunReplyBytes(): number {
    return this.#replies.begunBytes
  }

  #readRequest(bytes: Uint8Array, start: number, end: number): SeenRequest {
    const { sessionId } = this
    const reader = this.#reader
    reader.reset(bytes, start, end)
    if (!this.#hasAsked) {
      this.#hasAsked = true
      const asked = attempt<bigint>(() => decodeConnectRequest(reader).sessionId, 0n)
      const opcode = OpCode.createSession
      return { xid: HANDSHAKE_XID, opcode, sessionId: asked, paths: () => [] }
    }
    if (reader.remaining < 8) return { xid: 0, opcode: 0, sessionId, paths: () => [] }
    const xid = reader.int32()
    const opcode = reader.int32()
    let paths: readonly string[] | null = null
    return {
      xid,
      opcode,
      sessionId,
      paths: () => {
        paths ??= readPaths(opcode, reader)
        return paths
      },
    }
  }

  #readReply(bytes: Uint8Array, start: number, end: number): number {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    if (this.#hasAnswer) return reader.remaining < 4 ? 0 : reader.int32()
    this.#hasAnswer = true
    this.sessionId = attempt<bigint>(() => decodeConnectResponse(reader).sessionId, 0n)
    return HANDSHAKE_XID
  }
}

/** Requests whose record does not begin with a path. */
const WITHOUT_PATH: ReadonlySet<number> = new Set([
  OpCode.ping,
  OpCode.auth,
  OpCode.sasl,
  OpCode.setWatches,
  OpCode.setWatches2,
  OpCode.whoAmI,
  OpCode.reconfig,
  OpCode.closeSession,
])

function readPaths(opcode: number, reader: InputReader): readonly string[] {
  if (WITHOUT_PATH.has(opcode)) return []
  return attempt(() => {
    if (opcode === OpCode.multiRead) return pathsOf(decodeMultiRead(reader))
    if (opcode !== OpCode.multi) return pathsOf([{ path: reader.string() }])
    const request = decodeWriteRequest(opcode, reader)
    return request.type === OpCode.multi ? pathsOf(request.ops) : []
  }, [])
}

function pathsOf(ops: readonly { readonly path: string | null }[]): string[] {
  return ops.flatMap(({ path }) => (path === null ? [] : [path]))
}

/** A client may send anything: what cannot be read is the server's business. */
function attempt<T>(read: () => T, fallback: T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) return fallback
    throw error
  }
}
