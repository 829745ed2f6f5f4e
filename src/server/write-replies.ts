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

/**
 * The reply frame of an applied write. A failed multi has err 0 in its header: the errors are in the body.
 * `opcode` is what the client asked for; the result may be that of an error transaction.
 */
export function writeWriteReply(
  out: OutputBuffer,
  xid: number,
  zxid: Zxid,
  opcode: number,
  result: ApplyResult,
): void {
  const mark = out.beginFrame()
  writeReplyHeader(out, xid, zxid, result.err)
  if (result.err === ErrorCode.ok) writeBody(out, opcode, result)
  out.endFrame(mark)
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
