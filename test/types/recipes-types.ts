/** Compiled, never run. */
import { type Grant, LeaderLatch, Mutex, RecipeError, whileHeld } from '../../recipes/index.ts'
import type { ZooKeeper } from '../../src/client-node/index.ts'
import { exactly } from './exactly.ts'

export async function locking(zk: ZooKeeper): Promise<void> {
  const mutex = new Mutex(zk, '/locks/a', { layout: 'kazoo', isStrict: true })
  exactly<Grant>()(await mutex.acquire({ timeoutMs: 5 }))
  exactly<Grant | null>()(await mutex.tryAcquire())
  exactly<number>()(await whileHeld(mutex, async ({ fencingToken }) => Number(fencingToken)))
  await using grant = await mutex.acquire()
  exactly<bigint>()(grant.fencingToken)
  exactly<AbortSignal>()(grant.signal)
  // @ts-expect-error there is no such layout
  new Mutex(zk, '/locks/a', { layout: 'etcd' })
  // @ts-expect-error timeoutMs is its name
  await mutex.acquire({ timeout: 5 })
  // @ts-expect-error the token is the server's
  grant.fencingToken = 1n
  // @ts-expect-error a latch has an id of its own
  new LeaderLatch(zk, '/leader', { data: 'x' })
}

export function failures(error: unknown): void {
  // @ts-expect-error there is no such code
  if (error instanceof RecipeError && error.code === 'LOST') return
}
