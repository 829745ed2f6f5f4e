import {
  type ByteString,
  ErrorCode,
  fromByteString,
  type InputReader,
  OpCode,
  type OutputBuffer,
  readReplyHeader,
  readSaslResponse,
  toByteString,
  writeRequestHeader,
  writeSasl,
} from '../wire/index.ts'
import type { Dialing } from './dialing.ts'
import type { Effect } from './effects.ts'
import { AuthFailedError } from './errors.ts'
import type { SaslAnswer, SaslMechanism } from './sasl.ts'

/** Of every packet: nothing else is under way meanwhile. */
const SASL_XID = 0

/** The packets by which a mechanism and a server come to terms, on every connection before all others. */
export class SaslDialogue {
  readonly #mechanism: SaslMechanism
  readonly #effects: Effect[]
  readonly #dialing: Dialing
  /** The mechanism has all it wants: the next word of the server is the last. */
  #isDone = false

  constructor(mechanism: SaslMechanism, effects: Effect[], dialing: Dialing) {
    this.#mechanism = mechanism
    this.#effects = effects
    this.#dialing = dialing
  }

  begin(): void {
    this.#isDone = false
    this.#ask(null)
  }

  /** The mechanism has spoken; true when that was all. */
  answered({ token, isDone }: SaslAnswer, out: OutputBuffer): boolean {
    if (token === null) return true
    this.#isDone = isDone
    const mark = out.beginFrame()
    writeRequestHeader(out, SASL_XID, OpCode.sasl)
    writeSasl(out, toByteString(token))
    out.endFrame(mark)
    return false
  }

  /** The server has spoken; true when that was all. @throws DecodeError, AuthFailedError when it refuses */
  heard(reader: InputReader): boolean {
    const { err } = readReplyHeader(reader)
    if (err !== ErrorCode.ok) {
      const message = `the server refused the credentials of SASL ${this.#mechanism.name}`
      throw new AuthFailedError('AUTH_FAILED', message, { op: 'connect' })
    }
    const token = readSaslResponse(reader)
    if (!this.#isDone) this.#ask(fromByteString(token ?? ('' as ByteString)))
    return this.#isDone
  }

  #ask(challenge: Uint8Array | null): void {
    const { attempt, address } = this.#dialing
    const mechanism = this.#mechanism
    this.#effects.push({ kind: 'prove', attempt, mechanism, address, challenge })
  }
}
