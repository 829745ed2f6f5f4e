import { NO_SESSION, NO_ZXID, type SessionId } from '../../../base/index.ts'
import {
  type ByteString,
  DecodeError,
  decodeConnectResponse,
  ErrorCode,
  InputReader,
  OpCode,
  writeConnectRequest,
} from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { ClientLink, type LinkOwner } from '../client-link.ts'
import { below, between, oneIn, pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { Workload, type WorkloadContext } from '../workload.ts'

const CUT_SHORT = 1
const UNKNOWN = 2
const OPCODES = [OpCode.getData, OpCode.create, OpCode.setData, OpCode.multi, OpCode.setWatches]
const WORDS = ['ruok', 'srvr', 'stat', 'mntr', 'conf', 'kill', 'GET ']
const LINK_LIFE_MS = 15_000

/**
 * Bytes that no client library sends: on connections of their own, and requests cut short on the client's. The server may
 * refuse or close, nothing else; whether others notice anything is for the other workloads to find.
 */
export class Hostile extends Workload implements LinkOwner {
  readonly name = 'hostile'
  readonly #context: WorkloadContext
  #link: ClientLink | null = null
  #stolen: SessionId = NO_SESSION

  constructor(context: WorkloadContext) {
    super(context)
    this.#context = context
  }

  act(): void {
    const { random } = this
    switch (below(random, 8)) {
      case 0:
      case 1:
        this.#connect()
        return
      case 2:
        if (oneIn(random, 4))
          this.send({ type: 'raw', opcode: 77, body: '' as ByteString }, UNKNOWN)
        return
      default: {
        const body = '\0\0\0\x04/re'.slice(0, below(random, 7)) as ByteString
        this.send({ type: 'raw', opcode: pick(random, OPCODES), body }, CUT_SHORT)
      }
    }
  }

  protected onAnswer(call: Call, { err }: Answer): void {
    const { marshallingError, systemError, unimplemented } = ErrorCode
    const expected = call.tag === UNKNOWN ? unimplemented : marshallingError
    this.check(err === expected || err === systemError, `C6: nonsense was answered with ${err}`)
  }

  onLinkOpen(link: ClientLink): void {
    const { random } = this
    const { out } = link
    this.#stolen = NO_SESSION
    switch (below(random, 5)) {
      case 0:
        for (const character of pick(random, WORDS)) out.int8(character.charCodeAt(0))
        break
      case 1:
        out.int32(oneIn(random, 2) ? -1 - below(random, 100) : 0x7000_0000)
        break
      case 2:
        for (let i = between(random, 1, 200); i > 0; i -= 1) out.int8(below(random, 256))
        break
      case 3:
        out.int32(between(random, 0, 40))
        for (let i = 0; i < 44; i += 1) out.int8(below(random, 4))
        break
      default:
        this.#steal(link)
    }
    link.flush()
  }

  /** Answers are read for one thing: a session must not be had with a guessed password (E9). */
  onLinkFrame(link: ClientLink, bytes: Uint8Array, start: number, end: number): void {
    if (this.#stolen === NO_SESSION) return
    const reader = new InputReader()
    reader.reset(bytes, start, end)
    try {
      const { timeOut } = decodeConnectResponse(reader)
      this.check(timeOut === 0, 'E9: a session was had with a wrong password')
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.fail(`C6: a connect response cannot be read: ${error.message}`)
    }
    link.drop()
  }

  onLinkRead(_link: ClientLink): void {}

  onLinkClosed(link: ClientLink): void {
    if (link === this.#link) this.#link = null
  }

  #connect(): void {
    const { network, servers, timers } = this.#context
    this.#link?.drop()
    const link = new ClientLink(network, pick(this.random, servers), this)
    this.#link = link
    timers.at(this.client.nowMs + LINK_LIFE_MS, () => link.drop())
  }

  #steal(link: ClientLink): void {
    const sessionId = pick(this.random, [...this.shared.sessionIds])
    this.#stolen = sessionId
    const { out } = link
    const mark = out.beginFrame()
    writeConnectRequest(out, {
      protocolVersion: 0,
      lastZxidSeen: NO_ZXID,
      timeOut: 4000,
      sessionId,
      passwd: 'a guess of 16 B.' as ByteString,
      readOnly: false,
      hasReadOnly: true,
    })
    out.endFrame(mark)
  }
}
