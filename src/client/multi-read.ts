import { OpCode, type ReadOp, type ReadOpResult } from '../wire/index.ts'
import { serverError, type ZkError } from './errors.ts'
import { type Chroot, checkPath } from './paths.ts'
import { fromBytes, type Stat, toStat } from './records.ts'

/** One read among several: what it found, or why not. */
export type ReadResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ZkError }

export type Send<O> = (ops: readonly ReadOp[], options: O | undefined) => Promise<ReadOpResult[]>

/** Several reads in one request, all of one state of the tree. A builder is used once. */
export class MultiRead<R extends readonly unknown[], O> {
  readonly #chroot: Chroot
  readonly #send: Send<O>
  readonly #ops: ReadOp[] = []
  readonly #paths: string[] = []

  /** For the client. */
  constructor(chroot: Chroot, send: Send<O>) {
    this.#chroot = chroot
    this.#send = send
  }

  getData(
    path: string,
  ): MultiRead<readonly [...R, ReadResult<{ data: Uint8Array; stat: Stat }>], O> {
    return this.#add(OpCode.getData, 'getData', path)
  }

  getChildren(path: string): MultiRead<readonly [...R, ReadResult<{ children: string[] }>], O> {
    return this.#add(OpCode.getChildren, 'getChildren', path)
  }

  /** One result per read, in order; a znode that is missing fails its own read alone. */
  async run(options?: O): Promise<R> {
    const results = await this.#send(this.#ops, options)
    return results.map((result, index) => this.#value(result, index)) as unknown as R
  }

  #add<N extends readonly unknown[]>(
    type: ReadOp['type'],
    op: string,
    path: string,
  ): MultiRead<N, O> {
    checkPath(op, path)
    this.#ops.push({ type, path: this.#chroot.outer(path) })
    this.#paths.push(path)
    return this as unknown as MultiRead<N, O>
  }

  #value(result: ReadOpResult, index: number): ReadResult<unknown> {
    if (result.type === OpCode.getData) {
      return { ok: true, value: { data: fromBytes(result.data), stat: toStat(result.stat) } }
    }
    if (result.type === OpCode.getChildren)
      return { ok: true, value: { children: result.children } }
    const op = this.#ops[index]?.type === OpCode.getData ? 'getData' : 'getChildren'
    const path = this.#paths[index] ?? null
    return { ok: false, error: serverError(result.err, { op, path, outcome: 'not-applied' }) }
  }
}
