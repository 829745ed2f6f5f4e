import { formatHex, type SessionId } from '../../base/index.ts'

/** As `AuditConstants` spells them. */
export type AuditOperation =
  | 'create'
  | 'delete'
  | 'ephemeralZNodeDeletionOnSessionCloseOrExpire'
  | 'multiOperation'
  | 'reconfig'
  | 'serverStart'
  | 'serverStop'
  | 'setAcl'
  | 'setData'

export type AuditResult = 'failure' | 'invoked' | 'success'

/** Who did what. What is null is left out of the line. */
export interface AuditRecord {
  readonly session: SessionId | null
  readonly user: string
  readonly ip: string | null
  readonly operation: AuditOperation
  readonly znode: string | null
  readonly znodeType: string | null
  readonly acl: string | null
  readonly result: AuditResult
}

/** The line behind time, level and logger: `key=value` with tabs between (`AuditEvent`). */
export function auditLine(record: AuditRecord): string {
  let line = record.session === null ? '' : `session=${formatHex(record.session)}\t`
  line += `user=${escaped(record.user)}`
  if (record.ip !== null) line += `\tip=${record.ip}`
  line += `\toperation=${record.operation}`
  if (record.znode !== null) line += `\tznode=${escaped(record.znode)}`
  if (record.znodeType !== null) line += `\tznode_type=${record.znodeType}`
  if (record.acl !== null) line += `\tacl=${escaped(record.acl)}`
  return `${line}\tresult=${record.result}`
}

/** A line of the server itself. */
export function serverLine(
  user: string,
  operation: 'serverStart' | 'serverStop',
  result: AuditResult,
): string {
  const nothing = { session: null, ip: null, znode: null, znodeType: null, acl: null }
  return auditLine({ ...nothing, user, operation, result })
}

/**
 * A user, a path that was refused, an id in an ACL may hold anything. What could begin another line or field is written
 * as `\u000a`; upstream writes it as it is, so that a client can put words into the log.
 */
function escaped(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
