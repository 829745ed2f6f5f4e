import { NoNodeError, type Stat, type ZooKeeper } from '../../src/client/index.ts'
import { type Cancellation, persist, RecipeError } from '../base/index.ts'

/** What the znode of a lease contains, as JSON. */
export interface LeaseRecord {
  /** Who has it, as he calls himself. */
  readonly holder: string
  /** Of this claim and no other. */
  readonly id: string
  /** For so long after every write nobody else takes it. */
  readonly durationMs: number
  /** How often it was renewed. */
  readonly renewals: number
  /** Somebody wants it back. */
  readonly isRevoked: boolean
}

export interface FoundLease {
  /** Null when nobody has it. */
  readonly record: LeaseRecord | null
  readonly stat: Stat
}

/**
 * What the znode contains when nobody has it. It is not deleted: its version must never come again, or a write that was
 * meant for one holder would hit the next.
 */
export const FREE = ''

/** Null when there is no znode. @throws RecipeError `CORRUPT_DATA` */
export async function readLease(
  zk: ZooKeeper,
  path: string,
  cancellation: Cancellation,
): Promise<FoundLease | null> {
  const { signal } = cancellation
  try {
    const { data, stat } = await persist(cancellation, () => zk.getData(path, { signal }))
    return { record: parseLease(path, data), stat }
  } catch (error) {
    if (error instanceof NoNodeError) return null
    throw error
  }
}

export function formatLease(record: LeaseRecord): string {
  return JSON.stringify(record)
}

/** @throws RecipeError `CORRUPT_DATA` */
export function parseLease(path: string, data: Uint8Array): LeaseRecord | null {
  if (data.length === 0) return null
  const text = new TextDecoder().decode(data)
  const record = parseJson(text) as Partial<LeaseRecord> | null
  if (
    typeof record === 'object' &&
    record !== null &&
    typeof record.holder === 'string' &&
    typeof record.id === 'string' &&
    Number.isFinite(record.durationMs) &&
    record.durationMs! > 0 &&
    Number.isInteger(record.renewals) &&
    typeof record.isRevoked === 'boolean'
  ) {
    return record as LeaseRecord
  }
  throw new RecipeError('CORRUPT_DATA', path, `${JSON.stringify(text.slice(0, 80))} is no lease`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
