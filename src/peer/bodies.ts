import type { SessionId } from '../base/index.ts'
import { type AuthId, DecodeError, type InputReader, type OutputBuffer } from '../wire/index.ts'

/* What the packets carry that the core of Zab passes on unread: `Relayed.body` and `Ping.touches`. */

/** REQUEST: a client's request, forwarded by the learner that the client is connected to. */
export interface ForwardedRequest {
  readonly sessionId: SessionId
  readonly cxid: number
  readonly opcode: number
  /** The request record without its header; one's own memory, may be kept. */
  readonly body: Uint8Array
  /** Who the client is; empty for requests that a server makes itself (createSession, closeSession). */
  readonly ids: readonly AuthId[]
}

/** REVALIDATE to the leader: a client wants to go on with its session at this learner. */
export interface Revalidation {
  readonly sessionId: SessionId
  readonly timeoutMs: number
}

/** REVALIDATE to the learner: whether the leader still knows the session. */
export interface RevalidationAnswer {
  readonly sessionId: SessionId
  readonly isValid: boolean
}

/** Sessions heard of since the last ping. A leader's own ping carries null instead. */
export type Touches = readonly { readonly sessionId: SessionId; readonly timeoutMs: number }[]

/** Long and int. */
const TOUCH_BYTES = 12

// long sessionId, int cxid, int opcode, the request record
export function writeForwardedRequest(out: OutputBuffer, request: ForwardedRequest): void {
  out.int64(request.sessionId)
  out.int32(request.cxid)
  out.int32(request.opcode)
  out.append(request.body, 0, request.body.length)
}

// long sessionId, int timeout
export function writeRevalidation(out: OutputBuffer, revalidation: Revalidation): void {
  out.int64(revalidation.sessionId)
  out.int32(revalidation.timeoutMs)
}

export function readRevalidation(reader: InputReader): Revalidation {
  return { sessionId: reader.int64() as SessionId, timeoutMs: reader.int32() }
}

// long sessionId, bool valid
export function writeRevalidationAnswer(out: OutputBuffer, answer: RevalidationAnswer): void {
  out.int64(answer.sessionId)
  out.bool(answer.isValid)
}

export function readRevalidationAnswer(reader: InputReader): RevalidationAnswer {
  return { sessionId: reader.int64() as SessionId, isValid: reader.bool() }
}

// { long sessionId, int timeout }*, without a count
export function writeTouches(out: OutputBuffer, touches: Touches): void {
  out.reserve(touches.length * TOUCH_BYTES)
  for (const { sessionId, timeoutMs } of touches) {
    out.int64(sessionId)
    out.int32(timeoutMs)
  }
}

/** Reads to the end of the range. */
export function readTouches(reader: InputReader): Touches {
  const { remaining } = reader
  if (remaining % TOUCH_BYTES !== 0) throw new DecodeError(`touch table of ${remaining} bytes`)
  const touches: { sessionId: SessionId; timeoutMs: number }[] = []
  for (let left = remaining; left > 0; left -= TOUCH_BYTES) {
    touches.push({ sessionId: reader.int64() as SessionId, timeoutMs: reader.int32() })
  }
  return touches
}
