import { CreateMode as Flags, OpCode, type WriteOp } from '../wire/index.ts'
import { type Acl, OPEN_ACL } from './acl.ts'
import { InvalidArgumentError } from './errors.ts'
import { type Chroot, checkPath } from './paths.ts'
import { type Data, toBytes } from './records.ts'

/**
 * - `ephemeral`: goes with the session. `…-sequential`: the server appends ten digits that rise under this parent.
 * - `container`: the server deletes it some time after its last child.
 */
export type CreateMode =
  | 'container'
  | 'ephemeral'
  | 'ephemeral-sequential'
  | 'persistent'
  | 'persistent-sequential'

export interface CreateOptions {
  readonly mode?: CreateMode
  readonly acl?: readonly Acl[]
  /**
   * Only for persistent modes: a server with `extendedTypesEnabled` deletes the znode when it has no children and was
   * not changed for so long.
   */
  readonly ttlMs?: number
}

const FLAGS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ['persistent', Flags.persistent],
  ['persistent-sequential', Flags.persistentSequential],
  ['ephemeral', Flags.ephemeral],
  ['ephemeral-sequential', Flags.ephemeralSequential],
  ['container', Flags.container],
])
const TTL_MS_MAX = 2 ** 40 - 1

export function createOp(
  chroot: Chroot,
  path: string,
  data: Data | null,
  options: CreateOptions,
): WriteOp {
  const { mode = 'persistent', acl = OPEN_ACL, ttlMs } = options
  const isSequential = mode === 'persistent-sequential' || mode === 'ephemeral-sequential'
  checkPath('create', path, isSequential)
  const flags = FLAGS.get(mode)
  if (flags === undefined) throw invalid('create', path, `mode ${JSON.stringify(mode)} is unknown`)
  const common = {
    path: isSequential && path.endsWith('/') ? outerPrefix(chroot, path) : chroot.outer(path),
    data: data === null ? null : bytesOf('create', path, data),
    acl: checkAcl('create', path, acl),
  }
  if (ttlMs !== undefined) {
    if (flags !== Flags.persistent && flags !== Flags.persistentSequential) {
      throw invalid('create', path, `mode ${mode} has no ttlMs`)
    }
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > TTL_MS_MAX) {
      throw invalid('create', path, `ttlMs ${ttlMs} is not a whole number from 1 to ${TTL_MS_MAX}`)
    }
    const ttlFlags = isSequential ? Flags.persistentSequentialWithTTL : Flags.persistentWithTTL
    return { type: OpCode.createTTL, ...common, flags: ttlFlags, ttl: BigInt(ttlMs) }
  }
  const type = mode === 'container' ? OpCode.createContainer : OpCode.create2
  return { type, ...common, flags, ttl: -1n }
}

/** The slash at the end of a prefix like `/queue/` stays. */
function outerPrefix(chroot: Chroot, path: string): string {
  return chroot.prefix + path
}

export function setDataOp(chroot: Chroot, path: string, data: Data, version: number): WriteOp {
  checkPath('setData', path)
  const bytes = bytesOf('setData', path, data)
  const wanted = checkVersion('setData', path, version)
  return { type: OpCode.setData, path: chroot.outer(path), data: bytes, version: wanted }
}

export function deleteOp(chroot: Chroot, path: string, version: number): WriteOp {
  checkPath('delete', path)
  const wanted = checkVersion('delete', path, version)
  return { type: OpCode.delete, path: chroot.outer(path), version: wanted }
}

export function checkOp(chroot: Chroot, path: string, version: number): WriteOp {
  checkPath('check', path)
  const wanted = checkVersion('check', path, version)
  return { type: OpCode.check, path: chroot.outer(path), version: wanted }
}

export function setAclOp(
  chroot: Chroot,
  path: string,
  acl: readonly Acl[],
  version: number,
): WriteOp {
  checkPath('setAcl', path)
  return {
    type: OpCode.setACL,
    path: chroot.outer(path),
    acl: checkAcl('setAcl', path, acl),
    version: checkVersion('setAcl', path, version),
  }
}

function bytesOf(op: string, path: string, data: Data): ReturnType<typeof toBytes> {
  if (typeof data === 'string' || data instanceof Uint8Array) return toBytes(data)
  throw invalid(op, path, 'the data is neither a string nor a Uint8Array')
}

function checkVersion(op: string, path: string, version: number): number {
  if (Number.isInteger(version) && version === (version | 0)) return version
  throw invalid(op, path, `version ${String(version)} is no 32-bit integer`)
}

function checkAcl(op: string, path: string, acl: readonly Acl[]): readonly Acl[] {
  const isGood =
    Array.isArray(acl) &&
    acl.length > 0 &&
    acl.every(
      ({ perms, scheme, id }) =>
        perms === (perms | 0) && typeof scheme === 'string' && typeof id === 'string',
    )
  if (isGood) return acl
  throw invalid(op, path, 'the ACL is no list of { perms, scheme, id } with at least one entry')
}

export function invalid(op: string, path: string | null, problem: string): InvalidArgumentError {
  const where = path === null ? op : `${op} ${path}`
  return new InvalidArgumentError('INVALID_ARGUMENT', `${where}: ${problem}`, { op, path })
}
