import { join, NoNodeError } from '../../src/client/index.ts'
import type { Cancellation } from './cancellation.ts'
import type { Contest } from './contest.ts'
import type { Kind } from './family.ts'
import { persist } from './perseverance.ts'

/** A contender as others see it. */
export interface Participant {
  readonly path: string
  readonly kind: Kind
  /** What it wrote into its znode, e.g. the id of a candidate. */
  readonly data: Uint8Array
  /** Its fencing token, once it holds what it contends for. */
  readonly czxid: bigint
}

/** Everybody who contends now, the oldest first: of a mutex the first one holds it. */
export async function participants(
  contest: Contest,
  cancellation: Cancellation,
): Promise<Participant[]> {
  const { zk, path } = contest
  const { signal } = cancellation
  const contenders = await contest.list({}, cancellation)
  const found = await Promise.all(
    contenders.map(async ({ name, kind }): Promise<Participant[]> => {
      const at = join(path, name)
      try {
        const read = await persist(cancellation, () => zk.getData(at, { signal }))
        return [{ path: at, kind, data: read.data, czxid: read.stat.czxid }]
      } catch (error) {
        if (error instanceof NoNodeError) return []
        throw error
      }
    }),
  )
  return found.flat()
}
