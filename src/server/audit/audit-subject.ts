import {
  type AclEntry,
  CreateMode,
  OpCode,
  type WriteOp,
  type WriteRequest,
} from '../../wire/index.ts'
import type { AuditOperation } from './audit-line.ts'

/** What a request is about, kept until it is known what came of it. */
export interface AuditSubject {
  readonly user: string
  readonly ip: string
  readonly operation: AuditOperation
  readonly znode: string | null
  readonly znodeType: string | null
  readonly acl: string | null
  /** Of a multi: each of its operations that changes something, and null for those that do not. */
  readonly parts: readonly (AuditPart | null)[] | null
}

export type AuditPart = Pick<AuditSubject, 'operation' | 'znode' | 'znodeType'>

/** Null for what is not audited: sessions, and all that changes nothing. */
export function auditSubject(request: WriteRequest, user: string, ip: string): AuditSubject | null {
  switch (request.type) {
    case OpCode.multi: {
      const parts = request.ops.map(partOf)
      return { user, ip, operation: 'multiOperation', ...NO_ZNODE, parts }
    }
    case OpCode.reconfig:
      return { user, ip, operation: 'reconfig', ...NO_ZNODE, parts: null }
    case OpCode.setACL: {
      const acl = aclText(request.acl ?? [])
      return {
        user,
        ip,
        operation: 'setAcl',
        znode: request.path,
        znodeType: null,
        acl,
        parts: null,
      }
    }
    case OpCode.createSession:
    case OpCode.closeSession:
    case OpCode.deleteContainer:
      return null
    default: {
      const part = partOf(request)
      return part === null ? null : { user, ip, ...part, acl: null, parts: null }
    }
  }
}

const NO_ZNODE = { znode: null, znodeType: null, acl: null }

function partOf(op: WriteOp): AuditPart | null {
  switch (op.type) {
    case OpCode.delete:
      return { operation: 'delete', znode: op.path, znodeType: null }
    case OpCode.setData:
      return { operation: 'setData', znode: op.path, znodeType: null }
    case OpCode.setACL:
      return { operation: 'setAcl', znode: op.path, znodeType: null }
    case OpCode.check:
      return null
    default:
      return { operation: 'create', znode: op.path, znodeType: MODES.get(op.flags) ?? null }
  }
}

/** `CreateMode` in small letters. */
const MODES: ReadonlyMap<number, string> = new Map([
  [CreateMode.persistent, 'persistent'],
  [CreateMode.ephemeral, 'ephemeral'],
  [CreateMode.persistentSequential, 'persistent_sequential'],
  [CreateMode.ephemeralSequential, 'ephemeral_sequential'],
  [CreateMode.container, 'container'],
  [CreateMode.persistentWithTTL, 'persistent_with_ttl'],
  [CreateMode.persistentSequentialWithTTL, 'persistent_sequential_with_ttl'],
])

const PERMISSIONS: readonly (readonly [bit: number, letter: string])[] = [
  [4, 'c'],
  [8, 'd'],
  [1, 'r'],
  [2, 'w'],
  [16, 'a'],
]

/** As `ZKUtil.aclToString` writes it: entries without anything between them. */
function aclText(acl: readonly AclEntry[]): string {
  return acl
    .map(({ scheme, id, perms }) => {
      const letters = PERMISSIONS.filter(([bit]) => (perms & bit) !== 0).map(([, letter]) => letter)
      return `${scheme}:${id}:${letters.join('')}`
    })
    .join('')
}
