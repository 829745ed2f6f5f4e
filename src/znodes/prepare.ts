import { NO_SESSION, unreachable, type Zxid } from '../base/index.ts'
import { CreateMode, ErrorCode, OpCode, Perms } from '../wire/codes.ts'
import type {
  CheckRequest,
  CheckTxn,
  CloseSessionTxn,
  DeleteContainerRequest,
  DeleteRequest,
  DeleteTxn,
  ErrorTxn,
  MultiRequest,
  MultiTxn,
  SetAclRequest,
  SetAclTxn,
  SetDataRequest,
  SetDataTxn,
  Txn,
  TxnHeader,
  WriteOp,
  WriteRequest,
} from '../wire/records.ts'
import { allows, fixupAcl } from './acl.ts'
import type { AuthProviders } from './auth-providers.ts'
import type { DataTree } from './data-tree.ts'
import { OwnerKind } from './owner-kind.ts'
import { hasPathShape, parentPath, pathError, SYSTEM_PATHS } from './paths.ts'
import { PendingChanges } from './pending-changes.ts'
import type { PrepareContext, WriteOrigin } from './prepare-context.ts'
import { prepareCreate } from './prepare-create.ts'
import { accountDelete, accountSetData, exceedsHardQuota } from './quota.ts'
import type { ZnodeView } from './znode.ts'

export interface PrepareOptions {
  /** TTL nodes are allowed (`zookeeper.extendedTypesEnabled`). */
  readonly extendedTypesEnabled: boolean
  /** Hard quotas are enforced (`enforceQuota`). */
  readonly enforceQuota: boolean
  /** `reconfigEnabled`; a standalone server refuses reconfig either way, with different errors. */
  readonly reconfigEnabled: boolean
  /**
   * A create2 in a multi becomes a plain create: learners of 3.8.0 and 3.8.1 skip a whole multi that holds a type 15,
   * and go on with another tree. Nothing in the protocol tells which version a learner has.
   */
  readonly hasLearners?: boolean
}

/** A write with its place in history. `digest` is the tree digest after it, null for a refused single write. */
export interface PreparedTxn {
  readonly header: TxnHeader
  readonly txn: Txn
  readonly digest: bigint | null
}

const NOBODY: WriteOrigin = {
  sessionId: NO_SESSION,
  cxid: 0,
  zxid: 0n as Zxid,
  timeMs: 0,
  ids: [],
}

/**
 * Turns requests into transactions (`PrepRequestProcessor`): checks each against the tree as it will be after all
 * transactions on their way, in the order in which upstream checks. A refused write is a transaction too.
 */
export class WritePreparer implements PrepareContext {
  readonly pending: PendingChanges
  readonly providers: AuthProviders
  readonly extendedTypesEnabled: boolean
  readonly enforceQuota: boolean
  readonly #reconfigEnabled: boolean
  readonly #hasLearners: boolean
  #origin: WriteOrigin = NOBODY

  constructor(tree: DataTree, providers: AuthProviders, options: PrepareOptions) {
    this.pending = new PendingChanges(tree)
    this.providers = providers
    this.extendedTypesEnabled = options.extendedTypesEnabled
    this.enforceQuota = options.enforceQuota
    this.#reconfigEnabled = options.reconfigEnabled
    this.#hasLearners = options.hasLearners ?? false
  }

  get origin(): WriteOrigin {
    return this.#origin
  }

  get sessionError(): ErrorCode {
    return this.#origin.sessionError ?? ErrorCode.ok
  }

  get ephemeralError(): ErrorCode {
    return this.#origin.ephemeralError ?? ErrorCode.ok
  }

  /** The transaction of a request; it is pending until {@link release}. Never throws for what a client may send. */
  prepare(request: WriteRequest, origin: WriteOrigin): PreparedTxn {
    this.#origin = origin
    this.pending.begin(origin.zxid)
    const txn =
      request.type === OpCode.multi ? this.#prepareMulti(request) : this.#prepareOne(request)
    if (typeof txn === 'number') {
      this.pending.rollback()
      return this.refuse(origin, txn)
    }
    this.pending.commit()
    const { sessionId: clientId, cxid, zxid, timeMs: time } = origin
    const header: TxnHeader = { clientId, cxid, zxid, time, type: txn.type }
    return { header, txn, digest: this.pending.digest() }
  }

  /** The transaction of a write refused without looking at the tree, such as a multi that cannot be decoded (-5). */
  refuse(origin: WriteOrigin, err: ErrorCode): PreparedTxn {
    const { sessionId: clientId, cxid, zxid, timeMs: time } = origin
    const header: TxnHeader = { clientId, cxid, zxid, time, type: OpCode.error }
    return { header, txn: { type: OpCode.error, err }, digest: null }
  }

  /** The tree has applied all transactions up to `zxid`. */
  release(zxid: Zxid): void {
    this.pending.release(zxid)
  }

  #prepareOne(request: Exclude<WriteRequest, MultiRequest>): Txn | ErrorCode {
    switch (request.type) {
      case OpCode.check:
        return ErrorCode.unimplemented
      case OpCode.deleteContainer:
        return this.#prepareDeleteContainer(request)
      case OpCode.createSession:
        return { type: request.type, timeOut: request.timeOut }
      case OpCode.closeSession:
        return this.#prepareCloseSession()
      case OpCode.reconfig:
        if (!this.#reconfigEnabled) return ErrorCode.reconfigDisabled
        return this.sessionError !== ErrorCode.ok ? this.sessionError : ErrorCode.unimplemented
      default:
        return this.#prepareOp(request)
    }
  }

  #prepareOp(op: WriteOp): Txn | ErrorCode {
    switch (op.type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        return prepareCreate(this, op)
      case OpCode.delete:
        return this.#prepareDelete(op)
      case OpCode.setData:
        return this.#prepareSetData(op)
      case OpCode.setACL:
        return this.#prepareSetAcl(op)
      case OpCode.check:
        return this.#prepareCheck(op)
      default:
        return unreachable(op)
    }
  }

  /**
   * All ops or none. A refused op is told apart by its place; what can only come from a malformed request (-5) refuses
   * the multi as a whole.
   */
  #prepareMulti(request: MultiRequest): MultiTxn | ErrorCode {
    const txns: Txn[] = []
    let hasFailed = false
    for (const op of request.ops) {
      if (!isLegalInMulti(op)) return ErrorCode.marshallingError
    }
    for (const op of request.ops) {
      if (hasFailed) {
        txns.push(errorTxn(ErrorCode.runtimeInconsistency))
        continue
      }
      const txn = this.#prepareOp(asMultiOp(op, this.#hasLearners))
      if (typeof txn !== 'number') {
        txns.push(txn)
      } else if (txn === ErrorCode.marshallingError) {
        return txn
      } else {
        hasFailed = true
        this.pending.rollback()
        txns.push(errorTxn(txn))
      }
    }
    return { type: OpCode.multi, txns }
  }

  #prepareDelete({ type, path, version }: DeleteRequest): DeleteTxn | ErrorCode {
    if (this.sessionError !== ErrorCode.ok) return this.sessionError
    if (path === null) return ErrorCode.marshallingError
    if (!hasPathShape(path) || SYSTEM_PATHS.has(path)) return ErrorCode.badArguments
    const parent = this.pending.find(parentPath(path))
    if (parent === null) return ErrorCode.noNode
    if (!this.#allows(parent, Perms.delete)) return ErrorCode.noAuth
    const znode = this.pending.find(path)
    if (znode === null) return ErrorCode.noNode
    if (version !== -1 && version !== znode.version) return ErrorCode.badVersion
    if (znode.numChildren > 0) return ErrorCode.notEmpty
    this.#remove(znode, parent)
    return { type, path }
  }

  /** Asked for by the server alone, so neither session nor ACL is checked. */
  #prepareDeleteContainer({ type, path }: DeleteContainerRequest): DeleteTxn | ErrorCode {
    if (!hasPathShape(path) || SYSTEM_PATHS.has(path)) return ErrorCode.badArguments
    const znode = this.pending.find(path)
    if (znode === null) return ErrorCode.noNode
    if (znode.numChildren > 0) return ErrorCode.notEmpty
    if (znode.ownerKind === OwnerKind.ephemeral) return ErrorCode.badVersion
    const parent = this.pending.find(parentPath(path))
    if (parent === null) return ErrorCode.noNode
    this.#remove(znode, parent)
    return { type, path }
  }

  #prepareSetData({ type, path, data, version }: SetDataRequest): SetDataTxn | ErrorCode {
    if (this.sessionError !== ErrorCode.ok) return this.sessionError
    if (path === null || pathError(path) !== null) return ErrorCode.badArguments
    const znode = this.pending.find(path)
    if (znode === null) return ErrorCode.noNode
    if (!this.#allows(znode, Perms.write)) return ErrorCode.noAuth
    const bytesDiff = (data?.length ?? 0) - (znode.data?.length ?? 0)
    if (this.enforceQuota && exceedsHardQuota(this.pending, path, bytesDiff, 0)) {
      return ErrorCode.quotaExceeded
    }
    if (version !== -1 && version !== znode.version) return ErrorCode.badVersion
    const changed = this.pending.change(znode)
    changed.data = data
    changed.version = nextVersion(changed.version)
    changed.mtime = this.#origin.timeMs
    changed.mzxid = this.#origin.zxid
    this.pending.changed(changed)
    if (this.enforceQuota) accountSetData(this.pending, path, bytesDiff)
    return { type, path: changed.path, data, version: changed.version }
  }

  #prepareSetAcl({ type, path, acl, version }: SetAclRequest): SetAclTxn | ErrorCode {
    if (this.sessionError !== ErrorCode.ok) return this.sessionError
    if (path === null || pathError(path) !== null) return ErrorCode.badArguments
    const fixed = fixupAcl(acl, this.#origin.ids, this.providers)
    if (typeof fixed === 'number') return fixed
    const znode = this.pending.find(path)
    if (znode === null) return ErrorCode.noNode
    if (!this.#allows(znode, Perms.admin)) return ErrorCode.noAuth
    if (version !== -1 && version !== znode.aversion) return ErrorCode.badVersion
    const changed = this.pending.change(znode)
    changed.acl = fixed
    changed.aversion = nextVersion(changed.aversion)
    this.pending.changed(changed)
    return { type, path: changed.path, acl: fixed, version: changed.aversion }
  }

  #prepareCheck({ type, path, version }: CheckRequest): CheckTxn | ErrorCode {
    if (this.sessionError !== ErrorCode.ok) return this.sessionError
    if (path === null || pathError(path) !== null) return ErrorCode.badArguments
    const znode = this.pending.find(path)
    if (znode === null) return ErrorCode.noNode
    if (!this.#allows(znode, Perms.read)) return ErrorCode.noAuth
    if (version !== -1 && version !== znode.version) return ErrorCode.badVersion
    return { type, path, version: nextVersion(znode.version) }
  }

  /** Lists what has to go, ephemerals on their way too, so that every replica deletes the same znodes. */
  #prepareCloseSession(): CloseSessionTxn {
    const paths = this.pending.ephemeralsOf(this.#origin.sessionId)
    for (const path of paths) {
      this.#remove(this.pending.find(path)!, this.pending.find(parentPath(path))!)
    }
    return { type: OpCode.closeSession, paths }
  }

  #remove(znode: ZnodeView, parent: ZnodeView): void {
    const bytes = znode.data?.length ?? 0
    const changed = this.pending.change(parent)
    changed.numChildren -= 1
    if (this.#origin.zxid > changed.pzxid) changed.pzxid = this.#origin.zxid
    this.pending.changed(changed)
    this.pending.remove(znode)
    if (this.enforceQuota) accountDelete(this.pending, znode.path, bytes)
  }

  #allows(znode: ZnodeView, perms: number): boolean {
    return allows(znode.acl, perms, this.#origin.ids, this.providers)
  }
}

/** Versions are int32 and wrap. */
function nextVersion(version: number): number {
  return (version + 1) | 0
}

function errorTxn(err: ErrorCode): ErrorTxn {
  return { type: OpCode.error, err }
}

/**
 * What 3.9 refuses while it decodes a multi (`MultiOperationRecord.deserialize`): ops that a multi cannot hold, and
 * create flags that are unknown or that need a TTL where the record has none.
 */
function isLegalInMulti(op: WriteOp): boolean {
  switch (op.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      return op.flags >= CreateMode.persistent && op.flags <= CreateMode.container
    case OpCode.setACL:
      return false
    default:
      return true
  }
}

/** Inside a multi the flags decide what a create makes, not the operation (`Op.Create`). */
function asMultiOp(op: WriteOp, hasLearners: boolean): WriteOp {
  switch (op.type) {
    case OpCode.create:
    case OpCode.create2:
      if (op.flags === CreateMode.container) return { ...op, type: OpCode.createContainer }
      return hasLearners ? { ...op, type: OpCode.create } : op
    case OpCode.createTTL:
      if (op.flags === CreateMode.container) {
        return { ...op, type: OpCode.createContainer, ttl: -1n }
      }
      return op.flags < CreateMode.persistentWithTTL ? { ...op, type: OpCode.create, ttl: -1n } : op
    default:
      return op
  }
}
