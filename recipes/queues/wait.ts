import { NoNodeError, type OneShotWatch, type ZooKeeper } from '../../src/client/index.ts'
import { type Cancellation, persist } from '../base/index.ts'

/** What is found among the names of the children of each path; null to wait until they change. */
export type ListEntries<T> = (children: readonly (readonly string[])[]) => Promise<T | null>

/**
 * Lists the children of paths until something is found, again after every change. Only what is found ends the wait,
 * never an event (B13); its watches are taken away before it resolves (B17).
 */
export async function untilListed<T>(
  zk: ZooKeeper,
  paths: readonly string[],
  find: ListEntries<T>,
  cancellation: Cancellation,
): Promise<T> {
  for (;;) {
    const watches: OneShotWatch[] = []
    try {
      const children: (readonly string[])[] = []
      for (const path of paths) {
        const listed = await listWatched(zk, path, cancellation)
        watches.push(listed.watch)
        children.push(listed.children)
      }
      const found = await find(children)
      if (found !== null) return found
      await cancellation.wait(Promise.race(watches.map(({ fired }) => fired)))
    } finally {
      for (const watch of watches) void watch.close()
    }
  }
}

async function listWatched(
  zk: ZooKeeper,
  path: string,
  cancellation: Cancellation,
): Promise<{ readonly children: readonly string[]; readonly watch: OneShotWatch }> {
  const { signal } = cancellation
  for (;;) {
    try {
      return await persist(cancellation, () => zk.getChildren(path, { watch: true, signal }))
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
    }
    const { stat, watch } = await persist(cancellation, () =>
      zk.exists(path, { watch: true, signal }),
    )
    if (stat === null) return { children: [], watch }
    await watch.close()
  }
}
