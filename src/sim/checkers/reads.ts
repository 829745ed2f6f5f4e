import type { ByteString } from '../../wire/index.ts'
import { ErrorCode, OpCode, type Stat } from '../../wire/index.ts'
import type { ClientResponse } from '../history.ts'
import type { HistoryIndex, Operation } from './history-index.ts'
import { type ModelZnode, modelStat } from './model.ts'

/** One thing that a read has seen: what is undefined was not asked. */
export interface SeenZnode {
  readonly path: string
  readonly exists: boolean
  readonly data?: ByteString | null | undefined
  readonly children?: readonly string[] | undefined
  readonly stat?: Stat | undefined
}

const NOTHING: readonly SeenZnode[] = []

/**
 * What the reply of a read says about znodes; empty for writes, for other errors than noNode, and for paths below
 * `/zookeeper`, where quota statistics change on their own.
 */
export function readsOf(operation: Operation): readonly SeenZnode[] {
  const { request, reply } = operation
  if (reply === null) return NOTHING
  const { err, response } = reply
  switch (request.type) {
    case OpCode.exists:
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
    case OpCode.getACL:
      if (isSystem(request.path)) return NOTHING
      if (err === ErrorCode.noNode) return [{ path: request.path, exists: false }]
      return err === ErrorCode.ok ? [seen(request.path, response)] : NOTHING
    case OpCode.multiRead:
      return err === ErrorCode.ok ? readsOfMulti(request.ops, response) : NOTHING
    default:
      return NOTHING
  }
}

function readsOfMulti(
  ops: readonly { readonly path: string | null }[],
  response: ClientResponse,
): readonly SeenZnode[] {
  const found: SeenZnode[] = []
  for (const [i, result] of (response.reads ?? []).entries()) {
    const path = ops[i]?.path ?? null
    if (path === null || isSystem(path)) continue
    if (result.type === OpCode.error) {
      if (result.err === ErrorCode.noNode) found.push({ path, exists: false })
    } else found.push(seen(path, result))
  }
  return found
}

function seen(path: string, response: ClientResponse): SeenZnode {
  const { data, children, stat } = response
  return { path, exists: true, data, children, stat }
}

function isSystem(path: string): boolean {
  return path.startsWith('/zookeeper')
}

/** Whether existence, data and children (not the Stat) are those of the model at `position`. */
export function matchesAt(index: HistoryIndex, read: SeenZnode, position: number): boolean {
  const znode = index.model.znodeAt(read.path, position)
  if (!read.exists || znode === null) return read.exists === (znode !== null)
  if (read.data !== undefined && (read.data ?? '') !== (znode.data ?? '')) return false
  return read.children === undefined || hasChildren(index, read, znode, position)
}

function hasChildren(
  index: HistoryIndex,
  { path, children }: SeenZnode,
  znode: ModelZnode,
  position: number,
): boolean {
  if (children!.length !== znode.numChildren) return false
  const prefix = path === '/' ? '/' : `${path}/`
  return children!.every((name) => index.model.znodeAt(prefix + name, position) !== null)
}

/** Names of the fields in which the Stat differs from the model's at `position`; empty when it is right. */
export function statErrors(index: HistoryIndex, read: SeenZnode, position: number): string[] {
  const znode = index.model.znodeAt(read.path, position)
  if (read.stat === undefined || znode === null) return []
  return differences(read.stat, modelStat(znode))
}

export function differences(stat: Stat, expected: Stat): string[] {
  const fields = Object.keys(expected) as (keyof Stat)[]
  return fields.filter((field) => stat[field] !== expected[field])
}
