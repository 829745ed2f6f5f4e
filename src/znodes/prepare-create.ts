import { NO_SESSION } from '../base/index.ts'
import { CreateMode, ErrorCode, OpCode, Perms } from '../wire/codes.ts'
import type {
  CreateContainerTxn,
  CreateRequest,
  CreateTtlTxn,
  CreateTxn,
  WriteRequest,
} from '../wire/records.ts'
import { allows, fixupAcl } from './acl.ts'
import { CONTAINER_OWNER, OwnerKind, ownerKind, TTL_MAX, ttlOwner } from './owner-kind.ts'
import { hasPathShape, parentPath, pathError, sequentialPath } from './paths.ts'
import type { PrepareContext } from './prepare-context.ts'
import { accountCreate, exceedsHardQuota } from './quota.ts'
import type { ZnodeView } from './znode.ts'

/** A create of any kind (`PrepRequestProcessor.pRequest2TxnCreate`): its transaction, or the first check it fails. */
export function prepareCreate(
  context: PrepareContext,
  request: CreateRequest,
): CreateTxn | CreateContainerTxn | CreateTtlTxn | ErrorCode {
  const modeError = createModeError(context, request)
  if (modeError !== ErrorCode.ok) return modeError
  const { pending, origin, providers } = context
  const { data, flags } = request
  if (request.path === null) return ErrorCode.marshallingError
  if (!hasPathShape(request.path)) return ErrorCode.badArguments
  const acl = fixupAcl(request.acl, origin.ids, providers)
  if (typeof acl === 'number') return acl
  const parent = pending.find(parentPath(request.path))
  if (parent === null) return ErrorCode.noNode
  if (!allows(parent.acl, Perms.create, origin.ids, providers)) return ErrorCode.noAuth
  const path = isSequential(flags)
    ? sequentialPath(request.path, parent.storedCversion)
    : request.path
  if (pathError(path) !== null) return ErrorCode.badArguments
  if (pending.find(path) !== null) return ErrorCode.nodeExists
  if (parent.ownerKind === OwnerKind.ephemeral) return ErrorCode.noChildrenForEphemerals
  const bytes = data?.length ?? 0
  if (context.enforceQuota && exceedsHardQuota(pending, path, bytes, 1)) {
    return ErrorCode.quotaExceeded
  }
  const parentCVersion = addChild(context, parent)
  const owner = storedOwner(context, request)
  pending.add(newZnode(context, path, data, acl, owner))
  if (context.enforceQuota) accountCreate(pending, path, bytes)
  switch (request.type) {
    case OpCode.createContainer:
      return { type: request.type, path, data, acl, parentCVersion }
    case OpCode.createTTL:
      return { type: request.type, path, data, acl, parentCVersion, ttl: request.ttl }
    default: {
      const ephemeral = isEphemeral(flags)
      return { type: request.type, path, data, acl, ephemeral, parentCVersion }
    }
  }
}

/** Everything that is checked before the path: flags, TTL, session. */
function createModeError(context: PrepareContext, { type, flags, ttl }: CreateRequest): ErrorCode {
  if (flags < CreateMode.persistent || flags > CreateMode.persistentSequentialWithTTL) {
    return ErrorCode.badArguments
  }
  if (flags >= CreateMode.persistentWithTTL) {
    if (!context.extendedTypesEnabled) return ErrorCode.unimplemented
    if (type !== OpCode.createTTL || ttl < 1n || ttl > TTL_MAX) return ErrorCode.badArguments
  } else if (type === OpCode.createTTL) {
    // Upstream accepts a negative TTL here and then cannot apply its own transaction.
    return ErrorCode.badArguments
  }
  if (context.sessionError !== ErrorCode.ok) return context.sessionError
  return isEphemeral(flags) ? context.ephemeralError : ErrorCode.ok
}

/** Whether the session must be known to the whole ensemble for this (`ZooKeeperServer.checkUpgradeSession`). */
export function wantsEphemeral(request: WriteRequest): boolean {
  if (request.type === OpCode.multi) return request.ops.some(isEphemeralCreate)
  return isEphemeralCreate(request)
}

function isEphemeralCreate(request: WriteRequest): boolean {
  const isCreate = request.type === OpCode.create || request.type === OpCode.create2
  return isCreate && isEphemeral(request.flags)
}

function isEphemeral(flags: number): boolean {
  return flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential
}

function isSequential(flags: number): boolean {
  return (
    flags === CreateMode.persistentSequential ||
    flags === CreateMode.ephemeralSequential ||
    flags === CreateMode.persistentSequentialWithTTL
  )
}

/** The operation decides, not the flags: op 1 with flag 4 makes a plain znode, op 19 always a container. */
function storedOwner(context: PrepareContext, { type, flags, ttl }: CreateRequest): bigint {
  if (type === OpCode.createContainer) return CONTAINER_OWNER
  if (type === OpCode.createTTL) return ttlOwner(ttl)
  return isEphemeral(flags) ? context.origin.sessionId : NO_SESSION
}

/**
 * Counts the child in its parent. Gives the new creation counter, which the tree will take over only if it is larger:
 * after 2^31 - 1 the int32 wraps, and counter and pzxid of the parent stay.
 */
function addChild({ pending, origin }: PrepareContext, parent: ZnodeView): number {
  const changed = pending.change(parent)
  const cversion = (changed.storedCversion + 1) | 0
  changed.numChildren += 1
  if (cversion > changed.storedCversion) {
    changed.storedCversion = cversion
    changed.pzxid = origin.zxid
  }
  pending.changed(changed)
  return cversion
}

function newZnode(
  { origin, extendedTypesEnabled }: PrepareContext,
  path: string,
  data: CreateRequest['data'],
  acl: ZnodeView['acl'],
  owner: bigint,
): ZnodeView {
  return {
    path,
    data,
    acl,
    czxid: origin.zxid,
    mzxid: origin.zxid,
    pzxid: origin.zxid,
    ctime: origin.timeMs,
    mtime: origin.timeMs,
    version: 0,
    storedCversion: 0,
    aversion: 0,
    storedOwner: owner,
    ownerKind: ownerKind(owner, extendedTypesEnabled),
    numChildren: 0,
    digest: 0,
  }
}
