import type { Acl, ZooKeeper } from '../../client-node/index.ts'
import { NoAuthError, NoNodeError, ZkError } from '../../client-node/index.ts'
import { fromByteString, type SnapshotZnode } from '../../wire/index.ts'
import { OwnerKind, ownerKind, ttlOf } from '../../znodes/index.ts'
import { MaintenanceError } from '../maintenance-error.ts'
import type { Progress } from '../text.ts'

/** One znode to be made or changed. */
export interface SubtreeStep {
  readonly kind: 'create' | 'set acl' | 'set data'
  readonly path: string
  readonly data: Uint8Array
  readonly acl: readonly Acl[]
  readonly container: boolean
  readonly ttlMs: number | null
  /** Of the znode as it is now, to be sure that nobody changes it meanwhile. */
  readonly version: number
  readonly bytesNow: number
}

export interface SubtreePlan {
  readonly steps: readonly SubtreeStep[]
  /** Znodes that are as in the backup already. */
  readonly same: number
  /** Ephemerals are not restored: they belong to sessions. */
  readonly ephemerals: number
}

const READS_AT_ONCE = 100
const OPS_PER_TRANSACTION = 100
const BYTES_PER_TRANSACTION = 256 * 1024

/**
 * What has to be done so that the znodes at and below `from` of a backup are at and below `at` of a running ensemble.
 * Only reads. What is there and not in the backup stays. @throws MaintenanceError
 */
export async function planSubtree(
  zk: ZooKeeper,
  znodes: Iterable<SnapshotZnode>,
  from: string,
  at: string,
  onProgress: Progress,
): Promise<SubtreePlan> {
  const rows = below(znodes, from)
  if (rows.length === 0) {
    throw new MaintenanceError(`the backup has no znode ${from} in the state that was chosen`)
  }
  const kept = rows.filter(({ storedOwner }) => kindOf(storedOwner) !== OwnerKind.ephemeral)
  const steps: SubtreeStep[] = []
  let same = 0
  for (let first = 0; first < kept.length; first += READS_AT_ONCE) {
    const some = kept.slice(first, first + READS_AT_ONCE)
    const planned = await Promise.all(
      some.map((row) => stepsFor(zk, row, moved(row.path, from, at))),
    )
    for (const each of planned) {
      if (each.length === 0) same++
      steps.push(...each)
    }
    onProgress('comparing', first + some.length, kept.length, 'znodes')
  }
  return { steps, same, ephemerals: rows.length - kept.length }
}

/** Steps that change what is there already. */
export function overwrites({ steps }: SubtreePlan): readonly SubtreeStep[] {
  return steps.filter(({ kind }) => kind !== 'create')
}

/** Carries a plan out, parents first; what is done stays done when a later step fails. @throws MaintenanceError */
export async function restoreSubtree(
  zk: ZooKeeper,
  { steps }: SubtreePlan,
  at: string,
  onProgress: Progress,
): Promise<void> {
  const parent = at.slice(0, at.lastIndexOf('/'))
  let done = 0
  try {
    if (parent !== '') await zk.ensurePath(parent)
    for (const batch of batches(steps)) {
      await carryOut(zk, batch)
      done += batch.length
      onProgress('restoring', done, steps.length, 'changes')
    }
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    const next =
      error instanceof NoAuthError
        ? 'give the credentials with --auth'
        : 'run it again: what is done is then left as it is'
    throw new MaintenanceError(
      `${done} of ${steps.length} changes are done, then: ${error.message}; ${next}`,
    )
  }
}

function below(znodes: Iterable<SnapshotZnode>, from: string): SnapshotZnode[] {
  const rows: SnapshotZnode[] = []
  const prefix = from === '/' ? '/' : `${from}/`
  for (const row of znodes) {
    if (row.path !== from && !row.path.startsWith(prefix)) continue
    // The server's own: quotas and configuration belong to the ensemble.
    if (row.path === '/zookeeper' || row.path.startsWith('/zookeeper/')) continue
    if (row.path !== '/') rows.push(row)
  }
  return rows.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function moved(path: string, from: string, at: string): string {
  const rest = from === '/' ? path : path.slice(from.length)
  return at === '/' ? rest : at + rest
}

function kindOf(storedOwner: bigint): OwnerKind {
  return ownerKind(storedOwner, true)
}

async function stepsFor(zk: ZooKeeper, row: SnapshotZnode, path: string): Promise<SubtreeStep[]> {
  const wanted = wantedOf(row, path)
  const now = await znodeAt(zk, path)
  if (now === null) return [{ kind: 'create', ...wanted, version: -1, bytesNow: 0 }]
  const steps: SubtreeStep[] = []
  const bytesNow = now.data.length
  if (Buffer.compare(now.data, wanted.data) !== 0) {
    steps.push({ kind: 'set data', ...wanted, version: now.version, bytesNow })
  }
  if (now.acl !== null && JSON.stringify(now.acl) !== JSON.stringify(wanted.acl)) {
    steps.push({ kind: 'set acl', ...wanted, version: now.aversion, bytesNow })
  }
  return steps
}

type Wanted = Pick<SubtreeStep, 'acl' | 'container' | 'data' | 'path' | 'ttlMs'>

function wantedOf({ data, acl, storedOwner }: SnapshotZnode, path: string): Wanted {
  const kind = kindOf(storedOwner)
  return {
    path,
    data: data === null ? new Uint8Array(0) : fromByteString(data),
    acl: acl.map(({ perms, scheme, id }) => ({ perms, scheme: scheme ?? '', id: id ?? '' })),
    container: kind === OwnerKind.container,
    ttlMs: kind === OwnerKind.ttl ? ttlOf(storedOwner) : null,
  }
}

interface ZnodeNow {
  readonly data: Uint8Array
  readonly version: number
  readonly aversion: number
  /** Null when it may not be seen as it is. */
  readonly acl: readonly Acl[] | null
}

async function znodeAt(zk: ZooKeeper, path: string): Promise<ZnodeNow | null> {
  try {
    const [{ data, stat }, { acl }] = await Promise.all([zk.getData(path), zk.getAcl(path)])
    // To whoever is no owner the secret part of a digest is shown as x.
    const isMasked = acl.some(({ scheme, id }) => scheme === 'digest' && id.endsWith(':x'))
    const { version, aversion } = stat
    return { data: data ?? new Uint8Array(0), version, aversion, acl: isMasked ? null : acl }
  } catch (error) {
    if (error instanceof NoNodeError) return null
    if (!(error instanceof ZkError)) throw error
    const next = error instanceof NoAuthError ? '; give the credentials with --auth' : ''
    throw new MaintenanceError(`${path} cannot be compared: ${error.message}${next}`)
  }
}

/** ACLs come last: a changed one may forbid what else is to be done. They cannot be in a transaction. */
function* batches(steps: readonly SubtreeStep[]): Iterable<readonly SubtreeStep[]> {
  let batch: SubtreeStep[] = []
  let bytes = 0
  for (const step of steps) {
    if (step.kind === 'set acl') continue
    const size = step.data.length + step.path.length
    const isFull = batch.length >= OPS_PER_TRANSACTION || bytes + size > BYTES_PER_TRANSACTION
    if (batch.length > 0 && isFull) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(step)
    bytes += size
  }
  if (batch.length > 0) yield batch
  for (const step of steps) if (step.kind === 'set acl') yield [step]
}

async function carryOut(zk: ZooKeeper, batch: readonly SubtreeStep[]): Promise<void> {
  const [first] = batch
  if (first!.kind === 'set acl') {
    await zk.setAcl(first!.path, first!.acl, first!.version)
    return
  }
  const transaction = zk.transaction()
  for (const { kind, path, data, acl, container, ttlMs, version } of batch) {
    if (kind === 'set data') transaction.setData(path, data, version)
    else if (ttlMs !== null) transaction.create(path, data, { acl, ttlMs })
    else transaction.create(path, data, { acl, mode: container ? 'container' : 'persistent' })
  }
  await transaction.commit()
}
