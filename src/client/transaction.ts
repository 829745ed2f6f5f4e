import { ErrorCode, OpCode, type OpResult, type WriteOp } from '../wire/index.ts'
import { serverError, TransactionError } from './errors.ts'
import type { Chroot } from './paths.ts'
import { type Data, type Stat, toStat } from './records.ts'
import { type CreateOptions, checkOp, createOp, deleteOp, setDataOp } from './write-ops.ts'

/** What a create in a transaction gives. */
export interface CreatedInTransaction {
  readonly path: string
  /** Null from servers before 3.7.2 and 3.8.2, which do not send it. */
  readonly stat: Stat | null
}

/** Sends the operations. */
export type Commit<O> = (ops: readonly WriteOp[], options: O | undefined) => Promise<OpResult[]>

/**
 * Operations that are applied together or not at all. Each method returns the same builder with one more result in
 * the type of `commit`. A builder is used once.
 */
export class Transaction<R extends readonly unknown[], O> {
  readonly #chroot: Chroot
  readonly #commit: Commit<O>
  readonly #ops: WriteOp[] = []
  readonly #paths: string[] = []

  /** For the client. */
  constructor(chroot: Chroot, commit: Commit<O>) {
    this.#chroot = chroot
    this.#commit = commit
  }

  get length(): number {
    return this.#ops.length
  }

  create(
    path: string,
    data: Data = '',
    options: CreateOptions = {},
  ): Transaction<readonly [...R, CreatedInTransaction], O> {
    return this.#add(path, createOp(this.#chroot, path, data, options))
  }

  /** @param version -1 for any */
  setData(path: string, data: Data, version: number = -1): Transaction<readonly [...R, Stat], O> {
    return this.#add(path, setDataOp(this.#chroot, path, data, version))
  }

  /** @param version -1 for any */
  delete(path: string, version: number = -1): Transaction<readonly [...R, null], O> {
    return this.#add(path, deleteOp(this.#chroot, path, version))
  }

  /** The znode must be there, with this version unless it is -1. */
  check(path: string, version: number = -1): Transaction<readonly [...R, null], O> {
    return this.#add(path, checkOp(this.#chroot, path, version))
  }

  /** One result per operation, in order. @throws TransactionError when the server refuses one of them. */
  async commit(options?: O): Promise<R> {
    const results = await this.#commit(this.#ops, options)
    this.#throwFirstError(results)
    return results.map((result) => this.#value(result)) as unknown as R
  }

  #add<N extends readonly unknown[]>(path: string, op: WriteOp): Transaction<N, O> {
    this.#ops.push(op)
    this.#paths.push(path)
    return this as unknown as Transaction<N, O>
  }

  /** Operations before the one that failed have error 0, those after it -2. */
  #throwFirstError(results: readonly OpResult[]): void {
    const index = results.findIndex(
      ({ type, err }) => type === OpCode.error && err !== ErrorCode.ok,
    )
    if (index === -1) return
    const path = this.#paths[index] ?? null
    const op = nameOf(this.#ops[index])
    const cause = serverError(results[index]!.err, { op, path, outcome: 'not-applied' })
    throw new TransactionError(index, cause, {
      op: 'transaction',
      path,
      retryable: cause.retryable,
    })
  }

  #value(result: OpResult): CreatedInTransaction | Stat | null {
    const stat = result.stat === null ? null : toStat(result.stat)
    return result.path === null ? stat : { path: this.#chroot.inner(result.path), stat }
  }
}

function nameOf(op: WriteOp | undefined): string {
  switch (op?.type) {
    case OpCode.setData:
      return 'setData'
    case OpCode.delete:
      return 'delete'
    case OpCode.check:
      return 'check'
    default:
      return 'create'
  }
}
