import { OpCode, readGetDataResponse, writeWriteRequest } from '../wire/index.ts'
import type { Request } from './call.ts'
import { invalid } from './write-ops.ts'

/** A change of the ensemble: servers that come and go, or all of them. */
export interface Reconfiguration {
  readonly joining?: string
  readonly leaving?: string
  readonly members?: string
  /** The version that the change is meant for; -1n for any. */
  readonly fromConfig?: bigint
}

/** @throws InvalidArgumentError */
export function reconfigRequest(
  change: Reconfiguration,
): Request<ReturnType<typeof readGetDataResponse>> {
  const { joining, leaving, members, fromConfig = -1n } = change
  for (const [name, value] of Object.entries({ joining, leaving, members })) {
    if (value === undefined || typeof value === 'string') continue
    throw invalid('reconfig', null, `${name} is ${String(value)}, not a text`)
  }
  if (typeof fromConfig !== 'bigint') {
    throw invalid('reconfig', null, `fromConfig is ${String(fromConfig)}, not a bigint`)
  }
  return {
    op: 'reconfig',
    path: null,
    type: OpCode.reconfig,
    isWrite: true,
    write: (out) =>
      writeWriteRequest(out, {
        type: OpCode.reconfig,
        joiningServers: joining ?? null,
        leavingServers: leaving ?? null,
        newMembers: members ?? null,
        curConfigId: fromConfig,
      }),
    read: readGetDataResponse,
  }
}
