import type { SessionId } from '../../base/index.ts'
import {
  DecodeError,
  ErrorCode,
  InputReader,
  OpCode,
  type OutputBuffer,
  readReplyHeader,
  writeRequestHeader,
} from '../../wire/index.ts'
import type { ClientLink, LinkOwner } from './client-link.ts'
import { type Operation, writeOperation } from './operation.ts'

/** Changes nothing, wherever it is carried out. */
const WRITE: Operation = { type: OpCode.delete, path: '/no-such-znode', version: -1 }
/** No request of a session has it. */
const XID = 0x7eee_eeee
/** What shows that a server has carried the write out. */
const CARRIED_OUT: ReadonlySet<number> = new Set([ErrorCode.ok, ErrorCode.noNode])

/**
 * A connection that its client has left without closing it, like one whose end is unknown to the server. Once the session
 * is had on another connection, a write is sent here: it must not be carried out (E7).
 */
export class LeftLink implements LinkOwner {
  readonly sessionId: SessionId
  readonly #link: ClientLink
  readonly #reader = new InputReader()
  readonly #onCarriedOut: () => void
  #isWritten = false

  constructor(link: ClientLink, sessionId: SessionId, onCarriedOut: () => void) {
    this.sessionId = sessionId
    this.#link = link
    this.#onCarriedOut = onCarriedOut
    link.handOver(this)
  }

  /** The session has another connection. */
  write(): void {
    if (this.#isWritten) return
    this.#isWritten = true
    writeFrame(this.#link.out)
    this.#link.flush()
  }

  drop(): void {
    this.#link.drop()
  }

  onLinkOpen(): void {}

  onLinkFrame(_link: ClientLink, bytes: Uint8Array, start: number, end: number): void {
    this.#reader.reset(bytes, start, end)
    try {
      const { err, xid } = readReplyHeader(this.#reader)
      if (xid === XID && CARRIED_OUT.has(err)) this.#onCarriedOut()
    } catch (error) {
      // A frame that is no reply says nothing about the write.
      if (!(error instanceof DecodeError)) throw error
    }
  }

  onLinkRead(): void {}

  onLinkClosed(): void {}
}

function writeFrame(out: OutputBuffer): void {
  const mark = out.beginFrame()
  writeRequestHeader(out, XID, OpCode.delete)
  writeOperation(out, WRITE)
  out.endFrame(mark)
}
