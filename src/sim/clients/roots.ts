import { type ByteString, CreateMode, OpCode, type WriteOp } from '../../wire/index.ts'
import { OPEN_ACL } from '../../znodes/index.ts'
import type { Operation } from './operation.ts'

/* The znodes that the workloads build on. One multi makes them all, or none. */

export const REGISTER_PATHS: readonly string[] = ['/reg/0', '/reg/1', '/reg/2', '/reg/3']
export const COUNTER_PATHS: readonly string[] = ['/count/0', '/count/1']
export const ACCOUNT_PATHS: readonly string[] = ['/bank/0', '/bank/1', '/bank/2', '/bank/3']
export const ACCOUNT_START = 100
export const TREE_ROOT = '/tree'
export const GROWTH_ROOT = '/grow'
export const QUEUE_ROOT = '/queue'
export const EPHEMERAL_ROOT = '/eph'
export const BOX_ROOT = '/box'
export const ACL_ROOT = '/acl'
export const LOCK_ROOT = '/lock'

const ROOTS: readonly string[] = [
  '/reg',
  '/count',
  '/bank',
  TREE_ROOT,
  GROWTH_ROOT,
  QUEUE_ROOT,
  EPHEMERAL_ROOT,
  BOX_ROOT,
  ACL_ROOT,
  LOCK_ROOT,
]

export const SET_UP: Operation = {
  type: OpCode.multi,
  ops: [
    ...ROOTS.map((path) => createOp(path, '')),
    ...REGISTER_PATHS.map((path) => createOp(path, '')),
    ...COUNTER_PATHS.map((path) => createOp(path, '0')),
    ...ACCOUNT_PATHS.map((path) => createOp(path, String(ACCOUNT_START))),
  ],
}

export function createOp(
  path: string,
  data: string,
  flags: CreateMode = CreateMode.persistent,
): WriteOp {
  return { type: OpCode.create, path, data: data as ByteString, acl: OPEN_ACL, flags, ttl: -1n }
}

/** What a list of children says of a path. */
export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}
