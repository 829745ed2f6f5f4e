import { NO_SESSION, type SessionId, unreachable, type Zxid } from '../base/index.ts'
import { ErrorCode, OpCode } from '../wire/codes.ts'
import type { AclEntry, ByteString, OpResult, Txn, TxnHeader } from '../wire/records.ts'
import { CONTAINER_OWNER, ttlOwner } from './owner-kind.ts'
import { copyStat, Znode } from './znode.ts'

/** What a transaction answers; `ops` holds the results of a multi, one per op, and is null for all others. */
export interface ApplyResult extends OpResult {
  readonly ops: readonly OpResult[] | null
}

/** The changes a transaction is made of. Each gives the changed znode, or why nothing was changed. */
export interface TxnTarget {
  createZnode(
    header: TxnHeader,
    path: string,
    data: ByteString | null,
    acl: readonly AclEntry[],
    storedOwner: bigint,
    parentCversion: number,
  ): Znode | ErrorCode
  deleteZnode(path: string, zxid: Zxid): ErrorCode
  setData(
    header: TxnHeader,
    path: string,
    data: ByteString | null,
    version: number,
  ): Znode | ErrorCode
  setAcl(path: string, acl: readonly AclEntry[], aversion: number): Znode | ErrorCode
  closeSession(sessionId: SessionId, zxid: Zxid, paths: readonly string[] | null): void
}

/**
 * Carries a committed transaction out (`DataTree.processTxn`). Everything it depends on is in the transaction and the
 * tree, so all replicas get the same result. A multi with an error in it changes nothing.
 */
export function applyTxn(target: TxnTarget, header: TxnHeader, txn: Txn): ApplyResult {
  if (txn.type !== OpCode.multi) return applyOne(target, header, txn)
  const failed = txn.txns.some((op) => op.type === OpCode.error)
  const ops: OpResult[] = []
  let isAfterFailure = false
  for (const op of txn.txns) {
    if (op.type === OpCode.error) {
      isAfterFailure = true
      ops.push(result(OpCode.error, op.err))
    } else if (failed) {
      const err = isAfterFailure ? ErrorCode.runtimeInconsistency : ErrorCode.ok
      ops.push(result(OpCode.error, err))
    } else {
      ops.push(applyOne(target, header, op))
    }
  }
  return { type: OpCode.multi, err: ErrorCode.ok, path: null, stat: null, ops }
}

function applyOne(target: TxnTarget, header: TxnHeader, txn: Txn): ApplyResult {
  switch (txn.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL: {
      const owner = storedOwner(header, txn)
      const { path, data, acl, parentCVersion } = txn
      const created = target.createZnode(header, path, data, acl, owner, parentCVersion)
      const err = errorOf(created)
      if (err !== ErrorCode.ok) return result(txn.type, err)
      return txn.type === OpCode.create
        ? result(OpCode.create, err, path)
        : result(OpCode.create2, err, path, created)
    }
    case OpCode.delete:
    case OpCode.deleteContainer:
      return result(txn.type, target.deleteZnode(txn.path, header.zxid))
    case OpCode.setData:
    case OpCode.reconfig: {
      const changed = target.setData(header, txn.path, txn.data, txn.version)
      return result(txn.type, errorOf(changed), null, changed)
    }
    case OpCode.setACL: {
      const changed = target.setAcl(txn.path, txn.acl, txn.version)
      return result(txn.type, errorOf(changed), null, changed)
    }
    case OpCode.closeSession:
      target.closeSession(header.clientId, header.zxid, txn.paths)
      return result(txn.type, ErrorCode.ok)
    case OpCode.createSession:
    case OpCode.check:
      return result(txn.type, ErrorCode.ok)
    case OpCode.error:
      return result(txn.type, txn.err)
    case OpCode.multi:
      return result(OpCode.error, ErrorCode.marshallingError)
    default:
      return unreachable(txn)
  }
}

function storedOwner(
  header: TxnHeader,
  txn: Extract<Txn, { readonly parentCVersion: number }>,
): bigint {
  switch (txn.type) {
    case OpCode.createContainer:
      return CONTAINER_OWNER
    case OpCode.createTTL:
      return ttlOwner(txn.ttl)
    default:
      return txn.ephemeral ? header.clientId : NO_SESSION
  }
}

function errorOf(outcome: Znode | ErrorCode): ErrorCode {
  return typeof outcome === 'number' ? outcome : ErrorCode.ok
}

function result(
  type: number,
  err: number,
  path: string | null = null,
  outcome: Znode | ErrorCode | null = null,
): ApplyResult {
  const stat = outcome instanceof Znode ? copyStat(outcome) : null
  return { type, err, path, stat, ops: null }
}
