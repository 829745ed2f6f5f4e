import type { SessionId } from '../../base/index.ts'
import type { AuditSink } from '../../env/index.ts'
import {
  type AuthId,
  ErrorCode,
  OpCode,
  type Txn,
  type TxnHeader,
  type WriteRequest,
} from '../../wire/index.ts'
import type { ApplyResult, AuthProviders } from '../../znodes/index.ts'
import { type AuditRecord, type AuditResult, auditLine, serverLine } from './audit-line.ts'
import { type AuditSubject, auditSubject } from './audit-subject.ts'

/** Where lines go, and what the server calls itself in them. */
export interface AuditOptions {
  readonly sink: AuditSink
  /** Of the operating system. */
  readonly userName: string
}

export function auditorOf(
  options: AuditOptions | undefined,
  providers: AuthProviders,
): Auditor | null {
  return options === undefined ? null : new Auditor(options, providers)
}

/** A write as its answer knows it. */
export interface AuditedWrite {
  readonly sessionId: SessionId
  readonly audit: AuditSubject | null
}

/**
 * Writes down who changed what (`AuditHelper`): on the server that the client is connected to, once it is known what came
 * of the request. Ephemerals that end with their session are told by every server.
 */
export class Auditor {
  readonly #sink: AuditSink
  readonly #userName: string
  readonly #providers: AuthProviders

  constructor({ sink, userName }: AuditOptions, providers: AuthProviders) {
    this.#sink = sink
    this.#userName = userName
    this.#providers = providers
  }

  serverStarted(): void {
    this.#sink.write(false, serverLine(this.#userName, 'serverStart', 'success'))
  }

  serverStartFailed(): void {
    this.#sink.write(true, serverLine(this.#userName, 'serverStart', 'failure'))
  }

  serverStopping(): void {
    this.#sink.write(false, serverLine(this.#userName, 'serverStop', 'invoked'))
  }

  /** What will be told of a request; null for one that is not audited. */
  subjectOf(request: WriteRequest, ids: readonly AuthId[], ip: string): AuditSubject | null {
    return auditSubject(request, this.#userOf(ids), ip)
  }

  /** A transaction is applied. `write`: the request of a client of this server that it was made of. */
  onApplied(header: TxnHeader, txn: Txn, write: AuditedWrite | null, result: ApplyResult): void {
    if (txn.type === OpCode.closeSession) this.#ephemeralsGone(header.clientId, txn.paths ?? [])
    else if (write !== null && write.audit !== null)
      this.#written(write.sessionId, write.audit, result)
  }

  #written(session: SessionId, subject: AuditSubject, result: ApplyResult): void {
    if (subject.parts !== null) {
      this.#multi(session, subject, result)
      return
    }
    const isDone = result.err === ErrorCode.ok
    const { user, ip, operation, znodeType, acl } = subject
    const znode = isDone && result.path !== null ? result.path : subject.znode
    const outcome = isDone ? 'success' : 'failure'
    this.#write({ session, user, ip, operation, znode, znodeType, acl, result: outcome })
  }

  /** One that failed is one line; one that was carried out is a line for each change. */
  #multi(session: SessionId, subject: AuditSubject, result: ApplyResult): void {
    const { user, ip, parts } = subject
    const ops = result.ops ?? []
    const hasFailed = result.err !== ErrorCode.ok || ops.some(({ type }) => type === OpCode.error)
    if (hasFailed) {
      this.#write({ ...subject, session, result: 'failure' })
      return
    }
    parts!.forEach((part, index) => {
      if (part === null) return
      const znode = ops[index]?.path ?? part.znode
      this.#write({ ...part, session, user, ip, znode, acl: null, result: 'success' })
    })
  }

  #ephemeralsGone(session: SessionId, paths: readonly string[]): void {
    const operation = 'ephemeralZNodeDeletionOnSessionCloseOrExpire'
    const common = { user: this.#userName, ip: null, znodeType: null, acl: null }
    const result: AuditResult = 'success'
    for (const znode of paths) this.#write({ ...common, session, operation, znode, result })
  }

  #write(record: AuditRecord): void {
    this.#sink.write(record.result === 'failure', auditLine(record))
  }

  /** The names of what it has authenticated as, the latest first, and its address last (`bob,127.0.0.1`). */
  #userOf(ids: readonly AuthId[]): string {
    const names: string[] = []
    for (let i = ids.length - 1; i >= 0; i -= 1) {
      const { scheme, id } = ids[i]!
      const name = this.#providers.find(scheme)?.userName(id) ?? ''
      if (name.trim() !== '') names.push(name)
    }
    return names.join(',')
  }
}
