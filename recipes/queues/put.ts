import {
  type Acl,
  type CallOptions,
  type Data,
  join,
  NoNodeError,
  type Transaction,
  TransactionError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { type Cancellation, persist, type Receipts } from '../base/index.ts'

/** Puts entries below a path, all or none of them and once; creates the path when it is missing. */
export async function putEntries(
  zk: ZooKeeper,
  receipts: Receipts,
  path: string,
  prefix: string,
  items: readonly Data[],
  acl: readonly Acl[] | undefined,
  cancellation: Cancellation,
): Promise<void> {
  if (items.length === 0) return
  const withAcl = acl === undefined ? {} : { acl }
  const add = (
    first: Transaction<readonly unknown[], CallOptions>,
  ): Transaction<readonly unknown[], CallOptions> => {
    let transaction = first
    for (const data of items) {
      const options = { mode: 'persistent-sequential', ...withAcl } as const
      transaction = transaction.create(join(path, prefix), data, options)
    }
    return transaction
  }
  for (;;) {
    try {
      await receipts.write<readonly unknown[]>(add, cancellation)
      return
    } catch (error) {
      if (!(error instanceof TransactionError)) throw error
      if (!(error.cause instanceof NoNodeError)) throw error.cause
    }
    const options = { signal: cancellation.signal, ...withAcl }
    await persist(cancellation, () => zk.ensurePath(path, options), 'idempotent')
  }
}
