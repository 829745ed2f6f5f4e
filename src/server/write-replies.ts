import type { Zxid } from '../base/index.ts'
import {
  ErrorCode,
  OpCode,
  type OutputBuffer,
  writeCreate2Response,
  writeMultiResults,
  writePathResponse,
  writeReplyHeader,
  writeStatResponse,
} from '../wire/index.ts'
import type { ApplyResult } from '../znodes/index.ts'
import type { ClientWrite } from './client-connection.ts'

/**
 * The reply frame of an applied write. A failed multi has err 0 in its header: the errors are in the body.
 * The opcode is what the client asked for; the result may be that of an error transaction.
 */
export function writeWriteReply(
  out: OutputBuffer,
  write: ClientWrite,
  zxid: Zxid,
  result: ApplyResult,
): void {
  const mark = out.beginFrame()
  writeReplyHeader(out, write.xid, zxid, shownError(write, result.err))
  if (result.err === ErrorCode.ok) writeBody(out, write.opcode, result)
  out.endFrame(mark)
}

/** A leader that does not know a session cannot say more than that. */
function shownError({ ephemeralError }: ClientWrite, err: number): number {
  const isBetterKnown = err === ErrorCode.sessionExpired && ephemeralError !== ErrorCode.ok
  return isBetterKnown ? ephemeralError : err
}

function writeBody(out: OutputBuffer, opcode: number, result: ApplyResult): void {
  if (opcode === OpCode.multi) {
    writeMultiResults(out, result.ops ?? [])
  } else if (result.path !== null && result.stat !== null && opcode !== OpCode.create) {
    writeCreate2Response(out, result.path, result.stat)
  } else if (result.path !== null) {
    writePathResponse(out, result.path)
  } else if (result.stat !== null) {
    writeStatResponse(out, result.stat)
  }
}
